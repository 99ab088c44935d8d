"""One run of a graph in one run folder: what its phases are handed, its session, and the files at the end."""

from __future__ import annotations

__all__ = ["GraphCourse"]

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from igent.agents.step import Tools
from igent.caching.keys import endpoint_name
from igent.config.phases import AnyPhase, PhaseSpec
from igent.errors import InternalError, RunFolderError
from igent.flow import Flows, Item, StepContext
from igent.outcome import Outcome
from igent.records.selection import select
from igent.reporting.facts import RunFacts
from igent.reporting.phase_totals import PhaseTotals, plans_of
from igent.reporting.summary import Summary, summarise
from igent.types import Case, Model, Record
from igent.workflows.course import Grounds
from igent.workflows.executors.local import LocalExecutor
from igent.workflows.graph.answers import CachedElements
from igent.workflows.graph.books import UnitBooks
from igent.workflows.graph.build import Parts, build_nodes, order_of
from igent.workflows.graph.feeding import feeds_of
from igent.workflows.graph.gates import Gates
from igent.workflows.graph.kinds.batching import BatchNode
from igent.workflows.graph.kinds.conversing import ConverseNode
from igent.workflows.graph.node import Links, Node
from igent.workflows.graph.services import Services
from igent.workflows.graph.session import Feed, GraphSession
from igent.workflows.graph.units import UnitRunner
from igent.workflows.graph.views import write_views
from igent.workflows.wiring import build_tools
from igent.writing.results import write_results


class GraphCourse:
    """A Course: a graph of phases, whose units have an outcome each."""

    total = None

    def __init__(self, grounds: Grounds) -> None:
        self._grounds = grounds
        self._phases: Sequence[AnyPhase] = grounds.constellation.spec.phases
        self.before: Sequence[Outcome] = grounds.folder.kept.copy()
        self._books = self._make_books(order_of(self._phases))
        self._session: GraphSession
        self._services: Services
        self._nodes: Mapping[str, Node]
        self._feeds: Sequence[Feed]

    @property
    def resumed(self) -> int:
        """See Course."""
        return self._books.resumed

    @property
    def unfinished(self) -> bool:
        """See Course."""
        return not self._session.complete

    async def open(self) -> GraphSession:
        """See Course. Raises ConfigError for what a phase needs and this machine does not have."""
        grounds, clock, traffic = self._grounds, self._grounds.clock, self._grounds.traffic
        before = grounds.totals(self.before)
        books = self._books
        model = traffic.open(
            grounds.client, grounds.folder, grounds.journal, before, grounds.answers, lambda: books.talked
        )
        session = self._session = GraphSession(
            grounds.journal, traffic.valve, grounds.watch, clock, traffic.spent_entry
        )
        runner = UnitRunner(
            self._books, clock, lambda: session.draining, session.ended_by, session.moved, session.expect
        )
        spec = grounds.constellation.spec
        gates = Gates(spec.run.resources, traffic.slots, traffic.most_in_flight)
        self._services = Services(
            grounds.constellation,
            grounds.settings,
            grounds.endpoint,
            model,
            gates,
            grounds.cache,
            clock,
            traffic,
            session.moved,
            answers=grounds.answers is not None,
        )
        self._nodes = self._build(runner, gates, model)
        records = select(grounds.dataset.records, grounds.settings.max_items)
        self._feeds = feeds_of(self._phases, self._nodes, records, runner, clock)
        return session

    async def run(self) -> None:
        """See Course. At the end, however it comes, the files are written."""
        try:
            await self._session.run(list(self._nodes.values()), self._feeds)
        except BaseException:
            with suppress(RunFolderError):  # what ended the run is what is told
                await self._write()
            raise
        finally:
            await self._services.close()
        await self._write()

    def summarise(self, facts: RunFacts) -> Summary:
        """See Course: the figures of all units that are known; those without an outcome were not run."""
        known = max(self._books.totals.outcomes, self._session.expected)
        return summarise(self._books.totals, facts, known, self._books.phases)

    def _build(self, runner: UnitRunner, gates: Gates, model: Model) -> Mapping[str, Node]:
        grounds, clock, today = self._grounds, self._grounds.clock, self._grounds.today
        workload, reference = grounds.constellation.workload, grounds.dataset.reference
        if not isinstance(workload, Flows):
            raise InternalError(f"workload {workload.name!r} has no steps: its constellation was not checked")
        context = StepContext(reference, today, grounds.settings.seed, self._services.pages)
        conversations = {phase.name: phase for phase in grounds.phases}
        tools = build_tools(model, grounds.constellation, grounds.settings, clock)
        kept = self._kept_answers(tools)

        def case_of(record_id: str, item: Item) -> Case:
            return Case(Record(record_id, 0, item.data, item.id), reference, {}, today)

        def converse(spec: PhaseSpec, links: Links) -> Node:
            phase, gate = conversations[spec.name], gates["llm"]
            if spec.batch > 1:
                return BatchNode(links, runner, gate, phase, spec.batch, tools, case_of, kept, clock)
            return ConverseNode(links, runner, gate, phase, tools, LocalExecutor(), case_of)

        services = self._services
        parts = Parts(workload, runner, gates, context, clock, converse, services.embedder, services.index)
        return build_nodes(self._phases, parts)

    def _kept_answers(self, tools: Tools) -> CachedElements | None:
        cache, shelf = self._grounds.answers, self._grounds.traffic.shelf
        if cache is None or shelf is None:
            return None
        return CachedElements(cache, shelf, endpoint_name(self._grounds.settings.base_url), tools)

    def _make_books(self, rank: Mapping[str, int]) -> UnitBooks:
        grounds, settings = self._grounds, self._grounds.settings
        models = None if settings.mock else grounds.constellation.models
        plans = plans_of(self._phases, grounds.constellation.spec.run.resources)
        return UnitBooks(
            grounds.folder,
            grounds.journal,
            grounds.totals(),
            PhaseTotals(plans, models, settings.base_url),
            grounds.watch,
            ended=grounds.traffic.ended,
            keep_audit=settings.conversations,
            rank=rank.__getitem__,
        )

    async def _write(self) -> None:
        folder, disk = self._grounds.folder, self._grounds.disk
        if self._session.complete:
            self._books.forget_unreached()
        await write_views(folder, self._books.places(), disk)
        for phase in self._phases:
            kept = self._nodes[phase.name].links.kept
            if kept is None or not (kept or self._session.complete):
                continue
            items = [item for _, item in sorted(kept, key=lambda one: one[0])]
            for name, rows, tables in _files(phase, items):
                await write_results(folder.path, name, rows, tables=tables, disk=disk)


def _files(phase: AnyPhase, items: Sequence[Item]) -> list[tuple[str, list[Any], bool]]:
    """The files of a phase: name, rows, and whether there are tables too."""
    if not isinstance(phase, PhaseSpec):
        return [(phase.output or phase.name, [item.data for item in items], phase.tables)]
    outputs = [output for step in phase.steps for output in (step.output, *step.also)]
    return [
        (output, [item.data[output] for item in items if item.data.get(output) is not None], False)
        for output in outputs
    ]
