"""An early end over TLS: the server notices at once, also one that never reads."""

import asyncio
import socket
import time

from models_support import StopAtObject, chunked, event, head, request, serving, sse, stream_reply

from igent.models.endpoint import Endpoint
from igent.models.http import OpenAIModel


def serve_once(listener, context):
    """Reads the request, then only writes; the tokens sent after the JSON, and for how many seconds."""
    raw, _ = listener.accept()
    raw.settimeout(5)
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with context.wrap_socket(raw, server_side=True) as connection:
        connection.recv(65536)
        connection.sendall(head() + chunked(sse(event('so {"a": 1}'), done=False)))
        start = time.perf_counter()
        for tokens in range(400):  # noqa: B007
            time.sleep(0.005)
            try:
                connection.sendall(chunked(sse(event(" word"), done=False)))
            except OSError:
                break
        return tokens, time.perf_counter() - start


async def test_cut_over_tls_is_seen_at_once(certificate):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        model = OpenAIModel(Endpoint(base_url=f"https://localhost:{listener.getsockname()[1]}/v1"))
        async with asyncio.TaskGroup() as group:
            server = group.create_task(asyncio.to_thread(serve_once, listener, certificate))
            completion = await model.complete(request(), StopAtObject)
        await model.close()
    tokens, seconds = server.result()
    print(f"TLS: {tokens} tokens after the JSON, seen after {seconds * 1000:.1f} ms")
    assert completion.finish == "cut"
    assert tokens <= 20
    assert seconds < 0.5


async def test_the_next_connection_is_opened_while_a_call_is_waited_for(certificate):
    """Calls that are cut cost their connections: from the third on, each finds one that is there already."""
    carriers = []

    async def respond(_, writer):
        carriers.append(writer)
        if len(carriers) in (2, 3):
            async with asyncio.timeout(5):
                while server.connections <= len(carriers):  # noqa: ASYNC110
                    await asyncio.sleep(0.001)
        writer.write(head() + chunked(sse(event('{"a": 1}'), done=False)))

    async with serving(respond=respond, secure=certificate) as (model, server):
        there = []
        for _ in range(4):
            there.append(set(server.writers))
            assert (await model.complete(request(), StopAtObject)).finish == "cut"
    assert [carrier in before for carrier, before in zip(carriers, there, strict=True)] == [False, False, True, True]


async def test_no_connection_is_opened_in_advance_where_none_is_lost(certificate):
    reply = stream_reply(sse(event('{"a": 1}'), event(finish="stop")))
    async with serving(reply, secure=certificate) as (model, server):
        for _ in range(4):
            await model.complete(request(), StopAtObject)
    assert server.connections == 1


async def test_a_spare_connection_that_fails_disturbs_nobody(certificate):
    """The server takes no other connection than the one that it answers on."""

    async def respond(_, writer):
        writer.write(head() + chunked(sse(event('{"a": 1}'), done=False)))

    async with serving(respond=respond, secure=certificate) as (model, server):
        await model.complete(request(), StopAtObject)

        async def last(_, writer):
            server.server.close()
            writer.write(stream_reply(sse(event("ok"), event(finish="stop"))))

        server.respond = last
        assert (await model.complete(request(), StopAtObject)).text == "ok"
