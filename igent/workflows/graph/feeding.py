"""Which records of the input go to which phase of a graph."""

from __future__ import annotations

__all__ = ["feeds_of"]

from collections.abc import Mapping, Sequence
from functools import partial

from igent.clock import Clock
from igent.config.phases import AnyPhase
from igent.flow import Item, Lost
from igent.types import Record
from igent.workflows.graph.flows import NO_SPAN, Message, Parted, source_flow
from igent.workflows.graph.node import Node
from igent.workflows.graph.session import Feed
from igent.workflows.graph.units import Unit, UnitRunner, basis_of
from igent.workflows.where import taken_by


def feeds_of(
    phases: Sequence[AnyPhase], nodes: Mapping[str, Node], records: Sequence[Record], runner: UnitRunner, clock: Clock
) -> Sequence[Feed]:
    """What each phase that takes the input is to be given. A record that cannot be worked on fails there, once the
    feed comes to it."""
    feeds = []
    for phase in phases:
        if not phase.needs:
            message = partial(_message, phase.name, runner, clock)
            feeds.append(Feed(nodes[phase.name].links.inbox, taken_by(phase, records), message))
    return feeds


async def _message(phase: str, runner: UnitRunner, clock: Clock, record: Record) -> Message:
    now = clock.now()
    if record.problem is None:
        return source_flow(Item(record.id, record.data), record.index, now)
    unit = Unit(phase, record.id, (record.index,), basis_of(record.problem), now, NO_SPAN)
    await runner.refuse(unit, record.problem)
    return Parted(Lost(record.id, phase, record.problem, record.data), unit.order, now)
