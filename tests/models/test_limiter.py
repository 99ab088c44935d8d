"""Rate limits used to the full, and not broken: the limiter against endpoints that count in different ways."""

import asyncio
from random import Random

import pytest
from stack_support import Endpoint, LoopClock, Quota, ask, gather, virtually

from igent.config.constellation import Limits
from igent.errors import RateLimitError, RequestError
from igent.models.endpoint import Endpoint as Spec
from igent.models.limited import Limited
from igent.models.limiter import Limiter
from igent.models.stack import build_stack
from igent.types import Completion, Usage

CALLS = 1500
KNOWN = Limits(requests_per_minute=600, tokens_per_minute=200_000)


def quotas(kind, requests=600, tokens=200_000, **more):
    made = {"requests": Quota(kind, requests, **more), "tokens": Quota(kind, tokens) if tokens else None}
    return {name: quota for name, quota in made.items() if quota}


def stack_over(endpoint, limits=None, patience=120.0, **more):
    spec = Spec(max_retry_seconds=patience)
    return build_stack(endpoint, endpoint=spec, clock=LoopClock(), random=Random(1), limits=limits, **more)


def put_through(endpoint, limits, calls=CALLS, in_flight=500, request=ask):
    """Make so many calls; the Completions, and what the stack has counted."""

    async def main():
        stack, seats = stack_over(endpoint, limits), asyncio.Semaphore(in_flight)

        async def call(number):
            async with seats:
                return await stack.complete(request(number))

        done = await gather(*(call(n) for n in range(calls)))
        assert all(isinstance(each, Completion) for each in done), done
        return stack.figures()

    return virtually(main())


def minutes_used(endpoint, name):
    """How many minutes' worth of a quota were used in each minute that it took."""
    quota, seconds = endpoint.quotas[name], endpoint.admitted[-1]
    if quota.kind == "bucket":
        return quota.total / (quota.size + seconds * quota.limit / 60)
    return quota.total / (quota.limit * seconds / 60)


@pytest.mark.parametrize(("output", "limits"), [(100, KNOWN), (400, None)], ids=["requests", "tokens, learnt"])
@pytest.mark.parametrize("kind", ["bucket", "fixed", "sliding"])
def test_with_headers_a_quota_is_used_to_the_full(kind, output, limits):
    endpoint = Endpoint(quotas(kind), lambda n: 2 + n % 7, output=output, tells="first")
    put_through(endpoint, limits, request=lambda n: ask(n, size=800))
    assert minutes_used(endpoint, "requests" if output == 100 else "tokens") >= 0.95
    assert len(endpoint.refused) <= 0.01 * len(endpoint.arrivals)
    assert endpoint.early == 0


@pytest.mark.parametrize(("kind", "output"), [("fixed", 400), ("sliding", 100)])
def test_without_headers_a_known_quota_is_used_to_the_full(kind, output):
    endpoint = Endpoint(quotas(kind), lambda n: 2 + n % 7, output=output)
    figures = put_through(endpoint, KNOWN, request=lambda n: ask(n, size=800))
    assert minutes_used(endpoint, "requests" if output == 100 else "tokens") >= 0.95
    assert not endpoint.refused
    assert figures.quota_seconds > 1000
    assert figures.door_seconds == 0


@pytest.mark.parametrize(("kind", "late"), [("bucket", True), ("fixed", True), ("sliding", False)])
def test_headers_that_come_with_the_end_of_an_answer_are_enough(kind, late):
    endpoint = Endpoint(quotas(kind), lambda n: 3.0, output=400, tells="end", late=late)
    put_through(endpoint, None, request=lambda n: ask(n, size=800))
    assert minutes_used(endpoint, "tokens") >= 0.95
    # Before the first end, 50 calls are out; nothing was known then.
    assert len(endpoint.refused) <= 0.01 * CALLS


@pytest.mark.parametrize("burst", [1.0, 60.0])
def test_a_server_that_counts_any_minute_is_never_overrun(burst):
    endpoint = Endpoint(quotas("sliding", tokens=None), lambda n: 0.5)
    put_through(endpoint, Limits(requests_per_minute=600, burst_seconds=burst), calls=1300, in_flight=1300)
    assert not endpoint.refused
    assert minutes_used(endpoint, "requests") >= 0.95


