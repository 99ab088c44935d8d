"""An early end over TLS: the server notices at once, also one that never reads."""

import asyncio
import shutil
import socket
import ssl
import subprocess
import time

import pytest
from models_support import StopAtObject, chunked, event, head, request, sse

from igent.models.endpoint import Endpoint
from igent.models.http import OpenAIModel

OPENSSL = shutil.which("openssl")


@pytest.fixture
def certificate(tmp_path, monkeypatch):
    if OPENSSL is None:
        pytest.skip("no openssl to make a certificate with")
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    command = [OPENSSL, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(cert)]
    subprocess.run(command, check=True, capture_output=True)
    monkeypatch.setenv("SSL_CERT_FILE", str(cert))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return context


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
