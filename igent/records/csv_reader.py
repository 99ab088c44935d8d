"""Reads CSV and TSV: each row is an object of texts by the names in the first one, parsed when it is looked at."""

from __future__ import annotations

__all__ = ["open_csv"]

import codecs
import csv
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from igent.errors import DataError, Problem
from igent.records.elements import Index, ListDocument, too_large
from igent.records.headers import header_problems
from igent.records.sources import MOST_OF_A_RECORD, file_errors, kind_of, open_file

_MAX_PROBLEMS = 20
_HEAD = 1 << 16  # so far into the file its separator is looked for
_DELIMITERS = (",", ";", "\t")
_QUOTED = re.compile(r'"[^"]*"')
_SAID = (
    ("unexpected end of data", "a quote that is opened in this row is not closed", "close it, or double it: \"\""),
    ("expected after", "there is text behind a closing quote", "double each quote that is part of a text: \"\""),
    ("field larger", "a cell of this row is too long", "shorten it; or close the quote that is opened before it"),
    ("new-line character", "a line ends with CR alone", "save it with the line ends of Windows or Unix"),
)  # fmt: skip


def open_csv(path: Path, shown: str, delimiter: str | None = None) -> ListDocument:
    """The rows of a file in UTF-8, with or without a byte order mark, as a list document.

    `delimiter` None takes that of comma, semicolon and tab of which the first line has most. Quoted cells may have line
    breaks in them. An empty cell is null; rows without any text are left out. `shown` is the file's name for messages.

    Raises DataError, with file and line, for a file that cannot be read, is no CSV, or has an unusable first row; and
    of rows that have more or fewer cells than that, all up to 20.
    """
    with file_errors(path, shown):
        file = open_file(path, shown)
        with file.stream() as stream:
            head = stream.read(_HEAD)
            if (kind := kind_of(head)) is not None:
                raise DataError(Problem(shown, f"the file is {kind}", 'save it as "CSV UTF-8"'))
            stream.seek(0)
            rows = _Rows(stream, shown, delimiter or _delimiter(head))
            header, index = _walk(rows, shown)
    return ListDocument(file, index, _Parse(header, rows.delimiter))


class _Rows:
    """The rows of a file, each with its byte, its line and its bytes."""

    def __init__(self, stream: BinaryIO, shown: str, delimiter: str) -> None:
        self._stream, self._shown, self.delimiter = stream, shown, delimiter
        self._offset = 0
        self._lines = 0
        self._row: list[bytes] = []
        self._size = 0
        self._begun = 1

    def __iter__(self) -> Iterator[tuple[int, int, bytes, list[str]]]:
        reader = csv.reader(self._texts(), delimiter=self.delimiter, strict=True)
        while True:
            self._begun, self._row, self._size = self._lines + 1, [], 0
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                raise self._wrong(error) from error
            yield self._offset, self._begun, b"".join(self._row), cells
            self._offset += self._size

    def _texts(self) -> Iterator[str]:
        """Line after line, as the reader of rows asks for them: none beyond the row that it is in."""
        while line := self._stream.readline(MOST_OF_A_RECORD + 1 - self._size):
            self._lines += 1
            if self._size + len(line) > MOST_OF_A_RECORD:
                raise too_large(self._shown, self._begun)
            if not self._offset and not self._size and line.startswith(codecs.BOM_UTF8):
                self._offset, line = len(codecs.BOM_UTF8), line[len(codecs.BOM_UTF8) :]
            self._row.append(line)
            self._size += len(line)
            yield self._decode(line)

    def _decode(self, line: bytes) -> str:
        where = f"{self._shown}:{self._lines}"
        if b"\0" in line:
            raise DataError(Problem(where, "there is a NUL byte in this line", 'save it again as "CSV UTF-8"'))
        try:
            return line.decode()
        except UnicodeDecodeError as error:
            what = f"byte 0x{line[error.start]:02x} is not UTF-8"
            raise DataError(Problem(where, what, 'save it as "CSV UTF-8"')) from error

    def _wrong(self, error: csv.Error) -> DataError:
        said = str(error)
        found = ((what, remedy) for sign, what, remedy in _SAID if sign in said)
        what, remedy = next(found, (said, ""))
        return DataError(Problem(f"{self._shown}:{self._begun}", f"not valid CSV: {what}", remedy))


class _Parse:
    """Makes an object of the bytes of one row."""

    def __init__(self, header: list[str], delimiter: str) -> None:
        self._header, self._delimiter = header, delimiter

    def __call__(self, data: bytes) -> dict[str, Any]:
        cells = next(csv.reader([data.decode()], delimiter=self._delimiter, strict=True))
        return {name: cell or None for name, cell in zip(self._header, cells, strict=True)}


def _delimiter(head: bytes) -> str:
    line = _QUOTED.sub("", head.lstrip(b"\xef\xbb\xbf\r\n").partition(b"\n")[0].decode("utf-8", "replace"))
    return max(_DELIMITERS, key=line.count)


def _walk(rows: _Rows, shown: str) -> tuple[list[str], Index]:
    index, problems = Index(shown), list[Problem]()
    header: list[str] = []
    try:
        for offset, line, data, cells in rows:
            if not any(cells):
                continue
            if not header:
                header = [cell.strip() for cell in cells]
                problems += islice(header_problems(header, f"{shown}:{line}"), _MAX_PROBLEMS)
                continue
            if len(cells) != len(header):
                what = f"this row has {len(cells):,} cells, and the first one {len(header):,}"
                problems.append(Problem(f"{shown}:{line}", what, "quote a cell that has the separator in it"))
            index.add(offset, data, line)
            if len(problems) >= _MAX_PROBLEMS:
                problems.append(Problem(shown, "the rows after these were not looked at"))
                break
    except DataError as error:  # where one row ends and the next begins is not known any more
        problems += error.problems
    if problems:
        raise DataError(*problems)
    if not header:
        raise DataError(Problem(shown, "the file is empty", "export it again, or name another file in the scenario"))
    return header, index
