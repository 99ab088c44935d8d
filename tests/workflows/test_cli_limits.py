"""A run that a limit ends: what it says, what it keeps, and that it goes on."""

from __future__ import annotations

import json
import re
import shlex
import sys

import pytest
from e2e_support import FINAL, Process, Shell, final_files, json_of, oracle

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="forks processes")

RUN = ("p1m1_p2m2", "--mock", "--max-items", "20", "--seed", "3")


def next_command(process: Process) -> list[str]:
    said = re.search(r"go on with a higher limit, such as: python -m igent\.workflows (.*)", process.err)
    assert said, process.err
    return shlex.split(said[1])


@pytest.mark.parametrize("limit", [("--max-calls", "12"), ("--max-cost", "0.08")])
def test_the_next_command_goes_on_to_the_end(shell: Shell, limit):
    process = shell.run(*RUN, *limit, "--out", "run", code=6)
    assert re.search(r"^ended +limit reached: ", process.out, re.MULTILINE)
    assert limit[0] in process.err.splitlines()[-1]
    arguments = next_command(process)
    assert arguments[-2:] == [limit[0], str(2 * float(limit[1])) if "." in limit[1] else "24"]
    for _ in range(6):
        process = shell.start(*arguments)
        if process.wait() == 0:
            break
        arguments = next_command(process)
    shell.run(*RUN, "--out", "whole")
    assert final_files(shell.folder / "run", FINAL) == final_files(shell.folder / "whole", FINAL)
    oracle(shell.folder / "run", max_items=20)


def test_json_has_what_was_finished(shell: Shell):
    process = shell.run(*RUN, "--max-calls", "12", "--out", "run", "--json", code=6)
    summary = json.loads(process.out)
    assert summary == json_of(shell.folder / "run" / "summary.json")
    assert 0 < summary["counts"]["done"] <= 6
    assert summary["counts"]["not_run"] == 20 - summary["counts"]["done"]
    assert "12" in summary["run"]["limit"]


def test_a_limit_that_is_high_enough_ends_nothing(shell: Shell):
    shell.run(*RUN, "--max-calls", "40", "--max-cost", "5", "--out", "run")
    assert json_of(shell.folder / "run" / "summary.json")["run"]["limit"] is None


def test_the_limit_is_the_whole_runs_whatever_its_sessions_left_undone(shell: Shell):
    command = ("p1m1m2c_fast", "--mock", "--mock-errors", 0.2, "--out", "run", "--json")
    sent = 0
    for most in (5, 6, 7, 21):
        ended = shell.run(*command, "--max-calls", most, code=6)
        sent += json.loads(ended.out)["run"]["requests_sent"]
        assert sent <= most
    assert sent == 21
