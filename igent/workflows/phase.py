"""One phase of one record: its conversation, and what has come of it so far."""

from __future__ import annotations

__all__ = ["Phase", "PhaseRun", "PhaseSettle"]

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from igent.agents.conversation import Conversation
from igent.agents.step import Step, StepResult, Tools
from igent.outcome import PhaseTiming, StepReport
from igent.types import Case, JsonObject, Verdict
from igent.workflows.executors.local import Executor, Talk

PhaseSettle = Callable[[Step, Verdict, Case], Case | None]
"""As Settle (agents/step.py), told on which case the answer rests."""


@dataclass(frozen=True, slots=True)
class Phase:
    """One conversation of every record, ready to run: its steps, and when it starts (see PhaseSpec)."""

    name: str
    start: Literal["settled", "streamed", "predicted"]
    steps: Sequence[Step]


class PhaseRun:
    """A phase being talked through on `case`; `go` once.

    Whatever is read here is what there is so far, also when `go` was cancelled or raised: `reports` of the steps, the
    `outputs`, the `audit` lines, and the `last` step's result, None before one. `error` is for whoever runs `go` in a
    task of its own, and has no use for an exception before the phase's turn comes.
    """

    def __init__(
        self,
        phase: Phase,
        case: Case,
        tools: Tools,
        executor: Executor,
        settle: PhaseSettle,
        on_draft: Callable[[Case], None] | None = None,
    ) -> None:
        self.phase, self.begun_on = phase, case
        self._case, self._tools, self._executor = case, tools, executor
        self._settle, self._on_draft = settle, on_draft
        self._started = tools.clock.now()
        self._ended: float | None = None
        self._results: list[StepResult] = []
        self._conversation = Conversation(tools, case.record.id)
        self._talking = False
        self.reports: list[StepReport] = []
        self.outputs: dict[str, JsonObject] = {}
        self.error: Exception | None = None

    @property
    def audit(self) -> Sequence[JsonObject]:
        """Every message and verdict, in order."""
        return self._conversation.audit

    @property
    def last(self) -> StepResult | None:
        """The result of the last step that came to its end."""
        return self._results[-1] if self._results else None

    @property
    def case(self) -> Case:
        """The case as it is now: with fresh capacity where a unit was gone, and with the answers found."""
        return self._case

    async def go(self) -> None:
        """Talk until every step has its answer, or one has failed or found that nobody fits."""
        try:
            for step in self.phase.steps:
                self._talking = True
                talk = Talk(self._conversation, step, self._case, self._take, self._draft if self._on_draft else None)
                result = await self._executor.talk(talk)
                self._talking = False
                self._results.append(result)
                self.reports.append(result.report)
                if result.cause or result.verdict.no_match:
                    break
                self._found(step, result.verdict)
        finally:
            self._ended = self._tools.clock.now()
            if self._talking:  # what was paid for is counted, whoever raised
                self.reports.append(self._conversation.unfinished())

    def adopt(self, case: Case) -> bool:
        """Let the answers stand for another case than they were begun on, one that asks the same questions. False, and
        nothing is changed but what is read here, when the checks refuse one of them there."""
        self._case, self.outputs = case, {}
        for place, result in enumerate(self._results):
            if result.cause or result.verdict.no_match:
                return True
            verdict = result.step.checks.verify(result.value, self._case)
            if not verdict.ok or verdict.no_match:
                return False
            self._results[place] = replace(result, verdict=verdict)
            self._found(result.step, verdict)
        return True

    def suppose(self, step: Step, value: JsonObject) -> bool:
        """Go on as if this were the step's answer. False when the checks refuse it, or nobody fits."""
        verdict = step.checks.verify(value, self._case)
        if verdict.ok and not verdict.no_match:
            self._found(step, verdict)
            return True
        return False

    def timing(self) -> PhaseTiming:
        """Where its seconds went, from its own beginning to its own end."""
        seconds = (self._ended or self._tools.clock.now()) - self._started
        capacity = sum(result.capacity_seconds for result in self._results)
        critic = sum(result.critic_seconds for result in self._results)
        return PhaseTiming(seconds, seconds - capacity, critic, capacity)

    def note_discarded(self, reason: str) -> None:
        """Say in the audit that nothing came of it."""
        step = self.phase.steps[min(len(self._results), len(self.phase.steps) - 1)]
        self._conversation.note(step, step.matcher.name, "discarded", reason)

    def _take(self, step: Step, verdict: Verdict) -> Case | None:
        fresh = self._settle(step, verdict, self._case)
        if fresh is not None:
            self._case = fresh
        return fresh

    def _draft(self, step: Step, verdict: Verdict) -> None:
        if self._on_draft is not None and step is self.phase.steps[-1] and not verdict.no_match:
            self._on_draft(_with(self._case, _answers(step, verdict.value or {})))

    def _found(self, step: Step, verdict: Verdict) -> None:
        value = verdict.value or {}
        self.outputs[step.output] = value
        answers = _answers(step, value)
        for output, (schema, _) in step.also.items():
            self.outputs[output] = answers[schema]
        self._case = _with(self._case, answers)


def _answers(step: Step, value: JsonObject) -> dict[str, Any]:
    """What later phases are told of an answer, by schema."""
    return {step.schema: value, **{schema: part(value) for schema, part in step.also.values()}}


def _with(case: Case, answers: Mapping[str, JsonObject]) -> Case:
    return replace(case, earlier={**case.earlier, **answers})
