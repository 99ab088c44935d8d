"""The mock server over HTTP: quotas, calls in flight, who comes too early, padding and its end."""

import asyncio

import orjson
import pytest
from models_support import Answers
from test_mock_server import fetch, until

from igent.models.faults import Faults
from igent.models.mock import Mocker
from igent.models.pace import Pace
from igent.models.prose import value_span
from igent.models.quota import Quota
from igent.models.server import MockServer
from igent.types import ChatMessage

STREAMED = {"stream": True, "stream_options": {"include_usage": True}}


def ask(server, **options):
    body = {"model": "m", "messages": [{"role": "user", "content": "This is R1."}], **options}
    return fetch(server, "/v1/chat/completions", "POST", json=body)


def answer(**padding):
    return Mocker(Answers(), **padding).answer([ChatMessage("user", "This is R1.")], {})


def events(text):
    return [orjson.loads(line[6:]) for line in text.splitlines() if line.startswith("data: {")]


@pytest.mark.parametrize("stream", [True, False])
async def test_over_the_quota_it_says_when_to_come_back(stream):
    usage = answer().usage
    charge = usage.input_tokens + usage.output_tokens
    async with MockServer(Answers(), quota=Quota(tokens=2 * charge)) as server:
        replies = [await ask(server, stream=stream) for _ in range(3)]
        stats = server.stats()
    assert [status for status, _, _ in replies] == [200, 200, 429]
    headers = replies[2][2]
    assert 0 < int(headers["retry-after-ms"]) <= 30_000
    assert headers["Retry-After"] == str(-(-int(headers["retry-after-ms"]) // 1000))
    error = orjson.loads(replies[2][1])["error"]
    assert (error["type"], error["code"]) == ("tokens", "rate_limit_exceeded")
    assert (stats["admitted"], stats["refused"], stats["requests"]) == (2, 1, 3)
    assert stats["quota"] == {"tokens": pytest.approx(1.0, abs=0.1)}
    assert stats["tokens_sent"] == 2 * usage.output_tokens


async def test_every_reply_tells_what_is_left():
    faults = Faults({"500": 1.0}, seconds=0.0)
    async with MockServer(Answers(), faults=faults, quota=Quota(requests=60)) as server:
        replies = [await ask(server), await ask(server, stream=True), await ask(server, messages=["?"])]
    assert [status for status, _, _ in replies] == [500, 200, 400]
    for left, (_, _, headers) in zip((60, 59, 59), replies, strict=True):
        assert headers["x-ratelimit-limit-requests"] == "60"
        assert int(headers["x-ratelimit-remaining-requests"]) == left
        assert headers["x-ratelimit-reset-requests"].endswith("s")
        assert "x-ratelimit-limit-tokens" not in headers


async def test_more_calls_in_flight_than_allowed_are_refused():
    server = MockServer(Answers(), faults=Faults({"stall": 1.0}), max_in_flight=5)
    async with server, asyncio.TaskGroup() as group:
        tasks = [group.create_task(ask(server, stream=True)) for _ in range(20)]
        await until(lambda: server.stats()["crowded"] == 15)
        assert server.stats()["admitted"] == server.stats()["in_flight"] == 5
        status, _, headers = await ask(server)
        assert (status, "Retry-After" in headers) == (429, False)
        for task in tasks:
            task.cancel()
        await until(lambda: server.stats()["in_flight"] == 0)
        again = group.create_task(ask(server))
        await until(lambda: server.stats()["admitted"] > 5)
        again.cancel()


async def test_who_comes_before_the_time_that_a_fault_named_is_early():
    async with MockServer(Answers(), faults=Faults({"503": 1.0}, retry_after=60)) as server:
        await ask(server)
        await ask(server)  # as quick as one that was on its way already
        async with asyncio.timeout(5):
            while server.stats()["early"] < 3:
                await ask(server)
        assert server.stats()["requests"] > 3


async def test_phases_have_their_own_faults():
    faults = Faults({"429": 1.0}, 7.0, 0.0, Faults({"503": 1.0}, 9.0))
    async with MockServer(Answers(), faults=faults) as server:
        replies = [await ask(server) for _ in range(2)]
    assert [(status, headers["Retry-After"]) for status, _, headers in replies] == [(429, "7"), (503, "9")]


@pytest.mark.parametrize("stop", ["```\n", ["\n```\n", "never"]])
async def test_a_stop_at_the_fence_ends_the_stream_at_the_json(stop):
    full = answer(before=40, after=60)
    json_end = value_span(full.text)[1]
    async with MockServer(Answers(), pace=Pace(0.0, 0.0001), before=40, after=60) as server:
        _, text, _ = await ask(server, stop=stop, **STREAMED)
        stats = server.stats()
    said = "".join(c["delta"].get("content", "") for e in events(text) for c in e["choices"])
    assert said.rstrip() == full.text[:json_end]
    assert [c["finish_reason"] for e in events(text) for c in e["choices"]][-1] == "stop"
    assert events(text)[-1]["usage"]["completion_tokens"] == stats["tokens_sent"] < len(full.tokens) - 58
    assert (stats["tokens_after_json"] <= 1, stats["disconnects"]) == (True, 0)


async def test_an_empty_stop_is_none():
    async with MockServer(Answers()) as server:
        status, text, _ = await ask(server, stop="")
    assert status == 200
    assert orjson.loads(text)["choices"][0]["message"]["content"] == answer().text


async def test_padding_is_counted_as_tokens_after_the_json():
    async with MockServer(Answers(), before=40, after=60) as server:
        await ask(server, **STREAMED)
        await ask(server)
        assert server.stats()["tokens_after_json"] == 2 * 60
