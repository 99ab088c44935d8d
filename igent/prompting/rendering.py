"""Renders one template, whoever wrote it: what is plain here, everything else in a child process with limits.

Plain are variables, their filters without arguments, constants and `if`: they cannot take long, and make no more text
than there is room for. A sandbox alone lets a template take all memory and time that there is.
"""

from __future__ import annotations

__all__ = ["MAX_OUTPUT", "RenderError", "child", "is_plain", "render_text"]

import json
from collections.abc import Iterable, Mapping
from typing import Any

from jinja2 import StrictUndefined, TemplateError, TemplateRuntimeError, TemplateSyntaxError, Undefined, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from igent.confined import ConfinedError, Limits, run_confined

MAX_OUTPUT = 1_000_000
_LIMITS = Limits(memory=512 << 20, cpu_seconds=1, wall_seconds=10, result=7 * MAX_OUTPUT)  # as JSON it may be longer
_MOST_NODES, _MOST_DEPTH = 2_000, 20
_FILTERS = frozenset({"upper", "lower", "capitalize", "title", "trim", "length", "tojson"})
_COMPARISONS = frozenset({"eq", "ne", "in", "notin"})
_PLAIN = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.Getattr, nodes.If, nodes.Not,
    nodes.And, nodes.Or, nodes.Compare, nodes.Operand, nodes.Filter, nodes.Test,
)  # fmt: skip
_FILES = (nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends)
# What Jinja2, and the code that it makes, raise at a template that is wrong.
_WRONG = (
    TemplateError, ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, SyntaxError, TypeError,
    ValueError,
)  # fmt: skip


class RenderError(Exception):
    """The template cannot be rendered: `what` is wrong, in which `line` (None: not known)."""

    def __init__(self, what: str, line: int | None = None) -> None:
        super().__init__(what)
        self.what, self.line = what, line


def render_text(text: str, variables: Mapping[str, str]) -> str:
    """The template with these variables. Raises RenderError; takes seconds at most, and bounded memory."""
    try:
        tree = _environment().parse(text)
        other = next(iter(tree.find_all(_FILES)), None)
    except _WRONG as error:
        raise _error(error) from error
    if other is not None:
        raise RenderError("a prompt is one file: nothing can be included or imported", other.lineno)
    return _render(text, variables) if is_plain(tree) else _render_confined(text, variables)


def is_plain(tree: nodes.Template) -> bool:
    """Whether the template can neither take long nor grow: decided by its syntax tree, whatever the values are."""
    left: list[tuple[nodes.Node, int]] = [(tree, 0)]
    count = 0
    while left:
        node, depth = left.pop()
        count += 1
        if count > _MOST_NODES or depth > _MOST_DEPTH or not _is_plain(node):
            return False
        left += [(inner, depth + 1) for inner in node.iter_child_nodes()]
    return True


def _is_plain(node: nodes.Node) -> bool:
    match node:
        case nodes.Filter():
            bare = not (node.args or node.kwargs or node.dyn_args or node.dyn_kwargs)
            return bare and node.name in _FILTERS and isinstance(node.node, nodes.Name)
        case nodes.Test():
            return node.name in {"defined", "undefined"} and isinstance(node.node, nodes.Name)
        case nodes.Operand():
            return node.op in _COMPARISONS
    return isinstance(node, _PLAIN)


def child(data: bytes) -> bytes:
    """What the child process does: {"text", "variables"} to {"text"}, or {"what", "line"}; all of it JSON."""
    asked = json.loads(data)
    try:
        return json.dumps({"text": _render(asked["text"], asked["variables"])}).encode()
    except RenderError as error:
        return json.dumps({"what": error.what[:2000], "line": error.line}).encode()


def _render_confined(text: str, variables: Mapping[str, str]) -> str:
    asked = json.dumps({"text": text, "variables": dict(variables)}).encode()
    try:
        said = json.loads(run_confined(f"{__name__}:child", asked, _LIMITS))
    except ConfinedError as error:
        raise RenderError(f"cannot be rendered: {error}") from error
    if "text" not in said:
        raise RenderError(said["what"], said["line"])
    return str(said["text"])


def _render(text: str, variables: Mapping[str, str]) -> str:
    try:
        return _joined(_environment().from_string(text).generate(dict(variables)))
    except _WRONG as error:
        raise _error(error) from error


def _joined(pieces: Iterable[str]) -> str:
    """The text as one, which is never longer than allowed."""
    kept, length = [], 0
    for piece in pieces:
        length += len(piece.encode())  # UnicodeEncodeError, a ValueError: half a surrogate pair
        if length > MAX_OUTPUT:
            raise TemplateRuntimeError(f"makes more than {MAX_OUTPUT:,} bytes")
        kept.append(piece)
    return "".join(kept)


def _environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined,
        autoescape=False,
        keep_trailing_newline=False,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalize,
        cache_size=0,
    )
    for risky in ("lipsum", "cycler", "joiner"):  # reach into modules, or make text without bound
        environment.globals.pop(risky, None)
    return environment


def _finalize(value: Any) -> Any:
    """A function or an object has no text of its own but its address."""
    if value is None or isinstance(value, (str, int, float, list, tuple, dict, Undefined)):
        return value
    raise TemplateRuntimeError(f"a {type(value).__name__} is no text")


def _error(error: Exception) -> RenderError:
    line = error.lineno if isinstance(error, TemplateSyntaxError) else None
    trace = error.__traceback__
    while trace is not None and not isinstance(error, TemplateSyntaxError):
        if trace.tb_frame.f_code.co_filename == "<template>":
            line = trace.tb_lineno
        trace = trace.tb_next
    if isinstance(error, TemplateError):
        return RenderError(error.message or str(error), line)
    if isinstance(error, RecursionError):
        return RenderError("is nested too deeply", line)
    return RenderError(f"{type(error).__name__}: {error}", line)
