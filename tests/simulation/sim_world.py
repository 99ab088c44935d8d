"""One seed, one world: a run of a few records with faults, kills and power losses, gone on with until it is finished;
and what must be true of it then."""

from __future__ import annotations

__all__ = ["World", "simulate"]

import asyncio
import atexit
import hashlib
import json
import logging
import shutil
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from random import Random
from typing import Any
from unittest import mock

from foreign_data import make_dataset
from oracle import check_run
from sim_disk import MemoryDisk, Session
from sim_loop import SimClock, SimLoop
from sim_wire import FaultyModel

from igent.config.settings import load_settings
from igent.disk import Disk
from igent.errors import IgentError, LimitError, ProviderError, RunFolderError
from igent.outcome import Outcome
from igent.workflows.constellation import Constellation, load_constellation
from igent.workflows.run import Workflow
from igent.workflows.watch import RunState

DATA = Path(__file__).parents[2] / "data" / "sbus"
RUN = Path("/simulated/run")
CONSTELLATIONS = ("p1m1m2c", "p1m1_p2m2", "p1m1c1m2c2", "p1m", "p1m1m2c_fast")
CODES = (28, 5, 24, 30)  # ENOSPC, EIO, EMFILE, EROFS
CHANGES = ("open wb", "open ab", "write", "sync", "sync_folder", "replace", "truncate")


INPUTS = (0, 0, 1, 2, 3)
"""0: the data that ships; else the seed of a made one, where suppliers run out and rows are wrong."""


@cache
def loaded(name: str) -> Constellation:
    return load_constellation(name)


