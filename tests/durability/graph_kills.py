"""Kills on a real process that runs the crosswalk against a server, and what must be true of the run in the end."""

from __future__ import annotations

__all__ = ["Killed", "Tormented", "crosswalk_server", "result_files", "whole_run"]

import json
import re
import signal
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path

from counting_server import Asked, CountingServer
from e2e_support import Process, Shell, lines_of, wait_until

from igent.types import ChatMessage
from igent.workloads.crosswalk.mock import MOCK
from igent.workloads.crosswalk.mock_question import read_pairs

Question = tuple[str, int]
"""About which pair, in which round."""
KEY = {"IGENT_API_KEY": "sk-nobody"}
OWN = {"journal.jsonl", "conversations.jsonl", "summary.json", "timings.csv", "run.lock", "run.pid"}
"""What tells of the sessions, or of seconds. All else is the result, and the same however often the run was killed."""


def crosswalk_server(ttft: float = 0.02, errors: float = 0.0) -> CountingServer:
    return CountingServer(MOCK, _name, ttft=ttft, errors=errors)


def _name(messages: Sequence[ChatMessage]) -> str:
    """The pair; of instances the source, for both sides have its id in the graph."""
    (pair,) = read_pairs(messages)
    return _named(pair.id, instances=pair.instances)


def _named(pair: str, *, instances: bool) -> str:
    return f"{pair.partition('~')[0]} with its elections" if instances else pair


def result_files(run: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(run.iterdir()) if path.name not in OWN}


def differences(found: dict[str, bytes], whole: dict[str, bytes], *, alone: bool) -> list[object]:
    """The names of the files that differ, with the first lines that do. What is not asked about `alone` has a share of
    what its batch has cost; after a kill, the others in it may be others."""
    if not alone:
        found, whole = _without_usage(found), _without_usage(whole)
    unlike = [name for name in found.keys() | whole.keys() if found.get(name) != whole.get(name)]
    return [(name, _first_difference(found.get(name, b""), whole.get(name, b""))) for name in sorted(unlike)]


def _without_usage(files: dict[str, bytes]) -> dict[str, bytes]:
    name = "outcomes.jsonl"
    return {**files, name: re.sub(rb'"usage":\{[^}]*\},', b"", files[name])}


def _first_difference(one: bytes, other: bytes) -> object:
    pairs = zip_longest(one.splitlines(), other.splitlines())
    return next(((a, b) for a, b in pairs if a != b), "the endings of their lines")


@dataclass(frozen=True)
class Killed:
    """One kill: at which point; so many outcomes were then on the disk; so many questions the session had asked, of
    which so many had no answer on the disk; so many calls were in flight just before, None where nobody looked."""

    point: str
    settled: int
    asked: int
    unkept: int
    in_flight: int | None


