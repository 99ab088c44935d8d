"""A few tasks go on in each round of the event loop, in the order in which they came; the loop has its time between."""

from __future__ import annotations

import asyncio

from igent.models.turns import Turns


async def rounds_of(turns: Turns, tasks: int, *, cancelled: frozenset[int] = frozenset()) -> list[list[int]]:
    """Let so many tasks take a turn at once; who went on in which round of the loop."""
    went: list[list[int]] = [[]]

    async def one(number: int) -> None:
        await turns.take()
        went[-1].append(number)

    async with asyncio.TaskGroup() as group:
        running = [group.create_task(one(number)) for number in range(tasks)]
        for _ in range(3 * tasks + 3):
            await asyncio.sleep(0)
            went.append([])
            for number in cancelled:
                running[number].cancel()
    return [round_ for round_ in went if round_]


async def test_where_few_come_nobody_waits():
    assert await rounds_of(Turns(3), 3) == [[0, 1, 2]]


async def test_many_go_on_a_few_in_each_round_first_come_first_served():
    rounds = await rounds_of(Turns(3), 10)
    assert [number for round_ in rounds for number in round_] == list(range(10))
    assert max(map(len, rounds)) <= 3
    assert len(rounds) == 4


async def test_who_is_cancelled_takes_nobodys_turn():
    rounds = await rounds_of(Turns(3), 12, cancelled=frozenset({4, 5, 9}))
    assert [number for round_ in rounds for number in round_] == [0, 1, 2, 3, 6, 7, 8, 10, 11]


async def test_a_timer_comes_between_two_rounds():
    turns, order = Turns(1), list[str]()

    async def one(number: int) -> None:
        await turns.take()
        order.append(f"task {number}")

    async with asyncio.TaskGroup() as group:
        for number in range(20):
            group.create_task(one(number))
        asyncio.get_running_loop().call_later(0.0, order.append, "timer")
    assert order.index("timer") < 5
