"""From the events of a YAML parser to plain values and their lines, within bounds."""

from __future__ import annotations

__all__ = ["MAX_TEXT", "Expander", "Node", "NotPlainError", "Path_", "compose"]

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

MAX_VALUES = 50_000  # in the file; ruamel needs 20 microseconds for each
MAX_NODES = 100_000  # once aliases are expanded, which can make a small file huge
MAX_TEXT = 4_000_000  # characters of all texts, once aliases are expanded
MAX_DEPTH = 50
MAX_KEY = 1_000
_MERGE = "<<"

# The core schema of YAML 1.2.2, section 10.3.2.
_INT = re.compile(r"[-+]?[0-9]{1,100}")
_OTHER_BASE = re.compile(r"0o[0-7]{1,100}|0x[0-9a-fA-F]{1,100}")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_TOO_LONG = re.compile(r"[-+]?[0-9]{101,}|0o[0-7]{101,}|0x[0-9a-fA-F]{101,}")
_WORDS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **{sign + word: float(sign + "inf") for sign in ("", "+", "-") for word in (".inf", ".Inf", ".INF")},
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}
_CORE = "tag:yaml.org,2002:"
_TAGS = {"str": str, "int": int, "float": float, "bool": bool, "null": type(None), "seq": list, "map": dict}

Path_ = tuple[str | int, ...]


class NotPlainError(Exception):
    """The file says more than plain values may: `what`, in which `line`, and a `remedy`."""

    def __init__(self, line: int, what: str, remedy: str = "") -> None:
        super().__init__(what)
        self.line, self.what, self.remedy = line, what, remedy


@dataclass(slots=True, eq=False)
class Node:
    """A value as written: a scalar, a list of nodes, or a list of pairs of nodes; `line` from 1."""

    line: int
    value: Any
    is_map: bool = False
    is_open: bool = False
    pairs: list[tuple[Node, Node]] = field(default_factory=list)


def compose(events: Iterable[Any]) -> Node:
    """The tree of the one document; a value that an alias names stands in it more than once. Raises NotPlainError."""
    tree = _Tree()
    for event in events:
        tree.take(event, event.start_mark.line + 1)
    return tree.root


class _Tree:
    def __init__(self) -> None:
        self.root = Node(1, None)
        self._open: list[Node] = []
        self._keys: list[Node | None] = []
        self._anchors: dict[str, Node] = {}
        self._values = 0
        self._documents = 0

    def take(self, event: Any, line: int) -> None:
        if isinstance(event, DocumentStartEvent):
            self._begin(event, line)
        elif isinstance(event, (MappingEndEvent, SequenceEndEvent)):
            self._keys.pop()
            self._open.pop().is_open = False
        elif isinstance(event, AliasEvent):
            self._add(self._named(event.anchor, line))
        elif isinstance(event, ScalarEvent):
            self._anchor(event, node := Node(line, _scalar(event, line)))
            self._add(node)
        elif isinstance(event, (MappingStartEvent, SequenceStartEvent)):
            is_map = isinstance(event, MappingStartEvent)
            _check_tag(event.tag, dict if is_map else list, line)
            self._anchor(event, node := Node(line, [], is_map=is_map, is_open=True))
            self._add(node)
            self._open.append(node)
            self._keys.append(None)
            if len(self._open) > MAX_DEPTH:
                raise NotPlainError(line, f"is nested more than {MAX_DEPTH} levels deep")

    def _begin(self, event: DocumentStartEvent, line: int) -> None:
        self._documents += 1
        if self._documents > 1:
            raise NotPlainError(line, "a second document begins here", "one file holds one")
        version = getattr(event, "version", None)
        if version is not None and tuple(version) != (1, 2):
            raise NotPlainError(line, "%YAML names another version than 1.2", "leave the line out")

    def _add(self, node: Node) -> None:
        self._values += 1
        if self._values > MAX_VALUES:
            raise NotPlainError(node.line, f"has more than {MAX_VALUES:,} values")
        if not self._open:
            self.root = node
        elif not self._open[-1].is_map:
            self._open[-1].value.append(node)
        elif (key := self._keys[-1]) is None:
            self._keys[-1] = node
        else:
            self._open[-1].pairs.append((key, node))
            self._keys[-1] = None

    def _anchor(self, event: Any, node: Node) -> None:
        if event.anchor is not None:
            self._anchors[event.anchor] = node

    def _named(self, anchor: str, line: int) -> Node:
        node = self._anchors.get(anchor)
        if node is None:
            raise NotPlainError(line, f"no value is named &{anchor[:80]}", "name it before it is used")
        if node.is_open:
            raise NotPlainError(
                line, f"*{anchor[:80]} is inside the value that it stands for", "a value cannot hold itself"
            )
        return node