@dataclass
class Tormented:
    """A run that is killed again and again; `arguments` are those of `igent run`."""

    shell: Shell
    server: CountingServer
    arguments: Sequence[str]
    out: str = "killed"
    kills: list[Killed] = field(default_factory=list)
    _unkept: Counter[Question] = field(default_factory=Counter)
    _seen: int = 0

    @property
    def alone(self) -> bool:
        """Whether each call is about one pair."""
        return "crosswalk_batch" not in self.arguments

    @property
    def run(self) -> Path:
        return self.shell.folder / self.out

    @property
    def _command(self) -> tuple[str, ...]:
        return (*self.arguments, "--base-url", self.server.url, "--out", self.out)

    def kill_in(self, phase: str, nth: int = 1) -> None:
        """Kill it as soon as so many outcomes of this phase are durable that were not there before."""
        self.kill_at(f"settled:{phase}:{nth}")

    def begun(self, phase: str) -> bool:
        """Whether an outcome of it is in the journal."""
        return any(str(entry.get("record_id")).startswith(f"{phase}/") for entry in self._entries())

    def kill_after(self, seconds: float) -> None:
        """Kill it so long after its journal has grown, or its start."""
        size = self._size()
        process = self.shell.start(*self._command, **KEY)
        wait_until(lambda: process.poll() is not None or self._size() > size, "work")
        time.sleep(seconds)
        if process.poll() is None:  # else it had nothing left to do
            self._kill(process, f"{seconds:.3f} s")

    def kill_at(self, point: str) -> None:
        """Kill it at this point; see cli_zygote.arm."""
        process = self.shell.start(*self._command, kill_at=point, **KEY)
        code = process.wait()
        assert code == -signal.SIGKILL, f"{point} was not reached: exit {code}\n{process.err}"
        self._note(point)

    def finish(self) -> Process:
        return self.shell.run(*self._command, **KEY)

    def _kill(self, process: Process, point: str) -> None:
        in_flight = self.server.stats()["in_flight"]
        assert process.poll() is None, f"it had ended before it could be killed in {point}: {process.err}"
        process.send(signal.SIGKILL)
        process.wait()
        self._note(point, in_flight)

    def _note(self, point: str, in_flight: int | None = None) -> None:
        wait_until(lambda: self.server.stats()["in_flight"] == 0, "the server to see that it is dead")
        entries = self._entries()
        kept = {key for entry in entries for key in _answered(entry)}
        asked = _questions(self.server.asked[self._seen :])
        self._seen += asked.total()
        unkept = Counter({key: count for key, count in asked.items() if key not in kept})
        self._unkept += unkept
        settled = sum(entry["kind"] == "outcome" for entry in entries)
        self.kills.append(Killed(point, settled, asked.total(), unkept.total(), in_flight))

    def check(self, whole: dict[str, bytes], needed: int) -> int:
        """Everything is as if it had never been killed; returns how many questions were asked again."""
        assert not (found := differences(result_files(self.run), whole, alone=self.alone)), found
        asked = _questions(self.server.asked)
        again = Counter({key: count - 1 for key, count in asked.items() if count > 1})
        assert len(asked) == needed
        assert again <= self._unkept, f"asked again, though answered: {again - self._unkept}"
        outcomes = Counter(entry["record_id"] for entry in self._entries() if entry["kind"] == "outcome")
        assert set(outcomes.values()) == {1}, [name for name, count in outcomes.items() if count > 1]
        for path in self.run.glob("*.json"):
            json.loads(path.read_bytes())
        for line in lines_of(self.run / "conversations.jsonl"):
            assert line["record_id"] in outcomes
        assert not [path for path in self.run.iterdir() if path.name.endswith(".tmp")]
        return again.total()

    def _size(self) -> int:
        path = self.run / "journal.jsonl"
        return path.stat().st_size if path.exists() else 0

    def _entries(self) -> list[dict]:
        path = self.run / "journal.jsonl"
        lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
        return [json.loads(line)["entry"] for line in lines if line.endswith(b"}\n")]


def _questions(asked: Iterable[Asked]) -> Counter[Question]:
    return Counter((one.record, one.round) for one in asked)


def _answered(entry: dict) -> list[Question]:
    """The questions whose answers an entry keeps."""
    if entry["kind"] not in {"answer", "outcome"}:
        return []
    phase, _, pair = entry["record_id"].partition("/")
    name = _named(pair, instances=phase == "verify_instances")
    if entry["kind"] == "answer":
        return [(name, entry["round"])]
    rounds = max((step["rounds"] for step in entry["steps"]), default=0)
    return [(name, round_) for round_ in range(1, rounds + 1)]


def whole_run(shell: Shell, arguments: Sequence[str]) -> tuple[dict[str, bytes], int]:
    """The results of a run that nothing happened to, and how many questions it asked."""
    with crosswalk_server() as server:
        run = Tormented(shell, server, [*arguments, "--no-cache"], "whole")
        run.finish()
        assert set(server.counts().values()) == {1}
        return result_files(run.run), len(server.asked)
