"""The Workflow: one run of one constellation over one scenario, in one run folder.

A finished, drained, stopped or killed run leaves a folder that the same command goes on with.
"""

from __future__ import annotations

__all__ = ["Workflow"]

import logging
from contextlib import suppress
from pathlib import Path

from igent.caching.cache import Cache
from igent.clock import SYSTEM_CLOCK, Clock
from igent.config.settings import Settings
from igent.disk import SYSTEM_DISK, Disk
from igent.errors import RunFolderError
from igent.reporting.facts import RunFacts, versions, without_secrets
from igent.reporting.report import Report
from igent.reporting.summary import Summary
from igent.types import JsonObject, Model
from igent.workflows.chain import ChainCourse
from igent.workflows.constellation import Constellation
from igent.workflows.course import Course, Grounds, RunningSession
from igent.workflows.folder import RunFolder
from igent.workflows.identity import identity_of
from igent.workflows.inputs import find_scenario, read_scenario
from igent.workflows.model import build_client, build_endpoint
from igent.workflows.traffic import Traffic
from igent.workflows.watch import NO_WATCH, RunState, Watch
from igent.workflows.where import check_taken
from igent.workflows.wiring import build_phases
from igent.workload import Dataset
from igent.writing.journal import Journal

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
        self._cache = self._open_cache()
        self._session: RunningSession | None = None
        self._ended_early = False

    async def run(self) -> Report:
        """Put every record through and return the report; after `drain` or `stop`, that of the records that were done.

        Raises DataError and RunFolderError before the first call. What ends the run in the middle (a refused key, a
        full disk) is raised when everything that was finished has been written.
        """
        started, began = self._clock.timestamp(), self._clock.now()
        try:
            dataset = await read_scenario(self.constellation.workload, self.scenario)
            if self.constellation.spec.is_graph:  # before a folder is begun that a mended file would not fit
                check_taken(self.constellation.spec.phases, dataset.records)
            folder = RunFolder.open(self.folder, fresh=self.settings.fresh, disk=self._disk)
            try:
                return await self._run_in(folder, dataset, started, began)
            finally:
                folder.lock.release()
        finally:
            if self._owns_client:
                await self._client.close()
            if self._cache is not None:
                await self._cache.close()

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
        folder.check(self.identity())
        journal = folder.journal(audit=self.settings.conversations)
        try:
            self._begin(folder, journal, started)
            course = self._course(folder, journal, dataset)
            session = self._session = await course.open()
        except BaseException:
            await journal.close()
            raise
        dropped = folder.contents.dropped_bytes
        self._watch.started(RunState(folder.path, course.total, course.before, dropped, folder.forgotten))

        def summary() -> Summary:
            seconds, interrupted = self._clock.now() - began, self._ended_early and course.unfinished
            summary = course.summarise(self._facts(folder, started, seconds, course.resumed, interrupted=interrupted))
            folder.write("summary.json", summary.to_json())
            return summary

        try:
            if self._ended_early:  # a signal came while the inputs were read
                session.drain()
            await course.run()
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

    def _course(self, folder: RunFolder, journal: Journal, dataset: Dataset) -> Course:
        grounds = Grounds(
            self.constellation,
            self.settings,
            self._phases,
            self._traffic,
            self._client,
            self._endpoint,
            folder,
            journal,
            dataset,
            self._cache,
            self._cache if self._owns_client and not self.settings.mock else None,
            self._watch,
            self._clock,
            self._disk,
        )
        if not self.constellation.spec.is_graph:
            return ChainCourse(grounds)
        from igent.workflows.graph.run import GraphCourse  # noqa: PLC0415  # it takes what conversations do not need

        return GraphCourse(grounds)

    def _open_cache(self) -> Cache | None:
        """The cache, where it is wanted: a graph has one unless it is said otherwise. Its file is not touched yet."""
        settings, spec = self.settings, self.constellation.spec
        wanted = settings.cache if settings.cache is not None else spec.run.cache
        path = settings.cache_path()
        return Cache(path, clock=self._clock) if path and (spec.is_graph if wanted is None else wanted) else None

    def _begin(self, folder: RunFolder, journal: Journal, started: str) -> None:
        """Note what run this is, if it is a new one."""
        if folder.run is None:
            today = self._clock.today().isoformat()
            folder.run = folder.run_entry(self.identity(), self._invocation(), today, started)
            journal.write_soon(folder.run)
        folder.write("prompts.json", self.constellation.prompts())

    def _invocation(self) -> JsonObject:
        """How to start this run again, from any folder; never the key."""
        url = self.settings.base_url
        return self.settings.model_dump(mode="json", exclude={"api_key"}) | {
            "base_url": url and without_secrets(url),
            "constellation": str(self.constellation.source.path.resolve()),
            "scenario": self.scenario.name,
            "data": str(self.scenario.folder),
        }

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
            phases=tuple(phase.name for phase in spec.phases),
            models=self.constellation.models,
            versions=versions(),
        )
