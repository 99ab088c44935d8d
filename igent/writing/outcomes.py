"""The outcomes of a run as its journal has them: read when they are looked at, so that their number costs no memory."""

from __future__ import annotations

__all__ = ["JournalOutcomes", "with_write_time"]

import threading
import weakref
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import replace
from io import RawIOBase
from itertools import repeat
from pathlib import Path
from typing import Any, overload

from igent.disk import SYSTEM_DISK, Disk, read_at
from igent.errors import InternalError, Problem, RunFolderError
from igent.files import disk_failure
from igent.outcome import Outcome
from igent.writing.entries import outcome_from_entry
from igent.writing.lines import Place, from_line

_NOWHERE = -1


def with_write_time(outcome: Outcome, seconds: float) -> Outcome:
    """The outcome with the seconds that its journal entry took, counted to its last phase. One that was not worked on
    has no phase and stays as it is: its wait for the disk is no record's time."""
    if not outcome.timings:
        return outcome
    timings = dict(outcome.timings)
    phase, last = list(timings.items())[-1]
    timings[phase] = replace(last, write=seconds, total=last.total + seconds)
    return replace(outcome, timings=timings, total_seconds=outcome.total_seconds + seconds)


class JournalOutcomes(Sequence[Outcome]):
    """The outcomes that were added, in input order, each read from the journal at `path` whenever it is looked at.

    In memory stands where the entry of each is, and the seconds that it took to write: 20 bytes a record of the input.
    The file is opened at the first look and held until nobody has the outcomes any more: a folder that is renamed or
    deleted meanwhile takes nothing away. For any thread, but added to in one. Looking raises RunFolderError when the
    journal cannot be read, or was changed under it.
    """

    def __init__(self, path: Path, disk: Disk = SYSTEM_DISK) -> None:
        self._file = _File(path, disk)
        self._offsets = array("q")
        self._sizes = array("I")
        self._seconds = array("d")
        self._count = 0
        self._order: array[int] | None = None

    def add(self, record_id: str, index: int, place: Place, seconds: float = 0.0) -> None:
        """The record at this place of the input has an outcome: its entry stands at `place`, and took `seconds` to
        write. Raises InternalError when the record has one already."""
        if self.has(index):
            known = self.at(index).record_id
            raise InternalError(f"record {record_id} has a second outcome (its place holds that of {known})")
        missing = index + 1 - len(self._offsets)
        if missing > 0:
            self._offsets.extend(repeat(_NOWHERE, missing))
            self._sizes.extend(repeat(0, missing))
            self._seconds.extend(repeat(0.0, missing))
        self._offsets[index], self._sizes[index], self._seconds[index] = *place, seconds
        self._count += 1
        self._order = None

    def drop(self, index: int) -> None:
        """Forget the outcome of this record, if it has one: it is to be worked on again."""
        if self.has(index):
            self._offsets[index] = _NOWHERE
            self._count -= 1
            self._order = None

    def wrote(self, index: int, seconds: float) -> None:
        """How long the entry of this record's outcome took to write."""
        if self.has(index):
            self._seconds[index] = seconds

    def has(self, index: int) -> bool:
        """Whether the record at this place of the input has an outcome."""
        return index < len(self._offsets) and self._offsets[index] != _NOWHERE

    def at(self, index: int) -> Outcome:
        """The outcome of the record at this place of the input, which has one."""
        place = Place(self._offsets[index], self._sizes[index])
        entry = from_line(self._file.read(place))
        if entry is None or entry.get("kind") != "outcome" or entry.get("index") != index:
            what = f"the outcome at byte {place.offset} is no longer there: something else wrote to this file"
            raise RunFolderError(Problem(str(self._file.path), what, "start the run over with --fresh"))
        outcome = outcome_from_entry(entry)
        seconds = self._seconds[index]
        return with_write_time(outcome, seconds) if seconds else outcome

    def copy(self) -> JournalOutcomes:
        """The outcomes as they are now; what is added later is not among them."""
        copy = object.__new__(JournalOutcomes)
        copy._file, copy._count, copy._order = self._file, self._count, self._order
        copy._offsets, copy._sizes, copy._seconds = self._offsets[:], self._sizes[:], self._seconds[:]
        return copy

    def __len__(self) -> int:
        return self._count

    @property
    def unbroken(self) -> int:
        """How many records, from the first of the input on, have an outcome without a gap."""
        return self._offsets.index(_NOWHERE) if _NOWHERE in self._offsets else len(self._offsets)

    def since(self, index: int) -> Iterator[Outcome]:
        """The outcomes from this place of the input on, in input order."""
        for place in range(index, len(self._offsets)):
            if self._offsets[place] != _NOWHERE:
                yield self.at(place)

    def __iter__(self) -> Iterator[Outcome]:
        return self.since(0)

    @overload
    def __getitem__(self, at: int) -> Outcome: ...
    @overload
    def __getitem__(self, at: slice) -> tuple[Outcome, ...]: ...
    def __getitem__(self, at: int | slice) -> Outcome | tuple[Outcome, ...]:
        if self._order is None:
            self._order = array("I", (index for index, offset in enumerate(self._offsets) if offset != _NOWHERE))
        if isinstance(at, slice):
            return tuple(self.at(index) for index in self._order[at])
        return self.at(self._order[at])

    def __reduce__(self) -> Any:
        return tuple, (tuple(self),)  # another process, or a copy, has them in memory

    def __repr__(self) -> str:
        return f"<{self._count} outcomes of {self._file.path}>"


class _File:
    """Pieces of a file, for any thread; closed when nobody needs them any more."""

    def __init__(self, path: Path, disk: Disk) -> None:
        self.path, self._disk = path, disk
        self._opened: RawIOBase | None = None
        self._lock = threading.Lock()

    def read(self, place: Place) -> bytes:
        with self._lock:
            try:
                if self._opened is None:
                    self._opened = self._disk.open(self.path, "rb")
                    weakref.finalize(self, self._opened.close)
                return read_at(self._opened, *place)
            except OSError as error:
                raise disk_failure(self.path, "read", error) from error
