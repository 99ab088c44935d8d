"""How many records are in flight: a number that may change."""

import asyncio

from igent.workflows.slots import Slots


async def step() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_place_given_back_or_a_higher_limit_lets_the_next_one_in():
    slots = Slots(1)
    await slots.acquire()
    assert slots.full
    async with asyncio.TaskGroup() as group:
        second = group.create_task(slots.acquire())
        await step()
        assert not second.done()
        slots.release()
        await step()
        assert second.done()
        third = group.create_task(slots.acquire())
        await step()
        assert not third.done()
        slots.resize(2)
    assert slots.taken == 2


async def test_a_lower_limit_sends_nobody_away_and_holds_later():
    slots = Slots(3)
    for _ in range(3):
        await slots.acquire()
    slots.resize(1)
    assert (slots.taken, slots.full) == (3, True)
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(slots.acquire())
        for left in (2, 1):
            slots.release()
            await step()
            assert (slots.taken, waiting.done()) == (left, False)
        slots.release()
    assert slots.taken == 1


async def test_where_there_is_no_room_beside_those_in_it_waits_but_one_is_always_let_in():
    slots = Slots(10, lambda taken: taken < 2)
    for _ in range(2):
        await slots.acquire()
    assert slots.full
    none = Slots(10, lambda taken: False)
    await none.acquire()
    assert none.full
