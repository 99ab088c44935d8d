"""The event loop that the command line runs on."""

from __future__ import annotations

__all__ = ["run_loop"]

import asyncio
import gc
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

try:
    import resource
except ImportError:  # Windows knows no such limit
    resource = None  # type: ignore[assignment]

_new_loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop
try:
    import uvloop
except ImportError:  # Windows, PyPy
    pass
else:
    _new_loop = uvloop.new_event_loop

T = TypeVar("T")

# With a thousand records in flight a full collection walks through 300,000 objects and holds the loop up for a quarter
# of a second; by Python's own thresholds there would be one every half second. Most of what records leave behind is
# freed without a collector.
_FULL_COLLECTION_EVERY = 1000
_OPEN_FILES = 1 << 16


def run_loop(main: Coroutine[Any, Any, T]) -> T:
    """As asyncio.run, on uvloop where it is installed: many small reads take it two thirds of the CPU.

    While it runs, the garbage collector looks at all objects more seldom than otherwise, and never at those there were
    before: for the main thread of a command, not for programs that have a collector to tune. Up to 65,536 files may be
    open, if the system allows it: each call in flight takes one.
    """
    _allow_open_files()
    young, middle, old = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(young, middle, max(old, _FULL_COLLECTION_EVERY))
    try:
        with asyncio.Runner(loop_factory=_new_loop) as runner:
            return runner.run(main)
    finally:
        gc.set_threshold(young, middle, old)
        gc.unfreeze()


def _allow_open_files() -> None:
    if resource is not None:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, _OPEN_FILES)
        if soft != resource.RLIM_INFINITY and soft < wanted:
            with suppress(ValueError, OSError):  # macOS takes no more than it says elsewhere
                resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
