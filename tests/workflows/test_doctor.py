"""`igent doctor --call` names what is the matter with an endpoint that cannot be used, and what to do about it."""

from __future__ import annotations

import contextlib
import socket
import sys
import threading
from collections.abc import Iterator

import pytest
from click.testing import CliRunner
from e2e_support import Shell

from igent.models import dial
from igent.workflows.cli import cli

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="forks processes")
HTML = b"<html>Please log in to the hotel's network</html>"


@contextlib.contextmanager
def answering(reply: bytes, *, reset: bool = False) -> Iterator[int]:
    """A server that reads something and gives every connection this reply; its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with contextlib.suppress(OSError):
                for _ in range(20):
                    connection, _ = listener.accept()
                    with connection:
                        connection.recv(65536)
                        if reset:  # closed with a reset in the place of an end
                            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                        connection.sendall(reply)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
    thread.join(5)


def reply(status: str, body: bytes, kind: str = "application/json") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return head.encode() + body


ANSWERS = {
    "a page in between": (reply("200 OK", HTML, "text/html"), "a page (HTML)", "no proxy or login page is in between"),
    "a wrong key": (reply("401 X", b'{"error": {"message": "no such key"}}'), "answered 401: no such key", "valid key"),
    "no such model": (reply("404 X", b'{"error": {"message": "no model m"}}'), "no model m", "--model"),
    "no credit": (reply("429 X", b'{"error": {"code": "insufficient_quota"}}'), "answered 429", "add credit"),
    "down": (reply("503 X", b""), "answered 503", "try again later"),
    "elsewhere": (reply("302 X", b""), "answered 302", "OpenAI-compatible endpoint"),
    "no HTTP": (b"SSH-2.0-OpenSSH_9.6\r\n", "not HTTP", "OpenAI-compatible endpoint"),
    "a login": (reply("407 X", b""), "the proxy asks for a login (407)", "HTTP_PROXY"),
}


@pytest.mark.parametrize("case", ANSWERS)
def test_an_endpoint_that_answers_otherwise(shell: Shell, case: str):
    answer, what, remedy = ANSWERS[case]
    with answering(answer) as port:
        said = shell.igent("doctor", "--base-url", f"http://127.0.0.1:{port}/v1", "--call", "m", code=1).out
    check(said, what, remedy)


def check(said: str, what: str, remedy: str) -> None:
    failed = [line for line in said.splitlines() if line.startswith("FAIL")]
    assert len(failed) == 1, said
    assert failed[0].startswith("FAIL a call to 'm' failed: ")
    assert what in failed[0]
    assert remedy in failed[0]
    assert "record doctor" not in said


def test_nothing_listens_there(shell: Shell):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    said = shell.igent("doctor", "--base-url", f"http://127.0.0.1:{port}/v1", "--call", "m", code=1).out
    check(said, "nothing listens there", "that the server runs")


def test_a_connection_that_is_reset(shell: Shell):
    with answering(b"", reset=True) as port:
        said = shell.igent("doctor", "--base-url", f"http://127.0.0.1:{port}/v1", "--call", "m", code=1).out
    check(said, "closed before an answer came", "http or https")


def test_tls_where_none_is_spoken(shell: Shell):
    with answering(reply("400 Bad Request", b"")) as port:
        said = shell.igent("doctor", "--base-url", f"https://127.0.0.1:{port}/v1", "--call", "m", code=1).out
    check(said, "TLS: the handshake failed", "http:// in --base-url")


def test_a_proxy_that_wants_a_login(shell: Shell):
    with answering(reply("407 X", b"")) as port:
        proxy = {"https_proxy": f"http://127.0.0.1:{port}", "no_proxy": ""}
        said = shell.igent("doctor", "--base-url", "https://api.example.com/v1", "--call", "m", code=1, **proxy).out
    check(said, "the proxy asks for a login", "HTTPS_PROXY")


def test_a_name_that_dns_does_not_know(monkeypatch: pytest.MonkeyPatch):
    async def unknown(*_: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(dial._Names, "find", unknown)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "IGENT_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    ran = CliRunner().invoke(cli, ["doctor", "--base-url", "http://typo.invalid/v1", "--call", "m"])
    assert ran.exit_code == 1
    check(ran.output, "DNS knows no such name", "check the host's name")


def test_an_endpoint_that_is_well(shell: Shell):
    body = b'{"choices": [{"index": 0, "message": {"content": "ok"}, "finish_reason": "stop"}]}'
    with answering(reply("200 OK", body)) as port:
        said = shell.igent("doctor", "--base-url", f"http://127.0.0.1:{port}/v1", "--call", "m").out
    assert "ok   a call to 'm' was answered in" in said