def test_tokens_are_reserved_by_what_answers_took_and_corrected_by_what_they_take():
    """Of each call half the tokens are output, which nobody knows beforehand."""
    endpoint = Endpoint(quotas("sliding"), lambda n: 1.0, output=1000)
    put_through(endpoint, KNOWN, calls=400, request=lambda n: ask(n, size=4000))
    assert not endpoint.refused
    assert minutes_used(endpoint, "tokens") >= 0.95


def test_max_tokens_bounds_what_is_reserved():
    endpoint = Endpoint(output=10)

    async def main():
        stack = stack_over(endpoint, Limits(tokens_per_minute=6000))
        await gather(*(stack.complete(ask(n, size=40, max_tokens=10)) for n in range(4)))
        return asyncio.get_running_loop().time()

    assert virtually(main()) < 1.2  # 4 · (14 + 10) tokens are less than a second's worth


def test_models_have_limits_of_their_own():
    endpoint = Endpoint()

    async def main():
        stack = stack_over(endpoint, Limits(requests_per_minute=60))
        await gather(*(stack.complete(ask(n, model=f"m{n % 2}")) for n in range(20)))
        return asyncio.get_running_loop().time()

    assert 9 < virtually(main()) < 12


def replying(headers, status=None):
    """An endpoint whose first reply has these headers; every later one has none."""
    left = [headers]

    class Once(Endpoint):
        async def _answer(self, request, condition, number):
            if left:
                self.on_reply(request, left.pop())
                if status:
                    raise RateLimitError("429")
            return Completion("yes", Usage(94, 100), "stop", "m1")

    return Once()


def second_call_at(endpoint, limits=None):
    """When a second call is sent, after a first that was answered at about 0."""

    async def main():
        stack = stack_over(endpoint, limits, patience=600.0)
        await stack.complete(ask(0))
        await stack.complete(ask(1))
        return endpoint.arrivals[-1]

    return virtually(main())


@pytest.mark.parametrize(
    ("headers", "earliest", "latest"),
    [
        ({"remaining-requests": "0", "reset-requests": "2s"}, 2.0, 2.6),
        ({"remaining-requests": "0", "reset-requests": "6m0s"}, 360.0, 360.7),
        ({"remaining-requests": "0", "reset-requests": "1ms"}, 0.0, 0.2),
        ({"remaining-requests": "0", "reset-requests": "-1"}, 0.0, 0.2),
        ({"remaining-requests": "-1", "reset-requests": "-1", "limit-requests": "-1"}, 0.0, 0.2),
        ({"remaining-requests": "5", "reset-requests": "60s"}, 0.0, 0.2),
        ({"remaining-requests": "0", "limit-requests": "600"}, 0.0, 0.2),
        ({"remaining-requests": "0", "limit-requests": "600", "reset-requests": "0s"}, 0.0, 0.2),
        ({"remaining-requests": "soon", "reset-requests": "9s"}, 0.0, 0.2),
        (
            {
                "remaining-requests": "0",
                "reset-requests": "3s",
                "remaining-tokens": "0",
                "reset-tokens": "9s",
            },
            9.0,
            9.6,
        ),
        (
            {
                "remaining-requests": "0",
                "reset-requests": "12",
                "remaining-tokens": "0",
                "reset-tokens": "1m",
                "limit-tokens": "100000",
            },
            60.0,
            60.7,
        ),
    ],
)
def test_when_nothing_remains_the_later_reset_is_waited_for(headers, earliest, latest):
    headers = [(f"x-ratelimit-{name}", value) for name, value in headers.items()]
    assert earliest <= second_call_at(replying(headers)) <= latest


def test_a_reset_far_away_is_an_error_and_nothing_is_sent():
    headers = [("x-ratelimit-remaining-requests", "0"), ("x-ratelimit-reset-requests", "7h")]
    endpoint = replying(headers)

    async def main():
        stack = stack_over(endpoint)
        await stack.complete(ask(0))
        return await gather(*(stack.complete(ask(n)) for n in range(1, 4)))

    errors = virtually(main())
    assert [type(error) for error in errors] == [RateLimitError] * 3
    assert "record R1" in str(errors[0])
    assert len(endpoint.arrivals) == 1


def test_headers_of_an_error_count_too():
    headers = [("x-ratelimit-remaining-requests", "0"), ("x-ratelimit-reset-requests", "30s")]
    endpoint = replying(headers, status=429)

    async def main():
        await stack_over(endpoint).complete(ask(0))
        return endpoint.arrivals

    first, second = virtually(main())
    assert second - first >= 30.0


