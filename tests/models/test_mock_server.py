import asyncio
import contextlib
from random import Random

import aiohttp
import pytest
from models_support import Answers, FakeClock, StopAtObject, request

from igent.errors import (
    AuthError,
    ConfigError,
    DeadlineError,
    IncompleteError,
    ProtocolError,
    RateLimitError,
    RequestError,
    ServerError,
)
from igent.models.endpoint import Endpoint
from igent.models.faults import Faults
from igent.models.http import OpenAIModel
from igent.models.mock import Mocker, MockModel
from igent.models.pace import Pace
from igent.models.retry import Retry
from igent.models.script import tokens_to_json_end
from igent.models.server import MockServer


@contextlib.asynccontextmanager
async def asking(server, **bounds):
    async with server:
        model = OpenAIModel(Endpoint(base_url=server.base_url, **bounds))
        try:
            yield model
        finally:
            await model.close()


async def until(true):
    async with asyncio.timeout(5):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.002)


async def fetch(server, path, method="GET", **options):
    url = server.base_url.removesuffix("/v1") + path
    async with aiohttp.ClientSession() as session, session.request(method, url, **options) as response:
        return response.status, await response.text(), response.headers


async def test_same_answer_as_in_process_streamed_and_whole():
    local = await MockModel(Answers(), seed=5).complete(request())
    for stream in (True, False):
        async with asking(MockServer(Answers(), seed=5), stream=stream) as model:
            remote = await model.complete(request())
        assert (remote.text, remote.usage, remote.finish) == (local.text, local.usage, "stop")


async def test_options_travel():
    async with asking(MockServer(Answers())) as model:
        completion = await model.complete(request(max_tokens=5))
    assert (completion.finish, completion.usage.output_tokens) == ("length", 5)


@pytest.mark.parametrize("itl", [0.02, 0.005])
async def test_early_stop_leaves_five_tokens_at_most_unread(itl):
    server = MockServer(Answers(), pace=Pace(0.01, itl))
    answer = Mocker(Answers()).answer(request().messages, {})
    async with asking(server) as model:
        async with asyncio.TaskGroup() as group:
            for _ in range(20):
                group.create_task(model.complete(request(), StopAtObject))
        await until(lambda: not server.stats()["in_flight"])
    stats = server.stats()
    print(f"tokens after the JSON a call: {stats['tokens_after_json'] / 20}")
    assert stats["disconnects"] == 20
    assert stats["tokens_after_json"] <= 5 * 20
    assert stats["tokens_sent"] == 20 * tokens_to_json_end(answer) + stats["tokens_after_json"]
    assert stats["peak_in_flight"] == 20


async def test_what_it_shows():
    async with asking(server := MockServer(Answers())) as model:
        await model.complete(request())
        await model.complete(request())
        assert (await fetch(server, "/healthz"))[:2] == (200, "ok\n")
        assert '"m1"' in (await fetch(server, "/v1/models"))[1]
        assert '"requests":2' in (await fetch(server, "/stats"))[1]
    answer = Mocker(Answers()).answer(request().messages, {})
    stats = server.stats()
    assert stats["calls"] == {"m1": 2}
    assert stats["tokens_sent"] == 2 * len(answer.tokens)
    assert stats["prompt_tokens"] == 2 * answer.usage.input_tokens
    assert stats["tokens_after_json"] == 2 * (len(answer.tokens) - tokens_to_json_end(answer))
    assert (stats["disconnects"], stats["faults"]) == (0, {})


async def test_usage_only_where_asked_for():
    body = {"model": "m", "stream": True, "messages": [{"role": "user", "content": [{"type": "text", "text": "R1"}]}]}
    async with MockServer(Answers()) as server:
        _, plain, _ = await fetch(server, "/v1/chat/completions", "POST", json=body)
        body["stream_options"] = {"include_usage": True}
        _, counted, headers = await fetch(server, "/v1/chat/completions", "POST", json=body)
    assert "usage" not in plain
    assert counted.count('"usage"') == 1
    assert counted.endswith("data: [DONE]\n\n")
    assert headers["Content-Type"] == "text/event-stream"


