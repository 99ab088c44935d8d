"""One unit of work of one phase, from its input to its Outcome; and the one place in a graph where any exception at all
becomes one: a bug in a step fails its record, never the run."""

from __future__ import annotations

__all__ = [
    "Books",
    "Given",
    "Result",
    "Unit",
    "UnitRunner",
    "basis_of",
    "count_call",
    "count_found",
    "failed",
    "unit_at_work",
]

import asyncio
import json
import logging
from array import array
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field, fields, replace
from hashlib import sha256
from typing import Any, Protocol

import orjson

from igent.clock import Clock
from igent.errors import DataError, IgentError, ProviderError
from igent.flow import Item, Lost
from igent.outcome import Outcome, OutcomeStatus, PhaseTiming, StepReport
from igent.types import JsonObject, Violation
from igent.workflows.graph.flows import Order
from igent.workflows.graph.gates import Gate
from igent.workflows.record import ending_of

log = logging.getLogger("igent.graph")


@dataclass(frozen=True, slots=True)
class Unit:
    """What a phase works on at once. `id` is that of the item it is about, `basis` a digest of all that its result
    rests on; it was complete at the moment `ready`, with the end of the span `trigger`."""

    phase: str
    id: str
    order: Order
    basis: str
    ready: float
    trigger: int

    @property
    def record_id(self) -> str:
        """Its name in the journal and in every report."""
        return f"{self.phase}/{self.id}"


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a unit: the `items` that go on, and what was `lost` of it.

    `outputs` are what the journal keeps, so that the items can be given again without the work. The rest is as in
    Outcome.
    """

    items: Sequence[Item] = ()
    lost: Sequence[Lost] = ()
    outputs: Mapping[str, Any] = field(default_factory=dict)
    status: OutcomeStatus = "done"
    reason: str = ""
    cause: str = ""
    steps: tuple[StepReport, ...] = ()
    audit: Sequence[JsonObject] = ()
    violations: tuple[Violation, ...] = ()
    timing: PhaseTiming | None = None


@dataclass(frozen=True, slots=True)
class Given:
    """A result with the moment and the span of its end: what is given on is given by it."""

    result: Result
    at: float
    span: int


_FOUND: ContextVar[Callable[[int], None] | None] = ContextVar("_FOUND", default=None)
_CALLED: ContextVar[list[StepReport] | None] = ContextVar("_CALLED", default=None)
_UNIT: ContextVar[str] = ContextVar("_UNIT", default="")

Work = Callable[[], Awaitable[Result | None]]
Restore = Callable[[Outcome], Result]
Partial = Callable[[], Result]


class Books(Protocol):
    """What is kept of units; see UnitBooks."""

    def settled(self, record_id: str, basis: str) -> Outcome | None:
        """The outcome that the unit had in an earlier session, if it rests on the same."""
        ...

    def next_index(self) -> int:
        """The place of the next outcome in the journal's own order."""
        ...

    def replayed(self, phase: str, outcome: Outcome, order: Order, at: float, trigger: int) -> int:
        """Count a unit that an earlier session settled; its span, of no length."""
        ...

    def begun(self, unit: Unit, started: float) -> int:
        """A unit that gives something before its end has begun; its span."""
        ...

    async def add(self, outcome: Outcome, unit: Unit, audit: Sequence[JsonObject], started: float, ended: float) -> int:
        """Write the outcome of a unit and count it; its span."""
        ...

    def skipped(self, phase: str) -> None:
        """A record was lost before it came to this phase."""
        ...

    def found(self, phase: str, many: int) -> None:
        """So much of what a phase needed was in the cache."""
        ...

    def gave(self, phase: str) -> None:
        """A phase has given an item on."""
        ...


