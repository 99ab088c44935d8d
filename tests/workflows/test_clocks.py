"""Clocks that step and processes that are stopped: every wait and every deadline is monotonic, and a stop of any length
costs calls, never records."""

from __future__ import annotations

import ast
import asyncio
import csv
import itertools
import json
import math
import signal
import sys
import threading
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from wsgiref.handlers import format_date_time

import pytest
from e2e_support import DATA, RESULTS, Shell, entries, final_files, json_of, lines_of, oracle, wait_until
from faulty_server import END, FAULTS, FaultyServer, Seen, status, stream, whole

from igent.clock import SystemClock
from igent.config.settings import load_settings
from igent.reporting.report import Report
from igent.workflows.constellation import load_constellation
from igent.workflows.run import Workflow

PACKAGE = Path(__file__).parents[2] / "igent"
WALL = {"time.time", "time.time_ns", "time.localtime", "time.gmtime", "time.ctime", "time.strftime"} | {
    f"{kind}.{name}" for kind in ("datetime", "date") for name in ("now", "today", "utcnow")
}
RECORDS = 6
OWN_RUN = """
run:
  concurrency: 3
  max_attempts: 3
  max_retry_seconds: 2
  limits: {requests_per_minute: 6000, tokens_per_minute: 60000000}
  deadlines: {connect: 2, first_token: 0.6, between_tokens: 0.6, total: 1.5}
"""


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    shipped = (DATA.parents[1] / "constellations" / "p1m1_p2m2.yaml").read_text("utf-8")
    path = tmp_path_factory.mktemp("own") / "own.yaml"
    path.write_text(shipped.partition("\nrun:")[0] + OWN_RUN, encoding="utf-8")
    return path


def test_only_the_clock_reads_the_wall_clock() -> None:
    found = {
        (path.name, ast.unparse(node.func))
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in WALL
    }
    assert found == {("clock.py", "datetime.now")}


class SteppingClock(SystemClock):
    """The wall clock of a machine whose time is being set, again and again."""

    def __init__(self, steps: Any) -> None:
        self._steps = steps

    def _wall(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=next(self._steps))

    def today(self) -> date:
        return self._wall().date()

    def timestamp(self) -> str:
        return self._wall().isoformat(timespec="seconds")


def go(own: Path, out: Path, server: FaultyServer, clock: SystemClock) -> Report:
    settings = load_settings(base_url=server.url, api_key="sk-nobody", max_items=RECORDS, out=out, data=DATA)

    async def run() -> Report:
        async with asyncio.timeout(30):
            return await Workflow(load_constellation(str(own)), settings, clock=clock).run()

    return asyncio.run(run())


def negative(value: Any, place: str = "") -> list[str]:
    """Where a number below 0 stands."""
    if isinstance(value, dict):
        return [found for key, inner in value.items() for found in negative(inner, f"{place}.{key}")]
    if isinstance(value, list):
        return [found for inner in value for found in negative(inner, place)]
    return [place] if isinstance(value, (int, float)) and value < 0 else []


def refuse_some(seen: Seen, number: int) -> str:
    """One in three first calls is told to come back at once, or in a second; one breaks."""
    return ("429", "asked", "500")[int(seen.record_id[-1]) % 3] if number == 1 and seen.role == "match" else ""


def test_a_wall_clock_that_steps_changes_nothing(own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FAULTS, "asked", status(429, {}, Retry_After="0.2"))
    with FaultyServer(refuse_some) as server:
        go(own, tmp_path / "whole", server, SystemClock())
    steps = itertools.cycle((-3600.0, 3600.0, -1.0, 1.0, 0.0))
    really = time.time  # noqa: TID251
    monkeypatch.setattr(time, "time", lambda: really() + next(steps))
    began = time.monotonic()
    with FaultyServer(refuse_some) as server:
        report = go(own, tmp_path / "stepped", server, SteppingClock(steps))
    assert time.monotonic() - began < 20
    assert report.done == RECORDS
    assert final_files(tmp_path / "stepped", RESULTS) == final_files(tmp_path / "whole", RESULTS)
    assert 0 <= report.summary.to_json()["run"]["wall_seconds"] < 20
    for name in ("outcomes.jsonl", "journal.jsonl"):
        assert not negative(lines_of(tmp_path / "stepped" / name)), name
    assert not negative(json_of(tmp_path / "stepped" / "summary.json"))
    with (tmp_path / "stepped" / "timings.csv").open() as file:
        times = [
            float(cell) for row in list(csv.reader(file))[1:] for cell in row[1:] if cell and cell[0] in "-.0123456789"
        ]
    assert times
    assert all(0 <= seconds < 20 for seconds in times)


@pytest.mark.parametrize("hours", [-1, 0, 1])
def test_a_date_to_come_back_at_is_taken_against_the_replys_own(
    own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    """The server's clock is an hour off; it asks for one second all the same."""
    theirs = math.floor(time.time()) + 3600 * hours  # noqa: TID251
    dates = {"Date": format_date_time(theirs), "Retry_After": format_date_time(theirs + 1)}
    monkeypatch.setitem(FAULTS, "dated", status(429, {}, **dates))
    with FaultyServer(
        lambda seen, number: "dated" if (seen.record_id[-1], seen.role, number) == ("1", "match", 1) else ""
    ) as server:
        report = go(own, tmp_path / "run", server, SystemClock())
    assert report.done == RECORDS
    asked = [seen.at for seen in server.seen if seen.record_id.endswith("1") and seen.role == "match"]
    assert 1.0 <= asked[1] - asked[0] < 10.0, "it waits for the second, not for an hour"


@pytest.mark.skipif(sys.platform == "win32", reason="no process can be stopped there")
def test_a_process_that_was_stopped_asks_again_and_loses_nothing(
    own: Path, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped for longer than any deadline, and than a call may be retried for; what is in flight stays unanswered."""
    silent = threading.Event()

    async def held(seen: Seen, writer: Any) -> None:
        """Answers as it should, but nobody who asked before the process was stopped."""
        await asyncio.sleep(0.05)
        if silent.is_set():
            unanswered.append(seen)
            await asyncio.sleep(20)
        await stream(lambda text: [*whole(text), *END])(seen, writer)

    unanswered: list[Seen] = []
    monkeypatch.setitem(FAULTS, "held", held)
    command = ("run", own, "--data", DATA, "--max-items", RECORDS, "--quiet")
    with FaultyServer(lambda seen, number: "held") as server:
        asked = (*command, "--base-url", server.url)
        shell.igent(*asked, "--out", "whole", IGENT_API_KEY="sk-nobody")
        process = shell.start(*asked, "--out", "stopped", module="igent", IGENT_API_KEY="sk-nobody")
        wait_until(lambda: len(entries(shell.folder / "stopped", "answer")) >= 2, "answers")
        silent.set()
        wait_until(lambda: bool(unanswered), "a call in flight")
        process.send(signal.SIGSTOP)
        time.sleep(3.0)  # the stop itself: longer than max_retry_seconds
        silent.clear()
        process.send(signal.SIGCONT)
        assert process.wait() == 0, process.err
    outcomes = lines_of(shell.folder / "stopped" / "outcomes.jsonl")
    assert [outcome["status"] for outcome in outcomes] == ["done"] * RECORDS
    assert json_of(shell.folder / "stopped" / "summary.json")["retries"] >= len(unanswered) > 0
    assert final_files(shell.folder / "stopped", RESULTS) == final_files(shell.folder / "whole", RESULTS)
    oracle(shell.folder / "stopped", max_items=RECORDS)
    assert not negative(json.loads((shell.folder / "stopped" / "summary.json").read_bytes()))