def test_a_limit_of_ones_own_below_the_servers_is_kept():
    endpoint = Endpoint(quotas("bucket", requests=6000, tokens=None), tells="first")
    put_through(endpoint, Limits(requests_per_minute=600), calls=300, in_flight=300)
    assert 300 / (endpoint.admitted[-1] / 60) < 640


def test_a_limit_of_ones_own_above_the_servers_is_corrected():
    endpoint = Endpoint(quotas("sliding", requests=600, tokens=None), lambda n: 1.0, tells="first")
    put_through(endpoint, Limits(requests_per_minute=60_000, burst_seconds=0.01), calls=900, in_flight=900)
    assert len(endpoint.refused) <= 9
    assert minutes_used(endpoint, "requests") >= 0.95


def test_others_who_use_the_same_quota_are_made_room_for():
    """Half of the quota goes to somebody else: the remaining that the server names is what counts."""
    endpoint = Endpoint(quotas("bucket", requests=600, tokens=None), lambda n: 1.0, tells="first")

    async def main():
        stack = stack_over(endpoint, Limits(requests_per_minute=600))

        async def others():
            while True:
                endpoint.quotas["requests"].take(5, asyncio.get_running_loop().time())
                await asyncio.sleep(1.0)

        async with asyncio.TaskGroup() as group:
            theirs = group.create_task(others())
            done = await gather(*(stack.complete(ask(n)) for n in range(1000)))
            theirs.cancel()
        assert all(isinstance(each, Completion) for each in done)

    virtually(main())
    assert len(endpoint.refused) <= 0.01 * len(endpoint.arrivals)
    assert endpoint.admitted[-1] <= (1000 - 600) / 5 * 1.1


def test_first_come_first_served():
    class Noting(Endpoint):
        sent = ()

        async def complete(self, request, stop=None):
            self.sent = (*self.sent, request.context.record_id)
            return await super().complete(request, stop)

    endpoint = Noting()

    async def main():
        stack = stack_over(endpoint, Limits(requests_per_minute=600))
        await gather(*(stack.complete(ask(n)) for n in range(60)))

    virtually(main())
    assert endpoint.sent == tuple(f"R{n}" for n in range(60))


def test_whoever_is_cancelled_while_waiting_takes_nothing():
    endpoint = Endpoint()

    async def main():
        stack = stack_over(endpoint, Limits(requests_per_minute=60))
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(stack.complete(ask(n))) for n in range(30)]
            await asyncio.sleep(3.5)
            for task in tasks[4:29]:
                task.cancel()
        figures = stack.figures()
        return asyncio.get_running_loop().time(), figures.given_up, figures.requests_sent

    ended, given_up, sent = virtually(main())
    assert (given_up, sent) == (25, 5)
    assert ended < 6.5  # the last one came after the fourth, not after the 29th


def test_a_call_that_was_never_sent_gives_its_quota_back():
    class Refusing:
        async def complete(self, request, stop=None):
            raise RequestError("no")

        async def close(self):
            pass

    async def main():
        limiter = Limiter(LoopClock(), Random(0), Limits(requests_per_minute=60, burst_seconds=2))
        limited = Limited(Refusing(), limiter)
        for _ in range(50):
            with pytest.raises(RequestError):
                await limited.complete(ask(0))
        return asyncio.get_running_loop().time()

    assert virtually(main()) == 0.0


def test_only_some_calls_go_ahead_while_nothing_is_known():
    endpoint = Endpoint(quotas("bucket", requests=6000, tokens=None), lambda n: 5.0, tells="first")

    async def main():
        stack = stack_over(endpoint)
        async with asyncio.TaskGroup() as group:
            for n in range(200):
                group.create_task(stack.complete(ask(n)))
            await asyncio.sleep(0.005)
            early = stack.figures().requests_sent
            await asyncio.sleep(1.0)
            return early, stack.figures().requests_sent

    assert virtually(main()) == (50, 200)


def test_a_client_that_tells_nothing_is_not_waited_for():
    class Silent:
        def __init__(self):
            self.calls = 0

        async def complete(self, request, stop=None):
            self.calls += 1
            await asyncio.sleep(5.0)
            return Completion("yes", Usage(1, 1), "stop", "m1")

        async def close(self):
            pass

    async def main():
        silent = Silent()
        async with asyncio.TaskGroup() as group:
            stack = stack_over(silent)
            for n in range(200):
                group.create_task(stack.complete(ask(n)))
            await asyncio.sleep(1.0)
            return silent.calls

    assert virtually(main()) == 200
