"""The Workflow: one run of one constellation over one scenario, in one run folder.

A finished, drained, stopped or killed run leaves a folder that the same command goes on with.
"""

from __future__ import annotations

__all__ = ["Workflow"]

import logging
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import date
from functools import partial
from pathlib import Path

from igent.capacity.ledger import Ledger
from igent.clock import SYSTEM_CLOCK, Clock
from igent.config.settings import Settings
from igent.disk import SYSTEM_DISK, Disk
from igent.errors import RunFolderError
from igent.outcome import Outcome
from igent.records.selection import select
from igent.reporting.facts import RunFacts, versions, without_secrets
from igent.reporting.report import Report
from igent.reporting.summary import Summary, summarise
from igent.reporting.timings import timings_heading, timings_row
from igent.reporting.totals import Totals
from igent.types import CapacityView, Case, JsonObject, Model, Record
from igent.workflows.constellation import Constellation
from igent.workflows.executors.local import LocalExecutor
from igent.workflows.folder import RunFolder
from igent.workflows.identity import identity_of
from igent.workflows.inputs import find_scenario, read_scenario
from igent.workflows.model import build_client, build_endpoint
from igent.workflows.record import RecordWorker
from igent.workflows.session import Books, Session
from igent.workflows.traffic import Traffic
from igent.workflows.watch import NO_WATCH, RunState, Watch
from igent.workflows.wiring import build_phases, build_tools
from igent.workload import Dataset
from igent.writing.journal import Journal
from igent.writing.rewriting import View
from igent.writing.views import ViewWriter

log = logging.getLogger("igent.run")


