"""Running igent as a user does, and reading what it left behind."""

from __future__ import annotations

__all__ = [
    "CONSTELLATIONS",
    "DATA",
    "FINAL",
    "RESULTS",
    "Process",
    "Shell",
    "Zygote",
    "copy_data",
    "edit_json",
    "entries",
    "final_files",
    "json_of",
    "lines_of",
    "oracle",
    "wait_until",
]

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Self

from oracle import check_run

ROOT = Path(__file__).parents[2]
DATA = ROOT / "data" / "sbus"
CONSTELLATIONS = ("p1m1m2c", "p1m1_p2m2", "p1m1c1_p2m2c2", "p1m1c1m2c2", "p1m", "p1r_p2r", "p1m1m2c_fast")
RESULTS = ("matches.json", "pos.json", "capacity.json")
FINAL = (*RESULTS, "outcomes.jsonl")


def wait_until(condition: Callable[[], Any], what: str, seconds: float = 60.0) -> Any:
    """Look every few milliseconds until the condition holds; returns what it gave."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = condition()
        if found is not None and found is not False:
            return found
        time.sleep(0.005)
    raise AssertionError(f"{what}: not within {seconds:g} s")


class Process:
    """A started command."""

    def __init__(self, zygote: Zygote, pid: int, folder: Path, number: int) -> None:
        self._zygote, self.pid, self._folder, self._number = zygote, pid, folder, number
        self._code: int | None = None

    def poll(self) -> int | None:
        """The exit code, negative for a signal's; None while it runs."""
        if self._code is None:
            self._code = self._zygote.ask({"do": "poll", "pid": self.pid})
        return self._code

    def wait(self, seconds: float = 60.0) -> int:
        return wait_until(self.poll, "the end of the process", seconds)

    def send(self, number: int) -> None:
        os.kill(self.pid, number)

    @property
    def out(self) -> str:
        return self._said("out")

    @property
    def err(self) -> str:
        return self._said("err")

    def _said(self, stream: str) -> str:
        path = self._folder / f"{self._number}.{stream}"
        return path.read_text("utf-8") if path.exists() else ""  # it may not have come so far yet


class Zygote:
    """See cli_zygote.py."""

    def __enter__(self) -> Self:
        reader, writer = os.pipe()
        command = [sys.executable, str(Path(__file__).with_name("cli_zygote.py")), str(writer)]
        # Buffered streams, as people have them: what is left in a buffer at the end is a part of what is tested.
        env = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}  # noqa: TID251
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, pass_fds=[writer], bufsize=0, env=env)
        os.close(writer)
        self._replies = os.fdopen(reader, "rb")
        self._lock = threading.Lock()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(10)
        self._replies.close()

    def ask(self, request: dict[str, Any]) -> Any:
        assert self._process.stdin is not None
        with self._lock:
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            return json.loads(self._replies.readline())


class Shell:
    """A current folder, an environment without any of igent's variables, and commands in them."""

    def __init__(self, zygote: Zygote, folder: Path) -> None:
        self._zygote, self.folder = zygote, folder
        self._streams = folder.parent / "streams"
        for path in (folder, self._streams):
            path.mkdir()
        self._started: list[Process] = []

    def start(
        self,
        *arguments: str | Path,
        module: str = "igent.workflows",
        broken_stdout: bool = False,
        stdout: str | None = None,
        cwd: str = "",
        kill_at: str | None = None,
        **env: str,
    ) -> Process:
        """Start `python -m MODULE ARGUMENTS` and return at once; stdout goes to a file, to a pipe without a reader
        if it is `broken`, or to the `stdout` of that path. `kill_at` is a point at which it dies as of kill -9:
        see cli_zygote.arm."""
        number = len(self._started)
        names = [None if broken_stdout else stdout or f"{number}.out", f"{number}.err"]
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("IGENT_", "OPENAI_"))}  # noqa: TID251
        request = {
            "do": "start",
            "module": module,
            "arguments": [str(argument) for argument in arguments],
            "cwd": str(self.folder / cwd),
            "env": {**kept, **env},
            "streams": [name and str(self._streams / name) for name in names],
        }
        if kill_at:
            request["kill_at"] = kill_at
        process = Process(self._zygote, self._zygote.ask(request), self._streams, number)
        self._started.append(process)
        return process

    def run(self, *arguments: str | Path, code: int = 0, module: str = "igent.workflows", **options: Any) -> Process:
        """Run it to its end; `options` are those of `start`. Asserts the exit code, and that no traceback was shown."""
        process = self.start(*arguments, module=module, **options)
        found = process.wait()
        assert found == code, f"exit {found}, not {code}\nstdout: {process.out}\nstderr: {process.err}"
        assert "Traceback" not in process.err + process.out, process.err
        return process

    def igent(self, *arguments: str | Path, code: int = 0, **options: Any) -> Process:
        return self.run(*arguments, code=code, module="igent", **options)

    def kill_all(self) -> None:
        for process in self._started:
            if process.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    process.send(signal.SIGKILL)
                process.wait()


def lines_of(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def json_of(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))


def entries(run: Path, kind: str) -> list[dict[str, Any]]:
    """The journal's whole entries of one kind; a line that is being written is left out."""
    text = (run / "journal.jsonl").read_text("utf-8") if (run / "journal.jsonl").exists() else ""
    whole = [line for line in text.splitlines(keepends=True) if line.endswith("}\n")]
    return [entry for line in whole if (entry := json.loads(line)["entry"])["kind"] == kind]


def final_files(run: Path, names: Iterable[str] = FINAL) -> dict[str, bytes]:
    return {name: (run / name).read_bytes() for name in names}


def oracle(run: Path, scenario: str = "overlap_only", data: Path = DATA, **options: Any) -> None:
    """Assert that an independent replay of the rules finds nothing wrong with a run folder."""
    problems = check_run(run, data, scenario, **options)
    assert not problems, problems[:10]


def copy_data(folder: Path, scenario: str = "overlap_only", first: int | None = None) -> Path:
    """A data folder of one's own, with the first records of a shipped scenario."""
    shutil.copytree(DATA, folder)
    if first is not None:
        edit_json(folder / f"registrations_{scenario}.json", lambda rows: rows[:first])
    return folder


def edit_json(path: Path, change: Callable[[Any], Any]) -> None:
    """Change a JSON file; `change` returns the new value, or None when it changed the value in place."""
    value = json_of(path)
    changed = change(value)
    rows = value if changed is None else changed
    if isinstance(rows, list):  # one element a line, so that messages can name lines
        path.write_text("[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n", "utf-8")
    else:
        path.write_text(json.dumps(rows, indent=1), "utf-8")
