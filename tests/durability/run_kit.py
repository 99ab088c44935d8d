"""Small runs on a disk of the test's choosing, and what must be true of them in the end."""

from __future__ import annotations

__all__ = ["NIGHTLY", "RECORDS", "Acknowledged", "check_whole", "go", "loaded", "outcome_lines", "whole_run"]

import asyncio
import json
import os
from collections import Counter
from functools import cache
from pathlib import Path

from oracle import check_run

from igent.config.settings import load_settings
from igent.disk import SYSTEM_DISK, Disk
from igent.outcome import Outcome
from igent.reporting.report import Report
from igent.workflows.constellation import Constellation, load_constellation
from igent.workflows.run import Workflow
from igent.workflows.watch import RunState

RECORDS = 4
FINAL = ("matches.json", "pos.json", "capacity.json", "outcomes.jsonl")
DATA = Path(__file__).parents[2] / "data" / "sbus"
NIGHTLY = os.environ.get("IGENT_NIGHTLY") == "1"  # noqa: TID251
"""The larger sizes, for the night."""


class Acknowledged:
    """A watch that remembers the records whose outcome was handed out: they are promised to be kept."""

    def __init__(self) -> None:
        self.ids: list[str] = []

    def started(self, state: RunState) -> None: ...
    def in_flight(self, count: int) -> None: ...
    def tick(self) -> None: ...
    def finished(self) -> None: ...

    def settled(self, outcome: Outcome) -> None:
        self.ids.append(outcome.record_id)


@cache
def loaded() -> Constellation:
    return load_constellation("p1m1m2c")


def go(folder: Path, disk: Disk = SYSTEM_DISK, watch: Acknowledged | None = None, records: int = RECORDS) -> Report:
    """Run the mock over some records, or go on with the run that is there."""
    settings = load_settings(mock=True, max_items=records, concurrency=2, out=folder)
    return asyncio.run(Workflow(loaded(), settings, disk=disk, watch=watch or Acknowledged()).run())


def outcome_lines(folder: Path) -> dict[str, bytes]:
    """The journal's line of each record that has an outcome. Asserts that none has two."""
    path = folder / "journal.jsonl"
    lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
    found = [(json.loads(line)["entry"], line) for line in lines if line.endswith(b"}\n")]
    outcomes = [(entry["record_id"], line) for entry, line in found if entry["kind"] == "outcome"]
    doubled = [record_id for record_id, count in Counter(record_id for record_id, _ in outcomes).items() if count > 1]
    assert not doubled, doubled
    return dict(outcomes)


@cache
def whole_run(folder: Path, records: int = RECORDS) -> dict[str, bytes]:
    """The files of a run that nothing happened to."""
    go(folder, records=records)
    return {name: (folder / name).read_bytes() for name in FINAL}


def check_whole(folder: Path, whole: dict[str, bytes], records: int = RECORDS) -> None:
    """Every record has one outcome, the files are those of an undisturbed run, nothing else lies about."""
    assert len(outcome_lines(folder)) == records
    assert {name: (folder / name).read_bytes() for name in FINAL} == whole
    assert not check_run(folder, DATA, "overlap_only", max_items=records)
    left = {path.name for path in folder.iterdir()}
    assert not {name for name in left if name.endswith(".tmp")}, left
