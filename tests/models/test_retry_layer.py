from dataclasses import replace
from random import Random

import pytest
from models_support import FakeClock, StopAtObject, request

from igent.errors import (
    AuthError,
    ConnectError,
    DeadlineError,
    IncompleteError,
    Problem,
    ProtocolError,
    RateLimitError,
    RequestError,
    ServerError,
)
from igent.models.endpoint import Endpoint
from igent.models.recall import Recall
from igent.models.retry import Retry
from igent.models.stack import build_stack
from igent.models.waits import kept_waiting
from igent.types import Completion, Usage

DONE = Completion('so {"a": 1} on', Usage(1, 2), "stop", "m1", first_token_seconds=0.5, seconds=1.0)


class Scripted:
    """A Model that fails or answers as told; each attempt takes a second."""

    def __init__(self, clock, *script):
        self.clock = clock
        self.script = list(script)
        self.calls = 0
        self.stops = []
        self.closed = False

    async def complete(self, request, stop=None):
        self.calls += 1
        self.clock.time += 1.0
        self.stops.append(stop() if stop else None)
        step = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if isinstance(step, Exception):
            raise step
        return step

    async def close(self):
        self.closed = True


def retrying(*script, attempts=5, seconds=120.0, seed=0, **options):
    clock = FakeClock()
    model = Scripted(clock, *script)
    return Retry(model, clock, Random(seed), attempts, seconds, **options), model, clock


async def test_success_is_passed_through_untouched():
    retry, model, clock = retrying(DONE)
    assert await retry.complete(request()) is DONE
    assert (model.calls, clock.sleeps) == (1, [])


@pytest.mark.parametrize("error", [AuthError("no"), RequestError("no")])
async def test_what_cannot_help_is_not_tried(error):
    retry, model, _ = retrying(error)
    with pytest.raises(type(error)) as caught:
        await retry.complete(request())
    assert caught.value is error
    assert model.calls == 1


async def test_an_error_that_says_no_is_not_retried_though_its_class_is():
    error = ProtocolError("too long")
    error.retryable = False
    retry, model, _ = retrying(error)
    with pytest.raises(ProtocolError):
        await retry.complete(request())
    assert model.calls == 1


async def test_counts_and_times_are_from_the_first_attempt():
    retry, model, clock = retrying(IncompleteError("cut"), RateLimitError("429", retry_after=3.0), DONE)
    completion = await retry.complete(request(), StopAtObject)
    assert (completion.retries, completion.rate_limited) == (2, 1)
    waited = sum(clock.sleeps)
    assert completion.seconds == pytest.approx(2 + waited + 1.0)
    assert completion.first_token_seconds == pytest.approx(2 + waited + 0.5)
    assert len({id(stop) for stop in model.stops}) == 3


async def test_a_retry_after_is_left_to_the_limiter():
    for seed in range(50):
        retry, _, clock = retrying(*[RateLimitError("429", retry_after=7.0)] * 3, DONE, seed=seed)
        await retry.complete(request())
        assert len(clock.sleeps) == 3
        assert max(clock.sleeps) <= 0.5


async def test_jitter_is_full_and_bounded():
    waits = []
    for seed in range(200):
        retry, _, clock = retrying(ServerError("500"), ServerError("500"), ServerError("500"), DONE, seed=seed)
        await retry.complete(request())
        waits.append(clock.sleeps)
    for n, bound in enumerate((0.5, 1.0, 2.0)):
        column = [wait[n] for wait in waits]
        assert max(column) <= bound
        assert min(column) < 0.1 * bound
        assert max(column) > 0.9 * bound


async def test_attempts_are_bounded():
    retry, model, _ = retrying(ServerError(Problem("record R1", "answered 500"), retry_after=2.0), attempts=3)
    with pytest.raises(ServerError, match=r"answered 500[\s\S]*gave up after 3 failed attempts") as caught:
        await retry.complete(request())
    assert model.calls == 3
    assert caught.value.retry_after == 2.0


