"""No call is made that could break a limit of the run's spending."""

import asyncio
from decimal import Decimal
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stack_support import LoopClock, ask, gather, virtually

from igent.errors import (
    ConnectError,
    DeadlineError,
    IncompleteError,
    LimitError,
    ProviderError,
    RateLimitError,
    ServerError,
)
from igent.models.budget import Budget, Budgeted
from igent.models.endpoint import Endpoint as Spec
from igent.models.stack import build_stack
from igent.types import Completion, Usage

# ask() has 94 tokens of input, of which 188 are reserved.
MOST = 188 + 100


def a_dollar_a_token(model, usage):
    return Decimal(usage.input_tokens + usage.output_tokens) if model != "unknown" else None


class Condition:
    value = None
    end = seen = 0

    def feed(self, text):
        self.seen += len(text)
        return False


class Client:
    """A Model that takes a second, and then answers with so many tokens, or fails."""

    def __init__(self, output=50, error=None):
        self.output, self.error = output, error
        self.sent = self.in_flight = self.peak = 0

    async def complete(self, request, stop=None):
        self.sent += 1
        self.in_flight += 1
        self.peak = max(self.peak, self.in_flight)
        condition = stop() if stop else None
        try:
            await asyncio.sleep(0.5)
            if condition is not None:
                condition.feed("x" * 81)
            await asyncio.sleep(0.5)
        finally:
            self.in_flight -= 1
        if self.error is not None:
            raise self.error
        return Completion("yes", Usage(94, self.output), "stop", request.model)

    async def close(self):
        pass


def run(client, budget, calls=1, **options):
    """The results of so many calls side by side."""
    options = {"max_tokens": 100} | options

    async def main():
        layer = Budgeted(client, LoopClock(), budget)
        return await gather(*(layer.complete(ask(n, **options), Condition) for n in range(calls)))

    return virtually(main())


def budget(cost=None, calls=None, **more):
    return Budget(None if cost is None else Decimal(cost), calls, a_dollar_a_token, **more)


def test_a_call_is_charged_for_what_it_took():
    spending = budget(cost=1000)
    (done,) = run(Client(), spending)
    assert done.text == "yes"
    assert (spending.spent_cost, spending.spent_calls, spending.refused) == (144, 1, None)


def test_without_a_limit_of_cost_nothing_is_priced():
    def price(model, usage):
        raise AssertionError("nobody asked")

    spending = Budget(None, 10, price)
    run(Client(), spending)
    assert spending.spent_calls == 1


def test_calls_that_do_not_fit_beside_others_wait_for_what_those_leave():
    """Two worst cases fit at once, six calls in all."""
    client, spending = Client(), budget(cost=2 * MOST + 4 * 144)
    done = run(client, spending, calls=6)
    assert all(isinstance(each, Completion) for each in done)
    assert spending.spent_cost == 6 * 144
    assert client.peak >= 2


def test_room_that_another_stack_makes_lets_them_in_too():
    """Chats and embeddings have a stack each, and one budget."""
    spending = budget(cost=MOST + 144)

    async def main():
        layers = [Budgeted(Client(), LoopClock(), spending) for _ in range(2)]
        return await gather(*(layer.complete(ask(n, max_tokens=100), Condition) for n, layer in enumerate(layers)))

    assert [each.text for each in virtually(main())] == ["yes", "yes"]


def test_what_fits_into_nothing_ends_the_spending():
    client, spending = Client(), budget(cost=500)
    done = run(client, spending, calls=10)
    assert [type(each) for each in done] == [Completion, Completion] + [LimitError] * 8
    error = str(done[-1])
    for part in ("500 US dollars", "288.000000 were spent", "may take 288.000000", "--max-cost: raise it", "again"):
        assert part in error
    assert spending.refused is not None
    assert spending.spent_cost <= 500


def test_once_refused_all_are_refused_even_what_would_fit():
    client, spending = Client(), budget(cost=300)
    run(client, spending)
    with pytest.raises(LimitError):
        spending.reserve(Decimal(200))
    assert not spending.fits(Decimal(1))
    with pytest.raises(LimitError):
        spending.reserve(Decimal(1))
    assert client.sent == 1


@pytest.mark.parametrize("calls", [0, 1, 7])
def test_no_more_calls_are_sent_than_allowed(calls):
    client, spending = Client(error=ServerError("500")), budget(calls=calls)
    done = run(client, spending, calls=20)
    assert client.sent == spending.spent_calls == calls
    assert sum(isinstance(each, LimitError) for each in done) == 20 - calls
    assert f"the limit of {calls} calls is reached" in str(done[-1])
    assert "--max-calls: raise it" in str(done[-1])


