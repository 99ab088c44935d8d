"""Ctrl-C and the like: once drains, twice stops, a third time ends at once."""

from __future__ import annotations

__all__ = ["Interrupts"]

import asyncio
import signal
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType

from igent.workflows.run import Workflow

TERM_SECONDS = 10.0
"""How long records in flight may go on after SIGTERM or SIGHUP."""


class Interrupts:
    """Leads signals to a workflow while it is entered, in a running event loop. `say` tells the user what happens.

    `exit_code` is 130 after SIGINT, 143 after SIGTERM or SIGHUP, None before any. Where the platform has no signal
    handlers for event loops (Windows), Ctrl-C ends the run at once; the folder can be resumed all the same.
    """

    def __init__(self, workflow: Workflow, say: Callable[[str], None]) -> None:
        self._workflow, self._say = workflow, say
        self._count = 0
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

    def _handlers(self) -> dict[signal.Signals, Callable[[], None]]:
        handlers = {signal.SIGINT: self._interrupt, signal.SIGTERM: self._terminate}
        if hasattr(signal, "SIGHUP"):
            handlers[signal.SIGHUP] = self._terminate
        return handlers

    def _interrupt(self) -> None:
        self._count += 1
        self.exit_code = 130
        if self._count == 1:
            self._workflow.drain()
            self._tell("Ctrl-C: finishing the records in flight; once more gives them up (both can be resumed)")
        elif self._count == 2:
            self._workflow.stop()
            self._tell("Ctrl-C again: giving up the records in flight")
        else:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            signal.raise_signal(signal.SIGINT)

    def _terminate(self) -> None:
        self.exit_code = 143
        self._workflow.drain()
        asyncio.get_running_loop().call_later(TERM_SECONDS, self._workflow.stop)
        self._tell(f"asked to end: finishing the records in flight, for at most {TERM_SECONDS:g} s")

    def _tell(self, text: str) -> None:
        with suppress(OSError, ValueError):  # a terminal that closes is why SIGHUP came: there is nobody to tell
            self._say(text)
