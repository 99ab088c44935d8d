"""Ctrl-C, SIGTERM, closed pipes, and streams that are no terminal."""

from __future__ import annotations

import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from e2e_support import DATA, Process, Shell, entries, final_files, lines_of, oracle, wait_until

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals are sent to processes")

# Slow enough that records are in flight when the signal comes; --seed is in it because the resume command must have it.
RUN = ("p1m1m2c", "--mock", "--max-items", "16", "--concurrency", "4", "--seed", "5", "--out", "my run")
SLOW = ("--mock-latency", "ttft=0.08,itl=0.0002")


def started(shell: Shell, *more: str, outcomes: int = 3) -> Process:
    process = shell.start(*RUN, *more)
    run = shell.folder / "my run"
    wait_until(lambda: process.poll() is not None or len(entries(run, "outcome")) >= outcomes, "outcomes")
    assert process.poll() is None, process.err
    return process


def resume(shell: Shell, process: Process) -> None:
    """Do what was printed, and compare with a run that nobody interrupted."""
    said = re.search(r"what is finished is kept; go on with: python -m igent\.workflows (.*)", process.err)
    assert said, process.err
    shell.run(*shlex.split(said[1]))
    shell.run(*RUN[:-1], "whole")
    assert final_files(shell.folder / "my run") == final_files(shell.folder / "whole")
    oracle(shell.folder / "my run", max_items=16)


def test_ctrl_c_once_finishes_what_is_in_flight(shell: Shell):
    process = started(shell, *SLOW)
    settled = {entry["record_id"] for entry in entries(shell.folder / "my run", "outcome")}
    process.send(signal.SIGINT)
    assert process.wait() == 130
    assert "Ctrl-C: finishing the calls in flight" in process.err
    assert "Traceback" not in process.err
    outcomes = {outcome["record_id"] for outcome in lines_of(shell.folder / "my run" / "outcomes.jsonl")}
    assert settled <= outcomes
    assert len(outcomes) < 16
    assert re.search(r"ended +interrupted", process.out)
    resume(shell, process)


def test_ctrl_c_twice_gives_up_within_two_seconds(shell: Shell):
    process = started(shell, *SLOW)
    shell_run = shell.folder / "my run"
    process.send(signal.SIGINT)
    wait_until(lambda: "Ctrl-C: finishing" in process.err, "the first word")
    start = time.monotonic()
    process.send(signal.SIGINT)
    assert process.wait() == 130
    assert time.monotonic() - start < 2
    assert "Ctrl-C again" in process.err
    assert "Traceback" not in process.err
    assert len(lines_of(shell_run / "outcomes.jsonl")) == len(entries(shell_run, "outcome")) < 16
    resume(shell, process)


def test_ctrl_c_twice_with_answers_that_never_come(shell: Shell):
    """Draining would take an hour; giving up does not. One record in flight: its slot must come free all the same."""
    process = shell.start(*RUN[:-1], "stuck", "--mock-latency", "ttft=3600", "--concurrency", "1")
    wait_until((shell.folder / "stuck" / "journal.jsonl").exists, "the run")
    process.send(signal.SIGINT)
    wait_until(lambda: "Ctrl-C: finishing" in process.err, "the first word")
    process.send(signal.SIGINT)
    assert process.wait(5) == 130
    assert "16 not run" in process.out


def test_sigterm_drains(shell: Shell):
    process = started(shell, *SLOW)
    process.send(signal.SIGTERM)
    assert process.wait() == 143
    assert "asked to end" in process.err
    resume(shell, process)


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_a_closed_stdout_is_no_error(shell: Shell, options):
    process = shell.start(*RUN[:-1], "run", *options, broken_stdout=True)
    assert process.wait() == 0
    assert "Traceback" not in process.err
    assert "BrokenPipe" not in process.err
    oracle(shell.folder / "run", max_items=16)
    for command in (("report", "run"), ("list",), ("validate",), ("--version",)):
        process = shell.start(*command, module="igent", broken_stdout=True)
        process.wait()
        assert "Traceback" not in process.err, command
        assert "BrokenPipe" not in process.err, command


def test_without_a_terminal_there_are_plain_lines(shell: Shell):
    process = shell.run(*RUN)
    assert "\x1b" not in process.out + process.err
    assert "\r" not in process.out + process.err
    assert re.search(r"^16/16 records, .*: 16 done, 0 failed, 0 no match", process.err, re.MULTILINE)
    assert "\x1b" not in shell.igent("report", "my run").out


SOFT = '''
from autogen_agentchat.agents import AssistantAgent


class Soft(AssistantAgent):
    """Wraps whatever goes wrong in an error of its own."""

    async def on_messages_stream(self, messages, cancellation_token):
        try:
            async for message in super().on_messages_stream(messages, cancellation_token):
                yield message
        except Exception as error:
            raise RuntimeError("it went wrong") from error
'''


def test_ctrl_c_fails_no_record_whatever_an_agent_makes_of_it(shell: Shell):
    (shell.folder / "soft.py").write_text(SOFT, "utf-8")
    text = (DATA.parents[1] / "constellations" / "p1m1_p2m2.yaml").read_text("utf-8")
    agent = "matcher2: {role: matcher, prompt: sbus/matcher2.md"
    assert agent in text
    (shell.folder / "mine.yaml").write_text(text.replace(agent, f'{agent}, type: "soft:Soft"'), "utf-8")
    options = ("mine.yaml", "--mock", "--speculate", "off", *RUN[2:-1], "soft run", *SLOW)
    process = shell.start(*options)
    run = shell.folder / "soft run"
    wait_until(lambda: process.poll() is not None or len(entries(run, "outcome")) >= 2, "outcomes")
    process.send(signal.SIGINT)
    assert process.wait() == 130, process.err
    assert {outcome["status"] for outcome in lines_of(run / "outcomes.jsonl")} == {"done"}
    shell.run(*options[:-2])
    assert [outcome["status"] for outcome in lines_of(run / "outcomes.jsonl")] == ["done"] * 16


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_stream_that_was_never_open_is_no_error(tmp_path: Path, closed: str):
    command = f"{shlex.quote(sys.executable)} -m igent.workflows p1m --mock --max-items 2 --out run {closed}"
    ended = subprocess.run(["sh", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert "Traceback" not in ended.stderr
    assert len(lines_of(tmp_path / "run" / "outcomes.jsonl")) == 2


def test_under_nohup_a_closing_terminal_ends_nothing(tmp_path: Path):
    command = f"trap '' HUP; exec {shlex.quote(sys.executable)} -m igent.workflows {shlex.join(RUN[:-1])} run"
    with subprocess.Popen(
        ["sh", "-c", command + f" {shlex.join(SLOW)}"],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        wait_until(lambda: process.poll() is not None or len(entries(tmp_path / "run", "outcome")) >= 2, "outcomes")
        process.send_signal(signal.SIGHUP)
        assert process.wait(60) == 0