@cache
def dataset(number: int) -> tuple[Path, str]:
    """The data folder and the scenario."""
    if not number:
        return DATA, "overlap_only"
    folder = Path(tempfile.mkdtemp(prefix="igent-simulated-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder, make_dataset(folder, number, 6, tight=1.0, unusable=0.1)


@dataclass
class World:
    """What happened: `problems` is empty when all is right; `trace` tells every step, `digest` is its checksum.
    `errors` is the share of answers that are wrong, in each session alike."""

    seed: int
    problems: list[str] = field(default_factory=list)
    errors: float = 0.0
    trace: list[str] = field(default_factory=list)
    sessions: int = 0
    kills: int = 0
    outcomes: int = 0
    calls: int = 0
    faults: Counter[str] = field(default_factory=Counter)

    @property
    def digest(self) -> str:
        return hashlib.sha256("\n".join(self.trace).encode()).hexdigest()


class _Life:
    """One process on the world's disk: what it acknowledges is promised. `end` says how it ends: "" by itself."""

    def __init__(self, world: World, disk: MemoryDisk, random: Random, *, faulty: bool) -> None:
        self._world, self._random = world, random
        self.end = random.choice(("kill", "power", "power", "drain", "stop", "")) if faulty else ""
        self._at = random.randint(1, random.choice((40, 150, 400)))
        self._disk_rate = random.choice((0.0, 0.0, 0.01, 0.05)) if faulty else 0.0
        self._lasting = random.random() < 0.5
        self._broken = 0
        self.loop = SimLoop(random, self._step)
        self.disk = Session(disk, self._asked)
        clock = SimClock(self.loop)
        self.model = FaultyModel(
            random, random.choice((0.0, 0.1, 0.3)) if faulty else 0.0, world.errors, clock, self._say
        )
        self.clock = clock
        self.acknowledged: dict[str, str] = {}
        self.workflow: Workflow | None = None
        self._task: asyncio.Task[Any] | None = None
        self.in_flight_at_end = 0

    def _say(self, what: str) -> None:
        self._world.trace.append(f"{self.loop.virtual:.3f} {what}")

    def _step(self, number: int) -> None:
        if number != self._at or not self.end:
            return
        self._say(f"-- {self.end}")
        self.in_flight_at_end = self.model.in_flight
        if self.end in {"kill", "power"}:
            self.disk.dead = self.model.dead = True
            if self._task is not None:
                self._task.cancel()
        elif self.workflow is not None:
            self.workflow.drain() if self.end == "drain" else self.workflow.stop()
            self.model.expected = self.model.calls

    def _asked(self, kind: str, name: str) -> bool:
        self._say(f"{kind} {name}")
        if self._random.random() < self._disk_rate or (self._broken and self._lasting and kind in CHANGES):
            self._broken = self._broken or self._random.choice(CODES)
            if kind == "write" and self._random.random() < 0.3:
                return True
            self._say(f"refused {self._broken}")
            raise OSError(self._broken, "refused")
        return False

    def started(self, state: RunState) -> None: ...
    def in_flight(self, count: int) -> None: ...
    def tick(self) -> None: ...
    def finished(self) -> None: ...

    def settled(self, outcome: Outcome) -> None:
        if not self.disk.dead:
            self._say(f"settled {outcome.record_id} {outcome.status}")
            self.acknowledged[outcome.record_id] = _gist(outcome)

    def live(self, constellation: Constellation, **options: Any) -> Any:
        """Run to the end, of whatever kind. Returns the report, or the error."""
        settings = load_settings(mock=True, out=RUN, **options)
        asyncio.set_event_loop(self.loop)
        try:
            return self.loop.run_until_complete(self._run(constellation, settings))
        finally:
            left = [task.get_name() for task in asyncio.all_tasks(self.loop)]
            if left:
                self._world.problems.append(f"tasks were left: {left}")
            asyncio.set_event_loop(None)
            self.loop.close()
            self.workflow = self._task = None  # they hold files that hold this: a circle that finalizers keep alive

    async def _run(self, constellation: Constellation, settings: Any) -> Any:
        disk: Disk = self.disk
        self.workflow = Workflow(
            constellation, settings, watch=self, clock=self.clock, client=self.model, disk=disk
        )  # fmt: skip
        self._task = asyncio.current_task()
        try:
            return await self.workflow.run()
        except (IgentError, asyncio.CancelledError, OSError) as error:
            if isinstance(error, asyncio.CancelledError) and not self.disk.dead:
                raise
            return error


def _gist(outcome: Outcome) -> str:
    return f"{outcome.status} {outcome.takes} {json.dumps(outcome.outputs, sort_keys=True, default=str)}"


def simulate(seed: int) -> World:
    """Live through the world of this seed."""
    random = Random(f"world {seed}")
    world, disk = World(seed), MemoryDisk(random)
    constellation = loaded(random.choice(CONSTELLATIONS))
    records, concurrency = random.randint(2, 6), random.randint(1, 4)
    data, scenario = dataset(random.choice(INPUTS))
    given = {"data": data, "scenario": scenario, "max_items": records, "concurrency": concurrency}
    world.errors = random.choice((0.0, 0.0, 0.3))
    lives = random.choice((0, 1, 1, 2, 3))
    promised: dict[str, str] = {}
    logging.getLogger("igent").setLevel(logging.CRITICAL)
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    with mock.patch("igent.fence.secrets.token_hex", lambda count: random.randbytes(count).hex()):
        for faulty in [True] * lives + [False]:
            life = _Life(world, disk, random, faulty=faulty)
            ended = life.live(constellation, **given)
            world.sessions += 1
            world.calls += life.model.calls
            world.faults += life.model.faults
            world.trace.append(f"ended {type(ended).__name__}")
            _check_end(world, life, ended, faulty=faulty)
            if life.model.expected is not None and life.model.calls > life.model.expected:
                world.problems.append(f"{life.model.calls - life.model.expected} calls were sent after the {life.end}")
            _keep_promises(world, promised, disk)
            promised |= life.acknowledged
            if life.end in {"kill", "power"} and life.disk.dead:
                world.kills += 1
                disk.crash(power=life.end == "power")
            else:
                disk.crash(power=False)
            _keep_promises(world, promised, disk)
    _check_whole(world, disk, promised, records, lives * concurrency)
    world.problems += _judged(disk, data, scenario, records)
    return world


def _check_end(world: World, life: _Life, ended: Any, *, faulty: bool) -> None:
    if isinstance(ended, BaseException) and not life.disk.dead:
        expected = (RunFolderError, ProviderError, LimitError) if faulty else ()
        if not isinstance(ended, expected):
            world.problems.append(f"session {world.sessions} ended with {ended!r}")


def _settled(data: bytes) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for line in data.splitlines(keepends=True):
        try:
            entry = json.loads(line)["entry"]
        except (ValueError, KeyError, TypeError):
            break
        if entry["kind"] == "outcome":
            if entry["record_id"] in found:
                entry["doubled"] = True
            found[entry["record_id"]] = entry
    return found


def _keep_promises(world: World, promised: dict[str, str], disk: MemoryDisk) -> None:
    settled = _settled(disk.read(RUN / "journal.jsonl"))
    world.problems += [f"{record}: acknowledged, and lost" for record in promised if record not in settled]
    world.problems += [f"{record}: settled twice" for record, entry in settled.items() if "doubled" in entry]


def _check_whole(world: World, disk: MemoryDisk, promised: dict[str, str], records: int, in_flight: int) -> None:
    settled = _settled(disk.read(RUN / "journal.jsonl"))
    world.outcomes = len(settled)
    if len(settled) != records:
        world.problems.append(f"{len(settled)} outcomes for {records} records")
    for record, was in promised.items():
        entry = settled.get(record, {})
        now = f"{entry.get('status')} {entry.get('takes')} {json.dumps(entry.get('outputs'), sort_keys=True)}"
        if json.loads(json.dumps(now)) != was:
            world.problems.append(f"{record}: was acknowledged as {was[:80]}, is {now[:80]}")
    entries = [json.loads(line)["entry"] for line in disk.read(RUN / "journal.jsonl").splitlines()]
    answers = Counter(entry["key"] for entry in entries if entry["kind"] == "answer")
    # Where a model has talked the same nonsense in two rounds, its critic is asked the same twice.
    anew = {
        key for key, count in answers.items() if count > 1 and not (world.faults["nonsense"] > 1 and "critic" in key)
    }
    world.problems += [f"the answer {key} was there, and bought again" for key in sorted(anew)]
    needless = world.calls - answers.total() - sum(world.faults.values())
    # Of each session that was cut short: what was in flight, twice for phases that begin early, and what had come back
    # and was not yet durable.
    if needless > 4 * in_flight:
        world.problems.append(f"{needless} calls more than were needed or failed, of {world.calls}")
    world.problems += [f"{path.name} was left" for path in disk.files() if path.name.endswith(".tmp")]


def _judged(disk: MemoryDisk, data: Path, scenario: str, records: int) -> list[str]:
    """What the oracle finds wrong with the run folder."""
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:
        for path, content in disk.files().items():
            if path.parent == RUN:
                (Path(folder) / path.name).write_bytes(content)
        return check_run(Path(folder), data, scenario, max_items=records, today=SimClock(None).today())
