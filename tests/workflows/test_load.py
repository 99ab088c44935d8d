"""Many records in flight, and very many records: no error, bounded memory, nothing left over. Times are for
benchmarks/load.py. IGENT_NIGHTLY=1 plays the full sizes: 10,000 records with 1,000 in flight, and 50,000 records."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from igent import run_workflow
from igent.workflows.loop import run_loop

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory and open files are read from /proc")
ROOT = Path(__file__).parents[2]
NIGHTLY = os.environ.get("IGENT_NIGHTLY") == "1"  # noqa: TID251
SHARE = {"full": 1.0 if NIGHTLY else 0.2, "long": 1.0 if NIGHTLY else 0.06}
SECONDS = 3_600 if NIGHTLY else 300


def played(load: str, tmp_path: Path) -> dict[str, Any]:
    """The figures of that load, at its share of the records."""
    command = [sys.executable, str(ROOT / "benchmarks" / "load.py"), load, "--scale", str(SHARE[load])]
    done = subprocess.run(
        [*command, "--json", str(tmp_path / "figures.json")],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert not done.returncode, done.stderr[-2000:]
    found: dict[str, Any] = json.loads((tmp_path / "figures.json").read_bytes())[load]
    return found


def check(found: dict[str, Any], records: int) -> None:
    """Every record has an answer, no call failed, and no open file and no task is left."""
    counts = found["counts"]
    assert (counts["input"], counts["failed"], counts["not_run"]) == (records, 0, 0)
    assert counts["done"] + counts["no_match"] == records
    assert found["retries"] == 0
    assert found["calls"] >= 2 * counts["done"]
    assert (found["files"], found["tasks"]) == (0, 0)


def test_a_thousand_in_flight_make_no_error_and_take_little_memory(tmp_path: Path) -> None:
    found = played("full", tmp_path)
    check(found, round(10_000 * SHARE["full"]))
    assert found["most_in_flight"] > 800
    assert found["peak"] <= 300.0, "MB"


def test_memory_hardly_grows_with_the_records(tmp_path: Path) -> None:
    found = played("long", tmp_path)
    check(found, round(50_000 * SHARE["long"]))
    assert found["slope"] <= (0.5 if NIGHTLY else 2.0), "MB for each further 1,000 records; few records tell it roughly"
    assert found["written"] <= 20_000, "bytes on the disk for each record"


def left_to_the_collector(constellation: str, records: int, out: Path) -> Counter[str]:
    """igent's own objects that are freed only by the garbage collector, after a run in which every agent speaks."""
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        asyncio.run(
            run_workflow(constellation, mock=True, mock_errors=0.3, critic="always", max_items=records, out=out)
        )
        gc.collect()
        return Counter(type(thing).__name__ for thing in gc.garbage if type(thing).__module__.startswith("igent."))
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()


@pytest.mark.parametrize("constellation", ["p1m1m2c", "p1m1m2c_fast"])
def test_what_a_record_leaves_behind_is_freed_without_the_collector(constellation: str, tmp_path: Path) -> None:
    left_to_the_collector(constellation, 2, tmp_path / "warm")
    few = left_to_the_collector(constellation, 5, tmp_path / "few")
    many = left_to_the_collector(constellation, 25, tmp_path / "many")
    assert not {name: count - few[name] for name, count in many.items() if count > few[name]}


def test_the_collector_is_as_it_was_once_the_loop_has_ended() -> None:
    async def look() -> tuple[int, int, int]:
        return gc.get_threshold()

    before = gc.get_threshold()
    while_running = run_loop(look())
    assert while_running[:2] == before[:2]
    assert while_running[2] > before[2]
    assert (gc.get_threshold(), gc.get_freeze_count()) == (before, 0)