@pytest.mark.parametrize("body", [b"x", b"{}", b'{"model": "m", "messages": [1]}', b"[]"])
async def test_requests_that_are_none(body):
    async with MockServer(Answers()) as server:
        status, text, _ = await fetch(server, "/v1/chat/completions", "POST", data=body)
    assert status == 400
    assert "invalid_request_error" in text


async def test_chat_without_a_record():
    async with asking(MockServer(Answers())) as model:
        with pytest.raises(RequestError, match="finds no record"):
            await model.complete(request("Nothing here."))


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("fault", "kinds"),
    [
        ("429", RateLimitError),
        ("500", ServerError),
        ("401", AuthError),
        ("cut", IncompleteError),
        ("polite", (IncompleteError, ProtocolError)),
        ("stall", DeadlineError),
        ("garbage", ProtocolError),
        ("html", ProtocolError),
        ("empty", ProtocolError),
    ],
)
async def test_faults(fault, kinds, stream):
    server = MockServer(Answers(), faults=Faults({fault: 1.0}, retry_after=3))
    async with asking(server, between_tokens=0.1, stream=stream, total=10.0 if stream else 0.1) as model:
        with pytest.raises(kinds) as caught:
            await model.complete(request())
    if fault == "429":
        assert caught.value.retry_after == 3
    assert server.stats()["faults"] == {fault: 1}


async def test_fault_by_header():
    async with MockServer(Answers()) as server:
        options = {"data": b'{"model": "m", "messages": [{"role": "user", "content": "R1"}]}'}
        status, _, headers = await fetch(
            server, "/v1/chat/completions", "POST", headers={"X-Igent-Fault": "429"}, **options
        )
        assert (status, headers["Retry-After"]) == (429, "1")
        status, text, _ = await fetch(
            server, "/v1/chat/completions", "POST", headers={"X-Igent-Fault": "boom"}, **options
        )
        assert (status, "no such fault" in text) == (400, True)


async def test_a_storm_is_weathered_and_changes_no_answer():
    """Every record's answer is whole and right though half of all requests fail."""
    faults = Faults.parse("429=0.2,500=0.1,cut=0.1,polite=0.05,garbage=0.05,retry-after=1")
    async with asking(server := MockServer(Answers(), faults=faults, seed=1)) as model:
        stack = Retry(model, FakeClock(), Random(0), max_attempts=20, max_seconds=1000.0)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(stack.complete(request(f"R{n}"), StopAtObject)) for n in range(60)]
        for n, task in enumerate(tasks):
            expected = await MockModel(Answers(), seed=1).complete(request(f"R{n}"), StopAtObject)
            assert task.result().value == expected.value
            assert task.result().text == expected.text
    assert sum(task.result().retries for task in tasks) == server.stats()["requests"] - 60
    assert sum(task.result().rate_limited for task in tasks) == server.stats()["faults"]["429"]


async def test_pacing_is_kept():
    async with asking(MockServer(Answers(), pace=Pace(0.05, 0.001))) as model:
        completion = await model.complete(request())
    assert completion.first_token_seconds >= 0.048
    assert completion.seconds >= 0.05 + 0.001 * (completion.usage.output_tokens - 5)


async def test_port_in_use():
    async with MockServer(Answers()) as server:
        port = int(server.base_url.split(":")[2].split("/")[0])
        with pytest.raises(ConfigError, match=f"{port}.*--port"):
            async with MockServer(Answers(), port=port):
                pass


async def test_it_serves_until_cancelled():
    async with MockServer(Answers()) as server, asyncio.TaskGroup() as group:
        task = group.create_task(server.serve_forever())
        await fetch(server, "/healthz")
        task.cancel()
    assert task.cancelled()


async def test_it_ends_while_clients_wait():
    server = MockServer(Answers(), faults=Faults({"stall": 1.0}))
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        await server.__aenter__()
        model = OpenAIModel(Endpoint(base_url=server.base_url))
        task = group.create_task(_fails(model))
        await until(lambda: server.stats()["in_flight"])
        await server.__aexit__(None, None, None)
        assert await task in (IncompleteError, ProtocolError)
        await model.close()


async def _fails(model):
    try:
        await model.complete(request())
    except (IncompleteError, ProtocolError) as error:
        return type(error)
