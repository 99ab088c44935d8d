"""What an endpoint says of its rate limits, in the headers of every reply."""

from __future__ import annotations

__all__ = ["Allowed", "read_allowed"]

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

_PREFIX = "x-ratelimit-"
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_DURATION = re.compile(rf"(?:{_PART.pattern})+")
# Nothing that an endpoint limits goes further; what says so is garbage.
_MOST = 1e12
_LONGEST = 366 * 86_400.0


@dataclass(frozen=True, slots=True)
class Allowed:
    """One limit as a reply gives it; None is what it did not say, or not in words that make sense.

    `limit` is what is allowed in a period (a minute, mostly), `remaining` what is left of it, `reset` the seconds until
    nothing of it is used any more.
    """

    limit: float | None = None
    remaining: float | None = None
    reset: float | None = None


def read_allowed(headers: Sequence[tuple[str, str]]) -> dict[str, Allowed]:
    """The limits by name ("requests", "tokens") that the `x-ratelimit-*` headers of a reply tell; {} when there are
    none.

    A reset is a duration ("6m0s", "1ms", "1m12.5s") or plain seconds. Negative numbers (Azure's -1 for "unknown"), and
    whatever else is no number, say nothing. Of a header that comes twice, the first counts.
    """
    said: dict[str, dict[str, float]] = {}
    for header, value in headers:
        name = header.lower()
        if not name.startswith(_PREFIX):
            continue
        kind, _, thing = name.removeprefix(_PREFIX).partition("-")
        if kind in ("limit", "remaining", "reset") and thing in ("requests", "tokens"):
            number = _seconds(value.strip()) if kind == "reset" else _number(value.strip(), _MOST)
            if number is not None and not (kind == "limit" and number == 0):
                said.setdefault(thing, {}).setdefault(kind, number)
    return {thing: Allowed(**numbers) for thing, numbers in said.items()}


def _number(value: str, most: float) -> float | None:
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) and 0 <= number <= most else None


def _seconds(value: str) -> float | None:
    if not _DURATION.fullmatch(value):
        return _number(value, _LONGEST)
    return min(sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(value)), _LONGEST)
