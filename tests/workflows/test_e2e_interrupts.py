"""Ctrl-C, SIGTERM and SIGHUP at moments that are drawn: nothing more is begun, what is in flight is finished or given
up in time, and the resume is byte for byte a run that nobody interrupted. IGENT_NIGHTLY=1 draws ten times as many."""

from __future__ import annotations

import os
import re
import shlex
import signal
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from typing import Any

import pytest
from e2e_support import (
    DATA,
    FINAL,
    RESULTS,
    Process,
    Shell,
    Zygote,
    entries,
    final_files,
    lines_of,
    wait_until,
)
from faulty_server import END, FAULTS, FaultyServer, stream, whole

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals are sent to processes")
NIGHTLY = os.environ.get("IGENT_NIGHTLY") == "1"  # noqa: TID251
FEWER = 10 if NIGHTLY else 1
RECORDS, IN_FLIGHT = 16, 4
RUN = ("p1m1m2c", "--max-items", str(RECORDS), "--concurrency", str(IN_FLIGHT))
MOCK = (*RUN, "--mock", "--mock-latency", "ttft=0.05,itl=0.0001")
AT_ONCE = 4
"""Commands that run side by side: they mostly wait for the mock."""


def progress(run: Path) -> int:
    """How many lines the journal has."""
    path = run / "journal.jsonl"
    return path.read_bytes().count(b"\n") if path.exists() else 0


def start_and_wait(shell: Shell, arguments: tuple[str, ...], out: str, lines: int) -> Process:
    process = shell.start(*arguments, "--out", out)
    folder = shell.folder / out
    wait_until(lambda: progress(folder) >= lines or process.poll() is not None, f"{lines} lines in the journal")
    return process


Once = Callable[[Shell, str, int], Any]
AtDrawnMoments = Callable[[int, int, Once], list[Any]]


@pytest.fixture
def at_drawn_moments(zygote: Zygote, tmp_path: Path) -> Iterator[AtDrawnMoments]:
    """Calls a function `count` times with a shell, the name of a run folder, and a drawn number of lines, `most` at
    most, in its journal; several at once."""
    shells: list[Shell] = []

    def play(count: int, most: int, once: Once) -> list[Any]:
        random = Random(17)
        for number in range(count):
            place = tmp_path / f"shell {number}"
            place.mkdir()
            shells.append(Shell(zygote, place / "here"))
        moments = [random.randint(1, most) for _ in range(count)]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return list(pool.map(once, shells, [f"run {number}" for number in range(count)], moments))

    yield play
    for shell in shells:
        shell.kill_all()


def resumed(shell: Shell, process: Process, out: str, names: tuple[str, ...] = FINAL) -> dict[str, bytes]:
    """The files after the command that was printed."""
    said = re.search(r"go on with: python -m igent\.workflows (.*)", process.err)
    if said:
        shell.run(*shlex.split(said[1]))
    assert len(lines_of(shell.folder / out / "outcomes.jsonl")) == RECORDS, process.err
    return final_files(shell.folder / out, names)


def test_ctrl_c_at_twenty_moments_drains_and_the_resume_is_byte_for_byte_the_same(
    shell: Shell, at_drawn_moments: AtDrawnMoments
):
    shell.run(*MOCK, "--out", "whole")
    whole_run = final_files(shell.folder / "whole")

    def one(shell: Shell, out: str, lines: int) -> int:
        process = start_and_wait(shell, MOCK, out, lines)
        process.send(signal.SIGINT)
        assert process.wait() == 130, process.err
        assert "Traceback" not in process.err
        left = RECORDS - len(lines_of(shell.folder / out / "outcomes.jsonl"))
        assert ("go on with: " in process.err) == (left > 0)
        assert resumed(shell, process, out) == whole_run, f"{out}, after {lines} lines"
        answers = [entry["key"] for entry in entries(shell.folder / out, "answer")]
        assert len(answers) == len(set(answers)), "an answer was paid for twice"
        return left

    left = at_drawn_moments(20 * FEWER, 40, one)
    assert sum(1 for count in left if count) >= 15 * FEWER, left


@pytest.fixture
def paced_server(monkeypatch: pytest.MonkeyPatch):
    paced = stream(lambda text: [*whole(text), *END], wait=0.01)
    monkeypatch.setitem(FAULTS, "paced", paced)
    with FaultyServer(lambda seen, number: "paced") as server:
        yield server


