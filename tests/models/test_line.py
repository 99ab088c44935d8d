"""A queue in which the first is asked, and nobody is forgotten."""

import asyncio
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stack_support import LoopClock, gather, virtually

from igent.models.line import Line


class Room:
    """Lets one in each `pace` seconds."""

    def __init__(self, pace=1.0):
        self.pace = pace
        self.next = 0.0
        self.entered = []
        self.line = Line(LoopClock(), self.enter)

    def enter(self, item):
        now = asyncio.get_running_loop().time()
        if now < self.next - 1e-9:
            return self.next - now
        self.next = now + self.pace
        self.entered.append((item, round(now, 3)))
        return 0.0


def test_where_there_is_room_nobody_waits():
    async def main():
        room = Room(pace=0.0)
        return [await room.line.wait(n) for n in range(3)], asyncio.get_running_loop().time()

    assert virtually(main()) == ([False, False, False], 0.0)


def test_the_first_to_come_is_the_first_to_enter():
    async def main():
        room = Room()
        await gather(*(room.line.wait(n) for n in range(50)))
        return room.entered

    assert virtually(main()) == [(n, float(n)) for n in range(50)]


def test_a_nudge_wakes_before_the_time():
    async def main():
        room = Room(pace=100.0)
        await room.line.wait("a")
        async with asyncio.TaskGroup() as group:
            group.create_task(room.line.wait("b"))
            await asyncio.sleep(5.0)
            room.next = 0.0
            room.line.nudge()
        return room.entered

    assert virtually(main()) == [("a", 0.0), ("b", 5.0)]


def test_a_wait_without_end_ends_with_a_nudge():
    async def main():
        left = [math.inf, math.inf, 0.0]
        line = Line(LoopClock(), lambda item: left.pop(0))
        async with asyncio.TaskGroup() as group:
            group.create_task(line.wait("a"))
            await asyncio.sleep(1000.0)
            assert line.waiting == 1
            line.nudge()
        return line.waiting

    assert virtually(main()) == 0


def test_what_enter_raises_reaches_the_waiter_and_no_other():
    async def main():
        def enter(item):
            if asyncio.get_running_loop().time() < 1.0:
                return 1.0
            if item == "bad":
                raise ValueError(item)
            return 0.0

        line = Line(LoopClock(), enter)
        return await gather(line.wait("a"), line.wait("bad"), line.wait("b"))

    first, error, last = virtually(main())
    assert (first, type(error), last) == (True, ValueError, True)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 5), st.none() | st.floats(0, 8)), min_size=1, max_size=12))
def test_whoever_is_cancelled_leaves_no_trace(waiters):
    """Each comes at some time and may be cancelled at another: the rest enter in order, and none is lost."""

    async def main():
        room, came = Room(), []

        async def come(at, patience):
            await asyncio.sleep(at)
            came.append(len(came))
            try:
                async with asyncio.timeout(patience):
                    await room.line.wait(came[-1])
            except TimeoutError:
                return False
            return True

        stayed = await gather(*(come(*waiter) for waiter in waiters))
        assert room.line.waiting == 0
        return stayed, [item for item, _ in room.entered]

    stayed, entered = virtually(main())
    assert entered == sorted(entered)
    assert len(entered) == stayed.count(True)
    assert all(stays for stays, (_, patience) in zip(stayed, waiters, strict=True) if patience is None)


@pytest.mark.parametrize("gone", range(5))
def test_one_that_goes_does_not_hold_up_those_behind(gone):
    async def main():
        room = Room()
        await room.line.wait("first")
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(room.line.wait(n)) for n in range(5)]
            await asyncio.sleep(0.5)
            tasks[gone].cancel()
        return room.entered

    entered = virtually(main())
    assert entered == [("first", 0.0)] + [(n, float(k + 1)) for k, n in enumerate(n for n in range(5) if n != gone)]
