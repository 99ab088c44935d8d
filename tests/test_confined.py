"""Work in a child process: its result or a word, never more of the machine than it was given, and no key of ours."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import pytest

from igent.confined import ConfinedError, Limits, run_confined

WORK = """
import json, os, signal, sys

def echo(data): return data[::-1]
def swell(data): return bytes(4 << 30)
def swell_slowly(data):
    held = []
    while True: held.append(bytes(1 << 20))
def spin(data):
    while True: pass
def sleep(data):
    import time; time.sleep(60); return b""
def die(data): os.kill(os.getpid(), signal.SIGSEGV)
def leave(data): os._exit(7)
def raise_(data): raise KeyError("a bug")
def refuse(data): raise ValueError("line 3: no such thing, " + data.decode())
def long_refusal(data): raise ValueError("x" * 100_000)
def much(data): return b"x" * int(data)
def deaf(data): return b""
def with_the_reader(data):
    import igent.records.xlsx_child
    return json.dumps(sorted(sys.modules)).encode()
def about(data):
    import resource
    limits = {name: resource.getrlimit(getattr(resource, name)) for name in ("RLIMIT_AS", "RLIMIT_CPU", "RLIMIT_CORE")}
    return json.dumps({"env": dict(os.environ), "limits": limits, "modules": sorted(sys.modules), "argv": sys.argv,
                       "open": os.listdir("/proc/self/fd") if os.path.isdir("/proc/self/fd") else []}).encode()
"""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits of memory and signals are those of Linux")


@pytest.fixture(autouse=True)
def _work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "confined_work.py").write_text(WORK, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)


def failed(name: str, data: bytes = b"", limits: Limits | None = None) -> ConfinedError:
    with pytest.raises(ConfinedError) as raised:
        run_confined(f"confined_work:{name}", data, limits)
    return raised.value


def test_what_it_returns_is_bytes_of_any_kind_and_size():
    assert run_confined("confined_work:echo", b"") == b""
    data = bytes(range(256)) * 100_000
    assert run_confined("confined_work:echo", data) == data[::-1]
    assert run_confined("confined_work:deaf", data) == b""


@pytest.mark.parametrize("name", ["swell", "swell_slowly"])
def test_more_memory_than_it_has(name: str):
    error = failed(name, limits=Limits(memory=200 << 20))
    assert (error.kind, str(error)) == ("memory", "it needs more than 209,715,200 bytes of memory")


def test_more_processor_time_than_it_has():
    began = time.monotonic()
    error = failed("spin", limits=Limits(cpu_seconds=1))
    assert (error.kind, str(error)) == ("time", "it took more than 1 s of processor time")
    assert time.monotonic() - began < 15


def test_more_time_than_it_has():
    began = time.monotonic()
    error = failed("sleep", limits=Limits(wall_seconds=0.5))
    assert (error.kind, str(error)) == ("time", "it took more than 0.5 s")
    assert time.monotonic() - began < 15


@pytest.mark.parametrize(("name", "code"), [("die", -11), ("leave", 7), ("raise_", 1)])
def test_a_crash_is_a_word(name: str, code: int):
    error = failed(name)
    assert (error.kind, str(error)) == ("crash", f"the process that read it ended with code {code}")


def test_a_result_that_is_too_large():
    assert run_confined("confined_work:much", b"1000", Limits(result=1_000)) == b"x" * 1_000
    error = failed("much", b"1001", Limits(result=1_000))
    assert (error.kind, str(error)) == ("size", "its result is larger than 1,000 bytes")


def test_a_refusal_is_told_in_its_own_words():
    error = failed("refuse", "größer".encode())
    assert (error.kind, str(error)) == ("refused", "line 3: no such thing, größer")
    assert len(str(failed("long_refusal"))) == 2_000


def test_no_key_of_ours_gets_there(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-Zk3v9TqLw8Xc2BnM5rYp7H")
    monkeypatch.setenv("PYTHONSTARTUP", "/nowhere")
    reader, writer = os.pipe()
    os.set_inheritable(writer, True)
    try:
        said = run_confined("confined_work:about", b"")
    finally:
        os.close(reader)
        os.close(writer)
    assert b"sk-Zk3v9TqLw8Xc2BnM5rYp7H" not in said
    about = json.loads(said)
    assert set(about["env"]) <= {"LC_CTYPE"}, "which Python sets for itself"
    assert len(about["open"]) <= 4, "its three streams, and the listing itself"


def test_its_limits_are_set_and_it_imports_little():
    about = json.loads(run_confined("confined_work:about", b"", Limits(memory=1 << 30, cpu_seconds=9)))
    assert about["limits"] == {"RLIMIT_AS": [1 << 30] * 2, "RLIMIT_CPU": [9, 10], "RLIMIT_CORE": [0, 0]}
    ours = {name for name in about["modules"] if name.startswith("igent")}
    assert ours == {"igent", "igent.confined"}
    assert not {"asyncio", "pydantic", "openai", "ssl"} & set(about["modules"])


def test_the_reader_of_workbooks_imports_little():
    modules = set(json.loads(run_confined("confined_work:with_the_reader", b"")))
    assert {name for name in modules if name.startswith("igent")} == {
        "igent", "igent.confined", "igent.records", "igent.records.xlsx_child"
    }  # fmt: skip
    assert not {"asyncio", "pydantic", "openai", "ssl"} & modules
