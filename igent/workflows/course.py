"""What the two ways to run a constellation have in common: records one after another, and a graph of phases."""

from __future__ import annotations

__all__ = ["Course", "Grounds", "RunningSession"]

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from igent.caching.cache import Cache
from igent.clock import Clock
from igent.config.settings import Settings
from igent.disk import Disk
from igent.errors import LimitError, ProviderError
from igent.models.endpoint import Endpoint
from igent.outcome import Outcome
from igent.reporting.facts import RunFacts
from igent.reporting.summary import Summary
from igent.reporting.totals import Totals
from igent.types import Model
from igent.workflows.constellation import Constellation
from igent.workflows.folder import RunFolder
from igent.workflows.phase import Phase
from igent.workflows.traffic import Traffic
from igent.workflows.watch import Watch
from igent.workload import Dataset
from igent.writing.journal import Journal


@dataclass(frozen=True, slots=True)
class Grounds:
    """What a run stands on. `phases` are its conversations; `cache` is for what was made once, None without one;
    `answers` the same for answers of models: None too where they come from a model that is the caller's own, or from
    the mock, which cost nothing and change with it."""

    constellation: Constellation
    settings: Settings
    phases: Sequence[Phase]
    traffic: Traffic
    client: Model
    endpoint: Endpoint
    folder: RunFolder
    journal: Journal
    dataset: Dataset
    cache: Cache | None
    answers: Cache | None
    watch: Watch
    clock: Clock
    disk: Disk

    @property
    def today(self) -> date:
        """The date that the run was begun on."""
        assert self.folder.run is not None  # the run is in the journal before anything is made of these  # noqa: S101
        return date.fromisoformat(self.folder.run["today"])

    @property
    def phase_names(self) -> tuple[str, ...]:
        """The names of all phases, in the order of the file."""
        return tuple(phase.name for phase in self.constellation.spec.phases)

    def totals(self, outcomes: Iterable[Outcome] = ()) -> Totals:
        """The sums of these outcomes, to be gone on with."""
        models = None if self.settings.mock else self.constellation.models
        return Totals.of(outcomes, self.phase_names, models, self.settings.base_url)


class RunningSession(Protocol):
    """A run while it goes."""

    fatal: ProviderError | None
    limit: LimitError | None

    def drain(self) -> None:
        """Begin nothing more and send no more calls; those in flight are finished."""
        ...

    def stop(self) -> None:
        """Drain, and give up what is in flight."""
        ...


class Course(Protocol):
    """One way to run."""

    @property
    def total(self) -> int | None:
        """How many records there are; None where it is found out on the way."""
        ...

    @property
    def before(self) -> Sequence[Outcome]:
        """The outcomes of earlier sessions."""
        ...

    @property
    def resumed(self) -> int:
        """How many outcomes of earlier sessions count in this one."""
        ...

    @property
    def unfinished(self) -> bool:
        """Whether something is left to do."""
        ...

    async def open(self) -> RunningSession:
        """Make what the run needs. Raises ConfigError, RunFolderError."""
        ...

    async def run(self) -> None:
        """Run to the end. Raises RunFolderError when the disk refuses, and whatever else ended the run."""
        ...

    def summarise(self, facts: RunFacts) -> Summary:
        """The figures so far."""
        ...
