"""The elements of a list in a file, parsed when they are looked at: of a long list only their places are in memory."""

from __future__ import annotations

__all__ = ["Elements", "HeldFile", "Index", "ListDocument"]

import os
import weakref
from array import array
from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from functools import cached_property
from pathlib import Path
from typing import Any, overload
from zlib import crc32

from igent.errors import DataError, Problem
from igent.records.json_parser import scan_value
from igent.workload import Document


class HeldFile:
    """A file for reading, closed when nobody has it any more. Raises OSError."""

    def __init__(self, path: Path) -> None:
        self.descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        weakref.finalize(self, os.close, self.descriptor)

    def read(self, offset: int, size: int) -> bytes:
        """So many bytes from there on, fewer at the end of the file."""
        os.lseek(self.descriptor, offset, os.SEEK_SET)
        return os.read(self.descriptor, size)


class Index:
    """Where the elements of a list stand in their file: byte, size, line (from 1) and checksum; 20 bytes each."""

    def __init__(self) -> None:
        self.offsets, self.sizes, self.lines, self.checksums = array("Q"), array("I"), array("I"), array("I")

    def add(self, offset: int, data: bytes, line: int) -> None:
        """One more: its bytes, from `offset` on."""
        self.offsets.append(offset)
        self.sizes.append(len(data))
        self.lines.append(line)
        self.checksums.append(crc32(data))


class Elements(Sequence[Any]):
    """The elements, each parsed anew whenever it is looked at; a slice is as lazy.

    The file is held open: replacing it changes nothing. When something was written into it, looking raises DataError,
    for then it is not what was checked; `shown` is its name for messages. For one thread.
    """

    def __init__(self, file: HeldFile, index: Index, shown: str) -> None:
        self._file, self._index, self._shown = file, index, shown
        self._places = range(len(index.offsets))

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, at: int) -> Any: ...
    @overload
    def __getitem__(self, at: slice) -> Elements: ...
    def __getitem__(self, at: int | slice) -> Any:
        if isinstance(at, slice):
            part = copy(self)
            part._places = self._places[at]
            return part
        place, index = self._places[at], self._index
        data = self._file.read(index.offsets[place], index.sizes[place])
        if crc32(data) != index.checksums[place]:
            where, what = f"{self._shown}:{index.lines[place]}", "the file was changed while it was worked on"
            raise DataError(Problem(where, what, "leave it as it is during a run; start over with --fresh"))
        return scan_value(data.decode())[0]


class ListDocument(Document):
    """A document whose value is a list: `elements` are read from the file, `value` has them all in memory."""

    _elements: Elements

    def __init__(self, path: str, elements: Elements, index: Index) -> None:
        object.__setattr__(self, "path", path)
        object.__setattr__(self, "lines", _Lines(index.lines))
        object.__setattr__(self, "_elements", elements)

    @property
    def elements(self) -> Elements:
        """The elements, one at a time."""
        return self._elements

    @cached_property
    def value(self) -> list[Any]:
        """The list, read at the first look."""
        return list(self._elements)


class _Lines(Mapping[int | str, int]):
    """The line of each element by its place."""

    def __init__(self, lines: array[int]) -> None:
        self._lines = lines

    def __getitem__(self, key: int | str) -> int:
        if not isinstance(key, int) or not 0 <= key < len(self._lines):
            raise KeyError(key)
        return self._lines[key]

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self._lines)))

    def __len__(self) -> int:
        return len(self._lines)
