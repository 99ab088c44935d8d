"""Holds the architecture: imports point down, rooms do not import each other, some libraries stay in one room."""

import ast
import re
from collections import defaultdict
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "igent"
BASE = {
    "errors", "types", "outcome", "workload", "flow", "cells", "clock", "confined", "disk", "fence", "files", "config",
}  # fmt: skip
ROOMS = {
    "records", "prompting", "models", "agents", "parsing",
    "validation", "capacity", "writing", "reporting", "workloads", "caching", "embedding",
}  # fmt: skip
TOP = {"workflows"}
ONLY_IN = {
    "openai": {"models"},
    "autogen_agentchat": {"agents"},
    "filelock": {"disk"},
    "aiofiles": {"records"},
    "python_calamine": {"records"},
    "pypdfium2": {"records"},
    "sqlite3": {"caching"},
    "wordllama": {"embedding"},
    "xlsxwriter": {"writing"},
}


def modules() -> dict[str, ast.Module]:
    found = {}
    for path in PACKAGE.rglob("*.py"):
        name = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
        found[name] = ast.parse(path.read_text(encoding="utf-8"))
    return found


def imports_of(tree: ast.Module) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


MODULES = modules()


def room_of(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else ""


def allowed(room: str) -> set[str]:
    if room in BASE:
        return BASE
    if room in ROOMS:
        return BASE | {room}
    return BASE | ROOMS | TOP | {""}


def test_there_are_rooms_to_look_at():
    seen = {room_of(name) for name in MODULES}
    assert seen >= ROOMS | TOP | BASE


@pytest.mark.parametrize("name", sorted(MODULES))
def test_imports_point_down(name):
    inner = {module for module in imports_of(MODULES[name]) if module.split(".")[0] == "igent" and "." in module}
    wrong = {module for module in inner if room_of(module) not in allowed(room_of(name))}
    assert not wrong, f"{name} may not import {wrong}"


@pytest.mark.parametrize("name", sorted(MODULES))
def test_some_libraries_stay_in_one_room(name):
    libraries = {module.split(".")[0] for module in imports_of(MODULES[name])}
    for library, rooms in ONLY_IN.items():
        assert library not in libraries or room_of(name) in rooms, f"{name} may not import {library}"


def test_no_import_cycles():
    graph: dict[str, set[str]] = defaultdict(set)
    for name, tree in MODULES.items():
        graph[name] = {m for m in imports_of(tree) if m in MODULES and m != name and m != "igent"}
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, f"import cycle: {' -> '.join([*path, name])}"
        if name not in done:
            for other in sorted(graph[name]):
                visit(other, (*path, name))
            done.add(name)

    for name in sorted(graph):
        visit(name, ())


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_files_and_functions_are_short(path):
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= 300, "a second idea in this file?"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            docstring = ast.get_docstring(node, clean=False) or ""
            lines = (node.end_lineno or 0) - node.lineno + 1 - len(docstring.splitlines())
            assert lines <= 50, f"{node.name} has {lines} lines: a second thought in it?"


def test_only_settings_reads_the_environment():
    pattern = re.compile(r"os\.environ|getenv")
    readers = {str(p.relative_to(PACKAGE)) for p in PACKAGE.rglob("*.py") if pattern.search(p.read_text("utf-8"))}
    assert readers <= {"config/settings.py"}


def test_only_a_record_and_the_command_line_catch_everything():
    catchers = {
        str(p.relative_to(PACKAGE))
        for p in PACKAGE.rglob("*.py")
        if re.search(r"^\s*except Exception\b", p.read_text("utf-8"), re.MULTILINE)
    }
    assert catchers == {"workflows/record.py", "workflows/graph/units.py", "workflows/cli.py"}


def test_every_module_says_what_it_exports():
    silent = [name for name, tree in MODULES.items() if not _exports(tree) and not _is_bare(tree)]
    assert not silent


def _exports(tree: ast.Module) -> bool:
    return any(isinstance(n, ast.Assign) and getattr(n.targets[0], "id", "") == "__all__" for n in tree.body)


def _is_bare(tree: ast.Module) -> bool:
    defines = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return not any(isinstance(node, defines) for node in tree.body)
