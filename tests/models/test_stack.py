"""The layers put together: what passes what, and what is counted."""

import asyncio
from decimal import Decimal
from random import Random

from stack_support import Endpoint, LoopClock, ask, gather, virtually

from igent.config.constellation import Limits
from igent.errors import AuthError, RateLimitError, ServerError
from igent.models.budget import Budget
from igent.models.endpoint import Endpoint as Spec
from igent.models.stack import Stack, build_stack
from igent.types import Completion, Usage


def stack_over(client, **more):
    return build_stack(client, endpoint=Spec(), clock=LoopClock(), random=Random(1), **more)


def layers_of(stack):
    names, model = [], stack._meter
    while model is not None:
        names.append(type(model).__name__)
        model = getattr(model, "_model", None)
    return names


class Shelf:
    def __init__(self):
        self.kept = {}

    def find(self, request):
        return self.kept.get(request.messages)

    async def keep(self, request, completion):
        self.kept[request.messages] = completion


def test_every_layer_in_its_place():
    shelf = Shelf()
    budget = Budget(None, None, lambda model, usage: Decimal(0))
    full = stack_over(Endpoint(), find=shelf.find, keep=shelf.keep, hedge=True, budget=budget)
    assert layers_of(full) == [
        "Meter", "Recall", "Retry", "Limited", "Hedge", "Budgeted", "Observed", "Endpoint",
    ]  # fmt: skip
    assert layers_of(stack_over(Endpoint())) == ["Meter", "Retry", "Limited", "Observed", "Endpoint"]


def test_the_headers_of_replies_go_to_the_limiter_if_the_client_tells_them():
    endpoint = Endpoint()
    stack = stack_over(endpoint)
    assert endpoint.on_reply == stack._limiter.learn


def test_what_is_counted():
    errors = [None, ServerError("500"), AuthError("no"), None, None]
    endpoint = Endpoint(seconds=lambda n: 2.0, fault=lambda now, random: errors.pop(0) if errors else None, way=0.0)
    shelf = Shelf()

    async def main():
        stack = stack_over(endpoint, find=shelf.find, keep=shelf.keep)
        assert isinstance(stack, Stack)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(gather(stack.complete(ask(n)))) for n in range(4)]
            await asyncio.sleep(1.0)
            assert stack.figures().in_flight == 3
            tasks[3].cancel()
        await stack.complete(ask(0))
        await stack.close()
        return stack.figures()

    figures = virtually(main())
    assert endpoint.closed
    assert (figures.calls, figures.in_flight, figures.peak_in_flight) == (5, 0, 4)
    assert (figures.finished, figures.recalled, figures.failed, figures.given_up) == (3, 1, 1, 1)
    assert figures.requests_sent == 5
    assert figures.hedged == 0


def test_waits_are_counted_by_what_was_waited_for():
    async def main(client, **more):
        stack = stack_over(client, **more)
        done = await gather(*(stack.complete(ask(n)) for n in range(5)))
        assert all(isinstance(each, Completion) for each in done)
        return stack.figures(), done

    quota, done = virtually(main(Endpoint(), limits=Limits(requests_per_minute=60)))
    assert 10 <= quota.quota_seconds <= 10.5
    assert quota.door_seconds == 0
    assert 4.9 <= done[-1].seconds <= 5.2
    first = [RateLimitError("429", retry_after=10.0)]
    door, _ = virtually(main(Endpoint(fault=lambda now, random: first.pop() if first else None)))
    assert 8 <= door.door_seconds <= 10
    assert door.quota_seconds == 0


def test_a_recalled_answer_passes_no_limit():
    shelf = Shelf()

    async def main():
        budget = Budget(None, 1, lambda model, usage: None)
        options = {"find": shelf.find, "keep": shelf.keep, "budget": budget, "limits": Limits(requests_per_minute=1)}
        stack = stack_over(Endpoint(), **options)
        done = await gather(*[stack.complete(ask(0))])
        done += await gather(*(stack.complete(ask(0)) for _ in range(10)))
        return asyncio.get_running_loop().time(), [each.recalled for each in done], budget.spent_calls

    took, recalled, spent = virtually(main())
    assert took < 2.0
    assert (recalled, spent) == ([False] + [True] * 10, 1)


def test_what_a_lost_race_and_failed_attempts_cost_comes_up_together():
    shelf, slow, errors = Shelf(), [], []

    async def main():
        endpoint = Endpoint(
            seconds=lambda number: slow.pop() if slow else 0.5 + number % 10 / 100,
            fault=lambda now, random: errors.pop() if errors else None,
        )
        stack = stack_over(endpoint, find=shelf.find, keep=shelf.keep, hedge=True)
        for number in range(60):
            await stack.complete(ask(number))
        slow.append(10.0)
        errors.append(ServerError("500"))
        errors[0].wasted = Usage(7, 5)
        completion = await stack.complete(ask(60))
        again = await stack.complete(ask(60))
        return completion, again, stack.figures()

    completion, again, figures = virtually(main())
    assert (completion.retries, completion.hedged) == (1, 1)
    assert completion.wasted == Usage(7 + 94, 5, estimated=True)
    assert (again.recalled, again.hedged, again.wasted.input_tokens) == (True, 0, 0)
    assert figures.requests_sent == 60 + 2 + figures.hedged
