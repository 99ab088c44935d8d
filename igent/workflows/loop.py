"""The event loop that the command line runs on."""

from __future__ import annotations

__all__ = ["run_loop"]

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

_new_loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop
try:
    import uvloop
except ImportError:  # Windows, PyPy
    pass
else:
    _new_loop = uvloop.new_event_loop

T = TypeVar("T")


def run_loop(main: Coroutine[Any, Any, T]) -> T:
    """As asyncio.run, on uvloop where it is installed: many small reads take it two thirds of the CPU."""
    with asyncio.Runner(loop_factory=_new_loop) as runner:
        return runner.run(main)
