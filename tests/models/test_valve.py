"""Closed, the valve lets calls in flight come home, and sends no other, wherever it waits."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from random import Random

import pytest
from models_support import request

from igent.clock import SYSTEM_CLOCK
from igent.errors import AuthError, DrainedError, ServerError
from igent.models.endpoint import Endpoint
from igent.models.retry import Retry
from igent.models.stack import build_stack
from igent.models.valve import Inflow, Outflow, Valve
from igent.types import NO_USAGE, ChatRequest, Completion, Model, StopFactory


class Client:
    """Answers when it is told to; counts the calls."""

    def __init__(self, answer: Callable[[int], Awaitable[None]] | None = None) -> None:
        self.calls = 0
        self.go = asyncio.Event()
        self._answer = answer

    async def complete(self, request: ChatRequest, stop: StopFactory | None = None) -> Completion:
        self.calls += 1
        if self._answer is not None:
            await self._answer(self.calls)
        else:
            await self.go.wait()
        return Completion("yes", NO_USAGE, "stop", request.model)

    async def close(self) -> None: ...


class Waiting:
    """A layer in which calls wait until they are let go on."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self.go = asyncio.Event()

    async def complete(self, request: ChatRequest, stop: StopFactory | None = None) -> Completion:
        await self.go.wait()
        return await self._model.complete(request, stop)

    async def close(self) -> None: ...


async def begun(model: Model) -> asyncio.Task[Completion]:
    task: asyncio.Task[Completion] = asyncio.get_running_loop().create_task(model.complete(request()))
    for _ in range(5):
        await asyncio.sleep(0)
    return task


async def test_a_call_in_flight_comes_home_and_the_next_is_not_sent():
    client, valve = Client(), Valve()
    model = Inflow(Outflow(client, valve), valve)
    first = await begun(model)
    valve.close()
    valve.close()
    client.go.set()
    assert (await first).text == "yes"
    with pytest.raises(DrainedError, match="asked to end"):
        await model.complete(request())
    assert client.calls == 1


async def test_a_call_that_waits_in_a_layer_is_given_up_at_once():
    client, valve = Client(), Valve()
    waiting = Waiting(Outflow(client, valve))
    call = await begun(Inflow(waiting, valve))
    valve.close()
    with pytest.raises(DrainedError):
        async with asyncio.timeout(1):
            await call
    assert client.calls == 0


async def test_a_call_that_was_about_to_be_sent_is_not():
    client, valve = Client(), Valve()
    waiting = Waiting(Outflow(client, valve))
    call = await begun(Inflow(waiting, valve))
    waiting.go.set()
    valve.close()
    with pytest.raises(DrainedError):
        await call
    assert client.calls == 0


async def test_an_attempt_that_fails_is_not_followed_by_another():
    async def fail(number: int) -> None:
        await asyncio.sleep(0.01)
        raise ServerError("down")

    client, valve = Client(fail), Valve()
    retry = Retry(Outflow(client, valve), SYSTEM_CLOCK, Random(0), 5, 60)
    call = await begun(Inflow(retry, valve))
    valve.close()
    with pytest.raises(DrainedError):
        async with asyncio.timeout(1):
            await call
    assert client.calls == 1


async def test_what_ends_the_run_is_told_even_then():
    async def refuse(number: int) -> None:
        await asyncio.sleep(0.01)
        raise AuthError("no such key")

    valve = Valve()
    call = await begun(Inflow(Retry(Outflow(Client(refuse), valve), SYSTEM_CLOCK, Random(0), 5, 60), valve))
    valve.close()
    with pytest.raises(AuthError):
        await call


async def test_cancelled_it_is_cancelled_and_other_deadlines_are_theirs():
    async def late(number: int) -> None:
        if number == 2:
            raise TimeoutError("somebody else's")
        await asyncio.sleep(10)

    valve = Valve()
    model = Inflow(Outflow(Client(late), valve), valve)
    call = await begun(model)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    with pytest.raises(TimeoutError, match="somebody else's"):
        await model.complete(request())
    valve.close()


async def test_in_the_stack_a_recalled_answer_passes_a_closed_valve():
    client, valve = Client(), Valve()
    known = Completion("known", NO_USAGE, "stop", "m", recalled=True)

    async def keep(request: ChatRequest, completion: Completion) -> None: ...

    stack = build_stack(
        client, endpoint=Endpoint(), clock=SYSTEM_CLOCK, random=Random(0), find=lambda _: known, keep=keep, valve=valve
    )
    valve.close()
    assert (await stack.complete(request())).text == "known"
    assert client.calls == 0


async def test_of_two_calls_beside_each_other_the_answer_is_kept():
    """The first is slow, the second answers after the valve was closed: it is what was paid for."""
    slow, both, kept = asyncio.Event(), asyncio.Event(), []

    async def answer(number: int) -> None:
        if number <= 40:
            await asyncio.sleep(0.002)
        elif number == 41:
            await asyncio.sleep(30)
        else:
            both.set()
            await slow.wait()

    async def keep(request: ChatRequest, completion: Completion) -> None:
        kept.append(completion.text)

    client, valve = Client(answer), Valve()
    stack = build_stack(
        client,
        endpoint=Endpoint(),
        clock=SYSTEM_CLOCK,
        random=Random(0),
        find=lambda _: None,
        keep=keep,
        hedge=True,
        valve=valve,
    )
    for _ in range(40):
        await stack.complete(request())
    call = await begun(stack)
    async with asyncio.timeout(10):
        await both.wait()
        valve.close()
        slow.set()
        assert (await call).text == "yes"
    assert len(kept) == 41
