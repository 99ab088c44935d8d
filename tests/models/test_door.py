"""Nobody sends while the endpoint asks for silence, or is down; and a storm is ridden out."""

import asyncio
import math
from collections import Counter
from itertools import pairwise
from random import Random

import pytest
from stack_support import Endpoint, LoopClock, Quota, ask, gather, virtually

from igent.errors import ConnectError, RateLimitError, ServerError
from igent.models.adaptive import AdaptiveLimit
from igent.models.breaker import Breaker
from igent.models.door import Door
from igent.models.endpoint import Endpoint as Spec
from igent.models.stack import build_stack
from igent.types import Completion


def stack_over(endpoint, patience=120.0, **more):
    spec = Spec(max_retry_seconds=patience)
    return build_stack(endpoint, endpoint=spec, clock=LoopClock(), random=Random(1), **more)


def refusing(*errors, **more):
    """An endpoint that gives these errors first, one a call; then it answers."""
    left = list(errors)
    return Endpoint(fault=lambda now, random: left.pop(0) if left else None, **more)


def send(endpoint, times, **more):
    """Make a call at each of these times; the results, and the stack's figures."""

    async def main():
        stack = stack_over(endpoint, **more)

        async def call(number, at):
            await asyncio.sleep(at)
            return await stack.complete(ask(number, model=f"m{number % 2}"))

        done = await gather(*(call(n, at) for n, at in enumerate(times)))
        return done, stack.figures()

    return virtually(main())


def test_retry_after_shuts_the_door_for_all_models():
    endpoint = refusing(RateLimitError("429", retry_after=10.0))
    done, figures = send(endpoint, [0.0] + [1.0 + n / 100 for n in range(100)])
    assert all(isinstance(each, Completion) for each in done)
    first, *others = endpoint.arrivals
    assert min(others) >= 10.0 + first
    assert len(others) == 101
    assert figures.door_seconds > 900
    assert figures.quota_seconds == 0


def test_a_longer_one_extends_it_and_a_shorter_one_does_not():
    endpoint = refusing(*(RateLimitError("429", retry_after=wait) for wait in (5.0, 20.0, 1.0)), way=0.001)
    send(endpoint, [0.0, 0.0, 0.0, 6.0, 10.0])
    assert len([at for at in endpoint.arrivals if at < 20.0]) == 3
    assert endpoint.early == 0


def test_one_that_comes_while_calls_wait_keeps_them_waiting():
    """A call that was sent before the door was shut is answered later, and shuts it for longer."""

    class Late(Endpoint):
        async def _answer(self, request, condition, number):
            if number == 0:
                await asyncio.sleep(3.0)
                await self._refuse(request, RateLimitError("429", retry_after=30.0))
            if number == 1:
                await self._refuse(request, RateLimitError("429", retry_after=5.0))
            return await super()._answer(request, condition, number)

    endpoint = Late(way=0.001)
    send(endpoint, [0.0, 0.1, 1.0, 2.0])
    assert [at for at in endpoint.arrivals if 0.2 < at < 33.0] == []
    assert endpoint.early == 0


@pytest.mark.parametrize("waiting", [40, 200, 1000])
def test_when_it_opens_they_come_evenly(waiting):
    endpoint = refusing(RateLimitError("429", retry_after=2.0), way=0.001)
    send(endpoint, [0.0] + [0.5] * waiting)
    came = [at for at in endpoint.arrivals if at > 1.0]
    bins = Counter(math.floor((at - came[0]) * 10) for at in came)
    mean = len(came) / max(bins)
    assert max(bins.values()) <= 2 * mean
    assert came[-1] - came[0] <= 6.0


def test_it_opens_slower_where_it_was_shut_at_once_again():
    endpoint = Endpoint(fault=lambda now, random: RateLimitError("429", retry_after=1.0) if now < 20 else None, way=0.1)
    send(endpoint, [0.0] + [0.5] * 300)
    a_second = Counter(int(at) for at in endpoint.arrivals)
    assert a_second[1] + a_second[2] > a_second[15] + a_second[16]
    assert a_second[15] + a_second[16] <= 6
    assert endpoint.early == 0


def test_a_wait_longer_than_the_patience_is_an_error_for_all_and_nobody_sends():
    endpoint = refusing(RateLimitError("429", retry_after=300.0))
    done, _ = send(endpoint, [0.0, 1.0, 100.0, 250.0])
    assert [type(each) for each in done] == [RateLimitError] * 3 + [Completion]
    assert done[0].retry_after == 300.0
    assert 290 < done[1].retry_after < 300
    assert "record R1" in str(done[1])
    assert [at for at in endpoint.arrivals if 1 < at < 300] == []


def test_a_429_that_does_not_say_how_long_shuts_it_for_a_moment():
    endpoint = refusing(RateLimitError("429"))
    send(endpoint, [0.0, 0.1])
    assert [at for at in endpoint.arrivals if 0.1 < at < 0.5] == []


def test_retry_after_zero_shuts_nothing():
    endpoint = refusing(RateLimitError("429", retry_after=0.0), way=0.001)
    _, figures = send(endpoint, [0.0, 0.1])
    assert figures.door_seconds == 0


def test_waiting_at_the_door_takes_no_attempt_and_no_time():
    """A call that fails once a minute, in a storm of others' making, is not failed by the clock."""
    endpoint = Endpoint(
        fault=lambda now, random: ServerError("503", retry_after=40.0) if now < 200 else None, way=0.001
    )
    done, _ = send(endpoint, [0.0] + [1.0 + n for n in range(30)], patience=121.0)
    assert sum(isinstance(each, Completion) for each in done) == 31


