"""Time as a seam: everything that reads a clock or sleeps is handed one of these, so that tests need not wait."""

from __future__ import annotations

__all__ = ["SYSTEM_CLOCK", "Clock", "SystemClock"]

import asyncio
import time
from datetime import date, datetime
from typing import Protocol


class Clock(Protocol):
    """What igent asks of time."""

    def now(self) -> float:
        """Monotonic seconds from an arbitrary start: for durations and deadlines, never for dates."""
        ...

    def today(self) -> date:
        """The local calendar date, the default for the run's date."""
        ...

    def timestamp(self) -> str:
        """The wall-clock time as ISO 8601 with offset and seconds: for people, never for arithmetic."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait for this many seconds; 0 or less yields once to the event loop."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> float:
        """See Clock.now."""
        return time.perf_counter()

    def today(self) -> date:
        """See Clock.today."""
        return datetime.now().astimezone().date()

    def timestamp(self) -> str:
        """See Clock.timestamp."""
        return datetime.now().astimezone().isoformat(timespec="seconds")

    async def sleep(self, seconds: float) -> None:
        """See Clock.sleep."""
        await asyncio.sleep(max(0.0, seconds))


SYSTEM_CLOCK: Clock = SystemClock()