class Workflow:
    """One run; call `run` once.

    `constellation` is loaded and checked; `settings` say what differs from it. `watch` is told how the run goes.
    `client` replaces the endpoint and the mock, under the same layers: for programs with a model of their own, which
    they close themselves. `disk` holds the run folder; inputs are read from the machine's own.

    Raises ConfigError for settings that do not fit, and AuthError without a key, before anything is touched.
    """

    def __init__(
        self,
        constellation: Constellation,
        settings: Settings,
        *,
        watch: Watch = NO_WATCH,
        clock: Clock = SYSTEM_CLOCK,
        client: Model | None = None,
        disk: Disk = SYSTEM_DISK,
    ) -> None:
        self.constellation, self.settings = constellation, settings
        spec, workload = constellation.spec, constellation.workload
        name = settings.scenario or spec.scenario
        self.scenario = find_scenario(constellation.places, workload, settings.data, name)
        self.folder = settings.out or Path("runs") / f"{constellation.name}-{name}"
        self._phases = build_phases(constellation, settings)
        self._endpoint = build_endpoint(settings, spec.run, needs_key=client is None)
        self._traffic = Traffic(constellation, settings, self._endpoint, clock)
        self._client = client or build_client(settings, self._endpoint, workload, clock)
        self._owns_client = client is None
        self._clock, self._watch, self._disk = clock, watch, disk
        self._session: Session | None = None
        self._ended_early = False

    async def run(self) -> Report:
        """Put every record through and return the report; after `drain` or `stop`, that of the records that were done.

        Raises DataError and RunFolderError before the first call. What ends the run in the middle (a refused key, a
        full disk) is raised when everything that was finished has been written.
        """
        started, began = self._clock.timestamp(), self._clock.now()
        try:
            dataset = await read_scenario(self.constellation.workload, self.scenario)
            folder = RunFolder.open(self.folder, fresh=self.settings.fresh, disk=self._disk)
            try:
                return await self._run_in(folder, dataset, started, began)
            finally:
                folder.lock.release()
        finally:
            if self._owns_client:
                await self._client.close()

    def identity(self) -> JsonObject:
        """What makes this run the run it is; a folder of another one is refused."""
        return identity_of(self.constellation, self.settings, self.scenario)

    def drain(self) -> None:
        """Admit no more records and send no more calls; `run` returns when those in flight have ended. A record that
        needs another one goes on from there when the run is resumed."""
        self._ended_early = True
        if self._session is not None:
            self._session.drain()

    def stop(self) -> None:
        """Drain, and give up the records in flight: they are worked on again when the run is resumed."""
        self._ended_early = True
        if self._session is not None:
            self._session.stop()

    async def _run_in(self, folder: RunFolder, dataset: Dataset, started: str, began: float) -> Report:
        identity = self.identity()
        folder.check(identity)
        journal = folder.journal(audit=self.settings.conversations)
        try:
            records = self._select(dataset, folder)
            resumed = folder.kept.copy()
            books = self._books(folder, dataset, journal, resumed)
            if folder.run is None:
                today = self._clock.today().isoformat()
                folder.run = folder.run_entry(identity, self._invocation(), today, started)
                journal.write_soon(folder.run)
            folder.write("prompts.json", self.constellation.prompts())
            session = self._session = self._make_session(folder, dataset, records, books)
        except BaseException:
            await journal.close()
            raise
        dropped = folder.contents.dropped_bytes
        self._watch.started(RunState(folder.path, len(records), resumed, dropped, folder.forgotten))

        def summary() -> Summary:
            seconds, left = self._clock.now() - began, len(records) - books.totals.outcomes
            facts = self._facts(folder, started, seconds, len(resumed), interrupted=self._ended_early and left > 0)
            summary = summarise(books.totals, facts, len(records))
            folder.write("summary.json", summary.to_json())
            return summary

        try:
            if self._ended_early:  # a signal came while the inputs were read
                session.drain()
            await session.run()
        except BaseException:
            with suppress(RunFolderError):  # what ended the run is what is told
                summary()
            raise
        finally:
            self._watch.finished()
        written = summary()
        if session.fatal is not None:
            raise session.fatal
        if session.limit is not None:
            raise session.limit
        return Report(written, folder.kept, folder.path)

    def _books(self, folder: RunFolder, dataset: Dataset, journal: Journal, resumed: Iterable[Outcome]) -> Books:
        ledger = Ledger(dataset.capacity)
        return Books(ledger, journal, self._views(folder, ledger), self._totals(resumed))

    def _invocation(self) -> JsonObject:
        """How to start this run again, from any folder; never the key."""
        url = self.settings.base_url
        return self.settings.model_dump(mode="json", exclude={"api_key"}) | {
            "base_url": url and without_secrets(url),
            "constellation": str(self.constellation.source.path.resolve()),
            "scenario": self.scenario.name,
            "data": str(self.scenario.folder),
        }

    def _select(self, dataset: Dataset, folder: RunFolder) -> Sequence[Record]:
        """The first `max_items` records, and those of an earlier session: what is done stays done."""
        chosen = select(dataset.records, self.settings.max_items)
        records = dataset.records[: folder.reach] if folder.reach > len(chosen) else chosen
        if folder.outcomes:  # a plug-in that was changed since may give other ids
            folder.outcomes.keep(record.id for record in records)
        return records

    def _totals(self, resumed: Iterable[Outcome]) -> Totals:
        models = None if self.settings.mock else self.constellation.models
        return Totals.of(resumed, self._phase_names(), models, self.settings.base_url)

    def _phase_names(self) -> tuple[str, ...]:
        return tuple(phase.name for phase in self.constellation.spec.phases)

    def _views(self, folder: RunFolder, ledger: Ledger) -> ViewWriter:
        spec, workload = self.constellation.spec, self.constellation.workload
        phases = self._phase_names()
        timings = View(partial(timings_row, phases=phases), head=timings_heading(phases))
        return ViewWriter(
            folder.path,
            spec.outputs(),
            folder.kept,
            capacity=lambda: workload.capacity_document(ledger.committed()),
            extra={"timings.csv": timings},
            flush_seconds=spec.run.flush_seconds,
            clock=self._clock,
            disk=self._disk,
        )

    def _make_session(self, folder: RunFolder, dataset: Dataset, records: Sequence[Record], books: Books) -> Session:
        workload, settings, clock = self.constellation.workload, self.settings, self._clock
        assert folder.run is not None  # noqa: S101
        today = date.fromisoformat(folder.run["today"])

        def case_of(record: Record, view: CapacityView) -> Case:
            return Case(record, dataset.reference, view, today)

        model = self._traffic.open(self._client, folder, books.journal, books.totals)
        tools = build_tools(model, self.constellation, settings, clock)
        return Session(
            records,
            folder.outcomes,
            case_of,
            RecordWorker(self._phases, tools, workload, books.ledger, LocalExecutor(), clock, self._traffic.guesses),
            books,
            watch=self._watch,
            clock=clock,
            slots=self._traffic.slots,
            keep_audit=settings.conversations,
            farewell=self._traffic.spent_entry,
            valve=self._traffic.valve,
        )

    def _facts(self, folder: RunFolder, started: str, seconds: float, resumed: int, *, interrupted: bool) -> RunFacts:
        settings, spec = self.settings, self.constellation.spec
        return RunFacts(
            constellation=self.constellation.name,
            workload=spec.workload,
            scenario=self.scenario.name,
            data=str(settings.data or self.scenario.folder),
            out=str(folder.path),
            started=started,
            wall_seconds=seconds,
            limit=str(self._session.limit) if self._session and self._session.limit else None,
            **self._traffic.facts(),
            seed=settings.seed,
            mock=settings.mock,
            mock_latency=settings.mock_latency,
            base_url=settings.base_url,
            resumed=resumed,
            interrupted=interrupted,
            dropped_bytes=folder.contents.dropped_bytes,
            phases=self._phase_names(),
            models=self.constellation.models,
            versions=versions(),
        )
