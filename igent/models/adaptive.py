"""How many may be in flight, found out while the run goes. Pure: it is told what happened, and only reads the clock."""

from __future__ import annotations

__all__ = ["AdaptiveLimit"]

import math
from collections.abc import Callable

from igent.clock import Clock

_GROWTH, _CUT = 1.05, 0.8
_COOLDOWN_SECONDS = 15.0
# After a 5xx: long enough for trouble to show itself again, short enough that a rare one costs nothing.
_PAUSE_SECONDS = 5.0


class AdaptiveLimit:
    """A limit for what is in flight: it goes up while all is well, and down when the endpoint refuses.

    From `start` it doubles with each round (as many answers as the limit, counted while it was reached) until the first
    429; from then on it grows by 5 %, at least 1. A 429 cuts it to 0.8 of it, at least by 1; those of the next 15 s, or
    of a longer Retry-After, belong to the same episode: they cut nothing, and it does not grow. Nor does it for 5 s
    after a 5xx, which never cuts. It stays from `minimum` to `maximum`. (The rules are those of Inspect AI's adaptive
    connections.)

    `history` has each change: seconds since it was made, the new limit, and why. `on_change` is told each new limit.
    """

    def __init__(
        self,
        clock: Clock,
        start: int = 20,
        maximum: int = 1000,
        minimum: int = 1,
        *,
        on_change: Callable[[int], None] | None = None,
    ) -> None:
        self._clock = clock
        self._minimum, self._maximum = minimum, max(minimum, maximum)
        self._limit = min(max(start, minimum), self._maximum)
        self._on_change = on_change
        self._began = clock.now()
        self._doubling = True
        self._answers = 0
        self._cut_after = self._grow_after = -math.inf
        self.history: list[tuple[float, int, str]] = [(0.0, self._limit, "start")]

    @property
    def limit(self) -> int:
        """How many may be in flight now."""
        return self._limit

    def succeeded(self, *, saturated: bool) -> None:
        """A call was answered; `saturated` tells whether as many were in flight as the limit allows."""
        if not saturated or self._clock.now() < self._grow_after:
            return
        self._answers += 1
        if self._answers >= self._limit:
            grown = 2 * self._limit if self._doubling else max(self._limit + 1, math.floor(self._limit * _GROWTH))
            self._set(grown, "doubled: no 429 so far" if self._doubling else "grown: a round without a 429")

    def rate_limited(self, retry_after: float | None = None) -> None:
        """A call was answered 429; `retry_after` is the wait that was asked for, in seconds."""
        now = self._clock.now()
        self._doubling = False
        asked = retry_after or 0.0
        if now >= self._cut_after:
            self._set(min(self._limit - 1, math.floor(self._limit * _CUT)), "cut: 429")
            self._cut_after = now + max(_COOLDOWN_SECONDS, asked)
        elif asked > _COOLDOWN_SECONDS:
            self._cut_after = max(self._cut_after, now + asked)
        self._grow_after = max(self._grow_after, self._cut_after)

    def server_error(self) -> None:
        """A call was answered 5xx, or not at all."""
        self._grow_after = max(self._grow_after, self._clock.now() + _PAUSE_SECONDS)

    def _set(self, limit: int, why: str) -> None:
        self._answers = 0
        limit = min(max(limit, self._minimum), self._maximum)
        if limit != self._limit:
            self._limit = limit
            self.history.append((self._clock.now() - self._began, limit, why))
            if self._on_change is not None:
                self._on_change(limit)
