"""Parses the text of a JSON or JSONL file, noting the line of each top-level element. No I/O; linear in the text."""

from __future__ import annotations

__all__ = ["parse_json", "parse_jsonl", "scan_value"]

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from json import JSONDecodeError, JSONDecoder
from math import isfinite
from typing import Any, NoReturn

from igent.errors import DataError, Problem
from igent.workload import Document

_MAX_PROBLEMS = 20
_MAX_COUNTED = 1000
_MAX_SHOWN = 60
_MAX_DEPTH = 100
_SPACE = re.compile(r"[ \t\n\r]*")
_STRING_OR_CONSTANT = re.compile(r'"(?:[^"\\]+|\\.)*+"|(-?(?:NaN|Infinity))|(-?[0-9][0-9.eE+-]*)')


def parse_json(text: str, shown: str) -> Document:
    """Parse a JSON text into a document; `shown` is the file's name for messages. Raises DataError."""
    return Document(shown, *_Walk(text, shown).document())


def parse_jsonl(text: str, shown: str) -> Document:
    """Parse a text of one JSON value a line into a document whose value is their list; blank lines are skipped.

    Raises DataError with all bad lines, up to 20; the rest are counted, up to 1,000.
    """
    values: list[Any] = []
    lines: dict[int | str, int] = {}
    problems: list[Problem] = []
    more = 0
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            value = _Walk(line, shown, number).whole()
        except DataError as error:
            if len(problems) < _MAX_PROBLEMS:
                problems.extend(error.problems)
            elif (more := more + 1) == _MAX_COUNTED:
                break
            continue
        lines[len(values)] = number
        values.append(value)
    if more:
        counted = f"at least {more:,}" if more == _MAX_COUNTED else more
        problems.append(Problem(shown, f"{counted} more lines are not valid JSON"))
    if problems:
        raise DataError(*problems)
    return Document(shown, values, lines)


def scan_value(text: str, at: int = 0) -> tuple[Any, int]:
    """The value that begins at this character, and where it ends. Raises ValueError, and RecursionError, for what
    `parse_json` would not take either; only that says what is wrong."""
    value, end = _DECODER.raw_decode(text, at)
    if text.count("[", at, end) + text.count("{", at, end) > _MAX_DEPTH and _is_deep(value):
        raise RecursionError("nested too deeply")
    return value, end


def _is_deep(value: Any) -> bool:
    """Whether it is nested deeper than can be worked on: JSON that can be read so deep cannot be written."""
    layer = [value]
    for _ in range(_MAX_DEPTH + 1):
        layer = [inner for node in layer if isinstance(node, list | dict) for inner in _parts(node)]
        if not layer:
            return False
    return True


def _parts(node: list[Any] | dict[str, Any]) -> Iterable[Any]:
    return node.values() if isinstance(node, dict) else node


class _RefusedError(ValueError):
    """A number that JSON does not have, or that does not fit."""


class _TwiceError(ValueError):
    """An object has two members of one name: which of them counts is anybody's guess."""


