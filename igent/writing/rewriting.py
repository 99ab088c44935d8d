"""View files on the disk: replaced whole, in one pass over the outcomes; what can no longer change is copied."""

from __future__ import annotations

__all__ = ["View", "ViewFiles"]

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from igent.disk import SYSTEM_DISK, Disk, FileState
from igent.outcome import Outcome
from igent.writing.outcomes import JournalOutcomes
from igent.writing.staged import StagedFile


@dataclass(frozen=True, slots=True)
class View:
    """A file made of the outcomes in input order: `head`, what `line` gives for each (None: nothing) with `between`
    between them, and `tail`. Where there is not one line, `empty`; None: head and tail. Head or lines have some byte.
    """

    line: Callable[[Outcome], bytes | None]
    head: bytes = b""
    between: bytes = b""
    tail: bytes = b""
    empty: bytes | None = None


class ViewFiles:
    """The files of some `views` (file name -> View) in a folder.

    What they say of the outcomes up to the first record that has none stays so. The next time these bytes are copied,
    unless somebody else wrote to one of the files: to write n outcomes a few times costs little more than once.
    """

    def __init__(self, folder: Path, views: Mapping[str, View], disk: Disk = SYSTEM_DISK) -> None:
        self._folder, self._views, self._disk = folder, views, disk
        self._settled = 0
        self._ends: dict[str, int] = {}
        self._states: dict[str, FileState | None] = {}

    def replace(self, outcomes: JournalOutcomes | None, others: Mapping[str, bytes]) -> int:
        """Replace the files by what the outcomes give (None: leave them), and those of `others` by their bytes; each
        atomically and durably. Returns the bytes written. Raises RunFolderError naming a file; each is then as before,
        or whole."""
        with ExitStack() as stack:
            views = () if outcomes is None else self._views
            folder, disk = self._folder, self._disk
            staged = {name: stack.enter_context(StagedFile(folder / name, disk)) for name in (*views, *others)}
            ends = {} if outcomes is None else self._fill(staged, outcomes)
            for name, data in others.items():
                staged[name].write(data)
            states = {name: file.commit() for name, file in staged.items()}
        if outcomes is not None:
            self._settled, self._ends, self._states = outcomes.unbroken, ends, states
        return sum(file.bytes_written for file in staged.values())

    def _fill(self, staged: Mapping[str, StagedFile], outcomes: JournalOutcomes) -> dict[str, int]:
        """Where in each file the lines of the outcomes end that stand there for good."""
        pens = [(view, staged[name]) for name, view in self._views.items()]
        known = self._settled if self._is_untouched() else 0
        if known:
            for name in self._views:
                staged[name].copy(self._ends[name])
        ends: dict[str, int] = {}
        settled = outcomes.unbroken
        for outcome in outcomes.since(known):
            if not ends and outcome.index > settled:
                ends = {name: staged[name].bytes_written for name in self._views}
            for view, file in pens:
                line = view.line(outcome)
                if line is not None:
                    file.write((view.between if file.bytes_written else view.head) + line)
        ends = ends or {name: staged[name].bytes_written for name in self._views}
        for view, file in pens:
            empty = view.head + view.tail if view.empty is None else view.empty
            file.write(view.tail if file.bytes_written else empty)
        return ends

    def _is_untouched(self) -> bool:
        try:
            return all(self._disk.state(self._folder / name) == self._states.get(name) for name in self._views)
        except OSError:
            return False