def _check_tag(tag: str | None, kind: type, line: int) -> None:
    if tag not in (None, "!") and _TAGS.get(str(tag).removeprefix(_CORE)) is not kind:
        what = f"the tag {str(tag)[:80]!r} is not taken here"
        raise NotPlainError(line, what, "leave it out: igent reads plain values")


def _scalar(event: ScalarEvent, line: int) -> Any:
    text: str = event.value
    plain, _ = event.implicit
    tag = str(event.tag or "").removeprefix(_CORE)
    value = _resolve(text, line) if plain or tag in {"int", "float", "bool", "null"} else text
    if event.tag is not None:
        value = float(value) if tag == "float" and type(value) is int else value
        _check_tag(event.tag, type(value), line)
    if isinstance(value, str) and not value.isascii() and any("\ud800" <= c <= "\udfff" for c in value):
        raise NotPlainError(line, "half a surrogate pair is no character", "write the character itself")
    return value


def _resolve(text: str, line: int) -> Any:
    """What a scalar without quotes is: null, a boolean, a number, else text."""
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return int(text)
    if _OTHER_BASE.fullmatch(text):
        return int(text, 0)
    if _TOO_LONG.fullmatch(text):
        raise NotPlainError(line, "is a whole number of more than 100 digits", "put it in quotes if it is a text")
    return float(text) if _FLOAT.fullmatch(text) else text


class Expander:
    """Turns a tree into plain values, aliases expanded and `<<` merged, noting `lines`. Raises NotPlainError."""

    def __init__(self, most_text: int) -> None:
        self.lines: dict[Path_, int] = {(): 1}
        self._nodes, self._text = MAX_NODES, most_text

    def value(self, node: Node, path: Path_ = ()) -> Any:
        """The plain value of a node that stands at `path`."""
        self._count(node)
        if len(path) > MAX_DEPTH:
            raise NotPlainError(node.line, f"is nested more than {MAX_DEPTH} levels deep")
        if node.is_map:
            return self._mapping(node, path)
        if isinstance(node.value, list):
            return [self._at(child, (*path, i), child.line) for i, child in enumerate(node.value)]
        return node.value

    def _at(self, node: Node, path: Path_, line: int) -> Any:
        self.lines[path] = line
        return self.value(node, path)

    def _mapping(self, node: Node, path: Path_) -> dict[Any, Any]:
        found: dict[Any, tuple[Node, Node]] = {}
        merged: list[Node] = []
        for key, child in node.pairs:
            name = self._key(key)
            if name == _MERGE:
                merged += child.value if isinstance(child.value, list) and not child.is_map else [child]
            elif name in found:
                raise NotPlainError(key.line, f"not valid YAML: found duplicate key {name!r}", "keep one of them")
            else:
                found[name] = key, child
        for source in merged:  # what stands here comes first, then the first of those that are merged
            for name, pair in self._merged(source, node.line, 0).items():
                found.setdefault(name, pair)
        return {name: self._at(child, (*path, name), key.line) for name, (key, child) in found.items()}

    def _merged(self, node: Node, line: int, depth: int) -> dict[Any, tuple[Node, Node]]:
        """The keys that a merged mapping brings, those that it merges itself included."""
        self._count(node)  # also where it brings nothing: there may be very many of them
        if not node.is_map or depth > MAX_DEPTH:
            raise NotPlainError(line, "<< takes a mapping, or a list of them")
        found: dict[Any, tuple[Node, Node]] = {}
        later: list[Node] = []
        for key, child in node.pairs:
            self._count(key)
            if key.value == _MERGE:
                later += child.value if isinstance(child.value, list) and not child.is_map else [child]
            else:
                found.setdefault(self._key(key), (key, child))
        for source in later:
            for name, pair in self._merged(source, line, depth + 1).items():
                found.setdefault(name, pair)
        return found

    def _key(self, node: Node) -> Any:
        self._count(node)
        if isinstance(node.value, list):
            raise NotPlainError(node.line, "a key is a text or a number, not a list or a mapping")
        if isinstance(node.value, str) and len(node.value) > MAX_KEY:
            raise NotPlainError(node.line, f"a key has more than {MAX_KEY:,} characters")
        return node.value

    def _count(self, node: Node) -> None:
        self._nodes -= 1
        self._text -= len(node.value) if isinstance(node.value, str) else 0
        if self._nodes < 0 or self._text < 0:
            what = f"its aliases make it more than {MAX_NODES:,} values, or {MAX_TEXT:,} characters"
            raise NotPlainError(node.line, what)
