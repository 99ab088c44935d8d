"""map: a step in Python, one item to one."""

from __future__ import annotations

__all__ = ["MapNode"]

from igent.flow import Item, MapStep, StepContext
from igent.outcome import Outcome
from igent.workflows.graph.flows import Flow
from igent.workflows.graph.gates import Gate
from igent.workflows.graph.given import as_data
from igent.workflows.graph.node import Links, OneByOne
from igent.workflows.graph.units import Result, Unit, UnitRunner


class MapNode(OneByOne):
    """A phase of kind map."""

    def __init__(
        self, name: str, links: Links, runner: UnitRunner, gate: Gate, step: MapStep, context: StepContext
    ) -> None:
        super().__init__(name, links, runner, gate)
        self._step, self._context = step, context

    async def _work(self, flow: Flow, unit: Unit) -> Result:
        data = as_data(self.name, await self._step.run(flow.item, self._context))
        return Result([Item(flow.item.id, data)], outputs={self.name: data})

    def _restore(self, flow: Flow, outcome: Outcome) -> Result:
        data = outcome.outputs[self.name]
        return Result([Item(flow.item.id, data)], outputs=outcome.outputs)