class UnitRunner:
    """Runs units. `draining` says whether the run was asked to end; `ended_by` is told of what ends it: a fatal error
    of the provider, or a limit; `moved` of each piece of work that begins (1) or ends (-1) behind a gate; `expect` is
    called for each unit that is known to come."""

    def __init__(
        self,
        books: Books,
        clock: Clock,
        draining: Callable[[], bool],
        ended_by: Callable[[IgentError], None],
        moved: Callable[[Gate, int], None],
        expect: Callable[[], None],
    ) -> None:
        self.books, self._clock = books, clock
        self._draining, self._ended_by, self._moved = draining, ended_by, moved
        self.expect = expect

    def known(self, unit: Unit, restore: Restore) -> Given | None:
        """What came of the unit in an earlier session, on the same basis; None when it is to be worked on."""
        outcome = self.books.settled(unit.record_id, unit.basis)
        if outcome is None:
            return None
        result = restore(outcome) if outcome.outputs else Result()
        result = replace(result, status=outcome.status, reason=outcome.reason, cause=outcome.cause)
        span = self.books.replayed(unit.phase, outcome, unit.order, unit.ready, unit.trigger)
        return Given(result, unit.ready, span)

    async def run(self, unit: Unit, gate: Gate, work: Work, partial: Partial = Result) -> Given | None:
        """Work on it and settle it; None when the run ends before it is settled. Raises only cancellation, and what
        the disk refuses. What there is already when the work raises, `partial` tells."""
        began: list[float] = []
        result = await self.hold(unit.record_id, gate, work, partial, began.append)
        return None if result is None else await self.settle(unit, result, began[0])

    async def hold(
        self, record_id: str, gate: Gate, work: Work, partial: Partial, began: Callable[[float], None]
    ) -> Result | None:
        """Do some work with a place of the resource, without settling anything; `began` is told when. Else as `run`."""
        async with gate.held():
            if self._draining():
                return None
            began(self._clock.now())
            self._moved(gate, 1)
            try:
                return await self.attempt(record_id, work, partial)
            finally:
                self._moved(gate, -1)

    async def refuse(self, unit: Unit, reason: str) -> Given:
        """Settle a unit that cannot be worked on: it has failed."""
        return await self.settle(unit, failed(Result(), reason, "input"), self._clock.now())

    async def settle(self, unit: Unit, result: Result, started: float) -> Given:
        """Write down what came of it."""
        ended = self._clock.now()
        timing = result.timing or PhaseTiming(total=ended - started)
        outcome = Outcome(
            record_id=unit.record_id,
            index=self.books.next_index(),
            status=result.status,
            reason=result.reason,
            cause=result.cause,
            steps=result.steps,
            outputs=result.outputs,
            violations=result.violations,
            timings={unit.phase: timing},
            total_seconds=ended - started,
            basis=unit.basis,
        )
        span = await self.books.add(outcome, unit, result.audit, started, ended)
        return Given(result, ended, span)

    def _enter(self, record_id: str) -> list[StepReport]:
        """What is counted within the work is of this unit; the list that its further calls come to."""
        phase, called = record_id.partition("/")[0], list[StepReport]()
        _FOUND.set(lambda many: self.books.found(phase, many))
        _CALLED.set(called)
        _UNIT.set(record_id)
        return called

    async def attempt(self, record_id: str, work: Work, partial: Partial = Result) -> Result | None:
        """The result of the work, whatever it raises; None when that ends the run, or there is none."""
        called = self._enter(record_id)
        try:
            result = await work()
            return None if result is None else _with(result, called)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            return failed(_with(partial(), called), "an agent or a step cancelled its own turn", "internal")
        except Exception as error:  # noqa: BLE001  # it is told in the log and in the outcome
            if (ending := ending_of(error)) is not None:
                self._ended_by(ending)
                return None
            return failed(_with(partial(), called), *_told(record_id, error))


def _with(result: Result, called: Sequence[StepReport]) -> Result:
    return replace(result, steps=(*result.steps, *called)) if called else result


def count_found(many: int) -> None:
    """Called in a unit's work: so much of what it needed was in the cache."""
    found = _FOUND.get()
    if found is not None:
        found(many)


def unit_at_work() -> str:
    """Called in a unit's work: its name in the journal; "" outside of one."""
    return _UNIT.get()


def count_call(report: StepReport) -> None:
    """Called in a unit's work: a model was asked beside its conversations."""
    called = _CALLED.get()
    if called is not None:
        called.append(report)


def _told(record_id: str, error: Exception) -> tuple[str, str]:
    """What is said of an error, and its cause."""
    if isinstance(error, ProviderError):
        return str(error), "provider"
    if isinstance(error, DataError):
        return str(error), "input"
    known = isinstance(error, IgentError)
    log.error("%s failed: %s", record_id, error, exc_info=not known)
    if known:
        return str(error), "internal"
    return f"{type(error).__name__}: {error} (a bug in a step or igent; see the log)", "internal"


def failed(result: Result, reason: str, cause: str) -> Result:
    """The result of a unit that failed, with what there was of it."""
    return replace(result, status="failed", reason=reason, cause=cause)


def basis_of(*parts: Any) -> str:
    """The digest of what a result rests on: JSON-ready values, items and losses among them; 16 hex digits."""
    try:
        data = orjson.dumps(parts, default=_plain, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)
    except TypeError:  # a lone surrogate, or an integer over 64 bits: JSON allows both
        data = json.dumps(parts, default=_plain, sort_keys=True).encode()
    return sha256(data).hexdigest()[:16]


def _plain(value: Any) -> Any:
    """What JSON has no form for: of a vector its bytes, which is much faster than its numbers as text."""
    if isinstance(value, array):
        return value.tobytes().hex()
    if isinstance(value, Item | Lost):  # orjson knows them
        return {part.name: getattr(value, part.name) for part in fields(value)}
    return str(value)
