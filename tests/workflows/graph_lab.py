"""A graph of made-up steps, run in memory: what each phase gave and lost, and how each unit ended."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from pydantic import TypeAdapter
from ruamel.yaml import YAML

from igent.clock import SYSTEM_CLOCK
from igent.config.constellation import Resources
from igent.config.phases import AnyPhase
from igent.flow import ExpandStep, Item, Lost, MapStep, ReduceStep, SelectStep, StepContext
from igent.outcome import Outcome
from igent.types import Record
from igent.workflows.graph import flows
from igent.workflows.graph.build import Parts, build_nodes
from igent.workflows.graph.feeding import feeds_of
from igent.workflows.graph.flows import NO_SPAN, Ended, Flow, Parted
from igent.workflows.graph.gates import Gates
from igent.workflows.graph.node import Node
from igent.workflows.graph.units import UnitRunner
from igent.workflows.slots import Slots
from igent.writing.entries import outcome_from_entry, outcome_to_entry
from igent.writing.lines import decode, encode

_PHASES = TypeAdapter(list[AnyPhase])
CONTEXT = StepContext(None, SYSTEM_CLOCK.today(), 0, None)
LONGEST_SECONDS = 20
"""Whoever waits for so long waits for ever."""


class MemoryBooks:
    """Books in memory, that keep of an outcome what a journal does."""

    def __init__(self, earlier: Mapping[str, Outcome]) -> None:
        self._earlier = earlier
        self.outcomes: dict[str, Outcome] = {}
        self.replays: set[str] = set()
        self.skips: Counter[str] = Counter()
        self.gifts: Counter[str] = Counter()

    def settled(self, record_id: str, basis: str) -> Outcome | None:
        known = self._earlier.get(record_id)
        return known if known is not None and known.basis == basis else None

    def next_index(self) -> int:
        return len(self.outcomes)

    def _keep(self, outcome: Outcome) -> int:
        assert outcome.record_id not in self.outcomes, f"{outcome.record_id} ends twice"
        self.outcomes[outcome.record_id] = outcome_from_entry(decode(encode(outcome_to_entry(outcome))))
        return NO_SPAN

    def replayed(self, phase, outcome, order, at, trigger) -> int:
        self.replays.add(outcome.record_id)
        return self._keep(outcome)

    async def add(self, outcome, unit, audit, started, ended) -> int:
        return self._keep(outcome)

    def begun(self, unit, started) -> int:
        return NO_SPAN

    def skipped(self, phase: str) -> None:
        self.skips[phase] += 1

    def gave(self, phase: str) -> None:
        self.gifts[phase] += 1

    def found(self, phase: str, many: int) -> None: ...


@dataclass
class Given:
    """What one phase gave, in the order of the input, whatever came first."""

    items: list[Item] = field(default_factory=list)
    lost: list[Lost] = field(default_factory=list)

    @property
    def ids(self) -> list[str]:
        return [item.id for item in self.items]

    @property
    def data(self) -> dict[str, Any]:
        return {item.id: item.data for item in self.items}

    @property
    def lost_ids(self) -> list[str]:
        return [lost.id for lost in self.lost]


class Lab:
    """A graph of `phases`, in YAML, and what it is run with. `steps` are async functions, by name; `embed` and `index`
    are as in Parts; `converse` makes the node of a conversation."""

    def __init__(
        self,
        phases: str,
        steps: Mapping[str, Any] | None = None,
        *,
        places: int = 4,
        most: int | None = None,
        room: int = 128,
        embed: Any = None,
        index: Any = None,
        converse: Any = None,
    ) -> None:
        self.phases = _PHASES.validate_python(YAML(typ="safe").load(phases))
        self._steps = {
            phase.step: _declared(phase, steps[phase.step]) for phase in self.phases if getattr(phase, "step", "")
        }
        self.places, self.most, self.room = places, most, room
        self.embed, self.index, self.converse = embed, index, converse
        self.ended_by: list[Exception] = []
        self.draining = False
        self.in_work = 0
        self.nodes: Mapping[str, Node] = {}

    def run(self, records: Sequence[Any], earlier: Mapping[str, Outcome] | None = None) -> dict[str, Given]:
        """Run it to the end; `books` are then those of this run."""
        return asyncio.run(self.go(records, earlier))

    async def go(self, records: Sequence[Any], earlier: Mapping[str, Outcome] | None = None) -> dict[str, Given]:
        probes = self.build(records, earlier)
        async with asyncio.timeout(LONGEST_SECONDS), asyncio.TaskGroup() as group:
            for feed in self.feeds:
                group.create_task(feed.give(SYSTEM_CLOCK))
            for node in self.nodes.values():
                group.create_task(node.run())
        assert self.in_work == 0
        assert all(gate._slots.taken == 0 for gate in self.gates._gates.values())
        return {name: _read(probe) for name, probe in probes.items()}

    def build(self, records: Sequence[Any], earlier: Mapping[str, Outcome] | None = None) -> dict[str, asyncio.Queue]:
        self.books = MemoryBooks(earlier or {})
        runner = UnitRunner(
            self.books, SYSTEM_CLOCK, lambda: self.draining, self.ended_by.append, self._moved, lambda: None
        )
        self.gates = Gates(Resources(cpu=self.places, embedding=self.places), Slots(self.places), self.most)
        workload = SimpleNamespace(steps=self._steps)
        converse = lambda spec, links: self.converse(spec, links, runner, self.gates["llm"])  # noqa: E731
        parts = Parts(
            workload, runner, self.gates, CONTEXT, SYSTEM_CLOCK, converse, lambda _: self.embed, lambda _: self.index
        )
        probes: dict[str, asyncio.Queue] = {}
        with patch.object(flows, "_ROOM", self.room):
            self.nodes = build_nodes(self.phases, parts)
        for name, node in self.nodes.items():
            probes[name] = asyncio.Queue()
            node.links.feeds.append(probes[name])
        made = [one if isinstance(one, Record) else record(one, place) for place, one in enumerate(records)]
        self.feeds = feeds_of(self.phases, self.nodes, made, runner, SYSTEM_CLOCK)
        return probes

    def _moved(self, gate, by: int) -> None:
        self.in_work += by

    def failed(self) -> dict[str, str]:
        """Why units failed, by record id."""
        return {name: outcome.reason for name, outcome in self.books.outcomes.items() if outcome.status == "failed"}


def record(one: Any, place: int = 0, problem: str | None = None) -> Record:
    """A record of the input: an id, or an id and its data."""
    name, data = one if isinstance(one, tuple) else (one, {})
    return Record(name, place, data, "input.json", problem)


def _declared(phase: Any, run: Callable[..., Any]) -> Any:
    kinds = {"map": MapStep, "expand": ExpandStep, "select": SelectStep, "reduce": ReduceStep}
    return kinds[phase.kind](run, ("any",) * len(phase.needs) if phase.kind == "reduce" else "any", "any")


def _read(probe: asyncio.Queue) -> Given:
    given, found, ended = Given(), [], 0
    while not probe.empty():
        _, message = probe.get_nowait()
        assert not ended, "something comes after the end"
        ended += isinstance(message, Ended)
        found.append(message)
    assert ended == 1
    given.items = [one.item for one in sorted((m for m in found if isinstance(m, Flow)), key=lambda m: m.order)]
    given.lost = [one.lost for one in sorted((m for m in found if isinstance(m, Parted)), key=lambda m: m.order)]
    return given
