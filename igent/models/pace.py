"""How fast the mock speaks."""

from __future__ import annotations

__all__ = ["Pace", "Timing"]

import math
from dataclasses import dataclass, replace
from random import Random

from igent.errors import ConfigError, Problem

_REMEDY = "give a profile (gpt-4o), or seconds like ttft=0.6,itl=0.02; stragglers as slow=0.02,slow-by=10"
_MOST = 1e6
_NUMBERS = {
    "ttft": ("a time in seconds", 0.0, _MOST),
    "itl": ("a time in seconds", 0.0, _MOST),
    "slow": ("a share from 0 to 1", 0.0, 1.0),
    "slow-by": ("a factor of 1 or more", 1.0, _MOST),
}


@dataclass(frozen=True, slots=True)
class Timing:
    """The times of one call, in seconds: to the `first` token, and between `each` and the next."""

    first: float
    each: float

    def due(self, tokens: int) -> float:
        """Seconds from the start of the call until this many tokens (1 or more) have been spoken."""
        return self.first + max(0, tokens - 1) * self.each


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds to the first token (`ttft`) and between tokens (`itl`): medians, each with the sigma of a lognormal
    distribution. A sigma of 0 makes every call the same, but for the stragglers: a share `slow` (0 to 1) of the calls
    takes `slow_by` times as long, in everything."""

    ttft: float
    itl: float
    ttft_sigma: float = 0.0
    itl_sigma: float = 0.0
    slow: float = 0.0
    slow_by: float = 10.0

    @classmethod
    def parse(cls, spec: str) -> Pace:
        """From a profile's name or "ttft=0.6,itl=0.02" (either may be left out: 0), and "slow=0.02,slow-by=10" after
        either (none; 10). Raises ConfigError."""
        first, *more = spec.split(",")
        pace = _PROFILES.get(first.strip().lower())
        parts = spec.split(",") if pace is None else more
        numbers: dict[str, float] = {}
        for part in parts:
            name, _, value = (word.strip() for word in part.partition("="))
            if name not in _NUMBERS:
                raise ConfigError(Problem("mock latency", f"{part.strip()!r} is neither a profile nor a time", _REMEDY))
            numbers[name.replace("-", "_")] = _number(name, value)
        return replace(pace or cls(0.0, 0.0), **numbers)

    def draw(self, random: Random) -> Timing:
        """The times of one call."""
        first, each = _draw(random, self.ttft, self.ttft_sigma), _draw(random, self.itl, self.itl_sigma)
        factor = self.slow_by if self.slow and random.random() < self.slow else 1.0
        return Timing(first * factor, each * factor)


def _number(name: str, value: str) -> float:
    what, least, most = _NUMBERS[name]
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not (least <= number <= most):
        raise ConfigError(Problem("mock latency", f"{name}={value} is not {what}", _REMEDY))
    return number


def _draw(random: Random, median: float, sigma: float) -> float:
    return median * math.exp(random.gauss(0.0, sigma)) if sigma else median


# gpt-4o: fitted by simulation (benchmarks/fit_pace.py) to the published figures of the original, an AutoGen team on
# gpt-4o, 100 registrations one at a time: phase 1 (matcher and critic) median 6.5 s and p95 16.7 s, phase 2 (one call)
# median 6.1 s and p95 10.6 s. With the mock's own answers (a match about 146 tokens, a verdict 50, an order 280 to 330)
# and mock errors of 0.14, which send 26 % of the first matches into another round and lose 5 % of the registrations,
# 12,000 draws have 6.50 and 16.7 s, 6.11 and 10.6 s. Without errors phase 1 has no such tail: 5.9 and 8.4 s.
_PROFILES = {"gpt-4o": Pace(1.25, 0.0159, 0.39, 0.39)}
