"""The deadlines of one call, all on one timer."""

from __future__ import annotations

__all__ = ["CallDeadlines"]

import asyncio
from types import TracebackType

from igent.models.endpoint import Endpoint
from igent.models.failure import CallErrors

# Moving the timer for every token would cost more than reading it; it is moved once this share of its time is over.
_SLACK = 0.05


class CallDeadlines:
    """An async context manager that ends its body with DeadlineError when the endpoint is too slow.

    Before the first `progress` the deadline is `first_token` (a stream's only), then `between_tokens`; `total` bounds
    it all. Cancellation from outside passes through.
    """

    def __init__(self, endpoint: Endpoint, errors: CallErrors) -> None:
        self._errors = errors
        self._between = endpoint.between_tokens
        self._total = endpoint.total
        self._loop = asyncio.get_running_loop()
        self._moved_at = self._loop.time()
        self._total_at = self._moved_at + endpoint.total
        first = endpoint.first_token if endpoint.stream else endpoint.total
        self._now_on = ("first_token", first)
        self._scope = asyncio.timeout_at(min(self._moved_at + first, self._total_at))

    async def __aenter__(self) -> CallDeadlines:
        await self._scope.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self._scope.__aexit__(kind, error, trace)
        except TimeoutError as late:
            name, seconds = self._now_on
            if (self._scope.when() or 0.0) >= self._total_at:
                name, seconds = "total", self._total
            raise self._errors.deadline(name, seconds) from late

    def progress(self) -> None:
        """A piece of the answer has come."""
        now = self._loop.time()
        waiting_for_first = self._now_on[0] == "first_token"
        if waiting_for_first or now - self._moved_at > self._between * _SLACK:
            self._now_on = ("between_tokens", self._between)
            self._move(now, self._between * (1 + _SLACK))

    def wind_down(self, seconds: float) -> None:
        """The answer is finished: what still comes must come within this time from now."""
        if self._now_on != ("wind_down", seconds):
            self._now_on = ("wind_down", seconds)
            self._move(self._loop.time(), seconds)

    def _move(self, now: float, seconds: float) -> None:
        self._moved_at = now
        if not self._scope.expired():
            self._scope.reschedule(min(now + seconds, self._total_at))
