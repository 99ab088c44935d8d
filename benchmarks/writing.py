"""What writing costs a record: journal, audit and views, at 100, 1,000 and 10,000 records. Prints a markdown table.

    python benchmarks/writing.py [--concurrency 50] [--folder DIR]

Each record does what it does in a run: two answers written on arrival, then its outcome with its audit lines, awaited;
the views are flushed beside it. Seconds are wall time of all of it on this machine's disk, fsyncs included.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from igent.outcome import Outcome, PhaseTiming, StepReport
from igent.types import CallContext, ChatMessage, ChatRequest, Completion, Usage
from igent.writing.audit import audit_line
from igent.writing.entries import answer_to_entry, outcome_from_entry, outcome_to_entry
from igent.writing.journal import Journal
from igent.writing.outcomes import JournalOutcomes
from igent.writing.reader import read_journal
from igent.writing.views import ViewWriter

_SIZES = (100, 1_000, 10_000)
_PROMPT = "x" * 1_800
_MATCH = {
    "registration_id": "",
    "campaign_name": "Campaign",
    "supplier_id": "SUP1",
    "zip_code": "78701",
    "num_panels": 24,
    "num_batteries": 1,
    "payment_type": "Cash",
    "product_type": "Solar+Battery",
    "panel_name": "Panel",
    "panel_capacity": "410",
    "reasoning": "The lowest use of those that serve the ZIP code and have both products. " * 2,
}


@dataclass(frozen=True)
class Cost:
    """Of one size of run."""

    seconds: float
    cpu: float
    disk: int
    written: int
    fsync_batches: int
    flushes: int
    resume: float
    memory: float


def make(index: int) -> tuple[Outcome, list[tuple[ChatRequest, Completion]]]:
    """One record of the main job: two steps, two calls."""
    record = f"SPUS{index:05d}"
    match = {**_MATCH, "registration_id": record}
    outputs = {"matches": match, "pos": {**match, "lines": [{"quantity": 24, "price": 12_000}], "final_price": 12_000}}
    calls = []
    steps = []
    for phase, (step, value) in enumerate(outputs.items(), 1):
        context = CallContext(record, step, f"matcher{phase}")
        messages = (ChatMessage("system", _PROMPT), ChatMessage("user", record + _PROMPT))
        answer = Completion(str(value), Usage(900, 150), "cut", "gpt-4o", 0.6, 3.1, value=value)
        calls.append((ChatRequest("gpt-4o", messages, context), answer))
        steps.append(
            StepReport(f"phase{phase}", step, f"matcher{phase}", "gpt-4o", "skipped", 1, answer.usage, "0123456789ab")
        )
    timings = {"phase1": PhaseTiming(3.2, 3.1), "phase2": PhaseTiming(3.0, 2.9)}
    return Outcome(record, index, "done", "", "", tuple(steps), outputs, "SUP1", (), timings, 6.2), calls


async def work(count: int, concurrency: int, folder: Path) -> tuple[Journal, ViewWriter]:
    """Write so many records, some at a time."""
    journal = Journal(folder / "journal.jsonl", audit=folder / "conversations.jsonl")
    outcomes = JournalOutcomes(folder / "journal.jsonl")
    capacity = {"SUP1": {"Capacity": count}}
    views = ViewWriter(folder, ["matches", "pos"], outcomes, capacity=lambda: capacity, flush_seconds=0.0)
    numbers: Iterator[int] = iter(range(count))

    async def worker() -> None:
        for index in numbers:
            outcome, calls = make(index)
            audit = b""
            for request, answer in calls:
                journal.write_soon(answer_to_entry(request, answer))
                for message in request.messages:
                    audit += audit_line(outcome.record_id, role=message.role, content=message.content)
                audit += audit_line(outcome.record_id, role="assistant", content=answer.text)
            views.add(outcome, await journal.write(outcome_to_entry(outcome), audit))

    async with asyncio.TaskGroup() as group:
        group.create_task(journal.run())
        group.create_task(views.run())
        async with asyncio.TaskGroup() as workers:
            for _ in range(concurrency):
                workers.create_task(worker())
        await journal.close()
        await views.finish()
    return journal, views


def measure(count: int, concurrency: int, parent: Path) -> Cost:
    """Time a run of this size in a folder of its own, and the reading of its journal."""
    with tempfile.TemporaryDirectory(dir=parent) as name:
        folder = Path(name)
        before = resource.getrusage(resource.RUSAGE_SELF)
        start = time.perf_counter()
        journal, views = asyncio.run(work(count, concurrency, folder))
        seconds = time.perf_counter() - start
        after = resource.getrusage(resource.RUSAGE_SELF)
        start = time.perf_counter()
        entries = read_journal(folder / "journal.jsonl").entries
        outcomes = [outcome_from_entry(entry) for entry in entries if entry["kind"] == "outcome"]
        resume = time.perf_counter() - start
        assert len(outcomes) == count
        return Cost(
            seconds=seconds,
            cpu=after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
            disk=sum((folder / file).stat().st_size for file in os.listdir(folder)),
            written=journal.bytes_written + views.bytes_written,
            fsync_batches=journal.batches,
            flushes=views.flushes,
            resume=resume,
            memory=after.ru_maxrss / 1024,
        )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--concurrency", type=int, default=50)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    options = parser.parse_args()
    measure(50, options.concurrency, options.folder)
    costs = {count: measure(count, options.concurrency, options.folder) for count in _SIZES}
    print(f"{options.concurrency} records in flight\n")
    print("| records | s | ms a record | CPU ms a record | KB a record | to size on disk | fsync batches | flushes | "
          "journal read s | peak MB |")  # fmt: skip
    print("| ---: " * 10 + "|")
    for count, c in costs.items():
        print(
            f"| {count:,} | {c.seconds:.2f} | {c.seconds / count * 1e3:.2f} | {c.cpu / count * 1e3:.2f} | "
            f"{c.written / count / 1e3:.2f} | x{c.written / c.disk:.2f} | {c.fsync_batches} | {c.flushes} | "
            f"{c.resume:.2f} | {c.memory:.0f} |"
        )
    few, many = costs[_SIZES[0]], costs[_SIZES[-1]]
    ratio = _SIZES[-1] / _SIZES[0]
    print(
        f"\n{_SIZES[-1]:,} records against {_SIZES[0]:,}, for each record: "
        f"seconds x{many.seconds / few.seconds / ratio:.2f}, bytes x{many.written / few.written / ratio:.2f}"
    )


if __name__ == "__main__":
    main()
