"""What the conversations of a graph would be about: its other phases are worked on, as far as they need no answer."""

from __future__ import annotations

__all__ = ["walk_graph"]

import asyncio
from collections.abc import Mapping, Sequence
from datetime import date

from igent.caching.cache import Cache
from igent.clock import Clock
from igent.config.phases import AnyPhase, EmbedSpec, PhaseSpec
from igent.config.settings import Settings
from igent.errors import IgentError, InternalError
from igent.flow import Flows, Item, StepContext
from igent.models.pace import Pace
from igent.outcome import Outcome
from igent.types import Case, JsonObject, Record
from igent.workflows.constellation import Constellation
from igent.workflows.graph.build import Parts, build_nodes
from igent.workflows.graph.feeding import feeds_of
from igent.workflows.graph.flows import NO_SPAN, Flow, Order
from igent.workflows.graph.gates import Gate, Gates
from igent.workflows.graph.node import Links, Node
from igent.workflows.graph.services import Services
from igent.workflows.graph.units import Unit, UnitRunner
from igent.workflows.phase import Phase
from igent.workflows.reckoning import Found, add_batch, add_record, asked_of
from igent.workflows.size import Sizer
from igent.workflows.slots import Slots
from igent.workflows.where import check_taken
from igent.workload import Dataset


class _Blank:
    """Books of which nothing is kept but what failed."""

    def __init__(self) -> None:
        self.failed = 0

    def settled(self, record_id: str, basis: str) -> Outcome | None:
        return None

    def next_index(self) -> int:
        return 0

    def replayed(self, phase: str, outcome: Outcome, order: Order, at: float, trigger: int) -> int:
        return NO_SPAN

    async def add(self, outcome: Outcome, unit: Unit, audit: Sequence[JsonObject], started: float, ended: float) -> int:
        self.failed += outcome.status == "failed"
        return NO_SPAN

    def begun(self, unit: Unit, started: float) -> int:
        return NO_SPAN

    def skipped(self, phase: str) -> None: ...

    def gave(self, phase: str) -> None: ...

    def found(self, phase: str, many: int) -> None: ...


class _Walk:
    """A graph being walked without a model."""

    def __init__(
        self,
        constellation: Constellation,
        settings: Settings,
        conversations: Sequence[Phase],
        dataset: Dataset,
        before: Mapping[str, Outcome],
        today: date,
        pace: Pace,
    ) -> None:
        self._settings, self._dataset, self._before = settings, dataset, before
        self._today, self._pace = today, pace
        self._conversations = {phase.name: phase for phase in conversations}
        self._sizer = Sizer(constellation.workload, asked_of(constellation))
        self.found = Found()

    def is_settled(self, unit: Unit) -> bool:
        """Whether an earlier session has talked about it; it is counted as such then."""
        known = self._before.get(unit.record_id)
        settled = known is not None and known.basis == unit.basis
        self.found.settled += settled
        return settled

    def size(self, name: str, units: Sequence[tuple[Unit, Item]], *, batch: bool) -> None:
        """Reckon with one conversation about these units; `batch`: one that is led as about several."""
        phase, seed = self._conversations[name], self._settings.seed
        records = [Record(unit.record_id, 0, item.data, item.id) for unit, item in units]
        cases = [Case(record, self._dataset.reference, {}, self._today) for record in records]
        if batch:
            add_batch(self.found, phase, self._sizer, cases, seed, self._pace)
        else:
            add_record(self.found, [phase], self._sizer, cases[0], seed, self._pace, early=False)


class _Sized(Node):
    """A conversation that is not held: its questions are measured, and nothing comes of it."""

    def __init__(self, name: str, links: Links, runner: UnitRunner, gate: Gate, walk: _Walk, batch: int) -> None:
        super().__init__(name, links, runner, gate)
        self._walk, self._batch = walk, batch

    async def _take_all(self) -> None:
        waiting: list[tuple[Unit, Item]] = []
        async for _, message in self._messages():
            if isinstance(message, Flow) and not self._walk.is_settled(unit := self._unit(message)):
                waiting.append((unit, message.item))
            if len(waiting) == self._batch:
                self._walk.size(self.name, waiting, batch=self._batch > 1)
                waiting.clear()
        if waiting:
            self._walk.size(self.name, waiting, batch=self._batch > 1)


async def walk_graph(
    constellation: Constellation,
    settings: Settings,
    conversations: Sequence[Phase],
    dataset: Dataset,
    before: Mapping[str, Outcome],
    today: date,
    pace: Pace,
    clock: Clock,
) -> Found:
    """The conversations that a run would hold, as far as they rest on no answer of another one. Sends nothing.

    Phases that embed at an endpoint are not worked on, nor what needs them; a note says which are left out. Raises
    what the run would raise before its first call.
    """
    spec, workload = constellation.spec, constellation.workload
    if not isinstance(workload, Flows):
        raise InternalError(f"workload {workload.name!r} has no steps: its constellation was not checked")
    check_taken(spec.phases, dataset.records)
    chosen = _without_answers(spec.phases)
    walk = _Walk(constellation, settings, conversations, dataset, before, today, pace)
    books, gates = _Blank(), Gates(spec.run.resources, Slots(1000))
    runner = UnitRunner(books, clock, lambda: False, _refuse, lambda gate, by: None, lambda: None)
    path = settings.cache_path()
    cache = Cache(path, clock=clock) if path is not None and path.exists() and settings.cache is not False else None
    services = Services(constellation, settings, None, None, gates, cache, clock)
    context = StepContext(dataset.reference, today, settings.seed, services.pages)

    def converse(phase: PhaseSpec, links: Links) -> Node:
        return _Sized(phase.name, links, runner, gates["llm"], walk, phase.batch)

    parts = Parts(workload, runner, gates, context, clock, converse, services.embedder, services.index)
    nodes = build_nodes(chosen, parts)
    records = dataset.records[: settings.max_items]
    try:
        async with asyncio.TaskGroup() as group:
            for feed in feeds_of(chosen, nodes, records, runner, clock):
                group.create_task(feed.give(clock))
            for node in nodes.values():
                group.create_task(node.run())
    finally:
        await services.close()
        if cache is not None:
            await cache.close()
    walk.found.refused = books.failed
    left = [phase.name for phase in spec.phases if isinstance(phase, PhaseSpec) and phase not in chosen]
    if left:
        walk.found.notes.append(
            f"Not counted, for they rest on answers or on embeddings of the endpoint: {', '.join(left)}."
        )
    return walk.found


def _without_answers(phases: Sequence[AnyPhase]) -> list[AnyPhase]:
    """Those phases that can be worked on without a call, and the conversations right after them."""
    known = {phase.name: phase for phase in phases}
    needs: dict[str, bool] = {}

    def rests_on_calls(name: str) -> bool:
        if name not in needs:
            phase = known[name]
            own = isinstance(phase, PhaseSpec) or (isinstance(phase, EmbedSpec) and phase.model != "local")
            needs[name] = own or any(rests_on_calls(need) for need in phase.needs)
        return needs[name]

    return [
        phase
        for phase in phases
        if not any(rests_on_calls(need) for need in phase.needs)
        and (isinstance(phase, PhaseSpec) or not rests_on_calls(phase.name))
    ]


def _refuse(error: IgentError) -> None:
    raise error
