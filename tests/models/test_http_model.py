"""The HTTP client over a real loopback."""

import asyncio

import pytest
from models_support import (
    KEY,
    USAGE,
    StopAtObject,
    body_reply,
    chunked,
    event,
    head,
    request,
    serving,
    sse,
    stream_reply,
)
from pydantic import SecretStr

from igent.errors import AuthError, ConfigError
from igent.models.endpoint import Endpoint
from igent.models.http import OpenAIModel
from igent.models.tokens import estimate_usage
from igent.types import Usage

TEXT = 'Hé: {"a": "ü}中"} and more'


def stream(text=TEXT, *, step=3, usage=True, **options):
    pieces = [event(text[i : i + step]) for i in range(0, len(text), step)]
    tail = [event(finish="stop")] + ([USAGE] if usage else [])
    return sse(event(""), *pieces, *tail, **options)


@pytest.mark.parametrize("newline", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("step", [1, 7, None])
async def test_stream_in_chunks_of_any_size(newline, step):
    async with serving(stream_reply(stream(newline=newline), step)) as (model, server):
        completion = await model.complete(request(temperature=0.1))
    assert completion.text == TEXT
    assert (completion.usage, completion.finish, completion.model) == (Usage(11, 7), "stop", "m1-2025")
    assert completion.value is None
    assert 0 < completion.first_token_seconds <= completion.seconds
    sent = server.requests[0]
    assert sent["temperature"] == 0.1
    assert sent["stream_options"] == {"include_usage": True}
    assert sent["messages"][0] == {"role": "system", "content": "You match."}
    assert f"authorization: bearer {KEY}" in server.headers[0]


async def test_without_done_the_finish_reason_is_enough():
    async with serving(stream_reply(stream(done=False, usage=False))) as (model, _):
        completion = await model.complete(request())
    assert (completion.text, completion.finish) == (TEXT, "stop")
    assert completion.usage == estimate_usage(request().messages, TEXT)
    assert completion.usage.estimated


async def test_connection_lost_after_the_finish_reason_costs_only_the_usage():
    async def respond(_, writer):
        writer.write(head() + chunked(stream(done=False, usage=False)))
        await writer.drain()
        writer.transport.abort()

    async with serving(respond=respond) as (model, _):
        completion = await model.complete(request())
    assert completion.text == TEXT
    assert completion.usage.estimated


async def test_a_reply_that_never_ends_after_done_is_left():
    async def respond(_, writer):
        writer.write(head() + chunked(stream()))

    async with serving(respond=respond) as (model, server):
        completion = await model.complete(request())
        async with asyncio.timeout(5):
            await server.gone.wait()
    assert (completion.text, completion.usage) == (TEXT, Usage(11, 7))


@pytest.mark.parametrize("step", [1, 2, 5, 100])
async def test_cut_is_the_same_however_the_stream_is_split(step):
    async with serving(stream_reply(stream(step=step), 11)) as (model, _):
        completion = await model.complete(request(), StopAtObject)
    text = TEXT[: TEXT.rindex("}") + 1]
    assert (completion.text, completion.finish, completion.value) == (text, "cut", {"a": "ü}中"})
    assert completion.usage == estimate_usage(request().messages, text)


async def test_cut_closes_the_connection_at_once():
    """The server sends a token every 5 ms and counts those after the JSON."""
    seen = {}

    async def respond(_, writer):
        writer.write(head())
        loop = asyncio.get_running_loop()
        for token in ["so ", '{"a"', ": 1}"]:
            writer.write(chunked(sse(event(token), done=False)))
        await writer.drain()
        seen["closed"] = loop.time()
        seen["after"] = 0
        try:
            for _ in range(190):
                await asyncio.sleep(0.005)
                if writer.transport.is_closing():
                    break
                writer.write(chunked(sse(event(" word"), done=False)))
                seen["after"] += 1
                await writer.drain()
        finally:
            seen["gone"] = loop.time()

    async with serving(respond=respond) as (model, server):
        completion = await model.complete(request(), StopAtObject)
        async with asyncio.timeout(5):
            await server.gone.wait()
    assert completion.finish == "cut"
    print(f"tokens after the JSON: {seen['after']}, seen after {(seen['gone'] - seen['closed']) * 1000:.1f} ms")
    assert seen["after"] <= 5
    assert seen["gone"] - seen["closed"] < 0.5


async def test_a_stop_condition_is_made_for_each_call():
    made = []

    def stop():
        made.append(StopAtObject())
        return made[-1]

    async with serving(stream_reply(stream())) as (model, _):
        first = await model.complete(request(), stop)
        second = await model.complete(request(), stop)
    assert len(made) == 2
    assert first.text == second.text


async def test_connections_are_used_again_when_read_to_the_end():
    async with serving(stream_reply(stream())) as (model, server):
        for _ in range(3):
            await model.complete(request())
    assert server.connections == 1


BODY = {
    "model": "m1-2025",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": TEXT}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 3, "completion_tokens": 4},
}


@pytest.mark.parametrize("stream", [True, False])
async def test_plain_body_is_read_too(stream):
    async with serving(body_reply(BODY), stream=stream) as (model, server):
        whole = await model.complete(request())
        stopped = await model.complete(request(), StopAtObject)
    assert (whole.text, whole.finish, whole.usage, whole.value) == (TEXT, "stop", Usage(3, 4), None)
    assert (stopped.text, stopped.finish) == (TEXT[: TEXT.rindex("}") + 1], "stop")
    assert (stopped.usage, stopped.value) == (Usage(3, 4), {"a": "ü}中"})
    assert server.requests[0]["stream"] is stream
    assert ("stream_options" in server.requests[0]) is stream


async def test_reasoning_is_not_text():
    thinking = {"choices": [{"index": 0, "delta": {"reasoning_content": 'hm {"a": 1}'}, "finish_reason": None}]}
    data = sse(thinking, thinking, event("ok"), event(finish="stop"))
    async with serving(stream_reply(data)) as (model, _):
        completion = await model.complete(request(), StopAtObject)
    assert (completion.text, completion.finish) == ("ok", "stop")


@pytest.mark.parametrize(
    ("reason", "finish"), [("length", "length"), ("content_filter", "content_filter"), ("tool_calls", "unknown")]
)
async def test_finish_is_told(reason, finish):
    async with serving(stream_reply(sse(event("half {"), event(finish=reason)))) as (model, _):
        assert (await model.complete(request(), StopAtObject)).finish == finish


async def test_zero_usage_is_no_usage():
    nothing = {"choices": [], "usage": {"prompt_tokens": 0, "completion_tokens": 0}}
    async with serving(stream_reply(sse(event("ok"), event(finish="stop"), nothing))) as (model, _):
        completion = await model.complete(request())
    assert completion.usage.estimated
    assert completion.usage.input_tokens > 0


async def test_endpoint_without_stream_options_is_remembered():
    refused = body_reply({"error": {"message": "unknown field stream_options"}}, 400)
    async with serving(refused, stream_reply(stream(usage=False))) as (model, server):
        first = await model.complete(request())
        await model.complete(request())
    assert first.usage.estimated
    assert ["stream_options" in sent for sent in server.requests] == [True, False, False]


async def test_no_key_sends_no_authorization():
    async with serving(stream_reply(stream()), api_key=None) as (model, server):
        await model.complete(request())
    assert "authorization" not in server.headers[0]


async def test_cancelling_closes_the_connection():
    begun = asyncio.Event()

    async def respond(_, writer):
        writer.write(head() + chunked(sse(event("so"), done=False)))
        begun.set()

    async with serving(respond=respond) as (model, server):
        async with asyncio.TaskGroup() as group:
            task = group.create_task(model.complete(request()))
            await begun.wait()
            task.cancel()
        assert task.cancelled()
        async with asyncio.timeout(5):
            await server.gone.wait()


async def test_two_hundred_calls_at_once():
    async with serving(stream_reply(stream())) as (model, _), asyncio.TaskGroup() as group:
        tasks = [group.create_task(model.complete(request())) for _ in range(200)]
        results = [await task for task in tasks]
    assert {result.text for result in results} == {TEXT}


def test_no_key_for_openai():
    with pytest.raises(AuthError, match="OPENAI_API_KEY"):
        OpenAIModel(Endpoint())


@pytest.mark.parametrize("key", ["sk-\nabc", "sk abc", "schlüssel"])
def test_impossible_key_is_refused_and_not_shown(key):
    with pytest.raises(AuthError) as caught:
        OpenAIModel(Endpoint(api_key=SecretStr(key)))
    assert key not in str(caught.value)


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://x/v1", "http://", "http://[x", "http://h:port/v1"])
def test_impossible_address(url):
    with pytest.raises(ConfigError, match="--base-url"):
        OpenAIModel(Endpoint(base_url=url))


def test_bounds_must_be_positive():
    with pytest.raises(ConfigError, match="total is 0"):
        Endpoint(total=0)
