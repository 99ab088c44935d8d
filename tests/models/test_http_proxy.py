"""The way through a proxy that the environment names."""

import asyncio
import contextlib

import pytest
from models_support import KEY, USAGE, Loopback, StopAtObject, body_reply, event, replying, request, sse, stream_reply
from pydantic import SecretStr

from igent.errors import ConfigError, ConnectError
from igent.models.endpoint import Endpoint
from igent.models.http import OpenAIModel
from igent.models.proxy import Proxy, find_proxy

GOOD = stream_reply(sse(event('{"a": 1}'), event(finish="stop"), USAGE))
NAMES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch):
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.mark.parametrize(
    ("environment", "found"),
    [
        ({}, None),
        ({"https": "http://p:3128"}, Proxy(False, "p", 3128, "")),
        ({"https": "p:3128"}, Proxy(False, "p", 3128, "")),
        ({"https": "https://p"}, Proxy(True, "p", 443, "")),
        ({"http": "http://p:3128"}, None),
        ({"all": "http://p"}, Proxy(False, "p", 80, "")),
        ({"https": "http://me:s%40t@p:1"}, Proxy(False, "p", 1, "Basic bWU6c0B0")),
        ({"https": "http://[::1]:1"}, Proxy(False, "::1", 1, "")),
    ],
)
def test_the_proxy_is_the_one_for_the_scheme(environment, found):
    assert find_proxy("https", "api.example.com", 443, environment) == found


@pytest.mark.parametrize(
    ("host", "exceptions", "direct"),
    [
        ("api.example.com", "*", True),
        ("api.example.com", "other.com, example.com", True),
        ("api.example.com", "API.Example.com", True),
        ("api.example.com", ".example.com", True),
        ("api.example.com", "*.example.com", True),
        ("example.com", ".example.com", False),
        ("api.example.com", "ample.com", False),
        ("api.example.com", "example.com:443", True),
        ("api.example.com", "example.com:8443", False),
        ("api.example.com", "example.com:x, [::, ", False),
        ("10.1.2.3", "10.0.0.0/8", True),
        ("11.1.2.3", "10.0.0.0/8", False),
        ("127.0.0.1", "127.0.0.1", True),
        ("127.0.0.1", "127.0.0.1:443", True),
        ("::1", "[::1]", True),
        ("::1", "127.0.0.1", False),
        ("localhost", "localhost,127.0.0.1", True),
    ],
)
def test_exceptions_are_names_addresses_and_networks(host, exceptions, direct):
    found = find_proxy("https", host, 443, {"https": "http://p", "no": exceptions})
    assert (found is None) is direct


@pytest.mark.parametrize("address", ["socks5://me:secret@p:1080", "http://", "http://p:port", "ftp://p"])
def test_what_is_no_http_proxy_is_refused_and_not_shown(address):
    with pytest.raises(ConfigError, match="NO_PROXY") as caught:
        find_proxy("https", "api.example.com", 443, {"https": address})
    assert "secret" not in str(caught.value)


@contextlib.asynccontextmanager
async def tunnel(answer=b"HTTP/1.1 200 Connection established\r\n\r\n", target=None):
    """A proxy that knows only CONNECT; it connects to `target` (a port), whatever it is asked for."""
    asked, done = [], asyncio.Event()

    async def pipe(reader, writer):
        while data := await reader.read(65536):
            writer.write(data)
        writer.close()

    async def serve(reader, writer):
        asked.append((await reader.readuntil(b"\r\n\r\n")).decode())
        writer.write(answer)
        if target:
            there, to = await asyncio.open_connection("127.0.0.1", target)
            with contextlib.suppress(ConnectionError, ExceptionGroup):
                async with asyncio.TaskGroup() as group:
                    group.create_task(pipe(reader, to))
                    group.create_task(pipe(there, writer))
            to.close()
        writer.close()
        done.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://me:secret@127.0.0.1:{server.sockets[0].getsockname()[1]}", asked
    finally:
        server.close()
        if asked:
            async with asyncio.timeout(5):
                await done.wait()


def port_of(server):
    return server.server.sockets[0].getsockname()[1]


async def test_plain_requests_are_sent_to_the_proxy(monkeypatch):
    async with Loopback(replying(GOOD)) as proxy:
        monkeypatch.setenv("http_proxy", f"http://me:secret@127.0.0.1:{port_of(proxy)}")
        model = OpenAIModel(Endpoint(base_url="http://api.example.com:8000/v1", api_key=SecretStr(KEY)))
        for _ in range(2):
            assert (await model.complete(request())).text == '{"a": 1}'
        await model.close()
    assert proxy.headers[0].startswith("post http://api.example.com:8000/v1/chat/completions http/1.1\r\n")
    assert "\r\nhost: api.example.com:8000\r\n" in proxy.headers[0]
    assert "\r\nproxy-authorization: basic bwu6c2vjcmv0\r\n" in proxy.headers[0]
    assert proxy.connections == 1


async def test_tls_goes_through_a_tunnel(monkeypatch, certificate):
    async with Loopback(replying(GOOD), ssl=certificate) as server, tunnel(target=port_of(server)) as (url, asked):
        monkeypatch.setenv("https_proxy", url)
        model = OpenAIModel(Endpoint(base_url="https://localhost:8443/v1", api_key=SecretStr(KEY)))
        for _ in range(2):
            assert (await model.complete(request(), StopAtObject)).value == {"a": 1}
        await model.close()
    assert len(asked) == server.connections == 1
    assert asked[0].startswith("CONNECT localhost:8443 HTTP/1.1\r\nHost: localhost:8443\r\n")
    assert "Proxy-Authorization: Basic bWU6c2VjcmV0\r\n" in asked[0]
    assert KEY not in asked[0]
    assert server.headers[0].startswith("post /v1/chat/completions http/1.1\r\n")
    assert "proxy-authorization" not in server.headers[0]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"HTTP/1.1 407 Who\r\nContent-Length: 0\r\n\r\n", "407: it asks for a login"),
        (b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 100\r\n\r\nno", "the proxy answered 502"),
        (b"SSH-2.0-OpenSSH\r\n", "not HTTP"),
        (b"", "closed"),
    ],
)
async def test_a_proxy_that_refuses_is_named(monkeypatch, answer, words, certificate):
    async with tunnel(answer) as (url, _):
        monkeypatch.setenv("https_proxy", url)
        model = OpenAIModel(Endpoint(base_url="https://localhost/v1", api_key=SecretStr(KEY)))
        with pytest.raises(ConnectError, match=words) as caught:
            await model.complete(request())
        await model.close()
    assert "secret" not in str(caught.value)


async def test_a_proxy_that_asks_for_a_login(monkeypatch):
    async with Loopback(replying(body_reply(b"", 407))) as proxy:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{port_of(proxy)}")
        model = OpenAIModel(Endpoint(base_url="http://api.example.com/v1"))
        with pytest.raises(ConnectError, match="asks for a login"):
            await model.complete(request())
        await model.close()
