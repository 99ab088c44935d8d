"""reduce: a step in Python, whole streams to some items."""

from __future__ import annotations

__all__ = ["ReduceNode"]

from dataclasses import dataclass, field, replace

from igent.flow import Item, Lost, ReduceStep, StepContext, Stream
from igent.workflows.graph.flows import Flow, Parted
from igent.workflows.graph.gates import Gate
from igent.workflows.graph.given import as_item
from igent.workflows.graph.node import Links, Node
from igent.workflows.graph.units import Result, Unit, UnitRunner, basis_of, failed

_ALL = "all"


@dataclass(slots=True)
class _Gathered:
    items: list[Flow] = field(default_factory=list)
    lost: list[Parted] = field(default_factory=list)


class ReduceNode(Node):
    """A phase of kind reduce. It holds all that it takes, and what was lost on the way to it ends here. Of items with
    one id the first goes on, and the unit has failed."""

    def __init__(
        self, name: str, links: Links, runner: UnitRunner, gate: Gate, step: ReduceStep, context: StepContext
    ) -> None:
        super().__init__(name, links, runner, gate)
        self._step, self._context = step, context
        self._streams = {source: _Gathered() for source in links.sources}

    async def _take_all(self) -> None:
        async for source, message in self._messages():
            if isinstance(message, Flow):
                self._streams[source].items.append(message)
            elif isinstance(message, Parted):
                self._streams[source].lost.append(message)
        streams = [_stream(source, gathered) for source, gathered in self._streams.items()]
        self._streams.clear()
        self._runner.expect()
        basis = basis_of([[stream.phase, stream.items, stream.lost] for stream in streams])
        unit = Unit(self.name, _ALL, (), basis, self._last.at, self._last.span)
        given = await self._runner.run(unit, self._gate, lambda: self._reduce(streams))
        if given is None:
            return
        whole, result = Flow(Item(_ALL, {}), (), given.at, {}, given.span), given.result
        if result.status == "failed" and not result.items:
            await self._give(whole, given)
            return
        self._note_end(given)
        for place, item in enumerate(result.items):
            await self._tell(self._flow(replace(whole, order=(place,)), item, given))
        for place, lost in enumerate(result.lost, len(result.items)):
            await self._tell(self._parted(replace(whole, order=(place,)), lost, given))

    async def _reduce(self, streams: list[Stream]) -> Result:
        items, seconds = dict[str, Item](), list[Lost]()
        for one in await self._step.run(streams, self._context):
            item = as_item(self.name, one)
            if item.id in items:
                seconds.append(Lost(item.id, self.name, f"phase {self.name} gives the id {item.id!r} twice", item.data))
            else:
                items[item.id] = item
        result = Result(list(items.values()), seconds, {self.name: {"items": len(items)}})
        return failed(result, seconds[0].reason, "part") if seconds else result


def _stream(source: str, gathered: _Gathered) -> Stream:
    items = sorted(gathered.items, key=lambda flow: flow.order)
    lost = sorted(gathered.lost, key=lambda parted: parted.order)
    return Stream(source, [flow.item for flow in items], [parted.lost for parted in lost])
