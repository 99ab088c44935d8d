"""Agents can only talk: no tools, no runtime; what they are given and what is written is for its owner alone."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import threading
import traceback
from pathlib import Path
from typing import Any

import pytest
from autogen_agentchat.agents import AssistantAgent
from faulty_server import FaultyServer
from pydantic import SecretStr

from igent import run_workflow
from igent.config.locate import list_constellations, shipped_root
from igent.config.settings import load_settings
from igent.errors import ConfigError, IgentError
from igent.workflows.constellation import load_constellation

ROOT = Path(__file__).parents[2]
SHIPPED = [name for name, path in list_constellations().items() if path.is_relative_to(shipped_root())]
KEY = "sk-planted-Zk3v9TqLw8Xc2BnM5rYp7H"
ACTIVE = {"tools", "tool_choice", "functions", "function_call", "web_search_options", "store", "parallel_tool_calls"}


class NoClient:
    """A model client that nobody asks."""

    def __init__(self) -> None:
        able = ("vision", "function_calling", "json_output", "structured_output")
        self.model_info = {**dict.fromkeys(able, True), "family": "x"}


@pytest.mark.parametrize("name", SHIPPED)
def test_no_agent_has_a_tool(name: str):
    participants = load_constellation(name).participants()
    for _, participant in participants:
        agent: Any = participant.make(NoClient())  # type: ignore[arg-type]
        assert type(agent) is AssistantAgent
        assert not agent._tools
        assert not agent._handoffs
        assert not agent._memory
        assert all(not asyncio.run(bench.list_tools()) for bench in agent._workbench)


@pytest.mark.parametrize("name", ["p1m1m2c", "p1m1c1m2c2", "p1m1m2c_fast"])
def test_no_request_offers_a_tool(tmp_path: Path, name: str):
    with FaultyServer(lambda seen, count: "") as server:
        asyncio.run(run_workflow(name, base_url=server.url, api_key=KEY, out=tmp_path / "run", max_items=3))
    assert server.seen
    for seen in server.seen:
        assert not ACTIVE & set(seen.body)
        assert {message["role"] for message in seen.body["messages"]} <= {"system", "user", "assistant"}
        assert all(isinstance(message["content"], str) for message in seen.body["messages"])


def test_a_model_that_calls_a_tool_gets_none(tmp_path: Path):
    with FaultyServer(lambda seen, count: "tool calls") as server:
        report = asyncio.run(run_workflow("p1m", base_url=server.url, api_key=KEY, out=tmp_path / "run", max_items=2))
    assert report.done == 0
    assert all("tool" not in message for seen in server.seen for message in seen.body["messages"])


def test_no_runtime_of_autogen_is_in_use():
    """So there is nothing to trace, and AUTOGEN_DISABLE_RUNTIME_TRACING has nothing to switch off."""
    code = """if True:
        import asyncio, sys, threading
        import autogen_core
        def refuse(self, *a, **k): raise AssertionError("a runtime was made")
        autogen_core.SingleThreadedAgentRuntime.__init__ = refuse
        from igent import run_workflow
        report = asyncio.run(run_workflow("p1m1c1m2c2", mock=True, max_items=3, critic="always", out="run"))
        assert report.done == 3, report
        print("opentelemetry.sdk" in sys.modules)
    """
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", code]
        ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout.strip()) == (0, "False"), ended.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="has no modes")
def test_a_run_folder_is_for_its_owner_whatever_the_umask(tmp_path: Path):
    code = """if True:
        import asyncio, os
        os.umask(0)
        from igent.workflows.cli import main
        main("run p1m1m2c --mock --mock-errors 0.5 --max-items 5 --out deep/run --log-file log -q".split())
    """
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, timeout=60, check=False)
    run = tmp_path / "deep" / "run"
    assert (run / "summary.json").is_file()
    modes = {path.relative_to(run).as_posix(): path.stat().st_mode & 0o777 for path in (run, *run.rglob("*"))}
    lock = modes.pop("run.lock")
    assert lock & 0o111 == 0, "empty, and in a folder that is closed to others"
    assert modes.pop(".") == 0o700
    assert set(modes.values()) == {0o600}, modes
    assert (tmp_path / "log").stat().st_mode & 0o777 == 0o600


def shown_with_locals(error: BaseException) -> str:
    return "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())


@pytest.mark.parametrize("name", ["OPENAI_API_KEY", "IGENT_API_KEY"])
def test_the_key_is_in_no_text_of_the_settings(monkeypatch: pytest.MonkeyPatch, name: str):
    monkeypatch.setenv(name, KEY)
    settings = load_settings()
    key = settings.key()
    assert isinstance(key, SecretStr)
    assert key.get_secret_value() == KEY
    for text in (
        repr(settings), str(settings), f"{settings}", settings.model_dump_json(), repr(settings.model_dump()),
        repr(vars(settings)), repr(settings.__pydantic_private__), repr(settings.model_copy()), repr(key),
    ):  # fmt: skip
        assert KEY not in text


def test_the_key_is_in_no_traceback_with_locals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("IGENT_API_KEY", KEY)
    kinds = ["401", "403", "quota", "400 filter", "200 html"]
    shown: list[str] = []
    for number, kind in enumerate(kinds):
        with FaultyServer(lambda seen, count, kind=kind: kind) as server:  # type: ignore[misc]
            try:
                report = asyncio.run(
                    run_workflow("p1m", base_url=server.url, out=tmp_path / f"{number}", max_items=1, max_calls=1)
                )
                assert report.failed == 1
            except IgentError as error:
                shown.append(shown_with_locals(error))
    assert len(shown) >= 3
    assert not [text for text in shown if KEY in text]
    with pytest.raises(ConfigError) as caught:
        asyncio.run(run_workflow("p1m", base_url="http://127.0.0.1:9/v1", scenario="no such", out=tmp_path / "x"))
    assert KEY not in shown_with_locals(caught.value)


def test_nothing_is_left_running(tmp_path: Path):
    before = threading.active_count()
    asyncio.run(run_workflow("p1m1m2c", mock=True, max_items=3, out=tmp_path / "run"))
    assert threading.active_count() <= before + 1
    assert os.listdir(tmp_path) == ["run"]
