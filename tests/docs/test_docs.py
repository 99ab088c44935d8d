"""Documents that run: every block of README and docs is executed, and what they list is compared with the code.

A page's blocks run in order, in one temporary folder; its Python blocks share their names. By its language a block is
- python: executed;
- console, bash: each line is a command of igent (or `cd`), run in this process; it must end with 0;
- yaml with `name` and `phases`: written to constellations/NAME.yaml, validated, and run with the mock;
- yaml wrong: validated; the messages must be those of the next block;
- anything with a file name behind the language: written to that file;
- text, sh: for people only (a key, a server, an installation).
"""

import json
import re
import shlex
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from igent.config import constellation as spec
from igent.config.locate import shipped_root
from igent.config.phases import KINDS
from igent.config.settings import Settings
from igent.config.yaml import read_yaml
from igent.workflows.cli import cli
from igent.workflows.cli_run import run
from igent.workloads.crosswalk import generate as crosswalk_generate
from igent.workloads.crosswalk.rules import RULES as CROSSWALK_RULES
from igent.workloads.sbus import generate
from igent.workloads.sbus.workload import RULES

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCE = re.compile(r"^(?P<fence>`{3,})(?P<info>[^\n`]*)\n(?P<body>.*?)^(?P=fence)[ \t]*$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
COMMANDS = {
    ("python", "-m", "igent.workloads.sbus.generate"): generate.main,
    ("python", "-m", "igent.workloads.crosswalk.generate"): crosswalk_generate.main,
    ("python", "-m", "igent.workflows"): run,
    ("python", "-m", "igent"): cli,
    ("igent",): cli,
}


@dataclass
class Block:
    where: str
    line: int
    language: str
    argument: str
    body: str


def page_text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def blocks_of(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    found = []
    for match in FENCE.finditer(text):
        language, _, argument = match["info"].strip().partition(" ")
        line = text.count("\n", 0, match.start()) + 1
        found.append(Block(f"{page.name}:{line}", line, language, argument.strip(), match["body"]))
    return found


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The page's folder: the current one, with no settings from outside; modules made in it are forgotten."""
    monkeypatch.chdir(tmp_path)
    for name in [*Settings.model_fields, "api_key", "base_url"]:
        monkeypatch.delenv(f"IGENT_{name.upper()}", raising=False)
        monkeypatch.delenv(f"OPENAI_{name.upper()}", raising=False)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield tmp_path
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None) or "").startswith(str(tmp_path)):
            del sys.modules[name]


def call(arguments: list[str]) -> int:
    """Run a command of igent in this process and return its exit code."""
    for prefix, command in COMMANDS.items():
        if tuple(arguments[: len(prefix)]) == prefix:
            given = arguments[len(prefix) :]
            starts_run = command is run or given[:1] == ["run"]
            harmless = "--help" in given or given[:1] != ["mock-server"]
            assert harmless, f"{arguments}: a server does not end: make it a text block"
            assert "--mock" in given or "--help" in given or not starts_run, (
                f"{arguments}: without --mock: make it text"
            )
            return command.main(given, prog_name="igent", standalone_mode=False) or 0
    raise AssertionError(f"{arguments}: no command of igent: make it a text or sh block")


def run_console(block: Block, monkeypatch: pytest.MonkeyPatch) -> None:
    for line in block.body.splitlines():
        arguments = shlex.split(line.removeprefix("$ "), comments=True)
        if arguments[:1] == ["cd"]:
            monkeypatch.chdir(arguments[1])
        elif arguments:
            assert call(arguments) == 0, f"{block.where}: {line}"


def write_constellation(block: Block) -> str | None:
    """Write it to constellations/ if it is a constellation, and return its name."""
    Path("block.yaml").write_text(block.body, encoding="utf-8")
    content = read_yaml(Path("block.yaml")).value
    Path("block.yaml").unlink()
    if not {"name", "phases"} <= content.keys():
        return None
    path = Path("constellations", f"{content['name']}.yaml")
    path.parent.mkdir(exist_ok=True)
    path.write_text(block.body, encoding="utf-8")
    return str(content["name"])


def run_wrong(block: Block, expected: str, capsys: pytest.CaptureFixture[str]) -> None:
    name = write_constellation(block)
    capsys.readouterr()
    path = Path("constellations", f"{name}.yaml")
    assert call(["igent", "validate", str(path)]) == 2
    assert capsys.readouterr().err == expected, block.where
    path.unlink()


def run_yaml(block: Block) -> None:
    name = write_constellation(block)
    if name is not None:
        assert call(["igent", "validate", name]) == 0, block.where
        assert call(["igent", "run", name, "--mock", "--max-items", "3", "--quiet"]) == 0, block.where


