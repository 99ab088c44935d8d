"""The way of one record, from admission to Outcome. It reads like the line in the architecture:

    Record -> Case -> (for each phase: conversation -> verdict -> unit) -> Outcome

The only place where any exception at all becomes an Outcome: a plug-in's bug fails its record, never the run.
"""

from __future__ import annotations

__all__ = ["Admitted", "CreateTask", "RecordWorker", "Worked", "ending_of"]

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from igent.agents.step import Step, StepResult, Tools
from igent.capacity.ledger import Ledger
from igent.clock import Clock
from igent.errors import DrainedError, IgentError, LimitError, ProviderError
from igent.outcome import Outcome, PhaseTiming, StepReport
from igent.types import Case, JsonObject, Verdict
from igent.workflows.early import Early, Guesses, Spawn, count_misses
from igent.workflows.executors.local import Executor
from igent.workflows.phase import Phase, PhaseRun
from igent.workload import Expects, Workload

log = logging.getLogger("igent.record")

CreateTask = Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]
"""Starts a task that the run owns."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """A record that was let in: its case, and the unit that is held for it (None: none)."""

    case: Case
    held: str | None


@dataclass(frozen=True, slots=True)
class Worked:
    """What came of a record: its outcome, and the audit lines of its conversations."""

    outcome: Outcome
    audit: Sequence[JsonObject]


@dataclass(slots=True)
class _Progress:
    """What one record has so far; kept apart so that a failure in the middle loses none of it."""

    case: Case
    started: float
    steps: list[StepReport] = field(default_factory=list)
    outputs: dict[str, JsonObject] = field(default_factory=dict)
    timings: dict[str, PhaseTiming] = field(default_factory=dict)
    audit: list[JsonObject] = field(default_factory=list)
    held: str | None = None
    takes: str | None = None

    def add(self, run: PhaseRun, reports: Sequence[StepReport]) -> None:
        """A phase has ended, or was given up."""
        self.steps += reports
        self.outputs |= run.outputs
        self.timings[run.phase.name] = run.timing()
        self.audit += run.audit


class RecordWorker:
    """Works on records, one call of `work` each; any number at once. `phases` are the conversations, in order."""

    def __init__(
        self,
        phases: Sequence[Phase],
        tools: Tools,
        workload: Workload,
        ledger: Ledger,
        executor: Executor,
        clock: Clock,
        guesses: Guesses | None = None,
    ) -> None:
        self._phases, self._tools, self._workload = phases, tools, workload
        self._ledger, self._executor, self._clock = ledger, executor, clock
        self._guesses = guesses or Guesses("off")
        self._reserves = any(step.reserves is not None for phase in phases for step in phase.steps)

    def predict(self, case: Case) -> str | None:
        """The unit to hold for a record while it is talked about; None when it will take none, or nobody can tell."""
        if case.record.problem is not None or not self._reserves:
            return None
        try:
            unit = self._workload.predict(case)
            return unit if unit in case.view else None
        except Exception:  # a prediction is a help, not a condition: the rules decide without it
            log.exception("record %s: its unit cannot be predicted", case.record.id)
            return None

    async def work(self, admitted: Admitted, create_task: CreateTask) -> Worked:
        """The record's outcome. Raises only what ends the run: a fatal provider error, a limit, DrainedError, or
        cancellation."""
        got = _Progress(admitted.case, self._clock.now(), held=admitted.held)
        record = admitted.case.record
        if record.problem is not None:
            return self._ended(got, "failed", record.problem, "input")
        try:
            return await self._talk(got, lambda run: create_task(_early(run)))
        except (ProviderError, LimitError, DrainedError):
            raise
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            return self._ended(got, "failed", "an agent cancelled its own turn", "internal")
        except Exception as error:
            if (ending := ending_of(error)) is not None:
                raise ending from error
            known = isinstance(error, IgentError)
            log.error("record %s failed: %s", record.id, error, exc_info=not known)
            what = (
                str(error) if known else f"{type(error).__name__}: {error} (a bug in a plug-in or igent; see the log)"
            )
            return self._ended(got, "failed", what, "internal")

    async def _talk(self, got: _Progress, spawn: Spawn) -> Worked:
        following = [*self._phases[1:], None]
        early: Early | None = None
        for phase, after in zip(self._phases, following, strict=True):
            ahead = self._ahead(got, after, spawn)
            try:
                last = await self._phase(got, phase, early, ahead)
                if last.cause or last.verdict.no_match:
                    await self._forgo(got, ahead)
                    if last.cause:
                        return self._ended(got, "failed", last.reason, last.cause, last.verdict)
                    return self._ended(got, "no_match", self._workload.refusal_reason(got.case), "")
                early = ahead
            except BaseException as error:
                for begun in (early, ahead):
                    if begun is not None and isinstance(error, DrainedError):
                        await begun.finish()  # its answer is as good as paid for, and kept
                    elif begun is not None:  # nobody will ask for it
                        begun.drop("the phase before it failed")
                raise
        return self._ended(got, "done", "", "")

    def _ahead(self, got: _Progress, phase: Phase | None, spawn: Spawn) -> Early | None:
        if phase is None or phase.start == "settled":
            return None
        return Early(phase, lambda p, case: self._run(got, p, case), spawn, self._tools.blocks, self._guesses)

    def _run(self, got: _Progress, phase: Phase, case: Case, ahead: Early | None = None) -> PhaseRun:
        def settle(step: Step, verdict: Verdict, case: Case) -> Case | None:
            return self._settle(got, step, verdict, case)

        return PhaseRun(phase, case, self._tools, self._executor, settle, ahead.begin if ahead else None)

    async def _phase(self, got: _Progress, phase: Phase, early: Early | None, ahead: Early | None) -> StepResult:
        run = await early.take(got.case) if early else None
        guessed = run is not None
        if run is None:
            run = self._run(got, phase, got.case, ahead)
        if ahead is not None and ahead.phase.start == "predicted":
            expected = self._expected(phase, got.case)
            if expected is not None:
                ahead.begin(expected)
        try:
            if not guessed:
                await run.go()
            elif run.error is not None:
                raise run.error
            if early is not None:
                await early.settled()
        finally:
            missed = early.missed if early else []
            got.audit += [line for miss in missed for line in miss.audit]
            got.add(run, count_misses(run.reports, missed, hit=guessed))
        got.case = run.case
        assert run.last is not None  # a phase has at least one step  # noqa: S101
        return run.last

    async def _forgo(self, got: _Progress, ahead: Early | None) -> None:
        """The record ends before the phase that was begun early: what that has cost is counted, nothing else."""
        if ahead is None:
            return
        ahead.drop("the record ended with the phase before it")
        await ahead.settled()
        for miss in ahead.missed:
            got.audit += miss.audit
        got.steps += count_misses([], ahead.missed, hit=False)

    def _expected(self, phase: Phase, case: Case) -> Case | None:
        """The case as it will be after this phase, if the workload can tell and the checks agree; else None."""
        if not isinstance(self._workload, Expects) or self._guesses.off:
            return None
        try:
            run = PhaseRun(phase, case, self._tools, self._executor, lambda *_: None)
            for step in phase.steps:
                value = self._workload.expect(run.case, step.schema)
                if value is None or not run.suppose(step, value):
                    return None
        except Exception:  # as a prediction: a help, not a condition
            log.exception("record %s: phase %s cannot be predicted", case.record.id, phase.name)
            return None
        return run.case

    def _settle(self, got: _Progress, step: Step, verdict: Verdict, case: Case) -> Case | None:
        if step.reserves is None or verdict.no_match:
            return None
        record_id = case.record.id
        unit = self._workload.unit(verdict.value or {}, step.reserves)
        now = self._ledger.free_view(without=record_id)
        if unit is None or (unit in now and self._ledger.reserve(record_id, unit)):
            got.takes = unit
            return None
        return replace(case, view=now)

    def _ended(self, got: _Progress, status: Any, reason: str, cause: str, verdict: Verdict | None = None) -> Worked:
        record = got.case.record
        outcome = Outcome(
            record_id=record.id,
            index=record.index,
            status=status,
            reason=reason,
            cause=cause,
            steps=tuple(got.steps),
            outputs=got.outputs if status == "done" else {},
            takes=got.takes or got.held if status == "failed" else got.takes if status == "done" else None,
            violations=verdict.violations if verdict else (),
            timings=got.timings,
            total_seconds=self._clock.now() - got.started,
        )
        return Worked(outcome, got.audit)


def ending_of(error: BaseException) -> IgentError | None:
    """What ends the run, where an agent or a step of somebody's own has wrapped it in an error, or a group, of its
    own."""
    seen: set[int] = set()
    pending: list[BaseException | None] = [error]
    while pending:
        inner = pending.pop()
        if inner is None or id(inner) in seen:
            continue
        seen.add(id(inner))
        if isinstance(inner, LimitError | DrainedError) or (isinstance(inner, ProviderError) and inner.fatal):
            return inner
        pending.append(inner.__cause__ or inner.__context__)
        if isinstance(inner, BaseExceptionGroup):
            pending += inner.exceptions
    return None


async def _early(run: PhaseRun) -> None:
    """A phase in a task of its own; what it raises is kept until it is asked for."""
    try:
        await run.go()
    except Exception as error:  # noqa: BLE001  # raised again, where the phase counts
        run.error = error
