"""Whole runs of a few records on fewer units, on a virtual clock and a disk in memory, with something happening at a
chosen await of a chosen record's task."""

from __future__ import annotations

__all__ = ["CAPACITY", "FAILS", "FINAL", "RECORDS", "RUN", "Life", "few_units", "record_task"]

import asyncio
import json
from collections.abc import Callable, Coroutine, Generator
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from e2e_support import copy_data
from sim_disk import MemoryDisk, Session
from sim_loop import SimClock, SimLoop

from igent.capacity.ledger import Ledger
from igent.config.settings import load_settings
from igent.errors import Problem, RequestError
from igent.models.mock import MockModel
from igent.reporting.report import Report
from igent.types import ChatRequest, Completion, StopFactory
from igent.workflows.constellation import Constellation, load_constellation
from igent.workflows.run import Workflow
from igent.workloads.sbus.mock import SbusMock

RUN = Path("/simulated/run")
FINAL = ("matches.json", "pos.json", "capacity.json", "outcomes.jsonl")
RECORDS, FREE = 9, 2
CAPACITY = 3 * FREE
FAILS = "SPUS40003"
"""The record whose calls the model refuses: it keeps its unit."""

Hit = Callable[[asyncio.Task[Any]], None]


def few_units(folder: Path) -> Path:
    """Input data in which three suppliers have two units each, for nine records that all three serve."""
    copy_data(folder, first=RECORDS)
    suppliers = {"Aldersun": 50, "Brookvolt": 46, "Corvane": 42}
    used = {
        name: {"SupplierID": name, "Capacity": units, "Used": units - FREE, "UsedPct": round(1 - FREE / units, 2)}
        for name, units in suppliers.items()
    }
    (folder / "capacity.json").write_text(json.dumps(used), "utf-8")
    scenario = folder / "scenarios" / "overlap_only.yaml"
    scenario.write_text(scenario.read_text("utf-8") + "capacity: capacity.json\n", "utf-8")
    return folder


@cache
def _loaded(name: str) -> Constellation:
    return load_constellation(name)


class _Model:
    """Answers as the mock does, each after a while of its own; refuses the calls of one record."""

    def __init__(self, random: Random, clock: SimClock) -> None:
        self._mock, self._random, self._clock = MockModel(SbusMock()), random, clock

    async def complete(self, request: ChatRequest, stop: StopFactory | None = None) -> Completion:
        await self._clock.sleep(self._random.choice((0.0, 0.05, 0.3, 2.0)))
        if request.context.record_id == FAILS and request.context.step == "pos":
            raise RequestError(Problem("call", "the model refuses it"))
        return await self._mock.complete(request, stop)

    async def close(self) -> None: ...


class _Counted(Coroutine[Any, Any, Any]):
    """A coroutine that tells of each await at which it comes to wait."""

    def __init__(self, inner: Coroutine[Any, Any, Any], waits: Callable[[], None]) -> None:
        self._inner, self._waits = inner, waits

    def send(self, value: Any) -> Any:
        found = self._inner.send(value)
        self._waits()
        return found

    def throw(self, *error: Any) -> Any:
        found = self._inner.throw(*error)
        self._waits()
        return found

    def close(self) -> None:
        self._inner.close()

    def __await__(self) -> Generator[Any, Any, Any]:
        raise NotImplementedError


def record_task(coroutine: Coroutine[Any, Any, Any]) -> bool:
    """Whether it is the task of a record, from its admission to its journal entry."""
    return coroutine.__qualname__ == "Session._one"


class Life:
    """One process: `run` puts the records through. At the `nth` await (1 is the first) of the record task number
    `which` (0 is the first admitted), what is set as `hit` is called with
    that task; `struck` tells whether it came to that."""

    def __init__(
        self,
        data: Path,
        disk: MemoryDisk,
        *,
        constellation: str = "p1m1m2c",
        seed: int = 0,
        records: int = RECORDS,
        which: int = 0,
        nth: int = 0,
        at_step: Callable[[int], None] = lambda _: None,
    ) -> None:
        random = Random(seed)
        self.loop = SimLoop(random, at_step)
        self.loop.set_task_factory(self._make)
        clock = SimClock(self.loop)
        settings = load_settings(mock=True, max_items=records, concurrency=4, out=RUN, data=data)
        model = _Model(random, clock)
        session = Session(disk, lambda kind, name: False)
        self.workflow = Workflow(_loaded(constellation), settings, clock=clock, client=model, disk=session)
        self._which, self._nth = which, nth
        self.hit: Hit | None = None
        self._records = 0
        self.struck = False
        self.main: asyncio.Task[Report] | None = None
        self.left: list[str] = []

    def _make(self, loop: Any, coroutine: Any, **more: Any) -> asyncio.Task[Any]:
        if not record_task(coroutine):
            return asyncio.Task(coroutine, loop=loop, **more)
        self._records += 1
        if self._records != self._which + 1:
            return asyncio.Task(coroutine, loop=loop, **more)
        awaits = 0

        def waits() -> None:
            nonlocal awaits
            awaits += 1
            if awaits == self._nth and self.hit is not None:
                self.struck = True
                self.hit(task)

        task = asyncio.Task(_Counted(coroutine, waits), loop=loop, **more)
        return task

    def run(self) -> Report:
        """To the end, whatever that is; `left` are the tasks that nobody ended."""
        asyncio.set_event_loop(self.loop)
        try:
            self.main = self.loop.create_task(self.workflow.run())
            return self.loop.run_until_complete(self.main)
        finally:
            self.left = [task.get_name() for task in asyncio.all_tasks(self.loop)]
            asyncio.set_event_loop(None)
            self.loop.close()

    @property
    def session(self) -> Any:
        """The run's inside, None where it did not come so far."""
        return self.workflow._session

    @property
    def ledger(self) -> Ledger:
        ledger: Ledger = self.session._ledger
        return ledger
