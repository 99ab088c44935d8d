"""Time and memory of many records: the real command with the instant mock, over 1,000 and 10,000 registrations.

    python benchmarks/memory.py [--sizes 1000 10000] [--repeats 3] [--concurrency 50] [--constellation p1m1_p2m2]

Each run is `igent run … --mock --quiet` in a process of its own, sizes in turns; figures are medians over the repeats.
Peak memory is the resident set that the system saw (wait4), pages of files included; each further 1,000 records add
the slope to it. Every run folder is judged by tests/oracle.py, and started a second time: it must find nothing left to
do, and that resume is measured, too. Prints Markdown; ends with 1 where the oracle finds problems.
"""

from __future__ import annotations

__all__ = ["main"]

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tables import Run, Verdict, machine, mid, table

ROOT = Path(__file__).resolve().parents[1]
SCENARIO = "overlap_only"
TIMES, SLOPE = 1.1, 0.5
"""What is asked: so many times the time for so many times the records, and so many MB for each further 1,000."""


def timed(command: Sequence[str | Path]) -> Run:
    """Run a command to its end: exit code, seconds of wall and CPU, and peak memory in MB."""
    begun = time.perf_counter()
    with subprocess.Popen([sys.executable, *map(str, command)], stdout=subprocess.DEVNULL, cwd=ROOT) as process:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    return {
        "code": process.returncode,
        "wall": time.perf_counter() - begun,
        "cpu": used.ru_utime + used.ru_stime,
        "peak": used.ru_maxrss / (1024 if sys.platform == "linux" else 1024**2),
    }


def play(args: argparse.Namespace, size: int, place: Path) -> Run:
    """One run over so many records, its resume, and what the oracle says."""
    data, out = place / f"data-{size}", place / "run"
    if not data.exists():
        timed(["-m", "igent.workloads.sbus.generate", "--registrations", str(size), "--out", data])
    shutil.rmtree(out, ignore_errors=True)
    command = ["-m", "igent", "run", args.constellation, "--mock", "--quiet", "--data", data, "--scenario", SCENARIO]
    command += ["--concurrency", str(args.concurrency), "--out", out]
    run, again = timed(command), timed(command)
    oracle = [sys.executable, ROOT / "tests" / "oracle.py", out, data, SCENARIO]
    judged = subprocess.run(oracle, stdout=subprocess.PIPE, text=True, check=False)
    resumed = json.loads((out / "summary.json").read_bytes())["run"]["resumed"] if not again["code"] else None
    right = run["code"] == again["code"] == judged.returncode == 0 and resumed == size
    if not right:
        print(judged.stdout, file=sys.stderr)
    run["resume_cpu"], run["resume_peak"] = again["cpu"], again["peak"]
    run["oracle"] = (
        "right" if right else f"exit {run['code']}, {again['code']}, oracle {judged.returncode}, resumed {resumed}"
    )
    print(f"{size:,}: {run['wall']:.1f} s, {run['peak']:.1f} MB, {run['oracle']}", file=sys.stderr, flush=True)
    return run


def line(size: int, runs: list[Run]) -> list[str]:
    """The medians of one size."""
    wall, cpu = mid(runs, lambda run: run["wall"]), mid(runs, lambda run: run["cpu"])
    return [
        f"{size:,}",
        f"{wall:.1f}",
        f"{1000 * cpu / size:.2f}",
        f"{mid(runs, lambda run: run['peak']):.1f}",
        f"{mid(runs, lambda run: run['resume_cpu']):.1f}",
        f"{mid(runs, lambda run: run['resume_peak']):.1f}",
        ", ".join(sorted({run["oracle"] for run in runs})),
    ]


def verdicts(few: int, many: int, runs: dict[int, list[Run]]) -> list[Verdict]:
    """The largest size against the smallest."""
    against, thousands = f"{few:,} records", (many - few) / 1000

    times = mid(runs[many], lambda run: run["wall"]) / mid(runs[few], lambda run: run["wall"])
    grown = mid(runs[many], lambda run: run["peak"]) - mid(runs[few], lambda run: run["peak"])
    return [
        Verdict(f"time of {many:,} records", against, times, TIMES * many / few, "{:.1f} ×"),
        Verdict("peak memory, each further 1,000 records", against, grown / thousands, SLOPE, "{:.2f} MB"),
    ]


def main() -> None:
    """Run all sizes in turns, and print the tables."""
    parser = argparse.ArgumentParser(description="Time and memory of many records.")
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--concurrency", type=int, default=50)
    parser.add_argument("--constellation", default="p1m1_p2m2")
    args = parser.parse_args()
    sizes = sorted(set(args.sizes))
    runs: dict[int, list[Run]] = {size: [] for size in sizes}
    with tempfile.TemporaryDirectory() as name:
        for _ in range(args.repeats):
            for size in sizes:
                runs[size].append(play(args, size, Path(name)))
    print(f"{machine()}\n\n{args.constellation}, {args.concurrency} in flight, medians of {args.repeats}\n")
    head = ("records", "s", "CPU ms a record", "peak MB", "resume CPU s", "resume peak MB", "oracle")
    print(table(head, (line(size, found) for size, found in runs.items())))
    if len(sizes) > 1:
        found = verdicts(sizes[0], sizes[-1], runs)
        judged = table(("measure", "against", "found", "target", "met"), (verdict.row() for verdict in found))
        print(f"\n{judged}")
    if any(run["oracle"] != "right" for found in runs.values() for run in found):
        sys.exit("the oracle found problems")


if __name__ == "__main__":
    main()
