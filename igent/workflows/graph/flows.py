"""What phases tell each other while a graph runs: items, losses, groups that are opened, and ends."""

from __future__ import annotations

__all__ = ["NO_SPAN", "Ended", "Flow", "Inbox", "Message", "Opened", "Parted", "make_inbox", "source_flow"]

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from igent.flow import Item, Lost

NO_SPAN = -1
_ROOM = 128

Order = tuple[int, ...]
"""Where a record stands among all of its phase: the place of each record that it came from, outermost first. The same
whichever came first in time, so that no result depends on that."""


@dataclass(frozen=True, slots=True)
class Flow:
    """An item on its way.

    `origins` are the units that it was made in, by phase, of phases that make many of one. It was given at the moment
    `at` of the run's clock, by the unit of work `span` (see SpanLog; NO_SPAN: it is a record of the input).
    """

    item: Item
    order: Order
    at: float
    origins: Mapping[str, str] = field(default_factory=dict)
    span: int = NO_SPAN


@dataclass(frozen=True, slots=True)
class Parted:
    """A record that was lost, on its way to whoever gathers; else as Flow."""

    lost: Lost
    order: Order
    at: float
    origins: Mapping[str, str] = field(default_factory=dict)
    span: int = NO_SPAN


@dataclass(frozen=True, slots=True)
class Opened:
    """A unit has made many of one: `parent` was its input, so `many` items or losses come from it."""

    phase: str
    parent: Flow
    many: int
    at: float
    span: int


@dataclass(frozen=True, slots=True)
class Ended:
    """Nothing more comes from this phase."""

    phase: str
    at: float
    span: int


Message = Flow | Parted | Opened | Ended
Inbox = asyncio.Queue[tuple[str, Message]]
"""What comes to a phase, with the phase it comes from ("" for the input). Whoever puts waits while it is full."""


def make_inbox() -> Inbox:
    """An empty one; bounded."""
    return asyncio.Queue(_ROOM)


def source_flow(item: Item, index: int, at: float) -> Flow:
    """A record of the input."""
    return Flow(item, (index,), at)
