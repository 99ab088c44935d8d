"""When connections are kept, given up and opened."""

import asyncio
import socket

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

from igent.errors import ConnectError, DeadlineError, ProtocolError
from igent.models import dial, pool
from igent.models.endpoint import Endpoint
from igent.models.http import OpenAIModel


async def turns(reached):
    """Turns of the event loop until this is so."""
    for _ in range(10_000):
        if reached():
            return
        await asyncio.sleep(0)
    pytest.fail("never")


GOOD = stream_reply(sse(event("ok"), event(finish="stop"), USAGE))


async def test_a_connection_is_kept_whose_reply_ends_after_the_answer():
    """The call ends with [DONE]; the end of the reply comes later."""
    answered = asyncio.Event()

    async def respond(_, writer):
        writer.write(GOOD[: -len(b"0\r\n\r\n")])
        await writer.drain()
        async with asyncio.timeout(5):
            await answered.wait()
        writer.write(b"0\r\n\r\n")

    async with serving(respond=respond) as (model, server):
        await model.complete(request())
        answered.set()
        await turns(lambda: model._pool.idle() is not None)
        assert server.connections == 1


@pytest.mark.parametrize("reply", [GOOD + b"more", GOOD.replace(b"\r\n", b"\r\nConnection: close\r\n", 1)])
async def test_a_connection_that_says_more_or_closes_is_not_used_again(reply):
    async with serving(reply) as (model, server):
        for _ in range(2):
            assert (await model.complete(request())).text == "ok"
    assert server.connections == 2


async def test_a_connection_that_the_server_closes_while_idle_is_not_used_again():
    async def respond(_, writer):
        writer.write(GOOD)
        writer.close()

    async with serving(respond=respond) as (model, server):
        for _ in range(2):
            assert (await model.complete(request())).text == "ok"
            await turns(lambda: not model._pool._open)
    assert server.connections == 2


async def test_a_connection_that_was_idle_for_long_is_not_used_again(monkeypatch):
    async with serving(GOOD) as (model, server):
        await model.complete(request())
        monkeypatch.setattr(pool, "_KEEP_SECONDS", -1.0)
        await model.complete(request())
    assert server.connections == 2


async def test_an_answer_that_is_all_there_when_it_is_cut_costs_no_connection():
    async with serving(stream_reply(sse(event('{"a": 1}'), event(" and more"), event(finish="stop")))) as (
        model,
        server,
    ):
        assert [(await model.complete(request(), StopAtObject)).finish for _ in range(3)] == ["cut"] * 3
    assert server.connections == 1


async def test_nothing_is_opened_in_advance_without_tls():
    async def respond(_, writer):
        writer.write(head() + chunked(sse(event('{"a": 1}'), done=False)))

    async with serving(respond=respond) as (model, server):
        for _ in range(3):
            await model.complete(request(), StopAtObject)
    assert server.connections == 3


async def test_closing_ends_the_calls_in_flight():
    begun = asyncio.Event()

    async def respond(_, writer):
        writer.write(head())
        begun.set()

    async with serving(respond=respond) as (model, _), asyncio.TaskGroup() as group:
        call = group.create_task(failure_of(model))
        await begun.wait()
        await model.close()
    assert isinstance(call.result(), ConnectError)
    assert not model._pool._open


async def failure_of(model):
    with pytest.raises(ConnectError) as caught:
        await model.complete(request())
    return caught.value


async def test_a_name_is_asked_for_once_by_many_calls(monkeypatch):
    loop, asked = asyncio.get_running_loop(), []
    find = loop.getaddrinfo

    async def count(*args, **options):
        asked.append(args)
        return await find(*args, **options)

    monkeypatch.setattr(loop, "getaddrinfo", count)
    async with serving(GOOD) as (model, server):
        async with asyncio.TaskGroup() as group:
            for _ in range(20):
                group.create_task(model.complete(request()))
        assert server.connections > 1
        assert len(asked) == 1


def infos(*ports):
    return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", port)) for port in ports]


@pytest.fixture
def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


async def test_an_address_that_refuses_is_passed_over(free_port):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        for order in (infos(free_port, port), infos(port, free_port), infos(port)):
            with await dial._reach(order) as sock:
                assert sock.getpeername()[1] == port
        with pytest.raises(ConnectionRefusedError):
            await dial._reach(infos(free_port, free_port))
        with pytest.raises(OSError, match="no address"):
            await dial._reach([])


async def test_an_address_that_is_silent_is_passed_over(monkeypatch):
    """The first attempt hangs until it is cancelled; the second one wins."""
    loop, hung = asyncio.get_running_loop(), []
    connect = loop.sock_connect

    async def hang(sock, address):
        if not hung:
            hung.append(sock)
            await asyncio.Event().wait()
        await connect(sock, address)

    monkeypatch.setattr(loop, "sock_connect", hang)
    monkeypatch.setattr(dial, "_HEAD_START_SECONDS", 0.01)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with await dial._reach(infos(port, port)) as sock:
            assert sock.getpeername()[1] == port
    assert hung[0].fileno() == -1


@pytest.mark.parametrize("attempts", [1, 2])
async def test_cancelling_while_it_connects_leaves_no_socket(monkeypatch, attempts):
    made = []

    async def hang(sock, address):
        made.append(sock)
        await asyncio.Event().wait()

    monkeypatch.setattr(asyncio.get_running_loop(), "sock_connect", hang)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await dial._reach(infos(*[1] * attempts))
    assert all(sock.fileno() == -1 for sock in made)


@pytest.mark.parametrize("name", ["connect", "first_token", "total"])
async def test_a_handshake_that_stalls_passes_the_deadline_that_comes_first(name):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"https://127.0.0.1:{listener.getsockname()[1]}/v1"
        model = OpenAIModel(Endpoint(base_url=url, api_key=SecretStr(KEY), **{name: 0.05}))
        with pytest.raises(DeadlineError, match=f"`{name}` of 0.05 s") as caught:
            await model.complete(request())
        await model.close()
    assert not caught.value.reached


async def test_a_name_that_does_not_exist():
    model = OpenAIModel(Endpoint(base_url=f"http://{'x' * 70}.invalid/v1"))
    with pytest.raises(ConnectError, match="no connection to"):
        await model.complete(request())
    await model.close()


async def test_redirects_are_refused_and_the_key_stays_here():
    async with serving(GOOD) as (_, other):
        moved = body_reply(b"", 307, location=f"{other.base_url}/chat/completions")
        async with serving(moved) as (model, _):
            with pytest.raises(ProtocolError, match="answered 307"):
                await model.complete(request())
    assert not other.requests
