"""Who looks on while a run goes: the progress bar, or nobody."""

from __future__ import annotations

__all__ = ["NO_WATCH", "ExpectingWatch", "RunState", "Watch"]

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from igent.outcome import Outcome


@dataclass(frozen=True, slots=True)
class RunState:
    """What is known when a run starts: its folder, how many records there are, the outcomes that it resumes with, how
    many bytes of a damaged journal were set aside, and whether a run was here of which the journal knows nothing.
    `total` is None in a graph: there it is found out while the run goes, in units of the phases."""

    folder: Path
    total: int | None
    resumed: Sequence[Outcome]
    dropped_bytes: int
    forgotten: bool = False


class Watch(Protocol):
    """Is told how a run goes. Must be quick, and must not raise."""

    def started(self, state: RunState) -> None:
        """The run folder is open and the inputs are read; no call has been made."""
        ...

    def in_flight(self, count: int) -> None:
        """So many records are being worked on."""
        ...

    def settled(self, outcome: Outcome) -> None:
        """A record has its outcome, and the journal has it."""
        ...

    def tick(self) -> None:
        """Half a second has passed; nothing need have happened."""
        ...

    def finished(self) -> None:
        """The run has ended, however it did."""
        ...


@runtime_checkable
class ExpectingWatch(Protocol):
    """A Watch that wants to know, in a graph, how much there is to do."""

    def expects(self, total: int) -> None:
        """So many units are settled or known to come; more may."""
        ...


class _NoWatch:
    def started(self, state: RunState) -> None: ...
    def in_flight(self, count: int) -> None: ...
    def settled(self, outcome: Outcome) -> None: ...
    def tick(self) -> None: ...
    def finished(self) -> None: ...


NO_WATCH: Watch = _NoWatch()
