"""Walks a list in a file once, a block at a time: each element is parsed, its place is noted, its value is not kept."""

from __future__ import annotations

__all__ = ["open_list"]

import codecs
import re
from json import JSONDecodeError
from pathlib import Path
from typing import BinaryIO

from igent.errors import DataError, Problem
from igent.records.elements import Index, ListDocument, too_large
from igent.records.json_parser import scan_value
from igent.records.sources import MOST_OF_A_RECORD, MOST_WHOLE, file_errors, open_file

_BLOCK = 1 << 16
_LINE_MORE = 64  # of a line there may be a mark before the record, and white space around it
_CUT_OFF = 16  # an error for want of more text is told so near to its end: "-Infinit", half an escape …
_OPEN_END = len("e+")  # what may stand between a number that seems to end and the rest of it
_SPACE = " \t\n\r"
_SPACES = re.compile(f"[{_SPACE}]*")


def open_list(path: Path, shown: str, *, lines: bool) -> ListDocument | None:
    """The list in a JSON file, or that of the values in a file with one in each of its `lines`.

    None for whatever else it is: another value, not valid JSON, not UTF-8. Reading it whole tells what, and what is
    wrong with it. Raises DataError for a file that cannot be read, or is too large for that; `shown` is its name there.
    """
    with file_errors(path, shown):
        file = open_file(path, shown)
        with file.stream() as stream:
            walk = _LineWalk(stream, shown) if lines else _Window(stream, shown)
            try:
                index, why = walk.index(), "it is no list"
            except (ValueError, RecursionError) as error:
                index, why = None, str(error)[:200] or "it is nested too deeply"
    if index is None and file.size > MOST_WHOLE:
        remedy = f"only lists are read from files of more than {MOST_WHOLE:,} bytes"
        raise DataError(Problem(f"{shown}:{walk.line}", f"not valid JSON, here or soon after: {why}", remedy))
    return None if index is None else ListDocument(file, index)


class _LineWalk:
    """The way through a file of one value a line; `line` is where it is."""

    def __init__(self, stream: BinaryIO, shown: str) -> None:
        self._stream, self._shown, self.line = stream, shown, 0

    def index(self) -> Index | None:
        """Where the values are; None when something is behind one. Raises ValueError, RecursionError and DataError."""
        index, offset = Index(self._shown), 0
        while line := self._stream.readline(MOST_OF_A_RECORD + _LINE_MORE):
            self.line += 1
            if len(line) == MOST_OF_A_RECORD + _LINE_MORE:
                raise too_large(self._shown, self.line)
            mark = len(codecs.BOM_UTF8) if not offset and line.startswith(codecs.BOM_UTF8) else 0
            text = line[mark:].decode()
            if text.strip():
                start = len(text) - len(text.lstrip(_SPACE))
                _, end = scan_value(text, start)
                if text[end:].strip(_SPACE):
                    return None
                # What is before it are single bytes.
                index.add(offset + mark + start, text[start:end].encode(), self.line)
            offset += len(line)
        return index if index.offsets else None


class _Window:
    """The part of a long text that is looked at: `text`, and in it the place `at`."""

    def __init__(self, stream: BinaryIO, shown: str) -> None:
        self._stream, self._shown = stream, shown
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._ended = False
        self.text, self.at = "", 0
        # What is known of one character of the text: its place there, its byte in the file, and its line.
        self._known, self._offset, self.line = 0, 0, 1

    def index(self) -> Index | None:
        """Where the elements of the list are; None when it is none. Raises ValueError, RecursionError and DataError."""
        index = Index(self._shown)
        self._more()
        if self.text.startswith("\ufeff"):
            self.at = 1
        if self.next() != "[":
            return None
        self.at += 1
        if self.next() == "]":
            self.at += 1
            return None if self.next() else index
        while True:
            offset, line, data = self.element()
            index.add(offset, data, line)
            mark = self.next()
            self.at += 1
            if mark == "]":
                return None if self.next() else index
            if mark != "," or self.next() == "":
                return None

    def next(self) -> str:
        """Go to the next character that is no white space, and return it; "" at the end."""
        while True:
            match = _SPACES.match(self.text, self.at)
            self.at = match.end() if match else self.at
            if self.at < len(self.text) or self._ended:
                return self.text[self.at : self.at + 1]
            self._more()

    def element(self) -> tuple[int, int, bytes]:
        """Go over the value that begins here: its byte in the file, its line, and its bytes.

        Raises ValueError, RecursionError, and DataError when it has no end within what a record may have.
        """
        while True:
            try:
                _, end = scan_value(self.text, self.at)
                if end + _OPEN_END < len(self.text) or self._ended:
                    break
            except JSONDecodeError as error:
                if self._ended or self._is_wrong(error):
                    raise
            if len(self.text) - self.at > MOST_OF_A_RECORD:
                self._know(self.at)
                raise too_large(self._shown, self.line)
            self._more()
        self._know(self.at)
        data = self.text[self.at : end].encode()
        self.at = end
        return self._offset, self.line, data

    def _is_wrong(self, error: JSONDecodeError) -> bool:
        """Whether it is more than that the text ends in the middle of a value."""
        return error.pos + _CUT_OFF < len(self.text) and not error.msg.startswith("Unterminated string")

    def _know(self, place: int) -> None:
        passed = place - self._known
        if not self.text.isascii():
            passed = len(self.text[self._known : place].encode())
        self.line += self.text.count("\n", self._known, place)
        self._offset, self._known = self._offset + passed, place

    def _more(self) -> None:
        """Read on; a value that does not end here is tried again with twice as much: all tries together are linear."""
        self._know(self.at)
        rest = self.text[self.at :]
        size = max(_BLOCK, len(rest))
        data = self._stream.read(size)
        self._ended = len(data) < size
        self.text, self.at, self._known = rest + self._decoder.decode(data, self._ended), 0, 0
