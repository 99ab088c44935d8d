"""igent's `p1m1m2c` as a contestant of the baseline benchmark, through its Python API.

python benchmarks/igent_contestant.py --base-url URL --data DIR --scenario NAME [--critic invalid|always]
"""

from __future__ import annotations

__all__ = ["main"]

import argparse
import asyncio
import csv
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from measure import Result, arguments, cpu_seconds, report

from igent import run_workflow

MODELS = ("matcher1=m1", "critic=critic", "matcher2=m2")


async def run(args: argparse.Namespace, folder: Path, n: int, concurrency: int) -> list[float]:
    """One whole run into a new folder, as a user would have it: the seconds of each registration."""
    await run_workflow(
        "p1m1m2c",
        data=args.data,
        scenario=args.scenario,
        max_items=n,
        base_url=args.base_url,
        api_key="none",
        model=MODELS,
        concurrency=concurrency,
        critic=args.critic,
        out=folder,
    )
    with (folder / "timings.csv").open(encoding="utf-8", newline="") as file:
        return [float(row["total_seconds"]) for row in csv.DictReader(file)]


async def main() -> None:
    """Warm up, then measure."""
    args = arguments("igent on the baseline's job.")
    with TemporaryDirectory() as place:
        if args.warm:
            await run(args, Path(place) / "warm", args.warm, 1)
        start, cpu = perf_counter(), cpu_seconds()
        seconds = await run(args, Path(place) / "run", args.n, args.concurrency)
        wall, used = perf_counter() - start, cpu_seconds() - cpu
        done = (Path(place) / "run" / "outcomes.jsonl").read_text("utf-8").count('"status":"done"')
    report(Result(args.name, args.concurrency, len(seconds), done, wall, used, seconds))


if __name__ == "__main__":
    asyncio.run(main())
