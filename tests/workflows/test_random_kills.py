"""kill -9 at random moments, five times in a row on one run; and two processes on one run folder. Each run ends as if
never killed. IGENT_NIGHTLY=1 kills 300 runs."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections import Counter
from pathlib import Path
from random import Random

import pytest
from e2e_support import Shell, entries, final_files, json_of, oracle, wait_until

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="kill -9")
RECORDS, CONCURRENCY, KILLS = 12, 4, 5
RUN = ("p1m1m2c", "--mock", "--max-items", RECORDS, "--concurrency", CONCURRENCY, "--out", "run")
PACED = (*RUN, "--mock-latency", "ttft=0.08,itl=0.0002")
NIGHTLY = os.environ.get("IGENT_NIGHTLY") == "1"  # noqa: TID251
RUNS, RACES = (300, 50) if NIGHTLY else (20, 5)


@pytest.fixture(scope="module")
def whole(zygote, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, float]:
    """An undisturbed run, and how long it takes."""
    shell = Shell(zygote, tmp_path_factory.mktemp("whole") / "here")
    started = time.monotonic()
    shell.run(*PACED)
    return shell.folder / "run", time.monotonic() - started


def kill_at_random(shell: Shell, random: Random, longest: float) -> bool:
    """Start it, or go on with it, and kill it after a moment; False when it had ended."""
    process = shell.start(*PACED, "-q")
    time.sleep(random.uniform(0.0, longest))
    if process.poll() is None:
        process.send(signal.SIGKILL)
    return process.wait() == -signal.SIGKILL


def check(run: Path, whole: Path, kept: dict[str, object], kills: int) -> None:
    assert final_files(run) == final_files(whole)
    oracle(run, max_items=RECORDS)
    settled = entries(run, "outcome")
    assert Counter(entry["record_id"] for entry in settled) == {entry["record_id"]: 1 for entry in settled}
    assert len(settled) == RECORDS
    assert {entry["record_id"]: entry for entry in settled}.items() >= kept.items(), "what was on the disk is lost"
    needed = json_of(whole / "summary.json")["calls"]
    assert needed <= len(entries(run, "answer")) <= needed + kills * CONCURRENCY


@pytest.mark.parametrize("seeds", [range(first, first + 5) for first in range(0, RUNS, 5)], ids=lambda seeds: seeds[0])
def test_killed_at_random_moments_it_ends_as_if_never_killed(shell: Shell, whole: tuple[Path, float], seeds: range):
    run = shell.folder / "run"
    kills = 0
    for seed in seeds:
        random, kept, mine = Random(seed), dict[str, object](), 0
        for _ in range(KILLS):
            mine += kill_at_random(shell, random, whole[1] / 3)
            now = {entry["record_id"]: entry for entry in entries(run, "outcome")}
            assert now.items() >= kept.items(), "going on with it lost what it had"
            kept = now
        shell.run(*RUN, "-q")
        check(run, whole[0], kept, mine)
        run.rename(shell.folder / f"run-{seed}")
        kills += mine
    assert kills > 2 * len(seeds), "too few came in time"


def test_of_two_started_at_once_one_works_and_the_other_says_so(shell: Shell, whole: tuple[Path, float]):
    for race in range(RACES):
        both = [shell.start(*PACED, "-q") for _ in range(2)]
        codes = sorted(process.wait() for process in both)
        # The second may come when the first has just ended: then there is nothing left to do.
        assert codes in ([0, 7], [0, 0])
        check(shell.folder / "run", whole[0], {}, 0)
        (shell.folder / "run").rename(shell.folder / f"run-{race}")


def test_the_lock_of_a_killed_process_is_free_at_once(shell: Shell, whole: tuple[Path, float]):
    """What it leaves behind (run.lock, run.pid) keeps nobody out, be its number taken by another process or not."""
    for _ in range(RACES):
        process = shell.start(*PACED, "-q")
        pid = shell.folder / "run" / "run.pid"
        wait_until(lambda pid=pid, process=process: pid.exists() and str(process.pid) in pid.read_text(), "the lock")
        process.send(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    (shell.folder / "run" / "run.pid").write_text(str(os.getpid()))
    shell.run(*RUN, "-q")
    check(shell.folder / "run", whole[0], {}, RACES)
