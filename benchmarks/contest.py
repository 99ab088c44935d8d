"""How contestants are run: the server in a process of its own, each contestant in another, in turns; then the oracle.

A contestant is a command that prints a Result (measure.py) as its last line. What the server counted meanwhile is added
to it, for each registration; runs of igent keep their folder, and tests/oracle.py judges it.
"""

from __future__ import annotations

__all__ = ["Contestant", "Job", "compete", "igent", "in_turns", "scaled", "server"]

import contextlib
import json
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from critical_path import chains_in
from tables import Run

ROOT = Path(__file__).parents[1]
HERE = Path(__file__).parent
# Compiling the libraries is no part of what is measured, and in memory the largest part of some.
CACHED = ("-E", "-X", f"pycache_prefix={Path(tempfile.gettempdir()) / 'igent-benchmarks'}")
COUNTED = ("requests", "tokens_sent", "prompt_tokens", "refused", "early")


@dataclass(frozen=True)
class Contestant:
    """Who takes part: a script beside this file (or "-m", a module) with its own options; igent's runs are judged.

    `python` is the interpreter, this one if empty; `repeats` at most so many, 0: as many as all others.
    """

    name: str
    command: tuple[str, ...]
    python: str = ""
    repeats: int = 0

    @property
    def judged(self) -> bool:
        """Whether it writes a run folder."""
        return self.command[0].startswith("igent")


def igent(name: str, constellation: str, *settings: str) -> Contestant:
    """igent under a constellation; `settings` are KEY=VALUE, as run_workflow takes them."""
    options = [word for setting in settings for word in ("--set", setting)]
    return Contestant(name, ("igent_contestant.py", "--constellation", constellation, *options))


@dataclass(frozen=True)
class Job:
    """What is to be done: `n` registrations of a scenario, so many at once; `timeout` in seconds."""

    data: Path
    scenario: str
    n: int
    concurrency: int = 1
    warm: int = 1
    timeout: float = 1_800.0


@contextlib.contextmanager
def server(*options: str, foreign: bool = False) -> Iterator[str]:
    """The mock server in a process of its own, on a free port; its base URL."""
    script = [str(ROOT / "tests" / "foreign_server.py"), "--print-url"] if foreign else ["-m", "igent", "mock-server"]
    command = [sys.executable, *CACHED, *script, "--port", "0", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdout is not None
    url = process.stdout.readline().strip()
    if not url:
        raise SystemExit(f"the mock server did not start: {process.communicate()[1]}")
    try:
        yield url
    finally:
        process.terminate()
        process.communicate(timeout=20)


def stats(url: str) -> Run:
    """What the server has counted so far; empty where it does not answer."""
    address = url.replace("/v1", "/stats")
    with contextlib.suppress(OSError, ValueError), urllib.request.urlopen(address, timeout=30) as got:
        return json.load(got)
    return {}


def compete(contestant: Contestant, job: Job, url: str) -> Run:
    """One contestant, once. Ends the benchmark when it fails; one that is too slow is given up, with what it did."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "run"
        before = stats(url)
        result = _run(contestant, job, url, folder)
        after = stats(url)
        calls = job.n + job.warm
        result |= {key: (after[key] - before.get(key, 0)) / calls for key in COUNTED if key in after}
        result["stats"] = {"before": before, "after": after}
        if (folder / "summary.json").exists():
            missing = job.n - result["done"]
            result["oracle"] = f"{missing} not done" if missing else judge(folder, job)
            result["summary"] = json.loads((folder / "summary.json").read_text("utf-8"))
            result["chains"] = chains_in(folder)
    oracle = f", {result['oracle']}" if "oracle" in result else ""
    said = f"{contestant.name}, {job.concurrency} at once: {result['wall']:.1f} s, CPU {result['cpu']:.2f} s, "
    print(f"{said}{result['done']} of {job.n}{oracle}", file=sys.stderr, flush=True)
    return result


def _run(contestant: Contestant, job: Job, url: str, folder: Path) -> Run:
    command = [contestant.python or sys.executable, *CACHED, *contestant.command, "--base-url", url]
    command += [
        "--data",
        str(job.data),
        "--scenario",
        job.scenario,
        "--concurrency",
        str(job.concurrency),
        "--n",
        str(job.n),
    ]
    command += ["--warm", str(job.warm), "--timeout", str(job.timeout), "--name", contestant.name]
    command += ["--keep", str(folder)] if contestant.judged else []
    late = job.timeout + 60
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, cwd=HERE, timeout=late, check=False)
    except subprocess.TimeoutExpired:
        return {"name": contestant.name, "n": job.n, "done": 0, "wall": late, "cpu": 0.0, "peak": 0.0, "seconds": []}
    if done.returncode:
        raise SystemExit(f"{contestant.name} ended with {done.returncode}")
    result: Run = json.loads(done.stdout.strip().splitlines()[-1])
    return result


def judge(folder: Path, job: Job) -> str:
    """What the oracle says of a run folder."""
    command = [sys.executable, str(ROOT / "tests" / "oracle.py"), str(folder), str(job.data), job.scenario]
    command += ["--max-items", str(job.n), "--complete"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode == 0:
        return "right"
    print(done.stdout, file=sys.stderr)
    return f"{len(done.stdout.splitlines())} problems"


def in_turns(contestants: Sequence[Contestant], job: Job, url: str, repeats: int) -> dict[str, list[Run]]:
    """Everybody once, then everybody again: the runs of each, by name."""
    runs: dict[str, list[Run]] = {contestant.name: [] for contestant in contestants}
    for turn in range(repeats):
        for contestant in contestants:
            if turn < (contestant.repeats or repeats):
                runs[contestant.name].append(compete(contestant, job, url))
    return runs


def scaled(folder: Path, n: int) -> tuple[Path, str]:
    """The shipped case `overlap_only`, with so many registrations and capacity for all: data folder and scenario."""
    source = ROOT / "data" / "sbus"
    rows, offers, incentives = (
        json.loads((source / f"{name}.json").read_text("utf-8-sig"))
        for name in ("registrations_overlap_only", "offers", "incentives")
    )
    times = -(-(n + 10) // len(rows))
    more = [{**rows[i % len(rows)], "RegistrationNumber": f"SPUS{50_000 + i}"} for i in range(n)]
    for supplier in offers["SupplierOffers"]:
        supplier["Capacity"] = int(supplier["Capacity"]) * times
    (folder / "scenarios").mkdir(parents=True, exist_ok=True)
    files = {"registrations": more, "offers": offers, "incentives": incentives}
    for name, content in files.items():
        (folder / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    lines = ["name: scaled", f"description: {n} registrations", *(f"{name}: {name}.json" for name in files)]
    (folder / "scenarios" / "scaled.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder, "scaled"
