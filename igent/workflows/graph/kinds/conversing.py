"""converse: one conversation of agents about each item; its answers are added to the item's data."""

from __future__ import annotations

__all__ = ["CaseMaker", "ConverseNode", "converted", "with_answers"]

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from igent.agents.step import Step, StepResult, Tools
from igent.flow import Item
from igent.outcome import Outcome
from igent.types import Case, Verdict
from igent.workflows.executors.local import Executor
from igent.workflows.graph.flows import Flow
from igent.workflows.graph.gates import Gate
from igent.workflows.graph.node import Links, OneByOne
from igent.workflows.graph.units import Result, Unit, UnitRunner, failed
from igent.workflows.phase import Phase, PhaseRun

CaseMaker = Callable[[str, Item], Case]
"""The case of a conversation, from the unit's name in the journal and the item."""


class ConverseNode(OneByOne):
    """A phase of kind converse, one conversation an item."""

    def __init__(
        self,
        links: Links,
        runner: UnitRunner,
        gate: Gate,
        phase: Phase,
        tools: Tools,
        executor: Executor,
        case_of: CaseMaker,
    ) -> None:
        super().__init__(phase.name, links, runner, gate)
        self._phase, self._tools, self._executor, self._case_of = phase, tools, executor, case_of
        self._runs: dict[str, PhaseRun] = {}

    def _partial(self, unit: Unit) -> Callable[[], Result]:
        return lambda: self._so_far(self._runs.pop(unit.id, None))

    async def _work(self, flow: Flow, unit: Unit) -> Result:
        case = self._case_of(unit.record_id, flow.item)
        run = self._runs[unit.id] = PhaseRun(self._phase, case, self._tools, self._executor, _nothing_to_take)
        await run.go()
        result = self._so_far(self._runs.pop(unit.id))
        assert run.last is not None  # a phase has at least one step  # noqa: S101
        return converted(flow.item, run.last, result)

    @staticmethod
    def _so_far(run: PhaseRun | None) -> Result:
        if run is None:
            return Result()
        return Result(outputs=dict(run.outputs), steps=tuple(run.reports), audit=tuple(run.audit), timing=run.timing())

    def _restore(self, flow: Flow, outcome: Outcome) -> Result:
        return Result([with_answers(flow.item, outcome.outputs)], outputs=outcome.outputs)


def converted(item: Item, last: StepResult, result: Result) -> Result:
    """The result of a conversation that came to its end with this step. Where nobody fits, the item goes on without an
    answer of that step."""
    if last.cause:
        return failed(replace(result, violations=last.verdict.violations), last.reason, last.cause)
    if last.verdict.no_match:
        answers = {**result.outputs, last.step.output: None}
        return replace(result, status="no_match", outputs=answers, items=[with_answers(item, answers)])
    return replace(result, items=[with_answers(item, result.outputs)])


def with_answers(item: Item, answers: Mapping[str, Any]) -> Item:
    """The item with the answers in its data, each under the name of its output."""
    return Item(item.id, {**item.data, **answers})


def _nothing_to_take(_step: Step, _verdict: Verdict, _case: Case) -> Case | None:
    """There is no capacity in a graph."""
    return None