async def test_rate_limits_are_no_failed_attempts_but_bounded_too():
    retry, model, _ = retrying(*[RateLimitError("429", retry_after=1.0)] * 19, DONE, attempts=2)
    assert (await retry.complete(request())).rate_limited == 19
    retry, model, _ = retrying(RateLimitError("429", retry_after=0.001), attempts=2)
    with pytest.raises(RateLimitError, match="20 answers of 429"):
        await retry.complete(request())
    assert model.calls == 20


async def test_total_time_is_bounded_before_the_wait():
    retry, model, clock = retrying(RateLimitError("429", retry_after=300.0))
    with pytest.raises(RateLimitError, match="after the 120 s") as caught:
        await retry.complete(request())
    assert (model.calls, clock.sleeps, caught.value.retry_after) == (1, [], 300.0)


async def test_each_retry_after_that_a_call_is_given_counts():
    retry, model, _ = retrying(RateLimitError("429", retry_after=50.0))
    with pytest.raises(RateLimitError, match="after the 120 s"):
        await retry.complete(request())
    assert model.calls == 3


async def test_waiting_for_its_turn_does_not_count():
    class Queue(Scripted):
        async def complete(self, request, stop=None):
            self.clock.time += 1000.0
            kept_waiting(1000.0)
            return await super().complete(request, stop)

    clock = FakeClock()
    retry = Retry(Queue(clock, ServerError("500"), ServerError("500"), DONE), clock, Random(0))
    completion = await retry.complete(request())
    assert completion.retries == 2
    assert completion.seconds > 2000


async def test_the_time_of_failed_attempts_counts():
    class Slow(Scripted):
        async def complete(self, request, stop=None):
            self.clock.time += 59.0
            return await super().complete(request, stop)

    clock = FakeClock()
    model = Slow(clock, DeadlineError("slow"))
    with pytest.raises(DeadlineError, match="after the 120 s"):
        await Retry(model, clock, Random(0)).complete(request())
    assert model.calls == 2


async def test_what_failed_attempts_wasted_is_summed():
    first, second = IncompleteError("cut"), ServerError("500")
    first.wasted, second.wasted = Usage(10, 5), Usage(10, 0)
    retry, _, _ = retrying(first, second, replace(DONE, wasted=Usage(1, 1)))
    assert (await retry.complete(request())).wasted == Usage(21, 6)
    errors = [ServerError("500") for _ in range(3)]
    for error in errors:
        error.wasted = Usage(10, 1)
    retry, _, _ = retrying(*errors, attempts=3)
    with pytest.raises(ServerError) as caught:
        await retry.complete(request())
    assert (caught.value.wasted, caught.value.retries) == (Usage(30, 3), 2)
    first, last = ServerError("500"), AuthError("no")
    first.wasted, last.wasted = Usage(10, 1), Usage(2, 0)
    retry, _, _ = retrying(first, last)
    with pytest.raises(AuthError) as fatal:
        await retry.complete(request())
    assert (fatal.value.wasted, fatal.value.retries) == (Usage(12, 1), 1)


async def test_in_steady_state_a_tenth_of_the_calls_are_retried_soon_and_the_rest_late():
    waits = []
    retry, model, _ = retrying(DONE, on_retry=lambda _, error, wait: waits.append(wait))
    for number in range(1000):
        model.script = [ServerError("500"), DONE] if number % 4 == 0 else [DONE]
        await retry.complete(request())
    soon = [wait for wait in waits if wait < 10.0]
    assert len(waits) == 250
    assert 100 <= len(soon) <= 0.1 * 1000 + 20
    assert all(10.0 <= wait <= 20.0 for wait in waits if wait not in soon)


async def test_a_retry_too_many_is_late_but_fails_for_nothing():
    retry, _, clock = retrying(*[ServerError("500")] * 4, DONE)
    retry._allowance = 0.0
    completion = await retry.complete(request())
    assert completion.retries == 4
    assert min(clock.sleeps) >= 10.0


def silent():
    """Nobody answers at that address, not even with a refusal."""
    error = DeadlineError("the deadline `connect` passed")
    error.reached = False
    return error


@pytest.mark.parametrize("error", [ConnectError("refused"), silent()])
async def test_an_address_that_was_never_reached_is_told_soon_and_ends_the_run(error):
    retry, _, clock = retrying(error)
    retry._allowance = 0.0
    with pytest.raises(type(error)) as caught:
        await retry.complete(request())
    assert caught.value.fatal
    assert max(clock.sleeps) <= 4.0