def run_python(block: Block, names: dict[str, object]) -> None:
    code = compile("\n" * block.line + block.body, block.where.partition(":")[0], "exec")
    exec(code, names)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_block_runs(page, folder, monkeypatch, capsys):
    blocks = blocks_of(page)
    names: dict[str, object] = {"__name__": "page"}
    for block, following in zip(blocks, [*blocks[1:], None], strict=False):
        match block.language, block.argument:
            case "yaml", "wrong":
                assert following is not None
                run_wrong(block, following.body, capsys)
            case _, file if file:
                Path(file).parent.mkdir(parents=True, exist_ok=True)
                Path(file).write_text(block.body, encoding="utf-8")
            case "python", _:
                run_python(block, names)
            case (("console" | "bash"), _):
                run_console(block, monkeypatch)
            case "yaml", _:
                run_yaml(block)
            case "json", _:
                json.loads(block.body)
            case language, _:
                assert language in {"text", "sh"}, f"{block.where}: what is {language!r}? See this file's docstring"


def test_the_pages_are_there_and_have_blocks_that_run():
    counts = {page.name: sum(block.language in {"python", "console"} for block in blocks_of(page)) for page in PAGES}
    expected = {
        "README.md",
        "constellations.md",
        "crosswalk.md",
        "decoder.md",
        "graphs.md",
        "how-it-works.md",
        "profiling.md",
        "python.md",
        "running.md",
    }
    assert {*expected, "sbus.md", "workloads.md"} <= {name for name, count in counts.items() if count}


@pytest.mark.parametrize("name", sorted(path.stem for path in (shipped_root() / "constellations").glob("*.yaml")))
def test_every_shipped_constellation_runs_and_its_files_are_explained(name, folder):
    assert call(["igent", "run", name, "--mock", "--max-items", "3", "--quiet", "--out", "out"]) == 0
    explained = page_text("docs/running.md") + page_text("docs/crosswalk.md")
    assert [file.name for file in Path("out").iterdir() if f"`{file.name}`" not in explained] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page):
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    links = [link for link in LINK.findall(text) if "://" not in link and not link.startswith("#")]
    assert [link for link in links if not (page.parent / link.partition("#")[0]).exists()] == []


def test_every_option_of_run_is_explained():
    table = page_text("docs/running.md").partition("## Options of `igent run`")[2].partition("\n\n`igent retry`")[0]
    options = {option for parameter in run.params for option in (*parameter.opts, *parameter.secondary_opts)}
    assert [option for option in sorted(options - {"constellation"}) if not re.search(rf"`{option}[` ]", table)] == []


def test_every_command_is_explained():
    running = page_text("docs/running.md")
    assert [name for name in cli.commands if f"`igent {name}" not in running] == []


def test_every_setting_of_the_environment_is_explained():
    running = page_text("docs/running.md")
    names = [f"IGENT_{name.upper()}" for name in Settings.model_fields if name != "model"]
    assert [name for name in names if f"`{name}`" not in running] == []


def test_every_key_of_a_constellation_is_explained():
    page = page_text("docs/constellations.md")
    models = [getattr(spec, name) for name in spec.__all__]
    keys = {field.alias or name for model in models for name, field in model.model_fields.items()}
    assert [key for key in sorted(keys) if f"`{key}`" not in page] == []


def complete_constellation(page: str, name: str) -> str:
    return next(block.body for block in blocks_of(ROOT / "docs" / page) if f"name: {name}\n" in block.body)


def test_the_complete_constellations_have_every_key():
    chain, graph = (
        complete_constellation("constellations.md", "greener"),
        complete_constellation("graphs.md", "helpdesk"),
    )
    models = [getattr(spec, name) for name in spec.__all__]
    keys = {field.alias or name for model in models for name, field in model.model_fields.items()}
    of_graphs = {"kind", "batch", "where", "cascade", "resources"}
    of_graphs |= {*spec.CascadeSpec.model_fields, *spec.Resources.model_fields}
    missing = {key for key in keys if not re.search(rf"\b{key}:", chain)}
    assert missing - of_graphs == {"type", "with"}
    assert {key for key in of_graphs if not re.search(rf"\b{key}:", graph)} == set()


def test_every_kind_of_phase_and_every_key_of_it_is_explained_and_shown():
    page, block = page_text("docs/graphs.md"), complete_constellation("graphs.md", "helpdesk")
    assert [kind for kind in KINDS if f"kind: {kind}\n" not in block and f"kind: {kind}," not in block] == []
    kinds = [model for kind, model in KINDS.items() if kind != "converse"]
    keys = {name for model in kinds for name in model.model_fields}
    assert [key for key in sorted(keys) if f"`{key}`" not in page or not re.search(rf"\b{key}:", block)] == []


def test_every_rule_that_ships_is_explained():
    for name, rules in (("sbus", RULES), ("crosswalk", CROSSWALK_RULES)):
        page = page_text(f"docs/{name}.md")
        assert [rule for rule in rules if f"| `{rule}` |" not in page] == []
