"""The seeds that every run of the suite lives through; IGENT_NIGHTLY=1 takes 100,000."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SIMULATE = Path(__file__).parents[1] / "simulate.py"
NIGHTLY = os.environ.get("IGENT_NIGHTLY") == "1"  # noqa: TID251
# The first few by themselves, so that whatever is badly broken is told of soon.
PARTS = ((0, 300), (300, 99_700 if NIGHTLY else 1_700))


def run(*options: object, **env: str) -> subprocess.CompletedProcess[str]:
    """The command, as people give it."""
    command = [sys.executable, str(SIMULATE), *map(str, options)]
    return subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **env})  # noqa: TID251


@pytest.mark.parametrize(("first", "count"), PARTS)
def test_in_no_world_is_anything_lost_doubled_or_oversold(first: int, count: int):
    ended = run("--first", first, "--seeds", count)
    assert ended.returncode == 0, ended.stdout[-4000:] + ended.stderr[-2000:]
    assert f"{count} seeds" in ended.stdout
    for fault in ("429", "500", "cut", "stall", "reset", "nonsense", "no usage"):
        assert f"'{fault}'" in ended.stdout, "the worlds are too kind"


@pytest.mark.parametrize("seed", [3, 57])
def test_a_seed_is_the_same_world_in_every_process(seed: int):
    traces = {run("--seed", seed, "--trace", PYTHONHASHSEED=hashing).stdout for hashing in ("1", "2")}
    assert len(traces) == 1
    assert traces.pop().count("\n") > 50
