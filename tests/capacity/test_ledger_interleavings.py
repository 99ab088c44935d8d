"""Many tasks on few units, in seeded orders, some cancelled: the ledger never oversells, and a naive counter does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from random import Random

import pytest

from igent.capacity.ledger import Ledger
from igent.types import Stock

TASKS = 60
CAPACITY = 30


class NaiveCounter:
    """The control: what check-await-decrement does."""

    def __init__(self) -> None:
        self.left = CAPACITY
        self.sold = 0

    async def take(self, _: str, random: Random) -> None:
        if self.left > 0:
            await pause(random)
            self.left -= 1
            self.sold += 1


class OneRecord:
    """A record's way through the ledger, with an await wherever the engine has one."""

    def __init__(self) -> None:
        self.ledger = Ledger({"A": Stock(CAPACITY, 0)})
        self.sold = 0

    async def take(self, record_id: str, random: Random) -> None:
        if random.random() < 0.5:
            self.ledger.hold(record_id, "A")
        try:
            await pause(random)
            if not self.ledger.reserve(record_id, "A"):
                return
            await pause(random)
        except asyncio.CancelledError:
            self.ledger.release(record_id)
            raise
        self.ledger.commit(record_id)
        self.sold += 1


async def pause(random: Random) -> None:
    for _ in range(random.randrange(1, 4)):
        await asyncio.sleep(0)


async def crowd(take: Callable[[str, Random], Awaitable[None]], seed: int, *, cancel: float) -> None:
    random = Random(seed)

    async def one(number: int) -> None:
        await pause(random)
        await take(f"r{number}", random)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(number)) for number in range(TASKS)]
        for _ in range(8):
            await asyncio.sleep(0)
            for task in tasks:
                if random.random() < cancel:
                    task.cancel()


@pytest.mark.parametrize("seed", range(40))
async def test_never_oversold_whoever_is_cancelled(seed: int) -> None:
    run = OneRecord()
    await crowd(run.take, seed, cancel=0.05)
    counts = run.ledger.snapshot()["A"]
    assert run.sold == counts.committed == run.ledger.committed()["A"].used <= CAPACITY
    assert (counts.held, counts.reserved) == (0, 0)
    assert counts.free == CAPACITY - run.sold


@pytest.mark.parametrize("seed", range(10))
async def test_without_cancellation_everything_is_sold(seed: int) -> None:
    run = OneRecord()
    await crowd(run.take, seed, cancel=0)
    assert run.sold == CAPACITY


@pytest.mark.parametrize("seed", range(10))
async def test_the_control_oversells(seed: int) -> None:
    naive = NaiveCounter()
    await crowd(naive.take, seed, cancel=0)
    assert naive.sold > CAPACITY
