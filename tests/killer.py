"""kill -9, again and again, on one run against a foreign server that fails at random; then a judge of what is left.

    python tests/killer.py --records 500 --kills 50 --seed 1

The judge reads the input, the outputs and the journal, and asks the server how many calls it had: every record has one
outcome, none was lost once it was on the disk, nothing is oversold, prices are by the rules, and no more calls were
made than were needed, were faulty, or were in flight at a kill. Prints the figures; exits 1 when anything is wrong.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from foreign_data import make_dataset
from oracle import check_run

TESTS = Path(__file__).parent
FAULTS = ("--rate-429", "0.05", "--rate-500", "0.03", "--rate-cut", "0.03", "--rate-nonsense", "0.05")
CALLS_A_RECORD = 2
"""Of two phases, the second may begin while the first is being written: as many calls may be in flight a record. Where
phases do not begin early (speculate="off"), it is one."""


@dataclass
class Killed:
    """What a killer did and found: `problems` is empty when all is right; so many outcomes were on the disk at the last
    kill as `settled_before` says."""

    kills: int = 0
    early_kills: int = 0
    settled_before: int = 0
    seconds: float = 0.0
    outcomes: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    calls: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    kept_answers: int = 0
    calls_allowed: int = 0
    problems: list[str] = field(default_factory=list)


@contextlib.contextmanager
def foreign_server(seed: int, pace: tuple[str, str]) -> Iterator[str]:
    """A process of its own, as the provider is; the base URL."""
    command = [sys.executable, str(TESTS / "foreign_server.py"), "--print-url", "--seed", str(seed), *FAULTS]
    command += ["--ttft", pace[0], "--itl", pace[1]]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


class Killer:
    """One run folder, and the command that goes on with it."""

    def __init__(
        self, folder: Path, url: str, scenario: str, *, concurrency: int, constellation: str, speculate: str
    ) -> None:
        self.run = folder / "run"
        self._log = folder / "log"
        self._in_flight = concurrency * (1 if speculate == "off" else CALLS_A_RECORD)
        options = ["--data", folder / "data", "--scenario", scenario, "--base-url", url, "--out", self.run]
        self._command = [sys.executable, "-m", "igent.workflows", constellation, *map(str, options)]
        self._command += ["--concurrency", str(concurrency), "--speculate", speculate]
        self._env = {**os.environ, "OPENAI_API_KEY": "sk-nobody", "IGENT_API_KEY": "sk-nobody"}  # noqa: TID251
        self._journal = b""
        self._settled: dict[str, bytes] = {}
        self.found = Killed()

    def kill_after(self, seconds: float, *, at_work: bool) -> bool:
        """Start it and kill it then, counted from when it is `at_work`, if so wished: its journal has grown. False when
        it had ended before."""
        with self._log.open("wb") as log, self._start(log) as process:
            try:
                if at_work:
                    self._await_work(process)
                code = process.wait(seconds)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.wait()
                self.found.kills += 1
                before = len(self._journal)
                self._look()
                self.found.early_kills += len(self._journal) == before
                self.found.settled_before = len(self._settled)
                return True
        self._ended(code)
        return False

    def _await_work(self, process: subprocess.Popen[bytes]) -> None:
        path, end = self.run / "journal.jsonl", time.monotonic() + 30
        while process.poll() is None and time.monotonic() < end:
            if path.exists() and path.stat().st_size > len(self._journal):
                return
            time.sleep(0.01)

    def finish(self, limit: float) -> None:
        """Let it come to its end."""
        with self._log.open("wb") as log, self._start(log) as process:
            try:
                self._ended(process.wait(limit))
            except subprocess.TimeoutExpired:
                process.kill()
                self.found.problems.append(f"not finished within {limit:g} s")

    def _start(self, log: Any) -> subprocess.Popen[bytes]:
        return subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self._env)

    def _ended(self, code: int) -> None:
        said = self._log.read_text("utf-8", "replace")
        if code not in {0, 1} or "Traceback" in said:
            self.found.problems.append(f"exit {code}: {said[-2000:]}")
        self._look()

    def _look(self) -> None:
        """What stood in the journal stands there still, but for a torn last line; nobody is settled twice."""
        path = self.run / "journal.jsonl"
        data = path.read_bytes() if path.exists() else b""
        if not data.startswith(self._journal):
            self.found.problems.append(f"after kill {self.found.kills}: the journal lost what it had")
        self._journal = data[: data.rfind(b"\n") + 1]
        settled: dict[str, bytes] = {}
        for line in self._journal.splitlines():
            entry = json.loads(line)["entry"]
            if entry["kind"] == "outcome":
                if entry["record_id"] in settled:
                    self.found.problems.append(f"{entry['record_id']}: two outcomes")
                settled[entry["record_id"]] = line
        self.found.problems += [f"{record}: its outcome changed" for record in self._settled
                                if settled.get(record) != self._settled[record]]  # fmt: skip
        self._settled = settled

    def judge(self, data: Path, scenario: str, records: int, stats: dict[str, Any]) -> Killed:
        """All that is wrong, and the figures."""
        found = self.found
        found.problems += check_run(self.run, data, scenario)
        outcomes = [json.loads(line) for line in (self.run / "outcomes.jsonl").read_text("utf-8").splitlines()]
        found.outcomes = len(outcomes)
        found.statuses = Counter(outcome["status"] for outcome in outcomes)
        found.problems += [f"{len(outcomes)} outcomes of {records}"] * (len(outcomes) != records)
        found.problems += [f"{len(self._settled)} in the journal of {records}"] * (len(self._settled) != records)
        found.kept_answers = self._journal.count(b'"entry":{"kind":"answer"')
        found.calls, found.faults = stats["calls"], Counter(stats["faults"])
        resent = sum(found.faults[kind] for kind in ("429", "500", "cut"))
        found.calls_allowed = found.kept_answers + resent + found.kills * self._in_flight
        if found.calls > found.calls_allowed:
            found.problems.append(f"{found.calls} calls, {found.calls_allowed} allowed")
        return found


def torment(
    folder: Path,
    *,
    records: int,
    kills: int,
    seed: int,
    concurrency: int = 8,
    pace: tuple[str, str] = ("0.1", "0.003"),
    constellation: str = "p1m1m2c",
    speculate: str = "auto",
    at_work: float = 0.7,
    longest: float = 2.5,
) -> Killed:
    """Kill a run so many times, finish it, and judge it. Each kill comes at a random moment, up to `longest` seconds
    after the journal has grown, or (1 - `at_work` of the kills) after the start of the process."""
    scenario = make_dataset(folder / "data", seed, records)
    chance = Random(f"killer/{seed}")
    began = time.monotonic()
    with foreign_server(seed, pace) as url:
        killer = Killer(
            folder, url, scenario, concurrency=concurrency, constellation=constellation, speculate=speculate
        )
        while killer.found.kills < kills and not killer.found.problems:
            if not killer.kill_after(chance.uniform(0, longest), at_work=chance.random() < at_work):
                break
        killer.finish(limit=600)
        with urllib.request.urlopen(url.removesuffix("/v1") + "/stats") as reply:
            stats = json.load(reply)
    found = killer.judge(folder / "data", scenario, records, stats)
    found.seconds = time.monotonic() - began
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description="kill -9, again and again, on one run; then a judge.")
    parser.add_argument("--records", type=int, default=500)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--concurrency", type=int, default=8)
    parser.add_argument("--constellation", default="p1m1m2c")
    parser.add_argument("--speculate", default="auto", choices=("auto", "on", "off"))
    given = vars(parser.parse_args())
    with tempfile.TemporaryDirectory() as folder:
        found = torment(Path(folder), **given)
    for name, value in vars(found).items():
        print(f"{name:14} {dict(value) if isinstance(value, Counter) else value}")
    return int(bool(found.problems))


if __name__ == "__main__":
    sys.exit(main())