class TestBreaker:
    def trip(self, breaker, good=0, bad=20):
        for _ in range(good):
            breaker.answered(probe=False)
        return [breaker.failed(probe=False, reached=True) for _ in range(bad)]

    def test_half_of_twenty_trip_it(self):
        breaker = Breaker()
        assert self.trip(breaker, good=10, bad=9) == [0.0] * 9
        assert not breaker.tripped
        assert breaker.failed(probe=False, reached=True) == 1.0
        assert breaker.tripped

    def test_less_than_half_do_not(self):
        breaker = Breaker()
        for n in range(100):
            breaker.answered(probe=False) if n % 10 < 6 else breaker.failed(probe=False, reached=True)
        assert not breaker.tripped

    def test_the_rest_grows_with_each_probe_that_fails(self):
        breaker = Breaker()
        assert self.trip(breaker)[-1] == 1.0
        assert [breaker.failed(probe=True, reached=True) for _ in range(6)] == [2.0, 4.0, 8.0, 16.0, 20.0, 20.0]

    def test_calls_from_before_change_nothing(self):
        breaker = Breaker()
        self.trip(breaker)
        assert breaker.failed(probe=False, reached=True) == 0.0
        breaker.answered(probe=False)
        assert breaker.tripped
        breaker.answered(probe=True)
        assert not breaker.tripped
        assert self.trip(breaker, bad=19) == [0.0] * 19
        assert self.trip(breaker, bad=1) == [1.0]

    def test_an_address_that_was_never_reached_does_not_trip_it(self):
        breaker = Breaker()
        assert {breaker.failed(probe=False, reached=False) for _ in range(100)} == {0.0}
        breaker.answered(probe=False)
        assert breaker.failed(probe=False, reached=False) == 1.0


def test_while_the_endpoint_is_down_one_call_at_a_time_asks():
    endpoint = Endpoint(fault=lambda now, random: ServerError("500") if 5 <= now < 65 else None)
    done, _ = send(endpoint, [n / 20 for n in range(400)], patience=1000.0)
    assert all(isinstance(each, Completion) for each in done)
    probes = [at for at in endpoint.arrivals if 10 < at < 65]
    assert len(probes) <= 8
    gaps = [later - earlier for earlier, later in pairwise(probes)]
    assert gaps == sorted(gaps)
    assert max(gaps) < 20.2
    assert endpoint.admitted[-1] < 65 + 20.2 + 5


def test_a_probe_that_is_given_up_hands_on_its_part():
    class Stuck(Endpoint):
        async def _answer(self, request, condition, number):
            if 20 <= number < 23:
                await asyncio.sleep(1e9)
            return await super()._answer(request, condition, number)

    endpoint = Stuck(fault=lambda now, random: ConnectError("reset") if 1 < now < 1.5 else None)

    async def main():
        stack = stack_over(endpoint)
        await stack.complete(ask(0))
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(stack.complete(ask(n))) for n in range(30)]
            for _ in range(10_000):
                await asyncio.sleep(1.0)
                for task in tasks[:20]:
                    task.cancel()
                if all(task.done() for task in tasks):
                    break
        return sum(not task.cancelled() for task in tasks)

    assert virtually(main()) == 10


@pytest.mark.parametrize("way", [0.004, 0.3], ids=["near", "far"])
@pytest.mark.parametrize("retry_after", [1.0, None])
def test_a_storm_is_ridden_out(way, retry_after):
    """30 % of 429 for 20 s, then 503 for 10 s, while 1,000 records want two calls each from 50 requests a second."""

    def fault(now, random):
        if now < 20:
            return RateLimitError("429", retry_after=retry_after) if random.random() < 0.3 else None
        return ServerError("503", retry_after=retry_after) if now < 30 else None

    endpoint = Endpoint({"requests": Quota("bucket", 3000, size=50)}, fault=fault, way=way, tells="first")

    async def main():
        stack = stack_over(endpoint)

        async def record(number):
            await stack.complete(ask(number))
            return await stack.complete(ask(number))

        return await gather(*(record(n) for n in range(1000)))

    done = virtually(main())
    assert all(isinstance(each, Completion) for each in done)
    sent, needed = len(endpoint.arrivals), 2000
    assert sent / needed <= 1.30
    assert endpoint.early == 0
    after = Counter(int(at) for at in endpoint.admitted if at >= 30)
    assert min(second for second, count in after.items() if count >= 40) < 45
    assert endpoint.admitted[-1] <= 45 + needed / 50 / 0.9


@pytest.mark.parametrize("error", [ServerError("500"), RateLimitError("429", retry_after=0.1)])
def test_a_few_faults_cost_a_few_calls(error):
    endpoint = Endpoint(fault=lambda now, random: error if random.random() < 0.05 else None)
    done, _ = send(endpoint, [n / 50 for n in range(2000)])
    assert all(isinstance(each, Completion) for each in done)
    assert len(endpoint.arrivals) <= 1.10 * 2000


def test_the_controller_is_told_what_the_attempts_came_to():
    async def main():
        adaptive, full = AdaptiveLimit(LoopClock()), [True]
        endpoint = refusing(RateLimitError("429", retry_after=20.0), ServerError("500"))
        stack = stack_over(endpoint, adaptive=adaptive, saturated=lambda: full[0])
        for full[0] in (True, False, True):
            await gather(*(stack.complete(ask(n)) for n in range(16)))
            await asyncio.sleep(100.0)
        return [(limit, why) for _, limit, why in adaptive.history]

    assert virtually(main()) == [(20, "start"), (16, "cut: 429"), (17, "grown: a round without a 429")]


def test_where_nobody_waits_the_door_costs_nothing():
    door = Door(LoopClock(), Random(0))
    assert door.left(0.0, 0) == 0.0
    assert door.passed(0.0, 0) is False
