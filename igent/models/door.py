"""The one door to an endpoint: shut for all when the endpoint asks to wait, or is down."""

from __future__ import annotations

__all__ = ["Door"]

import math
from random import Random

from igent.clock import Clock
from igent.models.breaker import Breaker

# After the door has opened, those who waited pass so many a second, or all within so many seconds, whichever is faster.
_PACE = 100.0
_ALL_WITHIN = 5.0
# Each time that it must be shut again at once, the pace is halved, down to this share; it doubles every second.
_SLOWEST = 1 / 8
_JITTER = 0.2


class Door:
    """Who may pass, and when; one for all models and agents of an endpoint. Seconds.

    `shut` keeps it shut for a time (a Retry-After); a longer one extends it, a shorter one changes nothing. A Breaker
    shuts it when the endpoint is down, and lets single probes pass. When it opens, those who waited pass one after the
    other at an even pace with a little jitter, so that the endpoint does not get them all at once: at 100 a second, or
    all within 5 s; slower when that has just been too fast. Nobody waits where there is no reason to.
    """

    def __init__(self, clock: Clock, random: Random) -> None:
        self._clock = clock
        self._random = random
        self._breaker = Breaker()
        self._opens_at = self._asked_until = -math.inf
        self._probing = False
        self._spreading = False
        self._next_at = self._opened_at = -math.inf
        self._pace, self._ease = _PACE, 1.0
        self._open = True

    def left(self, now: float, waiting: int) -> float:
        """Seconds until the next call may pass; 0 for now, infinity for "not before a probe is back".

        `waiting` is how many want to.
        """
        if not self._open:
            if now < self._opens_at:
                return self._opens_at - now
            if self._breaker.tripped:
                return math.inf if self._probing else 0.0
            self._opens(now, waiting)
        return max(0.0, self._next_at - now) if self._spreading else 0.0

    def asked(self, now: float) -> float:
        """Seconds for which the endpoint still asks to wait; 0 when it does not."""
        return max(0.0, self._asked_until - now)

    def passed(self, now: float, waiting: int) -> bool:
        """A call passes, `left` being 0, and so many still wait; whether it is a probe."""
        if not self._open:
            self._probing = True
            return True
        self._spreading = self._spreading and waiting > 0
        if self._spreading:
            jitter = self._random.uniform(1.0 - _JITTER, 1.0 + _JITTER)
            self._next_at = max(self._next_at, now) + jitter / (self._pace * self._eased(now))
        return False

    def shut(self, seconds: float) -> None:
        """The endpoint asks everybody to wait so long."""
        now = self._clock.now()
        self._asked_until = max(self._asked_until, now + seconds)
        self._shut(seconds, now)

    def answered(self, *, probe: bool) -> None:
        """An attempt had an answer (a 429 is one)."""
        self._breaker.answered(probe=probe)
        self._probing = self._probing and not probe

    def failed(self, *, probe: bool, reached: bool) -> None:
        """An attempt failed because the endpoint is in trouble; see Breaker.failed."""
        self._probing = self._probing and not probe
        self._shut(self._breaker.failed(probe=probe, reached=reached), self._clock.now())

    def given_up(self, *, probe: bool) -> None:
        """An attempt ended without telling anything of the endpoint."""
        self._probing = self._probing and not probe

    def _shut(self, seconds: float, now: float) -> None:
        if seconds <= 0:
            return
        if self._open:
            self._ease = max(_SLOWEST, self._eased(now) / 2) if self._spreading else 1.0
            self._open = self._spreading = False
        self._opens_at = max(self._opens_at, now + seconds)

    def _eased(self, now: float) -> float:
        return min(1.0, self._ease * math.exp2(min(now - self._opened_at, 10.0)))

    def _opens(self, now: float, waiting: int) -> None:
        self._open, self._opened_at = True, now
        self._spreading = waiting > 1
        self._pace = max(_PACE, waiting / _ALL_WITHIN)
        self._next_at = now + self._random.random() / (self._pace * self._ease)
