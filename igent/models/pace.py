"""How fast the mock speaks."""

from __future__ import annotations

__all__ = ["Pace", "Timing"]

import math
from dataclasses import dataclass
from random import Random

from igent.errors import ConfigError, Problem

_REMEDY = "give a profile (gpt-4o), or seconds like ttft=0.6,itl=0.02"


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
    distribution. A sigma of 0 makes every call the same."""

    ttft: float
    itl: float
    ttft_sigma: float = 0.0
    itl_sigma: float = 0.0

    @classmethod
    def parse(cls, spec: str) -> Pace:
        """From "ttft=0.6,itl=0.02" (either may be left out: 0) or a profile's name. Raises ConfigError."""
        profile = _PROFILES.get(spec.strip().lower())
        if profile is not None:
            return profile
        seconds = {"ttft": 0.0, "itl": 0.0}
        for part in spec.split(","):
            name, _, value = (word.strip() for word in part.partition("="))
            if name not in seconds:
                raise ConfigError(Problem("mock latency", f"{part.strip()!r} is neither a profile nor a time", _REMEDY))
            seconds[name] = _seconds(name, value)
        return cls(**seconds)

    def draw(self, random: Random) -> Timing:
        """The times of one call."""
        return Timing(_draw(random, self.ttft, self.ttft_sigma), _draw(random, self.itl, self.itl_sigma))


def _seconds(name: str, value: str) -> float:
    try:
        seconds = float(value)
    except ValueError:
        seconds = math.nan
    if not (0 <= seconds < math.inf):
        raise ConfigError(Problem("mock latency", f"{name}={value} is not a time in seconds", _REMEDY))
    return seconds


def _draw(random: Random, median: float, sigma: float) -> float:
    return median * math.exp(random.gauss(0.0, sigma)) if sigma else median


# gpt-4o: fitted to the published times of single calls to gpt-4o (one matcher's answer of about 190 tokens, one call
# at a time, 100 registrations): median 6.1 s, p95 10.6 s. First token and rate are drawn independently for each call;
# 2 million draws of first + 189 · each have a median of 6.10 s and a p95 of 10.6 s.
_PROFILES = {"gpt-4o": Pace(0.6, 0.0288, 0.4, 0.367)}
