"""embed: the embedding of one text of each item, some texts a call."""

from __future__ import annotations

__all__ = ["EmbedNode", "Embedded"]

from array import array
from base64 import b64decode, b64encode
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from igent.clock import Clock
from igent.flow import Item, Vector
from igent.outcome import Outcome, StepReport
from igent.workflows.graph.flows import Flow
from igent.workflows.graph.gates import Gate
from igent.workflows.graph.node import Links
from igent.workflows.graph.together import Batch, Tell, Together
from igent.workflows.graph.units import Result, Unit, UnitRunner, failed


@dataclass(frozen=True, slots=True)
class Embedded:
    """What embedding some texts has brought: their vectors in order, how many were in the cache, and what the calls
    were, None where none was made."""

    vectors: Sequence[Vector[float]]
    found: int = 0
    report: StepReport | None = None


EmbedTexts = Callable[[Sequence[str]], Awaitable[Embedded]]


class EmbedNode(Together):
    """A phase of kind embed."""

    def __init__(
        self,
        name: str,
        links: Links,
        runner: UnitRunner,
        gate: Gate,
        field: str,
        size: int,
        embed: EmbedTexts,
        clock: Clock,
    ) -> None:
        super().__init__(name, links, runner, gate, size, clock)
        self._field, self._embed = field, embed

    async def _found(self, flow: Flow, unit: Unit) -> Result | None:
        if isinstance(flow.item.data.get(self._field), str):
            return None
        what = f"its data has no text {self._field!r} to embed (field of phase {self.name})"
        return failed(Result(), what, "input")

    async def _work_on(self, batch: Batch, tell: Tell) -> None:
        embedded = await self._embed([flow.item.data[self._field] for flow, _ in batch])
        self._runner.books.found(self.name, embedded.found)
        steps = (embedded.report,) if embedded.report is not None else ()
        for place, ((flow, _), vector) in enumerate(zip(batch, embedded.vectors, strict=True)):
            kept = {self.name: {"vector": b64encode(vector.tobytes()).decode()}}
            item = Item(flow.item.id, flow.item.data, vector)
            tell(place, Result([item], outputs=kept, steps=steps))
            steps = ()  # the call is counted once

    def _restore(self, flow: Flow, outcome: Outcome) -> Result:
        vector = array("f")
        vector.frombytes(b64decode(outcome.outputs[self.name]["vector"]))
        return Result([Item(flow.item.id, flow.item.data, vector)], outputs=outcome.outputs)
