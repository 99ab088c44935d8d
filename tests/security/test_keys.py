"""A key goes to the host it was given for, and to no other."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest
from foreign_server import ForeignServer

from igent import run_workflow
from igent.config.settings import load_settings

OWN, OPENAI = "sk-own-0123456789abcdef", "sk-proj-openai-0123456789abcdef"
NAMES = ("OPENAI_API_KEY", "OPENAI_BASE_URL", "IGENT_API_KEY", "IGENT_BASE_URL", "IGENT_ALLOW_HOST")


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)


def sent_to(url: str | None) -> str | None:
    key = load_settings(base_url=url).key()
    return key.get_secret_value() if key else None


@pytest.mark.parametrize(
    "url", [None, "https://api.openai.com/v1", "https://eu.api.openai.com/v1", "https://API.OPENAI.COM:443/v1"]
)
def test_openais_key_goes_to_openai(monkeypatch: pytest.MonkeyPatch, url: str | None):
    monkeypatch.setenv("OPENAI_API_KEY", OPENAI)
    assert sent_to(url) == OPENAI


@pytest.mark.parametrize(
    "url",
    [
        "https://models.example/v1",
        "http://localhost:8000/v1",
        "http://127.0.0.1:8000/v1",
        "https://api.openai.com.example/v1",
        "http://api.openai.com/v1",
        "https://apiopenai.com/v1",
        "https://api.openai.com@evil.example/v1",
        "https://evil.example/api.openai.com/v1",
        "https://evil.example\\@api.openai.com/v1",
        "https://evil.example#.openai.com",
        "http://[::1]:80/v1",
        "http://[::1/v1",
        "not an address",
    ],
)
def test_openais_key_goes_to_nobody_else(monkeypatch: pytest.MonkeyPatch, url: str):
    monkeypatch.setenv("OPENAI_API_KEY", OPENAI)
    assert sent_to(url) is None
    monkeypatch.setenv("IGENT_API_KEY", OWN)
    assert sent_to(url) == OWN, "a key of one's own is for whatever is named"


def test_it_goes_where_the_environment_or_the_user_says(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OPENAI_API_KEY", OPENAI)
    monkeypatch.setenv("OPENAI_BASE_URL", "https://proxy.example/v1")
    assert sent_to(None) == sent_to("https://proxy.example/v1") == OPENAI
    assert sent_to("https://elsewhere.example/v1") is None
    monkeypatch.setenv("IGENT_ALLOW_HOST", "Elsewhere.example")
    assert sent_to("https://elsewhere.example/v1") == OPENAI
    assert sent_to("https://third.example/v1") is None


def heads_of(server: ForeignServer) -> set[str]:
    return {call.authorization for call in server.calls}


def run(server: ForeignServer, out: Path, **options: str) -> None:
    asyncio.run(run_workflow("p1m1m2c", max_items=2, base_url=server.url, out=out, **options))


def test_what_the_endpoint_sees(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture):
    monkeypatch.setenv("OPENAI_API_KEY", OPENAI)
    caplog.set_level(logging.WARNING)
    logging.getLogger("igent").propagate = True
    with ForeignServer() as server:
        run(server, tmp_path / "none")
        assert heads_of(server) == {""}
        assert "OPENAI_API_KEY is not sent to 127.0.0.1" in caplog.text
        assert "--allow-host" in caplog.text
        server.calls.clear()
        run(server, tmp_path / "allowed", allow_host="127.0.0.1")
        assert heads_of(server) == {f"Bearer {OPENAI}"}
        server.calls.clear()
        run(server, tmp_path / "own", api_key=OWN)
        assert heads_of(server) == {f"Bearer {OWN}"}
    for path in tmp_path.rglob("*"):
        assert path.is_dir() or not {key for key in (OWN, OPENAI) if key.encode() in path.read_bytes()}, path
