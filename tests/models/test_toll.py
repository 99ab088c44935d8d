"""What a call has cost that was given up in the middle."""

import asyncio

import pytest

from igent.models.toll import Toll
from igent.types import CallContext, ChatMessage, ChatRequest, Completion, Usage

REQUEST = ChatRequest("m", (ChatMessage("user", "x" * 40),), CallContext("R1", "s", "a"))


class Condition:
    value, end = None, 0

    def __init__(self):
        self.seen = 0

    def feed(self, text: str) -> bool:
        self.seen += len(text)
        return False


class Slow:
    """Begins `attempts`, each of which gives so many characters, and never ends."""

    def __init__(self, *attempts: int) -> None:
        self._attempts = attempts

    async def complete(self, request, stop=None):
        for characters in self._attempts:
            condition = stop() if stop else Condition()
            condition.feed("x" * characters)
        await asyncio.Event().wait()

    async def close(self) -> None: ...


@pytest.mark.parametrize(
    ("attempts", "cost"),
    [
        ((9,), Usage(14, 3, estimated=True)),
        ((0,), Usage(14, 0, estimated=True)),
        ((0, 0, 4), Usage(14, 1, estimated=True)),  # refused twice
        ((8, 4), Usage(28, 3, estimated=True)),  # broken off once
        ((), None),  # still waiting for its turn
    ],
)
async def test_a_call_that_is_given_up_tells_its_cost(attempts, cost):
    told: list[Usage] = []
    async with asyncio.TaskGroup() as group:
        call = group.create_task(Toll(Slow(*attempts), told.append).complete(REQUEST, Condition))
        for _ in range(5):
            await asyncio.sleep(0)
        call.cancel()
    assert told == ([cost] if cost else [])


async def test_without_a_stop_condition_the_input_counts():
    told: list[Usage] = []
    async with asyncio.TaskGroup() as group:
        call = group.create_task(Toll(Slow(9), told.append).complete(REQUEST))
        await asyncio.sleep(0)
        call.cancel()
    assert told == [Usage(14, 0, estimated=True)]


async def test_an_answer_costs_no_toll():
    class Quick:
        async def complete(self, request, stop=None):
            return Completion("hi", Usage(1, 1), "stop", "m")

        async def close(self) -> None: ...

    told: list[Usage] = []
    assert (await Toll(Quick(), told.append).complete(REQUEST, Condition)).text == "hi"
    assert told == []
