"""Many records in flight, and very many records: errors, memory, the event loop's lag, CPU, and what is left over.

    python benchmarks/load.py [full] [long] [--scale 1.0] [--json FILE]

`full` is 10,000 records x 2 agents with 1,000 in flight and a first token after 0.5 s; `long` is 50,000 records x 2
agents with 100 in flight and the instant mock. `--scale 0.1` makes a tenth of the records. Each is a run in a process
of its own, as `igent run` makes it, with somebody looking on:

- peak memory is the resident set that the system saw, growth the slope of a line through it from a fifth of the records
  on (what is warm by then stays);
- lag is how late a timer of 10 ms comes, once the inputs are read; a stall counts as all the timers that would have
  come in it;
- CPU is that of the whole process, imports and the mock's own work included, over all calls;
- open files and tasks are those after the run, less those before.

Prints Markdown. tests/workflows/test_load.py asserts the memory, the counts and the errors at a smaller size.
"""

from __future__ import annotations

__all__ = ["main", "measured"]

import argparse
import asyncio
import gc
import json
import os
import resource
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tables import Run, Verdict, machine, share, table

from igent.config.settings import load_settings
from igent.outcome import Outcome
from igent.workflows.constellation import load_constellation
from igent.workflows.loop import run_loop
from igent.workflows.run import Workflow
from igent.workflows.watch import RunState

ROOT = Path(__file__).resolve().parents[1]
SCENARIO = "overlap_only"
_EVERY_SECONDS = 0.01
_SAMPLES = 200
_WARM = 0.2
_MB = 1024 * 1024


@dataclass(frozen=True)
class Load:
    """One load: so many `records` with so many `in_flight`, at this `latency` of the mock ("": instant)."""

    records: int
    in_flight: int
    latency: str = ""


LOADS = {"full": Load(10_000, 1_000, "ttft=0.5"), "long": Load(50_000, 100)}


def resident() -> float:
    """The resident set now, in MB; 0.0 where the system does not tell."""
    with suppress(OSError):
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / _MB
    return 0.0


def open_files() -> int:
    """How many this process has open; 0 where the system does not tell."""
    with suppress(OSError):
        return len(os.listdir("/proc/self/fd")) - 1
    return 0


