"""How much of each kind of resource the phases of a graph use at once."""

from __future__ import annotations

__all__ = ["Gate", "Gates"]

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from igent.config.constellation import Resources
from igent.config.words import Resource
from igent.workflows.slots import Slots


class Gate:
    """The places of one resource, for any number of phases. What is `paid` for is finished when the run is to end;
    `most` is how many places there may ever be. Whoever comes first goes first."""

    def __init__(self, slots: Slots, *, paid: bool = False, most: int | None = None) -> None:
        self._slots = slots
        self._turn = asyncio.Lock()
        self.paid = paid
        self.most = most or slots.limit

    @property
    def limit(self) -> int:
        """How many places there are now."""
        return self._slots.limit

    @property
    def full(self) -> bool:
        """Whether whoever comes now has to wait."""
        return self._slots.full

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """Hold one place."""
        async with self._turn:  # one waits for the slots and the others for their turn: not all wake at each release
            await self._slots.acquire()
        try:
            yield
        finally:
            self._slots.release()

    @asynccontextmanager
    async def lent(self) -> AsyncIterator[None]:
        """Give the place that is held to others, and take one again at the end: for whoever waits for something that
        others may need a place for. Cancelled while it waits, it holds one all the same, for `held` to give back."""
        self._slots.release()
        try:
            yield
        finally:
            self._slots.taken += 1  # at once: whoever gave it up goes first, and one more for a moment harms nobody


class Gates:
    """One gate a resource; `llm` are the slots of the conversations, which may grow to `most` and shrink. Pages that a
    step has read have `pages`, as many as `vision`, to themselves: a step that holds a place never waits for another.
    """

    def __init__(self, resources: Resources, llm: Slots, most: int | None = None) -> None:
        self._gates: Mapping[Resource, Gate] = {
            "llm": Gate(llm, paid=True, most=most),
            "embedding": Gate(Slots(resources.embedding), paid=True),
            "vision": Gate(Slots(resources.vision)),
            "cpu": Gate(Slots(resources.cpu)),
        }
        self.pages = Gate(Slots(resources.vision))

    def __getitem__(self, resource: Resource) -> Gate:
        return self._gates[resource]
