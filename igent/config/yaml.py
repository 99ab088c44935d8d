"""YAML with the line of every value: YAML 1.2 through ruamel.yaml, duplicate keys refused, size and nesting bounded."""

from __future__ import annotations

__all__ = ["Located", "read_yaml"]

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from igent.errors import ConfigError, Problem

MAX_BYTES = 1_000_000
MAX_NODES = 100_000  # aliases can make a small file huge once they are expanded
MAX_DEPTH = 50

Path_ = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Located:
    """A YAML file as plain values; `lines` maps the path of each value to its line, from 1; `path` is as shown."""

    path: str
    value: Any
    lines: Mapping[Path_, int]

    def where(self, *at: str | int) -> str:
        """ "file:line" of the value at this path, or of its nearest ancestor that has a line."""
        for end in range(len(at), -1, -1):
            line = self.lines.get(tuple(at[:end]))
            if line is not None:
                return f"{self.path}:{line}"
        return self.path


def read_yaml(path: Path, shown: str | None = None) -> Located:
    """Read one YAML file. Raises ConfigError with file, line and remedy: missing, not UTF-8, bad YAML, too large."""
    shown = shown or str(path)
    text = _read_text(path, shown)
    yaml = YAML(typ="rt", pure=True)
    yaml.allow_duplicate_keys = False
    try:
        tree = yaml.load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{shown}:{mark.line + 1}" if mark else shown
        what = (error.problem or error.context or "not valid YAML").strip().splitlines()[0]
        raise ConfigError(Problem(where, f"not valid YAML: {what}")) from error
    except (YAMLError, ValueError, RecursionError) as error:
        raise ConfigError(Problem(shown, f"not valid YAML: {error}")) from error
    flattener = _Flattener(shown)
    return Located(shown, flattener.plain(tree, (), 0), flattener.lines)


def _read_text(path: Path, shown: str) -> str:
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise ConfigError(Problem(shown, "no such file")) from error
    except OSError as error:
        raise ConfigError(Problem(shown, f"cannot be read: {error.strerror}")) from error
    if len(data) > MAX_BYTES:
        raise ConfigError(Problem(shown, f"is larger than {MAX_BYTES:,} bytes"))
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise ConfigError(Problem(f"{shown}:{line}", "is not UTF-8", "save the file as UTF-8")) from error


class _Flattener:
    """Turns ruamel's round-trip tree into plain values, noting lines; expanding aliases within bounds."""

    def __init__(self, shown: str) -> None:
        self.lines: dict[Path_, int] = {(): 1}
        self._shown = shown
        self._nodes = 0

    def plain(self, node: Any, path: Path_, depth: int) -> Any:
        self._nodes += 1
        if self._nodes > MAX_NODES or depth > MAX_DEPTH:
            raise ConfigError(Problem(self._shown, f"has more than {MAX_NODES:,} values or {MAX_DEPTH} levels"))
        if isinstance(node, CommentedMap):
            return {self._key(node, key, path): self.plain(node[key], (*path, key), depth + 1) for key in node}
        if isinstance(node, CommentedSeq):
            return [self._item(node, i, path, depth) for i in range(len(node))]
        if node is None or isinstance(node, bool):
            return node
        for kind in (str, int, float):
            if isinstance(node, kind):
                return kind(node)
        return str(node)

    def _key(self, node: CommentedMap, key: Any, path: Path_) -> Any:
        if key in (node.lc.data or {}):
            self.lines[(*path, key)] = node.lc.key(key)[0] + 1
        return key

    def _item(self, node: CommentedSeq, index: int, path: Path_, depth: int) -> Any:
        if index in (node.lc.data or {}):
            self.lines[(*path, index)] = node.lc.item(index)[0] + 1
        return self.plain(node[index], (*path, index), depth + 1)