@pytest.mark.parametrize("error", [ConnectError("refused"), silent(), DeadlineError("slow")])
async def test_an_address_that_was_reached_once_fails_calls_and_not_the_run(error):
    retry, model, _ = retrying(DONE)
    await retry.complete(request())
    model.script = [error]
    with pytest.raises(type(error)) as caught:
        await retry.complete(request())
    assert not caught.value.fatal


async def test_a_wait_that_was_asked_for_is_no_longer_than_that():
    retry, _, clock = retrying(*[RateLimitError("429", retry_after=0.1)] * 40, DONE)
    retry._allowance = 0.0
    completion = await retry.complete(request())
    assert completion.rate_limited == 40
    assert max(clock.sleeps) <= 0.5  # the limiter holds everybody back for what was asked


async def test_small_runs_have_retries_to_spare():
    for _ in range(5):
        retry, _, clock = retrying(*[ServerError("500")] * 4, DONE)
        await retry.complete(request())
        assert max(clock.sleeps) < 10.0


async def test_each_wait_is_told():
    told = []
    retry, _, clock = retrying(ServerError("500"), DONE, on_retry=lambda *args: told.append(args))
    await retry.complete(request())
    assert [(type(error), wait) for _, error, wait in told] == [(ServerError, clock.sleeps[0])]


class Shelf:
    def __init__(self):
        self.kept = {}

    def find(self, request):
        return self.kept.get(request.messages)

    async def keep(self, request, completion):
        self.kept[request.messages] = completion


async def test_an_answer_is_bought_once():
    shelf, model = Shelf(), Scripted(FakeClock(), replace(DONE, finish="cut", text='so {"a": 1}', value={"a": 1}))
    recall = Recall(model, shelf.find, shelf.keep)
    bought = await recall.complete(request(), StopAtObject)
    again = await recall.complete(request(), StopAtObject)
    other = await recall.complete(request("R2"), StopAtObject)
    assert model.calls == 2
    assert (bought.recalled, again.recalled, other.recalled) == (False, True, False)
    assert (again.text, again.value, again.usage, again.seconds) == (bought.text, {"a": 1}, bought.usage, 0.0)


async def test_a_recalled_value_is_parsed_anew():
    shelf = Shelf()
    await shelf.keep(request(), DONE)
    recall = Recall(Scripted(FakeClock(), DONE), shelf.find, shelf.keep)
    assert (await recall.complete(request(), StopAtObject)).value == {"a": 1}
    assert (await recall.complete(request())).value is None


async def test_a_cut_answer_that_no_longer_satisfies_is_bought_again():
    shelf, model = Shelf(), Scripted(FakeClock(), DONE)
    await shelf.keep(request(), replace(DONE, finish="cut", text='so {"a": '))
    recall = Recall(model, shelf.find, shelf.keep)
    assert not (await recall.complete(request(), StopAtObject)).recalled
    assert model.calls == 1


async def test_a_failed_call_is_not_kept():
    shelf = Shelf()
    recall = Recall(Scripted(FakeClock(), ServerError("500")), shelf.find, shelf.keep)
    with pytest.raises(ServerError):
        await recall.complete(request())
    assert not shelf.kept


async def test_the_stack_recalls_before_it_retries_before_it_asks():
    clock, shelf = FakeClock(), Shelf()
    client = Scripted(clock, ServerError("500"), DONE)
    stack = build_stack(client, endpoint=Endpoint(), clock=clock, random=Random(0), find=shelf.find, keep=shelf.keep)
    first = await stack.complete(request(), StopAtObject)
    second = await stack.complete(request(), StopAtObject)
    assert (first.retries, second.recalled, client.calls) == (1, True, 2)
    await stack.close()
    assert client.closed


async def test_the_stack_without_a_journal_only_retries():
    client = Scripted(FakeClock(), DONE)
    stack = build_stack(client, endpoint=Endpoint(max_attempts=2), clock=client.clock, random=Random(0))
    await stack.complete(request())
    await stack.complete(request())
    assert client.calls == 2
