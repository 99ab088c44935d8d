"""Ctrl-C and the like: once drains, twice stops, a third time ends at once."""

from __future__ import annotations

__all__ = ["Interrupts"]

import asyncio
import signal
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Protocol

INT_SECONDS = 30.0
"""How long calls in flight may go on after Ctrl-C."""
TERM_SECONDS = 10.0
"""How long they may after SIGTERM or SIGHUP: who sends these kills soon after."""


class _Drains(Protocol):
    """What is led to its end: a Workflow."""

    def drain(self) -> None:
        """Send no more calls, finish those in flight."""
        ...

    def stop(self) -> None:
        """Give up what is in flight, too."""
        ...


class Interrupts:
    """Leads signals to a workflow while it is entered, in a running event loop. `say` tells the user what happens.

    Calls in flight may go on for `int_seconds` after the first SIGINT, and for `term_seconds` after a SIGTERM or
    SIGHUP, whichever ends first; then they are given up as by a second SIGINT.

    `exit_code` is 130 after SIGINT, 143 after SIGTERM or SIGHUP, None before any. Where the platform has no signal
    handlers for event loops (Windows), Ctrl-C ends the run at once; the folder can be resumed all the same.
    """

    def __init__(
        self,
        workflow: _Drains,
        say: Callable[[str], None],
        *,
        int_seconds: float = INT_SECONDS,
        term_seconds: float = TERM_SECONDS,
    ) -> None:
        self._workflow, self._say = workflow, say
        self._int_seconds, self._term_seconds = int_seconds, term_seconds
        self._count = 0
        self._limit: asyncio.TimerHandle | None = None
        self._installed: list[signal.Signals] = []
        self.exit_code: int | None = None

    def __enter__(self) -> Interrupts:
        loop = asyncio.get_running_loop()
        for number, handler in self._handlers().items():
            try:
                loop.add_signal_handler(number, handler)
            except (NotImplementedError, RuntimeError, ValueError):
                continue
            self._installed.append(number)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        loop = asyncio.get_running_loop()
        for number in self._installed:
            loop.remove_signal_handler(number)
        self._no_limit()

    def _handlers(self) -> dict[signal.Signals, Callable[[], None]]:
        handlers = {signal.SIGINT: self._interrupt, signal.SIGTERM: self._terminate}
        # Under nohup it is ignored, and stays so. (SIGINT is taken over: a shell ignores it for all that runs behind.)
        if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            handlers[signal.SIGHUP] = self._terminate
        return handlers

    def _interrupt(self) -> None:
        self._count += 1
        self.exit_code = 130
        if self._count == 1:
            self._workflow.drain()
            self._stop_in(self._int_seconds)
            how = "once more gives them up (both can be resumed)"
            self._tell(f"Ctrl-C: finishing the calls in flight, for at most {self._int_seconds:g} s; {how}")
        elif self._count == 2:
            self._no_limit()
            self._workflow.stop()
            self._tell("Ctrl-C again: giving up the records in flight")
        else:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            signal.raise_signal(signal.SIGINT)

    def _terminate(self) -> None:
        self.exit_code = 143
        self._workflow.drain()
        self._stop_in(self._term_seconds)
        self._tell(f"asked to end: finishing the calls in flight, for at most {self._term_seconds:g} s")

    def _stop_in(self, seconds: float) -> None:
        """Give the calls in flight so long, unless they have less already."""
        loop = asyncio.get_running_loop()
        if self._limit is None or loop.time() + seconds < self._limit.when():
            self._no_limit()
            self._limit = loop.call_later(seconds, self._out_of_time, seconds)

    def _no_limit(self) -> None:
        if self._limit is not None:
            self._limit.cancel()

    def _out_of_time(self, seconds: float) -> None:
        self._workflow.stop()
        self._tell(f"{seconds:g} s have passed: giving up the records in flight (they can be resumed)")

    def _tell(self, text: str) -> None:
        with suppress(OSError, ValueError):  # a terminal that closes is why SIGHUP came: there is nobody to tell
            self._say(text)