def test_after_ctrl_c_no_call_is_sent_and_those_in_flight_are_finished(
    shell: Shell, paced_server: FaultyServer, at_drawn_moments: AtDrawnMoments
):
    """What the server saw: once the user is told, which is at once, no call comes; none that had come is cut off."""

    def arguments(out: str) -> tuple[str, ...]:
        # One call of a record after the other: there are always some to come.
        return *RUN, "--speculate", "off", "--base-url", paced_server.url.replace("/v1", f"/v1/{out}")

    shell.run(*arguments("whole"), "--out", "whole")
    whole_run = final_files(shell.folder / "whole", RESULTS)

    def one(shell: Shell, out: str, lines: int) -> tuple[float, int]:
        name = out.replace(" ", "")
        process = start_and_wait(shell, arguments(name), out, lines)
        sent = time.monotonic()
        process.send(signal.SIGINT)
        wait_until(lambda: "Ctrl-C: finishing" in process.err or process.poll() is not None, "the word")
        told = time.monotonic()
        assert process.wait() == 130, process.err
        calls = [seen for seen in paced_server.seen if f"/v1/{name}/" in seen.head]
        late = sum(seen.at > told + 0.1 for seen in calls)
        assert len(entries(shell.folder / out, "answer")) == len(calls), "a call in flight was given up"
        assert resumed(shell, process, out, RESULTS) == whole_run
        calls = [seen for seen in paced_server.seen if f"/v1/{name}/" in seen.head]
        assert len(calls) == 2 * RECORDS, "an answer was paid for twice"
        return told - sent, late

    found = at_drawn_moments(5 * FEWER, 30, one)
    assert statistics.median(seconds for seconds, _ in found) < 0.1, found
    assert sum(late for _, late in found) <= FEWER, "a busy server may see a call late, once"


def test_ctrl_c_twice_gives_up_within_two_seconds_whenever_it_comes(shell: Shell, at_drawn_moments: AtDrawnMoments):
    shell.run(*MOCK, "--out", "whole")
    whole_run = final_files(shell.folder / "whole")

    def one(shell: Shell, out: str, lines: int) -> None:
        process = start_and_wait(shell, MOCK, out, lines)
        process.send(signal.SIGINT)
        wait_until(lambda: "Ctrl-C: finishing" in process.err or process.poll() is not None, "the first word")
        again = time.monotonic()
        process.send(signal.SIGINT)
        assert process.wait() == 130, process.err
        assert time.monotonic() - again < 2.0
        assert "Traceback" not in process.err
        assert resumed(shell, process, out) == whole_run

    at_drawn_moments(6 * FEWER, 40, one)


STUBBORN = '''
import asyncio

from autogen_agentchat.agents import BaseChatAgent
from autogen_agentchat.messages import TextMessage


class Stubborn(BaseChatAgent):
    """Does not let itself be cancelled; nor ends by itself within a minute."""

    @property
    def produced_message_types(self):
        return (TextMessage,)

    async def on_messages(self, messages, cancellation_token):
        open("stuck", "w").close()
        for _ in range(600):
            try:
                await asyncio.sleep(0.1)
            except asyncio.CancelledError:
                continue
        raise RuntimeError("nobody ended it")

    async def on_reset(self, cancellation_token):
        pass
'''


def test_ctrl_c_a_third_time_ends_at_once_whatever_an_agent_does(shell: Shell):
    (shell.folder / "stubborn.py").write_text(STUBBORN, "utf-8")
    text = (DATA.parents[1] / "constellations" / "p1m1m2c.yaml").read_text("utf-8")
    agent = "critic: {role: critic, prompt: sbus/critic.md"
    assert agent in text
    text = text.replace(agent, f'{agent}, type: "stubborn:Stubborn"').replace("critic: invalid", "critic: always")
    path = shell.folder / "mine.yaml"
    path.write_text(text, "utf-8")
    process = shell.start(str(path), "--mock", "--max-items", "2", "--out", "stuck run")
    wait_until((shell.folder / "stuck").exists, "the agent")
    for word in ("Ctrl-C: finishing", "Ctrl-C again"):
        process.send(signal.SIGINT)
        wait_until(lambda word=word: word in process.err, word)
    assert process.poll() is None, "the stubborn agent let itself be cancelled"
    third = time.monotonic()
    process.send(signal.SIGINT)
    assert process.wait(10) == -signal.SIGINT
    assert time.monotonic() - third < 1.0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_asked_to_end_it_drains_and_says_so(shell: Shell, number: signal.Signals):
    process = start_and_wait(shell, MOCK, "run", 8)
    process.send(number)
    assert process.wait() == 143, process.err
    assert "asked to end: finishing the calls in flight, for at most 10 s" in process.err
    assert "Traceback" not in process.err
    assert len(lines_of(shell.folder / "run" / "outcomes.jsonl")) < RECORDS
    shell.run(*MOCK, "--out", "whole")
    assert resumed(shell, process, "run") == final_files(shell.folder / "whole")
