"""How many may be in flight is found out while the run goes."""

import asyncio
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models_support import FakeClock
from stack_support import Endpoint, LoopClock, ask, virtually

from igent.models.adaptive import AdaptiveLimit
from igent.models.endpoint import Endpoint as Spec
from igent.models.stack import build_stack


def made(**more):
    clock = FakeClock()
    return AdaptiveLimit(clock, **more), clock


def rounds(limit, count=1, saturated=True):
    for _ in range(count):
        for _ in range(limit.limit):
            limit.succeeded(saturated=saturated)


def test_it_doubles_until_the_first_429_and_then_grows_by_a_twentieth():
    limit, clock = made()
    rounds(limit, 3)
    assert limit.limit == 160
    limit.rate_limited()
    assert limit.limit == 128
    clock.time += 15.0
    rounds(limit)
    assert limit.limit == 134
    assert [after for _, after, _ in limit.history] == [20, 40, 80, 160, 128, 134]


def test_it_grows_by_one_at_least():
    limit, clock = made(start=4)
    limit.rate_limited()
    clock.time += 15.0
    rounds(limit, 2)
    assert limit.limit == 5


def test_one_burst_is_one_cut():
    limit, clock = made()
    for _ in range(50):
        limit.rate_limited(1.0)
        clock.time += 0.2
    assert limit.limit == 16
    clock.time += 5.0
    limit.rate_limited(1.0)
    assert limit.limit == 12


def test_a_longer_retry_after_lengthens_the_episode():
    limit, clock = made()
    limit.rate_limited(60.0)
    clock.time += 59.0
    limit.rate_limited()
    rounds(limit, 3)
    assert limit.limit == 16
    clock.time += 2.0
    limit.rate_limited()
    assert limit.limit == 12


def test_it_does_not_grow_in_an_episode():
    limit, _ = made()
    limit.rate_limited()
    rounds(limit, 5)
    assert limit.limit == 16


def test_a_5xx_pauses_growth_and_cuts_nothing():
    limit, clock = made()
    for _ in range(100):
        limit.server_error()
    rounds(limit)
    assert limit.limit == 20
    clock.time += 6.0
    rounds(limit)
    assert limit.limit == 40


def test_it_grows_only_where_it_is_reached():
    limit, _ = made()
    rounds(limit, 10, saturated=False)
    assert limit.limit == 20


def test_it_stays_within_its_bounds_and_tells_each_change_once():
    told = []
    limit, clock = made(maximum=50, minimum=3, on_change=told.append)
    rounds(limit, 10)
    assert limit.limit == 50
    for _ in range(40):
        clock.time += 20.0
        limit.rate_limited()
    assert limit.limit == 3
    assert told == [after for _, after, _ in limit.history[1:]]
    assert all(earlier != later for earlier, later in pairwise(told))
    assert made(start=9, maximum=5)[0].limit == 5


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(["ok", "busy", "429", "long", "5xx", "wait"]), max_size=300))
def test_whatever_happens_it_keeps_its_promises(events):
    limit, clock = made(minimum=2, maximum=60)
    cuts = []
    for event in events:
        before = limit.limit
        if event == "wait":
            clock.time += 7.0
        elif event == "5xx":
            limit.server_error()
        elif event in ("429", "long"):
            limit.rate_limited(40.0 if event == "long" else None)
        else:
            limit.succeeded(saturated=event == "busy")
        assert 2 <= limit.limit <= 60
        assert limit.limit >= before or event in ("429", "long")
        if limit.limit < before:
            cuts.append(clock.time)
        assert limit.limit == limit.history[-1][1]
    assert all(later - earlier >= 15.0 for earlier, later in pairwise(cuts))


def in_flight(cap, seconds):
    """The limit over time, in a closed loop of calls of 1 to 3 s against an endpoint that takes `cap(now)` at once."""
    random, seen = Random(1), []
    endpoint = Endpoint(seconds=lambda number: random.uniform(1.0, 3.0), cap=cap)

    async def main():
        clock, busy, left = LoopClock(), set(), asyncio.Event()
        adaptive = AdaptiveLimit(clock)
        stack = build_stack(
            endpoint,
            endpoint=Spec(max_retry_seconds=10_000),
            clock=clock,
            random=random,
            adaptive=adaptive,
            saturated=lambda: len(busy) >= adaptive.limit,
        )

        def done(task):
            busy.discard(task)
            left.set()

        async with asyncio.TaskGroup() as group:
            number = 0
            while clock.now() < seconds:
                while len(busy) < adaptive.limit:
                    task = group.create_task(stack.complete(ask(number)))
                    busy.add(task)
                    task.add_done_callback(done)
                    number += 1
                seen.append((clock.now(), adaptive.limit))
                left.clear()
                await left.wait()
            for task in busy:
                task.cancel()

    virtually(main())
    return seen


@pytest.mark.parametrize("cap", [8, 40, 200])
def test_it_finds_what_the_endpoint_takes_within_a_minute(cap):
    seen = in_flight(lambda now: cap, 90.0)
    settled = [limit for at, limit in seen if at >= 60.0]
    mean = sum(settled) / len(settled)
    assert 0.8 * cap <= mean <= 1.2 * cap
    assert max(settled) <= 1.2 * cap + 1


def test_it_follows_a_cap_that_is_halved_within_two_cooldowns():
    seen = in_flight(lambda now: 100 if now < 60 else 50, 110.0)
    assert 80 <= next(limit for at, limit in seen if at >= 58.0) <= 120
    assert all(limit <= 60 for at, limit in seen if at >= 60.0 + 2 * 15.0 + 5.0)
