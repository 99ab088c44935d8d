"""Parses the text of a JSON or JSONL file, noting the line of each top-level element. No I/O; linear in the text."""

from __future__ import annotations

__all__ = ["parse_json", "parse_jsonl", "scan_value"]

import re
from collections.abc import Iterator
from json import JSONDecodeError, JSONDecoder
from math import isfinite
from typing import Any, NoReturn

from igent.errors import DataError, Problem
from igent.workload import Document

_MAX_PROBLEMS = 20
_MAX_SHOWN = 60
_SPACE = re.compile(r"[ \t\n\r]*")
_STRING_OR_CONSTANT = re.compile(r'"(?:[^"\\]|\\.)*"|(-?(?:NaN|Infinity))|(-?[0-9][0-9.eE+-]*)')


def parse_json(text: str, shown: str) -> Document:
    """Parse a JSON text into a document; `shown` is the file's name for messages. Raises DataError."""
    return Document(shown, *_Walk(text, shown).document())


def parse_jsonl(text: str, shown: str) -> Document:
    """Parse a text of one JSON value a line into a document whose value is their list; blank lines are skipped.

    Raises DataError with all bad lines, up to 20.
    """
    values: list[Any] = []
    lines: dict[int | str, int] = {}
    problems: list[Problem] = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            value = _Walk(line, shown, number).whole()
        except DataError as error:
            problems.extend(error.problems)
            continue
        lines[len(values)] = number
        values.append(value)
    if len(problems) > _MAX_PROBLEMS:
        more = len(problems) - _MAX_PROBLEMS
        problems[_MAX_PROBLEMS:] = [Problem(shown, f"{more} more lines are not valid JSON")]
    if problems:
        raise DataError(*problems)
    return Document(shown, values, lines)


def scan_value(text: str, at: int = 0) -> tuple[Any, int]:
    """The value that begins at this character, and where it ends. Raises ValueError, and RecursionError, for what
    `parse_json` would not take either; only that says what is wrong."""
    return _DECODER.raw_decode(text, at)


class _RefusedError(ValueError):
    """A number that JSON does not have, or that does not fit."""


def _refuse(word: str) -> NoReturn:
    raise _RefusedError(word)


def _finite(digits: str) -> float:
    number = float(digits)
    return number if isfinite(number) else _refuse(digits)


_DECODER = JSONDecoder(parse_constant=_refuse, parse_float=_finite)


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
            return _DECODER.raw_decode(self._text, at)
        except JSONDecodeError as error:
            self._fail(error.pos, error.msg[:1].lower() + error.msg[1:])
        except RecursionError:
            self._fail(at, "the value that begins here is nested too deeply", "at most some 900 levels are read")
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
