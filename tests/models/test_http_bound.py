"""No answer is without bound: what is sent where the request sets no limit of its own."""

from __future__ import annotations

import pytest
from models_support import body_reply, event, request, serving, sse, stream_reply

from igent.errors import RequestError
from igent.models.protocol import MOST_OUTPUT

GOOD = stream_reply(sse(event('{"a": 1}'), event(finish="stop")))


def refusal(parameter: str, instead: str = "another one"):
    return body_reply({"error": {"message": f"Unsupported parameter: '{parameter}'. Use '{instead}' instead."}}, 400)


def bounds(body):
    return {name: body[name] for name in ("max_tokens", "max_completion_tokens") if name in body}


@pytest.mark.parametrize("stream", [True, False])
async def test_max_tokens_is_always_sent(stream):
    async with serving(GOOD, stream=stream) as (model, server):
        await model.complete(request())
    assert bounds(server.requests[0]) == {"max_tokens": MOST_OUTPUT}


@pytest.mark.parametrize("options", [{"max_tokens": 7}, {"max_completion_tokens": 9}])
async def test_what_the_request_says_counts(options):
    async with serving(GOOD) as (model, server):
        await model.complete(request(**options))
    assert bounds(server.requests[0]) == options


async def test_a_model_that_knows_the_other_name_only_is_given_that():
    async with serving(refusal("max_tokens", "max_completion_tokens"), GOOD) as (model, server):
        await model.complete(request())
        await model.complete(request())
    assert [bounds(body) for body in server.requests] == [
        {"max_tokens": MOST_OUTPUT},
        {"max_completion_tokens": MOST_OUTPUT},
        {"max_completion_tokens": MOST_OUTPUT},
    ]


async def test_a_model_that_knows_neither_is_asked_without():
    async with serving(refusal("max_tokens"), refusal("max_completion_tokens"), GOOD) as (model, server):
        await model.complete(request())
        await model.complete(request(max_tokens=5))
    assert [bounds(body) for body in server.requests[2:]] == [{}, {"max_tokens": 5}]


async def test_a_bound_of_the_users_own_is_never_left_out():
    async with serving(refusal("max_tokens", "max_completion_tokens"), GOOD) as (model, server):
        with pytest.raises(RequestError, match="max_completion_tokens"):
            await model.complete(request(max_tokens=5))
    assert len(server.requests) == 1
