"""What the mock server allows a minute, as a provider does, and how much of it is used."""

from __future__ import annotations

__all__ = ["Allowance", "Quota", "go_duration"]

import math
from abc import ABC, abstractmethod
from collections import deque
from dataclasses import dataclass
from itertools import accumulate

from igent.errors import ConfigError, Problem

_MINUTE = 60.0
_LIMITS = ("requests", "tokens")
_REMEDY = (
    "give requests=600,tokens=200000 (a minute; either may be left out), window=bucket, fixed or sliding, "
    "and burst=SECONDS"
)
# Who comes back at the very moment that was named is not sent away for a rounding error.
_ROUNDING = 1e-6


@dataclass(frozen=True, slots=True)
class Quota:
    """Limits a minute; None is no limit. `burst` is how many seconds' worth may come at once.

    `window` is how they are counted: "bucket" (refills all the time), "fixed" (in each window of `burst` seconds, from
    the first call on) or "sliding" (in any `burst` seconds).
    """

    requests: float | None = None
    tokens: float | None = None
    window: str = "bucket"
    burst: float = _MINUTE

    @classmethod
    def parse(cls, spec: str) -> Quota:
        """From "requests=600,tokens=200000,window=sliding,burst=10". Raises ConfigError."""
        numbers: dict[str, float] = {}
        window = "bucket"
        for part in spec.split(","):
            name, _, value = (word.strip() for word in part.partition("="))
            if name == "window" and value in _WINDOWS:
                window = value
            elif name in (*_LIMITS, "burst") and 0 < (number := _number(value)) < math.inf:
                numbers[name] = number
            else:
                raise ConfigError(Problem("quota", f"{part.strip()!r} is not a part of a quota", _REMEDY))
        if not numbers.keys() & set(_LIMITS):
            raise ConfigError(Problem("quota", f"{spec!r} limits nothing", _REMEDY))
        return cls(numbers.get("requests"), numbers.get("tokens"), window, numbers.get("burst", _MINUTE))

    def allowances(self) -> dict[str, Allowance]:
        """Its limits, ready to be used up: by name, "requests" before "tokens"."""
        limits = {name: getattr(self, name) for name in _LIMITS}
        kind = _WINDOWS[self.window]
        return {name: kind(limit, self.burst) for name, limit in limits.items() if limit is not None}


def _number(value: str) -> float:
    try:
        return float(value)
    except ValueError:
        return math.nan


def go_duration(seconds: float) -> str:
    """As OpenAI writes the time until a reset: "1m12.5s", "120ms", "0s"; to the millisecond, rounded up."""
    millis = math.ceil(round(seconds * 1000, 6))
    if millis < 1000:
        return f"{millis}ms" if millis else "0s"
    minutes, millis = divmod(millis, 60_000)
    hours, minutes = divmod(minutes, 60)
    shown = (f"{hours}h" if hours else "") + (f"{minutes}m" if hours or minutes else "")
    return f"{shown}{millis / 1000:g}s"


class Allowance(ABC):
    """One limit at work: `a_minute`, of which `size` may come at once. Times are in seconds and never go back.

    An amount larger than `size` counts as `size`: it waits until nothing else is used.
    """

    def __init__(self, a_minute: float, burst: float) -> None:
        self.a_minute = a_minute
        self.size = a_minute * burst / _MINUTE
        self._burst = burst
        self._first: float | None = None

    def wait(self, amount: float, now: float) -> float:
        """Seconds until there is room for so much; 0 is now."""
        missing = min(amount, self.size) - self.left(now)
        return self._until(missing, now) if missing > _ROUNDING else 0.0

    def take(self, amount: float, now: float) -> None:
        """Use so much."""
        self._first = now if self._first is None else self._first
        self._take(min(amount, self.size), now, now - self._first)

    @abstractmethod
    def left(self, now: float) -> float:
        """What could be used now."""

    @abstractmethod
    def reset(self, now: float) -> float:
        """Seconds until it is as if nothing had been used."""

    @abstractmethod
    def share(self) -> float | None:
        """How much was used of what could have been, from the first call let through to the last; None before the
        first. Of a window that has only begun, no more could have been than was."""

    @abstractmethod
    def _until(self, missing: float, now: float) -> float: ...

    @abstractmethod
    def _take(self, amount: float, now: float, since: float) -> None: ...


class _Bucket(Allowance):
    """Refills all the time; `_full` is when it will be full again."""

    _full = -math.inf
    _used = _offered = 0.0

    def left(self, now: float) -> float:
        return self.size - self.reset(now) * self.a_minute / _MINUTE

    def reset(self, now: float) -> float:
        return max(0.0, self._full - now)

    def share(self) -> float | None:
        return self._used / self._offered if self._offered else None

    def _until(self, missing: float, now: float) -> float:
        return missing * _MINUTE / self.a_minute

    def _take(self, amount: float, now: float, since: float) -> None:
        self._full = max(now, self._full) + amount * _MINUTE / self.a_minute
        self._used += amount
        self._offered = self.size + since * self.a_minute / _MINUTE


class _Sliding(Allowance):
    """What was used comes back after `burst` seconds."""

    def __init__(self, a_minute: float, burst: float) -> None:
        super().__init__(a_minute, burst)
        self._taken: deque[tuple[float, float]] = deque()
        self._window = 0
        self._used = self._begun = 0.0

    def left(self, now: float) -> float:
        while self._taken and self._taken[0][0] <= now + _ROUNDING:
            self._taken.popleft()
        return self.size - sum(amount for _, amount in self._taken)

    def reset(self, now: float) -> float:
        return max(0.0, self._taken[-1][0] - now) if self._taken else 0.0

    def share(self) -> float | None:
        offered = self._window * self.size + self._begun
        return self._used / offered if offered else None

    def _until(self, missing: float, now: float) -> float:
        freed = accumulate(amount for _, amount in self._taken)
        return (
            next(back for (back, _), free in zip(self._taken, freed, strict=True) if free >= missing - _ROUNDING) - now
        )

    def _take(self, amount: float, now: float, since: float) -> None:
        window = int(since / self._burst + _ROUNDING)
        self._begun = amount + (self._begun if window == self._window else 0.0)
        self._window = window
        self._used += amount
        self._taken.append((self._back(now, since), amount))

    def _back(self, now: float, since: float) -> float:
        return now + self._burst


class _Fixed(_Sliding):
    """What was used in one window comes back at its end."""

    def _back(self, now: float, since: float) -> float:
        return now - since + (self._window + 1) * self._burst


_WINDOWS: dict[str, type[Allowance]] = {"bucket": _Bucket, "fixed": _Fixed, "sliding": _Sliding}
