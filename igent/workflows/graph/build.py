"""Puts a graph together: a node for each phase, and what leads from one to the other."""

from __future__ import annotations

__all__ = ["Parts", "build_nodes", "order_of"]

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from igent.clock import Clock
from igent.config.phases import AnyPhase, EmbedSpec, PairSpec, PhaseSpec, SelectSpec
from igent.flow import Flows, StepContext
from igent.workflows.graph.gates import Gates
from igent.workflows.graph.kinds.embedding import EmbedNode, EmbedTexts
from igent.workflows.graph.kinds.expansion import ExpandNode
from igent.workflows.graph.kinds.mapping import MapNode
from igent.workflows.graph.kinds.pairing import MakeIndex, PairNode
from igent.workflows.graph.kinds.reduction import ReduceNode
from igent.workflows.graph.kinds.selection import SelectNode
from igent.workflows.graph.node import Links, Node
from igent.workflows.graph.units import UnitRunner


@dataclass(frozen=True, slots=True)
class Parts:
    """What the phases of one session are made of: `converse` makes the nodes of conversations, `embedder` gives what
    embeds for a phase, `index` what is searched for its pairs."""

    flows: Flows
    runner: UnitRunner
    gates: Gates
    context: StepContext
    clock: Clock
    converse: Callable[[PhaseSpec, Links], Node]
    embedder: Callable[[EmbedSpec], EmbedTexts]
    index: Callable[[PairSpec], MakeIndex]


def build_nodes(phases: Sequence[AnyPhase], parts: Parts) -> dict[str, Node]:
    """A node for each phase, by name, linked as the phases need each other."""
    links = {phase.name: Links(_sources(phase)) for phase in phases}
    for phase in phases:
        inbox = links[phase.name].inbox
        for need in phase.needs:
            links[need].feeds.append(inbox)
        if isinstance(phase, SelectSpec):
            links[phase.of].watchers.append(inbox)
        if phase.output if not isinstance(phase, PhaseSpec) else True:
            links[phase.name].kept = []
    return {phase.name: _node(phase, links[phase.name], parts) for phase in phases}


def order_of(phases: Sequence[AnyPhase]) -> dict[str, int]:
    """The place of each phase where none comes before one that it needs, else as in the file."""
    placed: dict[str, int] = {}
    left = list(phases)
    while left:
        ready = next(phase for phase in left if all(need in placed for need in phase.needs))
        placed[ready.name] = len(placed)
        left.remove(ready)
    return placed


def _sources(phase: AnyPhase) -> Sequence[str]:
    sources = [*phase.needs] or [""]
    if isinstance(phase, SelectSpec) and phase.of not in sources:
        sources.append(phase.of)
    return sources


def _node(phase: AnyPhase, links: Links, parts: Parts) -> Node:
    if isinstance(phase, PhaseSpec):
        return parts.converse(phase, links)
    common = (phase.name, links, parts.runner, parts.gates[phase.uses])
    if isinstance(phase, EmbedSpec):
        return EmbedNode(*common, phase.field, phase.batch, parts.embedder(phase), parts.clock)
    if isinstance(phase, PairSpec):
        return PairNode(*common, parts.index(phase))
    step: Any = parts.flows.steps[phase.step]
    nodes: dict[str, Callable[[], Node]] = {
        "map": lambda: MapNode(*common, step, parts.context),
        "expand": lambda: ExpandNode(*common, step, parts.context, parts.clock),
        "select": lambda: SelectNode(*common, getattr(phase, "of", ""), step, parts.context),
        "reduce": lambda: ReduceNode(*common, step, parts.context),
    }
    return nodes[phase.kind]()
