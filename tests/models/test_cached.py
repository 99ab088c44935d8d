"""The layer of the cache: what is taken from there, what goes there, and where it is in the stack."""

from dataclasses import replace
from random import Random

import pytest
from models_support import FakeClock, StopAtObject, request

from igent.config.constellation import Limits
from igent.errors import ServerError
from igent.models.budget import Budget
from igent.models.cached import Cached
from igent.models.endpoint import Endpoint
from igent.models.stack import build_stack
from igent.models.valve import Valve
from igent.types import Completion, Usage

DONE = Completion('so {"a": 1}', Usage(11, 7), "stop", "m1-2025", 0.1, 2.0)


class Client:
    def __init__(self, answer=DONE):
        self.answer, self.calls, self.closed = answer, 0, False

    async def complete(self, request, stop=None):
        self.calls += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    async def close(self):
        self.closed = True


class Shelf:
    def __init__(self):
        self.kept, self.asked = {}, 0

    async def find(self, request):
        self.asked += 1
        return self.kept.get(request.messages)

    def keep(self, request, completion):
        self.kept[request.messages] = completion


async def test_an_answer_is_bought_once():
    shelf, client = Shelf(), Client(replace(DONE, retries=2, rate_limited=1, hedged=1, wasted=Usage(3, 3)))
    cached = Cached(client, shelf.find, shelf.keep)
    bought = await cached.complete(request(), StopAtObject)
    again = await cached.complete(request(), StopAtObject)
    await cached.complete(request("R2"), StopAtObject)
    assert client.calls == 2
    assert not bought.cached
    assert again == Completion(DONE.text, DONE.usage, "stop", DONE.model, value={"a": 1}, cached=True)
    await cached.close()
    assert client.closed


async def test_a_cut_answer_that_no_longer_satisfies_is_bought_again():
    shelf, client = Shelf(), Client()
    shelf.keep(request(), replace(DONE, finish="cut", text='so {"a": '))
    cached = Cached(client, shelf.find, shelf.keep)
    assert not (await cached.complete(request(), StopAtObject)).cached
    assert (await cached.complete(request(), StopAtObject)).cached
    assert client.calls == 1


@pytest.mark.parametrize("finish", ["length", "content_filter", "unknown"])
async def test_only_whole_answers_are_kept_and_taken(finish):
    shelf, client = Shelf(), Client(replace(DONE, finish=finish))
    cached = Cached(client, shelf.find, shelf.keep)
    await cached.complete(request())
    assert not shelf.kept
    shelf.keep(request(), replace(DONE, finish=finish))
    assert not (await cached.complete(request())).cached
    assert client.calls == 2


async def test_a_failed_call_is_not_kept():
    shelf = Shelf()
    with pytest.raises(ServerError):
        await Cached(Client(ServerError("500")), shelf.find, shelf.keep).complete(request())
    assert not shelf.kept


async def test_its_place_is_behind_the_journal_and_before_all_that_costs():
    journal, shelf, client, valve = {}, Shelf(), Client(), Valve()

    async def keep(request, completion):
        journal[request.messages] = completion

    stack = build_stack(
        client,
        endpoint=Endpoint(),
        clock=FakeClock(),
        random=Random(0),
        find=lambda request: journal.get(request.messages),
        keep=keep,
        cached_find=shelf.find,
        cached_keep=shelf.keep,
        limits=Limits(requests_per_minute=1),
        budget=Budget(None, 1, lambda model, usage: None),
        valve=valve,
    )
    names, model = [], stack._meter
    while model is not None:
        names.append(type(model).__name__)
        model = getattr(model, "_model", None)
    assert names[:4] == ["Meter", "Recall", "Cached", "Inflow"]
    shelf.kept[request().messages] = DONE
    valve.close()
    first, second = await stack.complete(request()), await stack.complete(request())
    assert (first.cached, first.recalled) == (True, False)
    assert (second.recalled, client.calls, shelf.asked) == (True, 0, 1)
    assert journal[request().messages].cached
