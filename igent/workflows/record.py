"""The way of one record, from admission to Outcome. It reads like the line in the architecture:

    Record -> Case -> (for each phase: conversation -> verdict -> unit) -> Outcome

The only place where any exception at all becomes an Outcome: a plug-in's bug fails its record, never the run.
"""

from __future__ import annotations

__all__ = ["Admitted", "RecordWorker", "Worked"]

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from igent.agents.conversation import Conversation, Step, StepResult, Tools
from igent.capacity.ledger import Ledger
from igent.clock import Clock
from igent.errors import IgentError, ProviderError
from igent.types import Case, JsonObject, Outcome, PhaseTiming, StepReport, Verdict
from igent.workflows.executors.local import Executor, Talk
from igent.workload import Workload

log = logging.getLogger("igent.record")


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


class RecordWorker:
    """Works on records, one call of `work` each; any number at once.

    `phases` are the steps of each conversation, in order.
    """

    def __init__(
        self,
        phases: Sequence[tuple[str, Sequence[Step]]],
        tools: Tools,
        workload: Workload,
        ledger: Ledger,
        executor: Executor,
        clock: Clock,
    ) -> None:
        self._phases, self._tools, self._workload = phases, tools, workload
        self._ledger, self._executor, self._clock = ledger, executor, clock
        self._reserves = any(step.reserves is not None for _, steps in phases for step in steps)

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

    async def work(self, admitted: Admitted) -> Worked:
        """The record's outcome. Raises only what ends the run: a fatal provider error, or cancellation."""
        got = _Progress(admitted.case, self._clock.now(), held=admitted.held)
        record = admitted.case.record
        if record.problem is not None:
            return self._ended(got, "failed", record.problem, "input")
        try:
            for phase, steps in self._phases:
                last = await self._phase(got, phase, steps)
                if last.cause:
                    return self._ended(got, "failed", last.reason, last.cause, last.verdict)
                if last.verdict.no_match:
                    return self._ended(got, "no_match", self._workload.refusal_reason(got.case), "")
        except ProviderError:
            raise
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            return self._ended(got, "failed", "an agent cancelled its own turn", "internal")
        except Exception as error:
            known = isinstance(error, IgentError)
            log.error("record %s failed: %s", record.id, error, exc_info=not known)
            what = (
                str(error) if known else f"{type(error).__name__}: {error} (a bug in a plug-in or igent; see the log)"
            )
            return self._ended(got, "failed", what, "internal")
        return self._ended(got, "done", "", "")

    async def _phase(self, got: _Progress, phase: str, steps: Sequence[Step]) -> StepResult:
        started = self._clock.now()
        conversation = Conversation(self._tools, got.case.record.id, audit=got.audit)
        critic = capacity = 0.0
        result: StepResult | None = None
        for step in steps:
            try:
                result = await self._executor.talk(Talk(conversation, step, got.case, self._settler(got)))
            except Exception:
                got.steps.append(conversation.unfinished())  # what was paid for is counted, whoever raised
                raise
            critic += result.critic_seconds
            capacity += result.capacity_seconds
            got.steps.append(result.report)
            if result.cause or result.verdict.no_match:
                break
            value = result.verdict.value or {}
            got.outputs[step.output] = value
            got.case = replace(got.case, earlier={**got.case.earlier, step.schema: value})
        seconds = self._clock.now() - started
        got.timings[phase] = PhaseTiming(seconds, seconds - capacity, critic, capacity)
        assert result is not None  # a phase has at least one step  # noqa: S101
        return result

    def _settler(self, got: _Progress) -> Any:
        def settle(step: Step, verdict: Verdict) -> Case | None:
            if step.reserves is None or verdict.no_match:
                return None
            record_id = got.case.record.id
            unit = self._workload.unit(verdict.value or {}, step.reserves)
            now = self._ledger.free_view(without=record_id)
            if unit is None or (unit in now and self._ledger.reserve(record_id, unit)):
                got.takes = unit
                return None
            got.case = replace(got.case, view=now)
            return got.case

        return settle

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
