"""converse with `batch: N`: one conversation about several items; each has its own answer and outcome."""

from __future__ import annotations

__all__ = ["BatchNode", "KeptAnswers"]

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Protocol

from igent.agents.batch import BatchConversation
from igent.agents.step import Step, StepResult, Tools
from igent.agents.tally import Tally
from igent.clock import Clock
from igent.outcome import Outcome
from igent.types import Case, JsonObject
from igent.workflows.graph.flows import Flow
from igent.workflows.graph.gates import Gate
from igent.workflows.graph.kinds.conversing import CaseMaker, converted, with_answers
from igent.workflows.graph.node import Links
from igent.workflows.graph.together import Batch, Tell, Together
from igent.workflows.graph.units import Result, Unit, UnitRunner
from igent.workflows.phase import Phase


class KeptAnswers(Protocol):
    """Answers to single items of batches, kept for every later run, whatever batch an item is in then."""

    async def find(self, step: Step, case: Case) -> JsonObject | None:
        """The answer about this case that was kept; None when there is none."""
        ...

    def keep(self, step: Step, case: Case, answer: JsonObject) -> None:
        """Keep an answer once its record has ended well."""
        ...


class BatchNode(Together):
    """A phase of kind converse with several items a call; it has one step."""

    def __init__(
        self,
        links: Links,
        runner: UnitRunner,
        gate: Gate,
        phase: Phase,
        size: int,
        tools: Tools,
        case_of: CaseMaker,
        kept: KeptAnswers | None,
        clock: Clock,
    ) -> None:
        super().__init__(phase.name, links, runner, gate, size, clock)
        (self._step,) = phase.steps
        self._tools, self._case_of, self._kept = tools, case_of, kept
        self._talks: dict[str, BatchConversation] = {}

    async def _found(self, flow: Flow, unit: Unit) -> Result | None:
        if self._kept is None:
            return None
        step, case = self._step, self._case_of(unit.record_id, flow.item)
        value = await self._kept.find(step, case)
        verdict = step.checks.verify(value, case) if value is not None else None
        if verdict is None or not verdict.ok:
            return None
        tally = Tally(step.phase, step.output, step.matcher, step.critic)
        tally.found()
        return self._result(flow, StepResult(step, verdict, tally.report(), value=value))

    async def _work_on(self, batch: Batch, tell: Tell) -> None:
        cases = [self._case_of(unit.record_id, flow.item) for flow, unit in batch]
        talk = self._talks[batch[0][1].id] = BatchConversation(self._tools, cases, self._step)
        told = 0

        def settle(place: int, result: StepResult) -> None:
            nonlocal told
            flow, unit = batch[place]
            # A line of a call has the name of the batch; filed under this record, it is kept with its outcome.
            audit = [{**line, "record_id": unit.record_id} for line in talk.audit[told:]]
            told = len(talk.audit)
            tell(place, replace(self._result(flow, result), audit=audit))

        def learnt(place: int, value: JsonObject) -> None:
            if self._kept is not None:
                self._kept.keep(self._step, cases[place], value)

        await talk.run(settle, learnt=learnt)
        del self._talks[batch[0][1].id]

    def _spent(self, batch: Batch) -> Callable[[], Result]:
        def spent() -> Result:
            talk = self._talks.pop(batch[0][1].id, None)
            return Result() if talk is None else Result(steps=(talk.unfinished(),))

        return spent

    def _result(self, flow: Flow, result: StepResult) -> Result:
        outputs: dict[str, Any] = {}
        if not result.cause and not result.verdict.no_match:
            value = result.verdict.value or {}
            parts = {output: part(value) for output, (_, part) in self._step.also.items()}
            outputs = {self._step.output: value, **parts}
        return converted(flow.item, result, Result(outputs=outputs, steps=(result.report,)))

    def _restore(self, flow: Flow, outcome: Outcome) -> Result:
        return Result([with_answers(flow.item, outcome.outputs)], outputs=outcome.outputs)
