"""A connection that cannot be had: the error names what is the matter, and what to do about it."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import ssl

import pytest
from models_support import KEY, Loopback, chunked, head, request, serving
from pydantic import SecretStr

from igent.errors import ConnectError, ProviderError
from igent.models.causes import cause_of
from igent.models.endpoint import Endpoint
from igent.models.http import OpenAIModel
from igent.models.proxy import ProxyError

CAUSES = [
    (socket.gaierror(-2, "Name or service not known"), "DNS", "host's name"),
    (UnicodeError("label too long"), "DNS", "host's name"),
    (ssl.SSLCertVerificationError("self-signed"), "certificate", "SSL_CERT_FILE"),
    (ssl.SSLError("record layer failure"), "handshake", "http://"),
    (ConnectionRefusedError(111, "refused"), "nothing listens", "that the server runs"),
    (ConnectionResetError(104, "reset"), "closed before an answer", "http or https"),
    (BrokenPipeError(32, "broken"), "closed before an answer", "http or https"),
    (OSError(errno.ENETUNREACH, "unreachable"), "no network", "VPN"),
    (OSError(errno.EHOSTUNREACH, "unreachable"), "no network", "VPN"),
    (ProxyError("the proxy answered 407", login=True), "login", "HTTPS_PROXY"),
    (ProxyError("the proxy answered 502"), "proxy", "NO_PROXY"),
    (OSError(errno.EMFILE, "too many"), "", "--base-url"),
]


@pytest.mark.parametrize(("error", "what", "remedy"), CAUSES)
def test_each_kind_has_its_own_words(error: Exception, what: str, remedy: str) -> None:
    cause = cause_of(error)
    assert what in cause.what
    assert remedy in cause.remedy


async def refused(url: str, **endpoint: float) -> ProviderError:
    model = OpenAIModel(Endpoint(base_url=url, api_key=SecretStr(KEY), **endpoint))
    try:
        with pytest.raises(ConnectError) as caught:
            await model.complete(request())
    finally:
        await model.close()
    assert KEY not in str(caught.value)
    return caught.value


async def test_a_name_that_dns_does_not_know(monkeypatch: pytest.MonkeyPatch) -> None:
    async def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, os.strerror(2))

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", unknown)
    assert "DNS knows no such name" in str(await refused("http://typo.invalid/v1"))


async def silence(_: object, writer: asyncio.StreamWriter) -> None:
    writer.write(head() + chunked(b""))


async def test_a_certificate_that_nobody_vouches_for(certificate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    async with Loopback(silence, ssl=certificate) as server:
        assert "its certificate is not trusted" in str(await refused(server.base_url))


async def test_a_certificate_for_another_name(certificate) -> None:
    async with Loopback(silence, ssl=certificate) as server:
        said = str(await refused(server.base_url.replace("localhost", "127.0.0.1")))
    assert "its certificate is not trusted" in said
    assert "127.0.0.1" in said


async def test_https_where_plain_http_is_spoken(free_port_server) -> None:
    said = str(await refused(free_port_server))
    assert "TLS: the handshake failed" in said
    assert "http:// in --base-url" in said


@pytest.fixture
async def free_port_server():
    """The address, with https, of a server that answers in plain HTTP."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    server.close()


async def test_a_connection_that_is_closed_at_once() -> None:
    async def hang_up(_: object, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    async with serving(respond=hang_up) as (model, _):
        with pytest.raises(ConnectError, match="closed before an answer came"):
            await model.complete(request())
