"""igent as a contestant, through its Python API; one whole run, as a user would have it.

    python benchmarks/igent_contestant.py --base-url URL --data DIR --scenario NAME [--constellation NAME]
        [--set KEY=VALUE …] [--one-model] [--keep FOLDER]

--set hands further keyword arguments to run_workflow (critic=always, hedge=true, speculate=off); --keep keeps the run
folder, for the oracle.
"""

from __future__ import annotations

__all__ = ["main"]

import argparse
import csv
import json
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from measure import Result, cpu_seconds, options, peak_megabytes, report

from igent import run_workflow
from igent.workflows.constellation import load_constellation
from igent.workflows.loop import run_loop


def models(args: argparse.Namespace) -> list[str]:
    """A model of its own for each agent, so that the server counts them apart; or one for all."""
    agents = load_constellation(args.constellation).spec.agents.items()
    return ["mock"] if args.one_model else [f"{name}={name}" for name, agent in agents if agent.role != "rule"]


async def run(args: argparse.Namespace, folder: Path, n: int, concurrency: Any) -> None:
    """One run into a new folder."""
    given = dict(entry.split("=", 1) for entry in args.set)
    settings: dict[str, Any] = {key: {"true": True, "false": False}.get(value, value) for key, value in given.items()}
    await run_workflow(
        args.constellation,
        data=args.data,
        scenario=args.scenario,
        max_items=n,
        base_url=args.base_url,
        api_key="none",
        model=models(args),
        out=folder,
        **{"concurrency": concurrency, **settings},
    )


def seconds_in(folder: Path) -> list[float]:
    """Of each registration."""
    with (folder / "timings.csv").open(encoding="utf-8", newline="") as file:
        return [float(row["total_seconds"]) for row in csv.DictReader(file)]


async def main() -> None:
    """Warm up, then measure."""
    parser = options("igent on the same job.")
    parser.add_argument("--constellation", default="p1m1m2c")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--one-model", action="store_true")
    parser.add_argument("--keep", type=Path)
    args = parser.parse_args()
    with TemporaryDirectory() as place:
        folder = args.keep or Path(place) / "run"
        if args.warm:
            await run(args, Path(place) / "warm", args.warm, 1)
        start, cpu = perf_counter(), cpu_seconds()
        await run(args, folder, args.n, args.concurrency)
        wall, used = perf_counter() - start, cpu_seconds() - cpu
        done = json.loads((folder / "summary.json").read_text("utf-8"))["counts"]["done"]
        seconds = seconds_in(folder)
    report(Result(args.name, args.concurrency, args.n, done, wall, used, peak_megabytes(), seconds))


if __name__ == "__main__":
    run_loop(main())
