"""What a failed call is said to have cost, and what is told of each reply's headers."""

import asyncio

import pytest
from models_support import StopAtObject, body_reply, chunked, event, head, request, serving, sse, stream_reply

from igent.errors import ProviderError
from igent.models.tokens import count_messages, estimate_usage
from igent.types import NO_USAGE, Usage

TEXT = "half of an answer"
INPUT = Usage(count_messages(request().messages), 0, estimated=True)
BEGUN = estimate_usage(request().messages, TEXT)


async def silence(_, writer):
    pass


async def headers_only(_, writer):
    writer.write(head())


async def one_token(_, writer):
    writer.write(head() + chunked(sse(event(TEXT), done=False)))


async def broken(_, writer):
    await one_token(_, writer)
    await writer.drain()
    writer.transport.abort()


async def lost(_, writer):
    writer.transport.abort()


def replying(reply):
    async def respond(_, writer):
        writer.write(reply)

    return respond


@pytest.mark.parametrize(
    ("respond", "bounds", "wasted"),
    [
        (replying(body_reply({"error": {"message": "no"}}, 429)), {}, NO_USAGE),
        (replying(body_reply({"error": {"message": "no"}}, 500)), {}, NO_USAGE),
        (replying(body_reply(b"<html>")), {}, NO_USAGE),
        (lost, {}, NO_USAGE),
        (silence, {"first_token": 0.05}, INPUT),
        (headers_only, {"first_token": 0.05}, INPUT),
        (silence, {"total": 0.05, "stream": False}, INPUT),
        (one_token, {"between_tokens": 0.05}, BEGUN),
        (one_token, {"total": 0.05}, BEGUN),
        (broken, {}, BEGUN),
        (replying(stream_reply(sse(event(TEXT)))), {}, BEGUN),
        (replying(stream_reply(sse(event(TEXT), b"{"))), {}, BEGUN),
        (replying(stream_reply(sse(event(TEXT), {"error": {"message": "it broke"}}))), {}, BEGUN),
        (replying(stream_reply(sse(event(TEXT), event("x" * 100)))), {"max_answer_bytes": 50},
         estimate_usage(request().messages, TEXT + "x" * 100)),
    ],
)  # fmt: skip
async def test_an_error_says_what_the_call_has_cost(respond, bounds, wasted):
    async with serving(respond=respond, **bounds) as (model, _):
        with pytest.raises(ProviderError) as caught:
            await model.complete(request(), StopAtObject)
    assert caught.value.wasted == wasted


async def test_no_connection_has_cost_nothing():
    async with serving(respond=silence) as (model, server):
        server.server.close()
        with pytest.raises(ProviderError) as caught:
            await model.complete(request())
    assert caught.value.wasted == NO_USAGE


GOOD = stream_reply(sse(event("ok"), event(finish="stop")))
LIMITED = body_reply({"error": {"message": "no"}}, 429, x_ratelimit_remaining_requests="0")


async def test_the_headers_of_every_reply_are_told():
    told = []
    async with serving(LIMITED, GOOD) as (model, _):
        model.on_reply = lambda request, headers: told.append((request, dict(headers)))
        first, second = request(), request()
        with pytest.raises(ProviderError):
            await model.complete(first)
        await model.complete(second)
    assert told[0][0] is first
    assert told[0][1]["x-ratelimit-remaining-requests"] == "0"
    assert told[1][0] is second
    assert told[1][1]["Content-Type"] == "text/event-stream"


async def test_the_headers_are_told_before_the_answer_comes():
    told = asyncio.Event()

    async def respond(_, writer):
        writer.write(head())
        await writer.drain()
        async with asyncio.timeout(5):
            await told.wait()
        writer.write(GOOD[len(head()) :])

    async with serving(respond=respond) as (model, _):
        model.on_reply = lambda *_: told.set()
        assert (await model.complete(request())).text == "ok"


@pytest.mark.parametrize("reply", [GOOD, LIMITED])
async def test_what_is_raised_on_a_reply_is_raised_by_the_call(reply):
    def refuse(*_):
        raise LookupError("not mine")

    async with serving(reply) as (model, _):
        model.on_reply = refuse
        with pytest.raises(LookupError, match="not mine"):
            await model.complete(request())


async def test_what_a_stop_condition_raises_is_raised_by_the_call():
    class Broken(StopAtObject):
        def feed(self, text):
            raise LookupError("broken")

    async with serving(GOOD) as (model, _):
        with pytest.raises(LookupError, match="broken"):
            await model.complete(request(), Broken)
        assert (await model.complete(request())).text == "ok"