def _object(members: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(members)
    if len(made) < len(members):
        name = next(name for name, count in Counter(name for name, _ in members).items() if count > 1)
        raise _TwiceError(f"the member {_shorten(name)!r} stands twice in an object that begins here, or inside")
    return made


def _refuse(word: str) -> NoReturn:
    raise _RefusedError(word)


def _finite(digits: str) -> float:
    number = float(digits)
    return number if isfinite(number) else _refuse(digits)


_DECODER = JSONDecoder(object_pairs_hook=_object, parse_constant=_refuse, parse_float=_finite)


class _Walk:
    """One pass over the top level of a text; `line` is the number of its first line."""

    def __init__(self, text: str, shown: str, line: int = 1) -> None:
        self._text = text
        self._shown = shown
        self._first_line = line
        self._line = line
        self._counted = 0

    def document(self) -> tuple[Any, dict[int | str, int]]:
        start = self._skip(0)
        lines: dict[int | str, int] = {}
        value: Any
        if self._text.startswith("[", start):
            value = []
            for position, _, element in self._elements(start, "]"):
                lines[len(value)] = self._line_at(position)
                value.append(element)
        elif self._text.startswith("{", start):
            value = {}
            for position, key, element in self._elements(start, "}"):
                if key in value:
                    self._fail(position, f"the member {_shorten(key)!r} stands here for the second time")
                lines[key] = self._line_at(position)
                value[key] = element
        else:
            value = self.whole()
        return value, lines

    def whole(self) -> Any:
        """The text as one value."""
        value, end = self._value(self._skip(0))
        self._expect_end(end)
        return value

    def _elements(self, start: int, close: str) -> Iterator[tuple[int, str, Any]]:
        """The elements or members between the brackets: (position, key or "", value)."""
        at = self._skip(start + 1)
        while not self._text.startswith(close, at):
            position, key = at, ""
            if close == "}":
                key, at = self._key(at)
            value, at = self._value(at)
            yield position, key, value
            at = self._skip(at)
            if not self._text.startswith((",", close), at):
                self._fail(at, f"a comma or {close} is missing here", "or the text before it is not complete")
            if self._text.startswith(",", at):
                comma, at = at, self._skip(at + 1)
                if self._text.startswith(close, at):
                    self._fail(comma, f"a comma before {close}", "remove it")
        self._expect_end(at + 1)

    def _key(self, at: int) -> tuple[str, int]:
        if not self._text.startswith('"', at):
            self._fail(at, "a member's name in double quotes is missing here")
        key, at = self._value(at)
        at = self._skip(at)
        if not self._text.startswith(":", at):
            self._fail(at, "a colon is missing here")
        return key, self._skip(at + 1)

    def _value(self, at: int) -> tuple[Any, int]:
        try:
            return scan_value(self._text, at)
        except JSONDecodeError as error:
            self._fail(error.pos, error.msg[:1].lower() + error.msg[1:])
        except RecursionError:
            self._fail(at, "the value that begins here is nested too deeply", f"at most {_MAX_DEPTH} levels are read")
        except _TwiceError as error:
            self._fail(at, str(error), "keep one of them")
        except ValueError as error:
            word = str(error) if isinstance(error, _RefusedError) else ""
            self._fail(self._find_number(at, word), f"{_shorten(word) or 'a number of this length'} cannot be used")

    def _find_number(self, start: int, word: str) -> int:
        """Where the number that the decoder refused stands: the first such word that is not inside a string."""
        for token in _STRING_OR_CONSTANT.finditer(self._text, start):
            found = token[1] or token[2]
            if found and (found == word or (not word and len(found) > 4000)):
                return token.start()
        return start

    def _skip(self, at: int) -> int:
        match = _SPACE.match(self._text, at)
        return match.end() if match else at

    def _expect_end(self, at: int) -> None:
        at = self._skip(at)
        if at < len(self._text):
            self._fail(at, "more text after the end of the value", "for one value a line, name the file .jsonl")

    def _line_at(self, position: int) -> int:
        self._line += self._text.count("\n", self._counted, position)
        self._counted = position
        return self._line

    def _fail(self, position: int, what: str, remedy: str = "") -> NoReturn:
        begin = self._text.rfind("\n", 0, position) + 1
        end = self._text.find("\n", position)
        line = self._text[begin : end if end >= 0 else len(self._text)]
        number = self._first_line + self._text.count("\n", 0, position)
        column = position - begin
        excerpt = line[max(0, column - _MAX_SHOWN // 2) :][:_MAX_SHOWN].strip()
        what = f"not valid JSON: {what}" + (f": {excerpt}" if excerpt else " (the text ends)")
        raise DataError(Problem(f"{self._shown}:{number}:{column + 1}", what, remedy))


def _shorten(text: str) -> str:
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…"
