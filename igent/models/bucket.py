"""One limit at work: how much may be sent now, and when there is room for more. Pure: the time is an argument."""

from __future__ import annotations

__all__ = ["Bucket"]

import math
from collections import deque

from igent.models.allowed import Allowed

_MINUTE = 60.0
# Calls do not arrive at the same distances at which they are sent: a minute is counted a little longer.
_LONG_MINUTE = 60.5
# A little under the limit, so that burst and pace together never overrun a server that counts the last 60 seconds.
_SHARE = 0.98
# Where the server's own count says that less than this share is left, the pace goes down with what is left.
_SCARCE = 0.025
_SLOWEST = 0.05
# What the server says is left beyond this share of its limit may be sent at once: how its numbers move then tells how
# it counts, and a window is used from its beginning.
_PLENTY = 0.1
# A limit of which this run has used so much is its own.
_OURS = 0.9
# What is left alone, once somebody else has been seen to use the same limit: at most this share of what the server
# saves up; it is forgotten slowly, by this much with every reply.
_MOST_LEFT_ALONE, _FORGETTING = 0.05, 0.001
# Clocks and roundings differ: so much longer than a reset, but no more than this, is waited.
_AFTER_RESET, _AFTER_RESET_SECONDS = 0.05, 0.5
_ROUNDING = 1e-9


