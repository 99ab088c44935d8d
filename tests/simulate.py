"""Deterministic simulation: whole runs on a virtual clock, a seeded scheduler and a disk in memory, with faults.

    python tests/simulate.py --seeds 2000          # the seeds 0 to 1999, on all cores
    python tests/simulate.py --seed 17 --trace     # one of them again, exactly as it was

Prints each seed that failed, and the command that replays it; exits 1 when there is one.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

for place in ("", "simulation"):
    sys.path.append(str(Path(__file__).parent / place))

from sim_world import World, simulate  # noqa: E402

BATCH = 25


def one(seed: int) -> World:
    """A world; what nobody foresaw in it is a problem of it too."""
    try:
        return simulate(seed)
    except Exception as error:  # noqa: BLE001  # whatever it is, its seed is to be told
        return World(seed, [f"{type(error).__name__}: {error}"])


def batch(seeds: range) -> list[World]:
    worlds = [one(seed) for seed in seeds]
    gc.collect()
    for world in worlds:
        world.trace = world.trace if world.problems else []
    return worlds


def run(seeds: range, jobs: int, *, show: bool = True) -> list[World]:
    """All these worlds; those that failed are told as they come."""
    began, done, worlds = time.monotonic(), 0, []
    parts = [seeds[at : at + BATCH] for at in range(0, len(seeds), BATCH)]
    with ProcessPoolExecutor(jobs) as pool:
        for found in pool.map(batch, parts):
            worlds += found
            done += len(found)
            for world in found:
                if world.problems and show:
                    print(f"seed {world.seed}: {'; '.join(world.problems[:3])[:400]}")
                    print(f"  python tests/simulate.py --seed {world.seed} --trace", flush=True)
            if show and done % 500 == 0:
                print(f"{done} seeds, {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    return worlds


def main() -> int:
    parser = argparse.ArgumentParser(description="Whole runs on a virtual clock, with faults.")
    parser.add_argument("--seeds", type=int, default=2000, help="how many")
    parser.add_argument("--first", type=int, default=0, help="the first of them")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seed", type=int, help="only this one")
    parser.add_argument("--trace", action="store_true", help="with --seed: tell every step")
    given = parser.parse_args()
    if given.seed is not None:
        world = one(given.seed)
        print("\n".join(world.trace) if given.trace else world.digest)
        print("\n".join(world.problems) or "no problem found")
        return int(bool(world.problems))
    began = time.monotonic()
    worlds = run(range(given.first, given.first + given.seeds), given.jobs)
    failed = [world for world in worlds if world.problems]
    sums = {name: sum(getattr(world, name) for world in worlds) for name in ("sessions", "kills", "outcomes", "calls")}
    faults = sum((world.faults for world in worlds), Counter[str]())
    took = f"{len(worlds)} seeds in {time.monotonic() - began:.0f} s"
    print(f"{took}, {len(failed)} failed; {sums}; faults {dict(faults)}")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
