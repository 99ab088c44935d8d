"""The deadlines of one call, all on one timer."""

from __future__ import annotations

__all__ = ["CallDeadlines"]

import asyncio
from collections.abc import Callable

from igent.models.endpoint import Endpoint


class CallDeadlines:
    """Tells `expired` the name and the seconds of the deadline that passed, once.

    It begins on `first_token` (a stream's only), measured from `since`, in the event loop's time; from the first
    `progress` on it is `between_tokens`; `total` bounds it all.
    """

    def __init__(self, endpoint: Endpoint, expired: Callable[[str, float], None], since: float) -> None:
        self._expired = expired
        self._between = endpoint.between_tokens
        self._total = endpoint.total
        self._total_at = since + endpoint.total
        self._loop = asyncio.get_running_loop()
        first = endpoint.first_token if endpoint.stream else endpoint.total
        self._now_on = ("first_token", first)
        self._due = since + first
        self._due_before: float | None = None
        self._arm()

    def _arm(self) -> None:
        self._armed_for = min(self._due, self._total_at)
        self._timer = self._loop.call_at(self._armed_for, self._ring)

    def _ring(self) -> None:
        """The timer is not moved for every token: it rings early, and looks when the last one came."""
        due = min(self._due, self._total_at)
        if self._loop.time() < due:
            self._arm()
        elif self._due_before != due:
            # The loop may have been held up, with tokens waiting to be read: they are read before it rings again.
            self._due_before = due
            self._timer = self._loop.call_later(0.0, self._ring)
        elif self._due < self._total_at:
            self._expired(*self._now_on)
        else:
            self._expired("total", self._total)

    def progress(self) -> None:
        """A piece of the answer has come."""
        self._due = self._loop.time() + self._between
        if self._now_on[0] == "first_token":
            self._move("between_tokens", self._between)

    def wind_down(self, seconds: float) -> None:
        """The answer is finished: what still comes must come within this time from the first time this is said."""
        if self._now_on[0] != "wind_down":
            self._due = self._loop.time() + seconds
            self._move("wind_down", seconds)

    def _move(self, name: str, seconds: float) -> None:
        self._now_on = (name, seconds)
        if self._due < self._armed_for:
            self._timer.cancel()
            self._arm()

    def overdue(self) -> float:
        """By how many seconds the deadline has passed; 0 before. More than a moment means that nobody was there to see
        it pass: the process was stopped."""
        return max(0.0, self._loop.time() - min(self._due, self._total_at))

    def close(self) -> None:
        """The call is over."""
        self._timer.cancel()
        self._expired = _nobody  # so that the call and its deadlines do not hold each other


def _nobody(_: str, __: float) -> None: ...
