"""The real engine, cancelled at every await: never oversold, no unit and no task left behind, nothing unawaited; and a
resume ends as if nothing had happened. IGENT_NIGHTLY=1 does it to every record, in more orders."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import os
import sys
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest
from cancel_kit import CAPACITY, FINAL, RECORDS, RUN, Life, few_units
from sim_disk import MemoryDisk

NIGHTLY = os.environ.get("IGENT_NIGHTLY") == "1"  # noqa: TID251
MOST_AWAITS, MOST_TURNS = 100, 2_000
CONSTELLATIONS = ("p1m1m2c", "p1m1m2c_fast")
# The first, the one that fails, one in the middle, and the first that finds no unit.
VICTIMS = range(RECORDS) if NIGHTLY else (0, 2, 4, 6)
ORDERS = range(20) if NIGHTLY else (1,)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return few_units(tmp_path_factory.mktemp("few") / "data")


def files(disk: MemoryDisk) -> dict[str, bytes]:
    return {name: disk.read(RUN / name) for name in FINAL}


def journalled(disk: MemoryDisk, status: str) -> int:
    entries = [json.loads(line)["entry"] for line in disk.read(RUN / "journal.jsonl").splitlines()]
    return sum(1 for entry in entries if entry["kind"] == "outcome" and entry["status"] == status)


def check_units(life: Life, disk: MemoryDisk) -> None:
    """Each unit is free, taken for good, or kept for the record that failed. A record that was cancelled while its
    outcome was written keeps what it had: the journal may have it."""
    assert not life.left, life.left
    counts = life.ledger.snapshot().values()
    done, failed = journalled(disk, "done"), journalled(disk, "failed")
    unwritten = sum(unit.held + unit.reserved for unit in counts) - failed
    assert unwritten == done - sum(unit.committed for unit in counts)
    for unit in counts:
        assert min(unit.free, unit.held, unit.reserved, unit.committed) >= 0
        assert unit.free + unit.held + unit.reserved + unit.committed == unit.total


@cache
def whole(data: Path, constellation: str) -> dict[str, bytes]:
    disk = MemoryDisk(Random(0))
    life = Life(data, disk, constellation=constellation)
    counts = life.run().summary.counts
    check_units(life, disk)
    assert (counts.done, counts.failed, counts.no_match) == (CAPACITY - 1, 1, RECORDS - CAPACITY)
    return files(disk)


def at_every_await(
    data: Path, constellation: str, hit: Callable[[Life, asyncio.Task[Any]], None], check: Callable[[MemoryDisk], None]
) -> int:
    """Do it at the first await of a record's task, then at the second, until the record has no more; resume each."""
    struck = 0
    for which in VICTIMS:
        for order in ORDERS:
            for nth in range(1, MOST_AWAITS):
                disk = MemoryDisk(Random(0))
                life = Life(data, disk, constellation=constellation, seed=order, which=which, nth=nth)
                life.hit = lambda task, life=life: hit(life, task)
                life.run()
                check_units(life, disk)
                if not life.struck:
                    break
                struck += 1
                resumed = Life(data, disk, constellation=constellation, seed=order + nth)
                resumed.run()
                check_units(resumed, disk)
                check(disk)
            else:
                raise AssertionError(f"more than {MOST_AWAITS} awaits")
    return struck


@pytest.mark.parametrize("constellation", CONSTELLATIONS)
def test_one_record_cancelled_at_every_await_costs_no_unit(data: Path, constellation: str) -> None:
    def check(disk: MemoryDisk) -> None:
        ended = {status: journalled(disk, status) for status in ("done", "failed", "no_match")}
        assert sum(ended.values()) == RECORDS
        assert ended["done"] + ended["failed"] == CAPACITY, ended

    assert at_every_await(data, constellation, lambda _, task: task.cancel(), check) >= 3 * len(VICTIMS)


@pytest.mark.parametrize("how", ["stop", "drain"])
@pytest.mark.parametrize("constellation", CONSTELLATIONS)
def test_a_run_ended_at_every_await_goes_on_as_if_it_never_had(data: Path, constellation: str, how: str) -> None:
    def check(disk: MemoryDisk) -> None:
        assert files(disk) == whole(data, constellation)

    def hit(life: Life, _: asyncio.Task[Any]) -> None:
        getattr(life.workflow, how)()

    assert at_every_await(data, constellation, hit, check) >= 3 * len(VICTIMS)


class Complaints(logging.Handler):
    """What asyncio says of tasks and errors that nobody looked at, and Python of what was never awaited or closed."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(record.getMessage())

    def unraisable(self, unraisable: Any) -> None:
        self.said.append(f"{unraisable.exc_value!r} in {unraisable.object!r}")

    def warned(self, message: Any, category: type[Warning], filename: str, number: int, *_: object) -> None:
        self.said.append(f"{category.__name__}: {message} ({filename}:{number})")


@pytest.fixture
def complaints(monkeypatch: pytest.MonkeyPatch):
    told = Complaints()
    logging.getLogger("asyncio").addHandler(told)
    monkeypatch.setattr(sys, "unraisablehook", told.unraisable)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        monkeypatch.setattr(warnings, "showwarning", told.warned)
        yield told.said
    logging.getLogger("asyncio").removeHandler(told)


def cancelled_at(data: Path, constellation: str, turn: int) -> bool:
    """Cancel the whole run at this turn of the event loop, in debug mode; whether it came to that."""
    disk = MemoryDisk(Random(0))

    def strike(step: int) -> None:
        if step == turn and life.main is not None:
            life.main.cancel()

    life = Life(data, disk, constellation=constellation, records=3, at_step=strike)
    life.loop.set_debug(True)
    life.loop.slow_callback_duration = 60.0
    try:
        life.run()
    except asyncio.CancelledError:
        cancelled = True
    else:
        cancelled = False
    assert not life.left, (turn, life.left)
    if life.session is not None:
        check_units(life, disk)
    return cancelled


@pytest.mark.parametrize("constellation", CONSTELLATIONS)
def test_cancelled_at_every_turn_of_the_loop_nothing_is_left_and_nothing_is_warned_of(
    data: Path, constellation: str, complaints: list[str]
) -> None:
    for turn in range(2, MOST_TURNS):
        cancelled = cancelled_at(data, constellation, turn)
        if turn % 10 == 0 or not cancelled:
            gc.collect()
            assert not complaints, (turn, complaints)
        if not cancelled:
            break
    assert 20 < turn < MOST_TURNS - 1
