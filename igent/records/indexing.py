"""Walks a list in a file once, a block at a time: each element is parsed, its place is noted, its value is not kept."""

from __future__ import annotations

__all__ = ["open_list"]

import codecs
import re
from json import JSONDecodeError
from pathlib import Path
from typing import BinaryIO

from igent.records.elements import Elements, HeldFile, Index, ListDocument
from igent.records.json_parser import scan_value

_BLOCK = 1 << 16
_OPEN_END = len("e+")  # what may stand between a number that seems to end and the rest of it
_SPACE = " \t\n\r"
_SPACES = re.compile(f"[{_SPACE}]*")


def open_list(path: Path, shown: str, *, lines: bool) -> ListDocument | None:
    """The list in a JSON file, or that of the values in a file with one in each of its `lines`.

    None for whatever else it is: another value, not valid JSON, not UTF-8, no file that can be read twice. Reading it
    whole tells what, and what is wrong with it.
    """
    try:
        if not path.is_file():
            return None
        file = HeldFile(path)
        with open(file.descriptor, "rb", closefd=False) as stream:
            index = _index_lines(stream) if lines else _index_json(stream)
    except (OSError, ValueError, RecursionError):
        return None
    return None if index is None else ListDocument(shown, Elements(file, index, shown), index)


def _index_lines(stream: BinaryIO) -> Index | None:
    index, offset = Index(), 0
    for number, line in enumerate(stream, 1):
        mark = len(codecs.BOM_UTF8) if not offset and line.startswith(codecs.BOM_UTF8) else 0
        text = line[mark:].decode()
        if text.strip():
            start = len(text) - len(text.lstrip(_SPACE))
            _, end = scan_value(text, start)
            if text[end:].strip(_SPACE):
                return None
            index.add(offset + mark + start, text[start:end].encode(), number)  # what is before it are single bytes
        offset += len(line)
    return index if index.offsets else None


def _index_json(stream: BinaryIO) -> Index | None:
    index, window = Index(), _Window(stream)
    if window.next() != "[":
        return None
    window.at += 1
    if window.next() == "]":
        window.at += 1
        return None if window.next() else index
    while True:
        offset, line, data = window.element()
        index.add(offset, data, line)
        mark = window.next()
        window.at += 1
        if mark == "]":
            return None if window.next() else index
        if mark != "," or window.next() == "":
            return None


class _Window:
    """The part of a long text that is looked at: `text`, and in it the place `at`."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._ended = False
        self.text, self.at = "", 0
        # What is known of one character of the text: its place there, its byte in the file, and its line.
        self._known, self._offset, self._line = 0, 0, 1
        self._more()
        if self.text.startswith("\ufeff"):
            self.at = 1

    def next(self) -> str:
        """Go to the next character that is no white space, and return it; "" at the end."""
        while True:
            match = _SPACES.match(self.text, self.at)
            self.at = match.end() if match else self.at
            if self.at < len(self.text) or self._ended:
                return self.text[self.at : self.at + 1]
            self._more()

    def element(self) -> tuple[int, int, bytes]:
        """Go over the value that begins here: its byte in the file, its line, and its bytes. Raises ValueError."""
        while True:
            try:
                _, end = scan_value(self.text, self.at)
                if end + _OPEN_END < len(self.text) or self._ended:
                    break
            except JSONDecodeError:
                if self._ended:
                    raise
            self._more()
        self._know(self.at)
        data = self.text[self.at : end].encode()
        self.at = end
        return self._offset, self._line, data

    def _know(self, place: int) -> None:
        passed = place - self._known
        if not self.text.isascii():
            passed = len(self.text[self._known : place].encode())
        self._line += self.text.count("\n", self._known, place)
        self._offset, self._known = self._offset + passed, place

    def _more(self) -> None:
        """Read on; a value that does not end here is tried again with twice as much: all tries together are linear."""
        self._know(self.at)
        rest = self.text[self.at :]
        size = max(_BLOCK, len(rest))
        data = self._stream.read(size)
        self._ended = len(data) < size
        self.text, self.at, self._known = rest + self._decoder.decode(data, self._ended), 0, 0
