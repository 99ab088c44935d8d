"""Many tasks on few units, in seeded orders, cancelled at every await: the ledger never oversells, loses no unit, and a
naive counter does both. 500 seeds; IGENT_NIGHTLY=1 makes them 20,000.

A scheduler of its own runs the coroutines: it draws who goes on, and can cancel a task at just the await it waits at.
"""

from __future__ import annotations

import asyncio
import os
import types
from collections import Counter
from collections.abc import Callable, Coroutine, Generator
from random import Random

from igent.capacity.ledger import Ledger
from igent.types import Stock

NIGHTLY = os.environ.get("IGENT_NIGHTLY") == "1"  # noqa: TID251
SEEDS = 20_000 if NIGHTLY else 500
CASES = 20_000 if NIGHTLY else 200
TASKS, UNITS = 200, 100
CANCELLED = 0.1
MOST_STEPS = 100_000


@types.coroutine
def pause(place: str) -> Generator[str, None, None]:
    """Let others have their turn; `place` names the await."""
    yield place


class Crowd:
    """Tasks that go on in a drawn order; `doomed` tells the place (its name) at which a task is cancelled."""

    def __init__(self, random: Random, take: Callable[[str], Coroutine[str, None, None]], tasks: int) -> None:
        self._random = random
        self._tasks = [take(f"r{number}") for number in range(tasks)]
        self.cancelled_at: Counter[str] = Counter()

    def run(self, doomed: dict[int, str]) -> None:
        waiting = [(number, task, "") for number, task in enumerate(self._tasks)]
        for _ in range(MOST_STEPS):
            if not waiting:
                return
            at = self._random.randrange(len(waiting))
            waiting[at], waiting[-1] = waiting[-1], waiting[at]
            number, task, place = waiting.pop()
            try:
                if place and doomed.get(number) == place:
                    self.cancelled_at[place] += 1
                    task.throw(asyncio.CancelledError())
                else:
                    waiting.append((number, task, task.send(None)))
            except (StopIteration, asyncio.CancelledError):
                continue
        raise AssertionError("they never end")


class NaiveCounter:
    """The control: what check-await-decrement does."""

    def __init__(self) -> None:
        self.left = UNITS
        self.sold = 0

    async def take(self, _: str) -> None:
        await pause("admitted")
        if self.left > 0:
            await pause("checked")
            self.left -= 1
            self.sold += 1


PLACES = ("admitted", "asked", "reserved", "written")


class OneRecord:
    """A record's way through the ledger, with an await wherever the engine has one."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.ledger = Ledger({"A": Stock(UNITS, 0)})
        self.sold = 0

    async def take(self, record_id: str) -> None:
        if self.random.random() < 0.5:
            self.ledger.hold(record_id, "A")
        try:
            await pause("admitted")
            await pause("asked")
            if not self.ledger.reserve(record_id, "A"):
                return
            await pause("reserved")
            await pause("written")
        except asyncio.CancelledError:
            self.ledger.release(record_id)
            raise
        self.ledger.commit(record_id)
        self.sold += 1


def test_never_oversold_whoever_is_cancelled_wherever_it_waits() -> None:
    cancelled: Counter[str] = Counter()
    for seed in range(SEEDS):
        random = Random(seed)
        record = OneRecord(random)
        crowd = Crowd(random, record.take, TASKS)
        crowd.run({number: random.choice(PLACES) for number in range(TASKS) if random.random() < CANCELLED})
        counts = record.ledger.snapshot()["A"]
        assert record.sold == counts.committed == record.ledger.committed()["A"].used <= UNITS, seed
        assert (counts.held, counts.reserved, counts.free) == (0, 0, UNITS - record.sold), seed
        cancelled += crowd.cancelled_at
    assert set(cancelled) == set(PLACES)


def test_without_cancellation_everything_is_sold() -> None:
    for seed in range(SEEDS // 10):
        record = OneRecord(Random(seed))
        Crowd(record.random, record.take, TASKS).run({})
        assert record.sold == UNITS, seed


def test_the_control_oversells_in_every_seed() -> None:
    for seed in range(SEEDS):
        naive = NaiveCounter()
        Crowd(Random(seed), naive.take, TASKS).run({})
        assert naive.sold > UNITS, seed


class Served:
    """Records that take whatever unit is free, ask again where none is while others may still give one back, and end
    as done, failed or cancelled."""

    def __init__(self, random: Random, stock: dict[str, Stock], tasks: int) -> None:
        self.random, self.ledger = random, Ledger(stock)
        self.open = {f"r{number}" for number in range(tasks)}
        self.without: set[str] = set()
        self.ends: Counter[str] = Counter()

    async def take(self, record_id: str) -> None:
        end = "cancelled"
        try:
            await pause("admitted")
            while not self._reserve(record_id):
                self.without.add(record_id)
                if self.without == self.open:
                    end = "unserved"
                    return
                await pause("again")
            await pause("reserved")
            end = self.random.choice(("done", "done", "failed"))
        finally:
            {"done": self.ledger.commit, "failed": self.ledger.keep}.get(end, self.ledger.release)(record_id)
            self.ends[end] += 1
            self.open.discard(record_id)
            self.without.discard(record_id)

    def _reserve(self, record_id: str) -> bool:
        units = [*self.ledger.view()]
        self.random.shuffle(units)
        taken = any(self.ledger.reserve(record_id, unit) for unit in units)
        if taken:
            self.without.discard(record_id)
        return taken


def test_no_unit_is_leaked_and_as_many_are_served_as_can_be() -> None:
    """Where any unit does for anybody: taken = min(demand, capacity), demand being those who were not cancelled."""
    short = 0
    for seed in range(CASES):
        random = Random(seed)
        stock = {name: Stock(random.randint(0, 12), 0) for name in "ABCD"[: random.randint(1, 4)]}
        tasks, capacity = random.randint(1, 60), sum(unit.free for unit in stock.values())
        served = Served(random, stock, tasks)
        places = ("admitted", "again", "reserved")
        Crowd(random, served.take, tasks).run(
            {number: random.choice(places) for number in range(tasks) if random.random() < 0.3}
        )
        demand = tasks - served.ends["cancelled"]
        assert served.ends["done"] + served.ends["failed"] == min(demand, capacity), seed
        counts = served.ledger.snapshot().values()
        assert sum(unit.committed for unit in counts) == served.ends["done"], seed
        assert sum(unit.held for unit in counts) == served.ends["failed"], "a failed record keeps its unit"
        assert sum(unit.free for unit in counts) == capacity - min(demand, capacity), seed
        assert not any(unit.reserved for unit in counts), seed
        short += demand > capacity
    assert 0.2 * CASES < short < 0.8 * CASES, "the cases are too much alike"