class Bucket:
    """Requests or tokens, so many `a_minute` (None: not known, and then there is always room). Seconds and amounts are
    floats; `now` never goes back.

    By itself it paces: 98 % of the limit, evenly, `burst_seconds` of it at once (at least one), and never more than the
    limit in any minute. What a reply says (see `hear`) corrects it. A server that refills all the time, as OpenAI's do,
    is followed exactly, up and down: what it has saved up may be sent at once. Any other is paced by the limit that it
    names; beyond a tenth of that, what it says is left may be sent at once; the pace is slower where little remains,
    and between a remaining of 0 and the reset (or, if it counts the last minute, until that forgets) there is none. A
    limit of one's own below the server's stays the pace.

    It may be overdrawn, by one amount larger than a burst, or by amounts that were more than expected; the debt is
    waited out.
    """

    def __init__(self, a_minute: float | None, burst_seconds: float, now: float) -> None:
        self._own = self._limit = a_minute
        self._burst_seconds = burst_seconds
        self._period = _MINUTE
        self._size: float | None = None
        self._ease = 1.0
        self._left_alone = self._most_seen = 0.0
        self._shut_until = -math.inf
        self._at = now
        self._taken: deque[tuple[float, float]] = deque()
        self._in_a_minute = 0.0
        self._heard = False
        self._level, self._room = self._burst, math.inf  # what the pace allows, and what the server has

    @property
    def limited(self) -> bool:
        """Whether there is any limit, as far as is known."""
        return self._limit is not None or self._shut_until > self._at

    def left(self, amount: float, now: float) -> float:
        """Seconds until there may be room for so much; 0 when there is."""
        self._refill(now)
        if now < self._shut_until:
            return self._shut_until - now
        if self._limit is None:
            return 0.0
        missing = min(amount, self._cap) - min(self._level, self._room)
        if missing > _ROUNDING:
            return missing / self._rate
        return 0.0 if self._heard else self._crowded(min(amount, self._limit), now)

    def shut(self, now: float) -> float:
        """Seconds for which the server has said that there will be nothing."""
        return max(0.0, self._shut_until - now)

    def take(self, amount: float, now: float) -> None:
        """So much is sent."""
        self._refill(now)
        self._level -= amount
        self._room -= amount
        self._note(amount, now)

    def give_back(self, amount: float, now: float) -> None:
        """So much of what was taken was not used; a negative amount: so much more was."""
        self._level = max(min(self._cap, self._level + amount), self._level + min(amount, 0.0))
        self._room += amount
        self._note(-amount, now)

    def refused(self, amount: float) -> None:
        """A call of so much was answered 429, though there seemed to be room: others use the limit as well."""
        if self._size is not None:
            self._left_alone = min(max(amount, 2 * self._left_alone), _MOST_LEFT_ALONE * self._size)

    def hear(self, said: Allowed, unheard: float, recent: float, now: float, period: float | None) -> None:
        """A reply has come. `unheard` is what may not be in its numbers yet, `recent` the part of it that is still on
        the way to the server, if things go well. `period` is the seconds in which the server refills the whole limit,
        None where it is not known to refill all the time.
        """
        self._refill(now)
        if said.limit is not None:
            self._limit = said.limit if self._own is None else min(said.limit, self._own)
            self._level = min(self._level, self._cap)
        if said.remaining is None or not (said.remaining or said.reset):  # nothing left, and no time when there is
            return
        self._heard = True
        if period is not None and said.limit is not None and said.reset is not None and said.limit == self._limit:
            self._follow(said.limit, said.remaining, said.reset, unheard, period)
        else:
            self._correct(said, said.remaining - unheard, said.remaining - recent, now)

    def _follow(self, limit: float, remaining: float, reset: float, unheard: float, period: float) -> None:
        self._period, self._ease, self._shut_until = period, 1.0, -math.inf
        self._size = max(1.0, remaining + reset * limit / period)
        self._left_alone *= 1.0 - _FORGETTING
        self._level, self._room = remaining - unheard - self._left_alone, math.inf

    def _correct(self, said: Allowed, sure: float, likely: float, now: float) -> None:
        self._size, self._period = None, _MINUTE
        self._room = max(0.0, likely)
        if said.limit is not None:
            # A server that counts shorter times than a minute never has a whole limit.
            self._most_seen = max(self._most_seen, said.remaining or 0.0)
            self._ease = min(1.0, max(_SLOWEST, likely / (_SCARCE * self._most_seen))) if self._most_seen else _SLOWEST
            if said.limit == self._limit:
                self._level = max(self._level, sure - _PLENTY * self._most_seen)
        if said.remaining == 0 and said.reset is not None:
            wait = min(said.reset, self._comes_back(said.limit, now))
            self._shut_until = now + wait + min(wait * _AFTER_RESET, _AFTER_RESET_SECONDS)

    def _note(self, amount: float, now: float) -> None:
        if self._limit is not None:
            self._taken.append((now, amount))
            self._in_a_minute += amount
        self._forget(now)

    def _forget(self, now: float) -> None:
        while self._taken and self._taken[0][0] <= now - _LONG_MINUTE:
            self._in_a_minute -= self._taken.popleft()[1]

    def _crowded(self, amount: float, now: float) -> float:
        """Seconds until no minute has more than the limit with so much in it."""
        self._forget(now)
        excess = self._in_a_minute + amount - (self._limit or math.inf)
        for at, taken in self._taken:
            if excess <= _ROUNDING:
                break
            excess -= taken
            if excess <= _ROUNDING:
                return at + _LONG_MINUTE - now
        return 0.0

    def _comes_back(self, limit: float | None, now: float) -> float:
        """Seconds until a server that counts the last minute forgets the first of what fills its limit; infinity where
        others than this run fill it. Where it counts in fixed windows, its reset comes first."""
        filled, first = 0.0, now
        for at, amount in reversed(self._taken):
            filled, first = filled + amount, at
            if limit is not None and filled >= limit:
                break
        return max(0.0, first + _MINUTE - now) if limit is not None and filled >= _OURS * limit else math.inf

    def _refill(self, now: float) -> None:
        since = max(self._at, self._shut_until)
        if self._at < self._shut_until <= now:  # a new period: no debt, and the first call tells how much there is
            self._level, self._room, self._ease = max(self._level, 1.0), math.inf, 1.0
        if now > since and self._limit is not None:
            back = (now - since) * self._rate
            self._level = max(self._level, min(self._cap, self._level + back))
            self._room += back
        self._at = max(self._at, now)

    @property
    def _rate(self) -> float:
        """What comes back a second."""
        limit = self._limit or math.inf
        return limit / self._period * (self._ease * _SHARE if self._size is None else 1.0)

    @property
    def _burst(self) -> float:
        return max(1.0, (self._limit or math.inf) / _MINUTE * self._burst_seconds)

    @property
    def _cap(self) -> float:
        return self._burst if self._size is None else self._size
