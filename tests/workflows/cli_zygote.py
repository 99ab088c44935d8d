"""Imports igent once, then forks a process for each command that a test asks for: a real process with its own pid,
streams, signals and exit code, without the seconds of imports. Requests come as JSON lines on stdin."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

sys.path.append(str(Path(__file__).parents[1] / "durability"))

from disk_kit import Operation, Short, lead_system_disk_through, nothing

import igent.workflows.graph.run  # noqa: F401  # what a graph needs is not loaded without one
from igent.workflows.cli import main, run_main
from igent.workflows.plugins import load_workload

PACKAGE = Path(sys.modules["igent"].__file__ or "").parent
SCRIPTS: dict[str, tuple[Callable[[], None], str]] = {
    "igent.workflows": (run_main, str(PACKAGE / "workflows" / "__main__.py")),
    "igent": (main, str(PACKAGE / "__main__.py")),
}


def become(request: dict[str, Any], replies: int) -> Callable[[], None]:
    """Turn this forked process into the one that was asked for; returns what it is to run."""
    os.close(replies)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for number in (1, 2):
        target = request["streams"][number - 1]
        if target is None:  # a pipe whose reader has gone
            reader, writer = os.pipe()
            os.close(reader)
        else:
            writer = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(writer, number)
        os.close(writer)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(request["cwd"])
    os.environ.clear()  # noqa: TID251
    os.environ.update(request["env"])  # noqa: TID251
    if "kill_at" in request:
        arm(request["kill_at"])
    run, script = SCRIPTS[request["module"]]
    sys.argv = [script, *request["arguments"]]
    return run


def arm(point: str) -> None:
    """kill -9 at the nth operation of a kind on a file: "before:sync:journal.jsonl:3"; "during" a write, half of it is
    taken. See tests/durability/disk_kit.py. "settled:PHASE:2": once so many outcomes of a graph's phase are durable
    that were not there before."""
    if point.startswith("settled:"):
        lead_system_disk_through(nothing, DieWhenSettled(*point.split(":")[1:]))
        return
    when, kind, name, nth = point.split(":")
    left = int(nth)

    def count(operation: Operation) -> None:
        nonlocal left
        if (operation.kind, operation.name) == (kind, name):
            left -= 1
            if left == 0:
                if when == "during":
                    raise Short
                os.kill(os.getpid(), signal.SIGKILL)

    def die_halfway(operation: Operation) -> None:
        if operation.kind == "short write":
            os.kill(os.getpid(), signal.SIGKILL)

    lead_system_disk_through(*((nothing, count) if when == "after" else (count, die_halfway)))


class DieWhenSettled:
    """A hook for after each operation on the one run below the current folder."""

    def __init__(self, phase: str, nth: str) -> None:
        self._sign, self._nth = f'"kind":"outcome","record_id":"{phase}/'.encode(), int(nth)
        self._journal: Path | None = None
        self._seen = 0

    def __call__(self, operation: Operation) -> None:
        if operation.name != "journal.jsonl":
            return
        if operation.kind == "open ab":
            self._journal = next(path for path in Path.cwd().rglob("journal.jsonl"))
            self._seen = self._journal.stat().st_size
        elif operation.kind == "sync" and self._journal is not None:
            with self._journal.open("rb") as file:
                file.seek(self._seen)
                if file.read().count(self._sign) >= self._nth:
                    os.kill(os.getpid(), signal.SIGKILL)


def serve(replies: int) -> Callable[[], None] | None:
    """Fork for each "start", tell of each "poll"; in a forked process, return what to run."""
    while line := os.read(0, 1 << 16):
        request = json.loads(line)
        if request["do"] == "start":
            pid = os.fork()
            if pid == 0:
                return become(request, replies)
            answer = pid
        else:
            known, status = os.waitpid(request["pid"], os.WNOHANG)
            answer = os.waitstatus_to_exitcode(status) if known else None
        os.write(replies, json.dumps(answer).encode() + b"\n")
    return None


def end(command: Callable[[], None]) -> NoReturn:
    """Run it and end as the interpreter does, but for freeing every module, which takes longer than most tests."""
    code: object = 0
    try:
        command()
    except SystemExit as ended:
        code = ended.code
    except BaseException:  # noqa: BLE001  # as the interpreter
        traceback.print_exc()
        code = 1
    try:
        sys.stdout.flush()
    except OSError:
        print("Exception ignored at the end:", traceback.format_exc(), file=sys.stderr)
        code = 120
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.flush()
    os._exit(code if isinstance(code, int) else 0)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for workload in ("sbus", "crosswalk"):
        load_workload(workload)
    gc.collect()
    gc.freeze()  # a collection in a forked process would copy every page it touches
    forked = serve(int(sys.argv[1]))
    if forked is not None:
        end(forked)
