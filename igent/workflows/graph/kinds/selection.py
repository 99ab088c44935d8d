"""select: a step in Python, all that has come of one item to one."""

from __future__ import annotations

__all__ = ["SelectNode"]

import asyncio
from dataclasses import dataclass, field

from igent.flow import Group, Item, SelectStep, StepContext
from igent.workflows.graph.flows import Flow, Opened, Parted
from igent.workflows.graph.gates import Gate
from igent.workflows.graph.given import as_data
from igent.workflows.graph.node import Links, Node
from igent.workflows.graph.units import Result, Unit, UnitRunner, basis_of


@dataclass(slots=True)
class _Group:
    """What has come of one unit so far; `last` is the latest of it."""

    opened: Opened | None = None
    items: list[Flow] = field(default_factory=list)
    lost: list[Parted] = field(default_factory=list)
    at: float = 0.0
    span: int = -1

    @property
    def complete(self) -> bool:
        return self.opened is not None and len(self.items) + len(self.lost) == self.opened.many

    def note(self, message: Flow | Parted | Opened) -> None:
        if message.at >= self.at:
            self.at, self.span = message.at, message.span
        if isinstance(message, Opened):
            self.opened = message
        elif isinstance(message, Flow):
            self.items.append(message)
        else:
            self.lost.append(message)


class SelectNode(Node):
    """A phase of kind select: `of` is the phase whose units' items are gathered again."""

    def __init__(
        self,
        name: str,
        links: Links,
        runner: UnitRunner,
        gate: Gate,
        of: str,
        step: SelectStep,
        context: StepContext,
    ) -> None:
        super().__init__(name, links, runner, gate)
        self._of, self._step, self._context = of, step, context
        self._groups: dict[str, _Group] = {}

    async def _take_all(self) -> None:
        async with asyncio.TaskGroup() as units:
            async for _, message in self._messages():
                unit = message.parent.item.id if isinstance(message, Opened) else self._origin(message)
                if unit is None:
                    if isinstance(message, Parted):
                        await self._pass_on(message)
                    continue
                group = self._groups.setdefault(unit, _Group())
                assert isinstance(message, Flow | Parted | Opened)  # noqa: S101
                group.note(message)
                if group.complete:
                    del self._groups[unit]
                    self._runner.expect()
                    await self._places.acquire()
                    units.create_task(self._one(group))

    def _origin(self, message: object) -> str | None:
        """The unit that it comes from; None for what was lost before there was one."""
        return message.origins.get(self._of) if isinstance(message, Flow | Parted) else None

    async def _one(self, group: _Group) -> None:
        try:
            assert group.opened is not None  # it is complete  # noqa: S101
            parent = group.opened.parent
            made = _made(parent.item, group)
            basis = basis_of(made.parent, list(made.items), list(made.lost))
            unit = Unit(self.name, parent.item.id, parent.order, basis, group.at, group.span)
            given = await self._runner.run(unit, self._gate, lambda: self._select(made))
            if given is not None:
                await self._give(parent, given)
        finally:
            self._places.release()

    async def _select(self, group: Group) -> Result:
        data = as_data(self.name, await self._step.run(group, self._context))
        return Result([Item(group.parent.id, data)], outputs={self.name: data})


def _made(parent: Item, group: _Group) -> Group:
    items = sorted(group.items, key=lambda flow: flow.order)
    lost = sorted(group.lost, key=lambda parted: parted.order)
    return Group(parent, [flow.item for flow in items], [parted.lost for parted in lost])
