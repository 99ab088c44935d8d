"""The elements of a list in a file, parsed when they are looked at: of a long list only their places are in memory."""

from __future__ import annotations

__all__ = ["Elements", "Index", "ListDocument", "too_large"]

from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from functools import cached_property
from typing import Any, overload
from zlib import crc32

from igent.errors import DataError, Problem
from igent.records.json_parser import scan_value
from igent.records.sources import MOST_OF_A_RECORD, MOST_RECORDS, MOST_WHOLE, Source
from igent.workload import Document


class Index:
    """Where the elements of a list stand in their file: byte, size, line (from 1) and checksum; 20 bytes each.

    `shown` is the file's name for messages.
    """

    def __init__(self, shown: str) -> None:
        self.shown = shown
        self.offsets, self.sizes, self.lines, self.checksums = array("Q"), array("I"), array("I"), array("I")

    def add(self, offset: int, data: bytes, line: int) -> None:
        """One more: its bytes, from `offset` on. Raises DataError when it is too large, or one too many."""
        if len(data) > MOST_OF_A_RECORD:
            raise too_large(self.shown, line)
        if len(self.offsets) >= MOST_RECORDS:
            what = f"at most {MOST_RECORDS:,} records are read from one file"
            raise DataError(Problem(f"{self.shown}:{line}", what, "split it, and run each part"))
        self.offsets.append(offset)
        self.sizes.append(len(data))
        self.lines.append(line)
        self.checksums.append(crc32(data))


def too_large(shown: str, line: int) -> DataError:
    """What is said of a record that is larger than any may be."""
    what = f"the record that begins here has more than {MOST_OF_A_RECORD:,} bytes"
    return DataError(Problem(f"{shown}:{line}", what, "leave out of it what no agent needs to see"))


def _from_json(data: bytes) -> Any:
    return scan_value(data.decode())[0]


class Elements(Sequence[Any]):
    """The elements, each parsed anew whenever it is looked at; a slice is as lazy.

    The file is held open: replacing it changes nothing. When something was written into it, looking raises DataError,
    for then it is not what was checked. `parse` makes an element of its bytes, which None takes for JSON. For one
    thread.
    """

    def __init__(self, source: Source, index: Index, parse: Callable[[bytes], Any] | None = None) -> None:
        self._source, self._index, self._parse = source, index, parse or _from_json
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
        data = self._source.read(index.offsets[place], index.sizes[place])
        if crc32(data) != index.checksums[place]:
            where, what = f"{index.shown}:{index.lines[place]}", "the file was changed while it was worked on"
            raise DataError(Problem(where, what, "leave it as it is during a run; start over with --fresh"))
        return self._parse(data)


class ListDocument(Document):
    """A document whose value is a list: `elements` are read from the file, `value` has them all in memory."""

    _elements: Elements
    _size: int

    def __init__(self, source: Source, index: Index, parse: Callable[[bytes], Any] | None = None) -> None:
        object.__setattr__(self, "path", index.shown)
        object.__setattr__(self, "lines", _Lines(index.lines))
        object.__setattr__(self, "_elements", Elements(source, index, parse))
        object.__setattr__(self, "_size", sum(index.sizes))

    def __repr__(self) -> str:
        return f"<{self.path}: {len(self._elements):,} elements>"  # as asyncio shows a result: not all of it

    @property
    def elements(self) -> Elements:
        """The elements, one at a time."""
        return self._elements

    @cached_property
    def value(self) -> list[Any]:
        """The list, read at the first look. Raises DataError when it is too large for that."""
        if self._size > MOST_WHOLE:
            what = f"the list has {self._size:,} bytes, and at most {MOST_WHOLE:,} are read into memory at once"
            raise DataError(Problem(self.path, what, "shorten it"))
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
