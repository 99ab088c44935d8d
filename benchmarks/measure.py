"""What the contestants share: their input, the loop over it, and how time, CPU and memory are taken. Standard library
only: the peers have no igent."""

from __future__ import annotations

__all__ = [
    "Case",
    "Register",
    "Result",
    "Row",
    "cpu_seconds",
    "flag",
    "load_case",
    "measured",
    "options",
    "peak_megabytes",
    "report",
]

import argparse
import asyncio
import json
import re
import resource
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from time import perf_counter
from typing import Any

Row = dict[str, Any]
Register = Callable[[Row], Awaitable[Row | None]]
"""Brings the purchase order of one registration; None when nobody fits."""


@dataclass(frozen=True)
class Case:
    """The input of one scenario."""

    registrations: list[Row]
    offers: Row
    incentives: list[Row]
    capacity: dict[str, Row]


@dataclass(frozen=True)
class Result:
    """One measured run. `n` were to be done, `done` ended with an order. Seconds: `wall` of the whole, `cpu` of the
    client process, `seconds` of each that finished; `peak` is the process's largest resident size in MB."""

    name: str
    concurrency: int
    n: int
    done: int
    wall: float
    cpu: float
    peak: float
    seconds: list[float] = field(default_factory=list)


def load_case(data: Path, scenario: str) -> Case:
    """Read the files of a scenario; the YAML is flat, so a line at a time will do."""
    text = (data / "scenarios" / f"{scenario}.yaml").read_text("utf-8")
    names = dict(re.findall(r"^\s*(\w+):\s*(\S+\.json)\s*$", text, re.M))
    parts = {key: json.loads((data / name).read_text("utf-8-sig")) for key, name in names.items()}
    offers = parts["offers"]
    fresh = {str(s["SupplierID"]): {"Capacity": int(s["Capacity"]), "Used": 0} for s in offers["SupplierOffers"]}
    stock = {k: {**fresh[k], **parts.get("capacity", {}).get(k, {})} for k in fresh}
    return Case(parts["registrations"], offers, parts.get("incentives", []), stock)


def cpu_seconds() -> float:
    """User and system seconds of this process so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def peak_megabytes() -> float:
    """The largest resident size of this process so far, in MB of 2**20 bytes."""
    with suppress(OSError):  # ru_maxrss may be that of the process that started this one
        if found := re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text("utf-8")):
            return int(found[1]) / 1024
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def options(description: str) -> argparse.ArgumentParser:
    """The command line that every contestant has."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--base-url", required=True, help="the endpoint, up to /v1")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--scenario", required=True)
    parser.add_argument("--concurrency", type=int, default=1)
    parser.add_argument("--n", type=int, default=5, help="registrations")
    parser.add_argument("--warm", type=int, default=1, help="registrations before the measurement, not counted")
    parser.add_argument("--timeout", type=float, default=1_800.0, help="seconds after which the rest is given up")
    parser.add_argument("--name", default=Path(sys.argv[0]).stem)
    return parser


def flag(parser: argparse.ArgumentParser, name: str, text: str) -> None:
    """Add an option that is on, and off as --no-NAME."""
    parser.add_argument(f"--{name}", action=argparse.BooleanOptionalAction, default=True, help=text)


async def measured(args: argparse.Namespace, rows: Sequence[Row], register: Register) -> Result:
    """Warm up, then measure: all rows, so many at once, until the time is up."""
    await _drive(register, islice(rows, args.warm), 1, args.timeout)
    start, cpu = perf_counter(), cpu_seconds()
    seconds, orders = await _drive(register, islice(rows, args.n), args.concurrency, args.timeout)
    wall, used = perf_counter() - start, cpu_seconds() - cpu
    return Result(args.name, args.concurrency, args.n, orders, wall, used, peak_megabytes(), seconds)


async def _drive(register: Register, rows: islice[Row], concurrency: int, timeout: float) -> tuple[list[float], int]:
    gate, seconds, orders = asyncio.Semaphore(concurrency), list[float](), 0

    async def one(row: Row) -> None:
        nonlocal orders
        async with gate:
            start = perf_counter()
            order = await register(row)
            orders += order is not None
            seconds.append(perf_counter() - start)

    with suppress(TimeoutError):
        async with asyncio.timeout(timeout), asyncio.TaskGroup() as group:
            for row in rows:
                group.create_task(one(row))
    return seconds, orders


def report(result: Result) -> None:
    """Hand the result to the benchmark: one JSON line, the last on stdout."""
    print(json.dumps(asdict(result)), flush=True)