class Onlooker:
    """Watches a run: the resident set at every so many records, and the loop's lag."""

    def __init__(self, records: int) -> None:
        self._every = max(1, records // _SAMPLES)
        self._settled = 0
        self._reading = True
        self.most_in_flight = 0
        self.memory: list[tuple[int, float]] = []
        self.lags: list[float] = []

    def started(self, state: RunState) -> None:
        self._reading = False

    def in_flight(self, count: int) -> None:
        self.most_in_flight = max(self.most_in_flight, count)

    def tick(self) -> None: ...
    def finished(self) -> None: ...

    def settled(self, outcome: Outcome) -> None:
        self._settled += 1
        if self._settled % self._every == 0:
            self.memory.append((self._settled, resident()))

    async def sample_lag(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + _EVERY_SECONDS
            await asyncio.sleep(_EVERY_SECONDS)
            late = 0.0 if self._reading else loop.time() - due
            while late > 0.0:
                self.lags.append(late)
                late -= _EVERY_SECONDS


async def _watched(args: argparse.Namespace) -> Run:
    """The run, in this process."""
    latency = args.latency or None
    settings = load_settings(
        mock=True, mock_latency=latency, data=args.data, scenario=SCENARIO, concurrency=args.in_flight, out=args.out
    )
    onlooker = Onlooker(args.records)
    workflow = Workflow(load_constellation("p1m1_p2m2"), settings, watch=onlooker)
    files, tasks = open_files(), len(asyncio.all_tasks())
    async with asyncio.TaskGroup() as group:
        sampling = group.create_task(onlooker.sample_lag())
        report = await workflow.run()
        sampling.cancel()
    await asyncio.get_running_loop().shutdown_default_executor()
    summary = report.summary.to_json()
    del report, workflow  # a report reads outcomes from the journal, and keeps it open for that
    gc.collect()
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "counts": summary["counts"],
        "retries": summary["retries"],
        "calls": summary["calls"],
        "seconds": summary["run"]["wall_seconds"],
        "cpu": used.ru_utime + used.ru_stime,
        "peak": used.ru_maxrss / (1024 if sys.platform == "linux" else _MB),
        "memory": onlooker.memory,
        "most_in_flight": onlooker.most_in_flight,
        "lag_p50": share(onlooker.lags, 0.5),
        "lag_p99": share(onlooker.lags, 0.99),
        "lag_max": max(onlooker.lags, default=0.0),
        "files": open_files() - files,
        "tasks": len(asyncio.all_tasks()) - tasks,
    }


def slope(memory: list[Any]) -> float:
    """MB for each further 1,000 records, by least squares, from a fifth of the records on."""
    points = memory[int(len(memory) * _WARM) :]
    if len(points) < 2:
        return 0.0
    at = sum(x for x, _ in points) / len(points)
    mean = sum(y for _, y in points) / len(points)
    spread = sum((x - at) ** 2 for x, _ in points)
    return 1000 * sum((x - at) * (y - mean) for x, y in points) / spread


def measured(load: Load, place: Path) -> Run:
    """Generate the records, put them through in a process of its own, and return the figures. `place` is empty."""
    data = place / "data"
    generate = [sys.executable, "-m", "igent.workloads.sbus.generate", "--registrations", str(load.records)]
    subprocess.run([*generate, "--out", str(data)], cwd=ROOT, check=True, capture_output=True)
    numbers = ["--records", str(load.records), "--in-flight", str(load.in_flight), "--latency", load.latency]
    places = ["--data", str(data), "--out", str(place / "run")]
    command = [sys.executable, __file__, "--child", *numbers, *places]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    run: Run = json.loads(done.stdout)
    run["slope"] = slope(run.pop("memory"))
    written = sum(path.stat().st_size for path in (place / "run").iterdir())
    run["written"] = written / load.records
    return run


def verdicts(name: str, load: Load, run: Run) -> list[Verdict]:
    """What is promised of each load."""
    of = f"{load.records:,} records, {load.in_flight:,} in flight"
    lost = load.records - run["counts"]["done"] - run["counts"]["no_match"]
    found = [
        Verdict("records without an answer", of, lost, 0, "{:.0f}"),
        Verdict("calls that had to be made again", of, run["retries"], 0, "{:.0f}"),
        Verdict("open files left", of, run["files"], 0, "{:.0f}"),
        Verdict("tasks left", of, run["tasks"], 0, "{:.0f}"),
    ]
    if name == "full":
        return [
            *found,
            Verdict("peak memory", of, run["peak"], 300.0, "{:.0f} MB"),
            Verdict("loop lag, p99", of, 1000 * run["lag_p99"], 100.0, "{:.1f} ms"),
            Verdict("CPU a call", of, 1000 * run["cpu"] / run["calls"], 3.0, "{:.2f} ms"),
        ]
    return [*found, Verdict("memory, each further 1,000 records", of, run["slope"], 0.5, "{:.2f} MB")]


def show(name: str, load: Load, run: Run) -> None:
    """The figures of one load, and the verdicts, as Markdown."""
    head = ("s", "CPU s", "calls", "peak MB", "MB a 1,000", "lag p50 / p99 / max ms", "bytes written a record")
    lag = " / ".join(f"{1000 * run[key]:.1f}" for key in ("lag_p50", "lag_p99", "lag_max"))
    line = [f"{run['seconds']:.1f}", f"{run['cpu']:.1f}", f"{run['calls']:,}", f"{run['peak']:.0f}"]
    line += [f"{run['slope']:.2f}", lag, f"{run['written']:,.0f}"]
    pace = f"mock at {load.latency}" if load.latency else "instant mock"
    print(f"### {load.records:,} records x 2 agents, {load.in_flight:,} in flight, {pace}\n\n{table(head, [line])}\n")
    head = ("measure", "of", "found", "limit", "met")
    print(table(head, [verdict.row() for verdict in verdicts(name, load, run)]), end="\n\n", flush=True)


def main() -> None:
    """Play the loads and print them; or, as the child, one run."""
    parser = argparse.ArgumentParser(description="Many records in flight, and very many records.")
    parser.add_argument("loads", nargs="*", metavar="LOAD", help=f"of {', '.join(LOADS)}; default: all")
    parser.add_argument("--scale", type=float, default=1.0, help="this share of the records")
    parser.add_argument("--json", type=Path, help="also write the figures there")
    for name, kind in {"records": int, "in-flight": int, "latency": str, "data": Path, "out": Path}.items():
        parser.add_argument(f"--{name}", type=kind, help=argparse.SUPPRESS)
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        print(json.dumps(run_loop(_watched(args))))
        return
    if unknown := set(args.loads) - LOADS.keys():
        raise SystemExit(f"no such load: {', '.join(unknown)}; there are {', '.join(LOADS)}")
    print(machine(), end="\n\n")
    kept: dict[str, Run] = {}
    for name in args.loads or LOADS:
        load = Load(max(1, int(LOADS[name].records * args.scale)), LOADS[name].in_flight, LOADS[name].latency)
        with tempfile.TemporaryDirectory() as place:
            kept[name] = measured(load, Path(place))
        show(name, load, kept[name])
        if args.json:
            args.json.write_text(json.dumps(kept), encoding="utf-8")


if __name__ == "__main__":
    main()
