"""Work on what somebody else made, in a child process with limits: what hangs, swells or crashes there harms nobody.

The child sets its limits before it imports anything that reads the data. It has no key: its environment is empty.
"""

from __future__ import annotations

__all__ = ["ConfinedError", "Limits", "run_confined"]

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module

try:
    import resource
except ImportError:  # Windows: the wall clock is the only limit there
    resource = None  # type: ignore[assignment]

_START = "import sys; sys.path[:] = {path!r}; from igent.confined import _child; _child({function!r}, {limits!r})"
_RAN_OUT, _REFUSED = 101, 102
_OUT_OF_TIME = {int(getattr(signal, name, 0)) for name in ("SIGXCPU", "SIGKILL")} - {0}


@dataclass(frozen=True, slots=True)
class Limits:
    """What a child may use: bytes of address space, seconds of processor and of wall clock, and bytes of result."""

    memory: int = 1 << 30
    cpu_seconds: int = 30
    wall_seconds: float = 60.0
    result: int = 1 << 28


class ConfinedError(Exception):
    """The child gave no result. `kind` says why: "memory", "time", "size" (of the result), "crash" (the process died),
    or "refused": the function raised ValueError, whose text is this error's."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


def run_confined(function: str, argument: bytes, limits: Limits | None = None) -> bytes:
    """Call a function of bytes, named as "module:name", in a process of its own, and return its bytes.

    Blocks until it ends: at most `limits.wall_seconds`. Raises ConfinedError.
    """
    limits = limits or Limits()
    path = [entry or os.getcwd() for entry in sys.path]
    numbers = (limits.memory, limits.cpu_seconds, limits.result)
    command = [sys.executable, "-I", "-c", _START.format(path=path, function=function, limits=numbers)]
    try:
        ran = subprocess.run(  # noqa: S603  # our own interpreter, our own code
            command,
            input=argument,
            capture_output=True,
            timeout=limits.wall_seconds,
            check=False,
            env=_environment(),
            start_new_session=True,  # Ctrl-C is for us to hear: a child that it ends looks as if the data had
        )
    except OSError as error:
        raise ConfinedError("crash", f"no process could be started for it: {error.strerror}") from error
    except subprocess.TimeoutExpired as error:
        raise ConfinedError("time", f"it took more than {limits.wall_seconds:g} s") from error
    if ran.returncode == 0:
        return ran.stdout
    raise _reason(ran.returncode, ran.stderr.decode("utf-8", "replace"), limits)


def _environment() -> dict[str, str]:
    """Nothing of ours but what Windows needs to start a process at all."""
    return {"SYSTEMROOT": r"C:\Windows"} if sys.platform == "win32" else {}


def _reason(code: int, said: str, limits: Limits) -> ConfinedError:
    if code == _REFUSED:
        return ConfinedError("refused", said.strip()[:2000])
    if code == _RAN_OUT:
        if "size" in said:
            return ConfinedError("size", f"its result is larger than {limits.result:,} bytes")
        return ConfinedError("memory", f"it needs more than {limits.memory:,} bytes of memory")
    if -code in _OUT_OF_TIME:
        return ConfinedError("time", f"it took more than {limits.cpu_seconds} s of processor time")
    return ConfinedError("crash", f"the process that read it ended with code {code}")


def _child(function: str, limits: tuple[int, int, int]) -> None:
    """What the child does: limits, work, result."""
    memory, cpu_seconds, most = limits
    if resource is not None:
        for what, soft, hard in (
            (resource.RLIMIT_AS, memory, memory),
            (resource.RLIMIT_CPU, cpu_seconds, cpu_seconds + 1),
            (resource.RLIMIT_CORE, 0, 0),
        ):
            with suppress(ValueError, OSError):  # macOS knows no limit of the address space
                resource.setrlimit(what, (soft, hard))
    module, _, name = function.partition(":")
    work: Callable[[bytes], bytes] = getattr(import_module(module), name)
    try:
        result = work(sys.stdin.buffer.read())
    except MemoryError:
        os._exit(_RAN_OUT)  # there may not be memory left for anything more
    except ValueError as error:
        sys.stderr.write(str(error))
        sys.exit(_REFUSED)
    if len(result) > most:
        sys.stderr.write("size")
        sys.exit(_RAN_OUT)
    sys.stdout.buffer.write(result)