def test_what_earlier_sessions_took_counts():
    client = Client()
    done = run(client, budget(cost=1000, spent_cost=Decimal(900)))
    assert isinstance(done[0], LimitError)
    assert "900.000000 were spent" in str(done[0])
    run(client, budget(calls=10, spent_calls=9), calls=3)
    assert client.sent == 1


def test_an_unknown_price_is_a_limit_error_that_says_so():
    client, spending = Client(), budget(cost=1000)

    async def main():
        return await gather(Budgeted(client, LoopClock(), spending).complete(ask(0, model="unknown")))

    (error,) = virtually(main())
    assert isinstance(error, LimitError)
    assert "price of model unknown is not known" in str(error)
    assert client.sent == 0


def test_without_max_tokens_4096_are_reserved():
    assert budget(cost=1).most(ask(0)) == 188 + 4096
    assert budget(cost=1).most(ask(0, max_completion_tokens=7)) == 188 + 7
    assert budget().most(ask(0)) == 0


@pytest.mark.parametrize(
    ("error", "wasted", "charged"),
    [
        (RateLimitError("429"), None, 0),
        (ServerError("500"), None, 0),
        (ConnectError("reset"), None, 0),
        (ServerError("500"), Usage(94, 30), 124),
        (DeadlineError("slow"), None, 94 + 21),
        (IncompleteError("cut"), Usage(90, 60), 94 + 60),
    ],
)
def test_a_failed_call_is_charged_for_what_was_wasted(error, wasted, charged):
    if wasted is not None:
        error.wasted = wasted
    spending = budget(cost=1000)
    (done,) = run(Client(error=error), spending)
    assert done is error
    assert spending.spent_cost == charged


@pytest.mark.parametrize(("cut", "charged"), [(0.2, 94), (0.7, 94 + 21)])
def test_a_cancelled_call_is_charged_for_its_input_and_what_came(cut, charged):
    spending = budget(cost=1000)

    async def main():
        layer = Budgeted(Client(), LoopClock(), spending)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(cut):
                await layer.complete(ask(0, max_tokens=100), Condition)

    virtually(main())
    assert spending.spent_cost == charged
    assert spending.fits(Decimal(1000 - charged))


def test_whoever_is_cancelled_while_waiting_is_charged_nothing_and_holds_up_nobody():
    client, spending = Client(output=0), budget(cost=500)

    async def main():
        layer = Budgeted(client, LoopClock(), spending)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(layer.complete(ask(n, max_tokens=100))) for n in range(4)]
            await asyncio.sleep(0.5)
            tasks[1].cancel()
        return [task.cancelled() for task in tasks]

    assert virtually(main()) == [False, True, False, False]
    assert (client.sent, spending.spent_cost) == (3, 3 * 94)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_no_limit_is_ever_exceeded(data):
    """Whatever calls take, fail of, or are cancelled at."""
    most_cost = data.draw(st.integers(0, 3000))
    most_calls = data.draw(st.none() | st.integers(0, 15))
    random = Random(data.draw(st.integers(0, 99)))
    spending = budget(cost=most_cost, calls=most_calls)
    ends = [None, None, ServerError("x"), DeadlineError("x"), IncompleteError("x")]

    class Wild:
        sent = 0

        async def complete(self, request, stop=None):
            self.sent += 1
            await asyncio.sleep(random.random())
            stop().feed("x" * random.randrange(300))
            await asyncio.sleep(random.random())
            error = random.choice(ends)
            if error is not None:
                raise error
            return Completion("yes", Usage(random.randrange(150), random.randrange(101)), "stop", "m1")

        async def close(self):
            pass

    async def call(layer, number):
        await asyncio.sleep(random.random() * 3)
        async with asyncio.timeout(random.choice([0.1, 0.8, None, None])):
            return await layer.complete(ask(number, max_tokens=100), Condition)

    async def main():
        wild = Wild()
        layer = Budgeted(wild, LoopClock(), spending)
        done = await gather(*(call(layer, n) for n in range(20)))
        assert all(isinstance(each, Completion | ProviderError | LimitError | TimeoutError) for each in done)
        return wild.sent

    sent = virtually(main())
    assert spending.spent_cost <= most_cost
    assert spending.spent_calls == sent <= (20 if most_calls is None else most_calls)
    assert spending.fits(most_cost - spending.spent_cost) or spending.refused or sent == most_calls


def test_in_the_stack_retries_count_and_a_second_call_never_ends_the_spending():
    client, spending = Client(error=ServerError("500")), budget(calls=3)

    async def main():
        stack = build_stack(client, endpoint=Spec(), clock=LoopClock(), random=Random(0), budget=spending)
        return await gather(stack.complete(ask(0)), stack.complete(ask(1)))

    assert {type(each) for each in virtually(main())} == {LimitError}
    assert client.sent == 3
