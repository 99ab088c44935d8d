"""Faults of the mock server, on demand."""

from __future__ import annotations

__all__ = ["Faults", "check_kind"]

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from random import Random

from igent.errors import ConfigError, Problem

_KINDS = ("cut", "polite", "stall", "garbage", "html", "empty")
_REMEDY = (
    "give rates from 0 to 1 for a status (429, 500 …) or "
    + ", ".join(_KINDS)
    + "; retry-after=SECONDS and for=SECONDS; phases as 429=0.3,for=20;503=1,for=10"
)


def check_kind(kind: str) -> bool:
    """Whether there is such a fault: a status from 400 to 599, or a name.

    `cut` breaks the connection in the middle of the answer, `polite` ends the stream there without a finish reason,
    `stall` says nothing more from there, `garbage` sends an event that is not JSON, `html` a page, `empty` nothing.
    """
    return kind in _KINDS or (kind.isascii() and kind.isdigit() and 400 <= int(kind) < 600)


@dataclass(frozen=True, slots=True)
class Faults:
    """Which faults the server makes, each with its `rates` (0 to 1, together at most 1).

    `retry_after` is what a 429 or 503 asks for, in seconds. `seconds` is how long faults are made, from the first
    request on; None is for ever. `then` is the phase that follows these seconds; None is no more faults.
    """

    rates: Mapping[str, float] = field(default_factory=dict)
    retry_after: float = 1.0
    seconds: float | None = None
    then: Faults | None = None

    @classmethod
    def parse(cls, spec: str) -> Faults:
        """From "429=0.3,500=0.05,cut=0.05,retry-after=1,for=20"; "" is none. Phases, one after the other, are separated
        by ";": all but the last say `for` how long. Raises ConfigError."""
        *earlier, last = (_phase(words) for words in spec.strip("; ").split(";"))
        for phase in reversed(earlier):
            if phase.seconds is None:
                raise ConfigError(Problem("faults", f"a phase of {spec!r} never ends, but another follows it", _REMEDY))
            last = replace(phase, then=last)
        return last

    def at(self, elapsed: float) -> Faults:
        """The phase `elapsed` seconds after the first request: its `rates` and `retry_after` hold; without rates when
        all is over."""
        phase, since = self, 0.0
        while phase.seconds is not None and elapsed > since + phase.seconds:
            if phase.then is None:
                return replace(phase, rates={})
            since += phase.seconds
            phase = phase.then
        return phase

    def draw(self, seed: int, count: int, elapsed: float) -> str:
        """The fault of request number `count`, `elapsed` seconds after the first; "" for none.

        Depends on nothing but the arguments.
        """
        rates = self.at(elapsed).rates
        chance = Random(f"{seed} fault {count}").random() if rates else 1.0
        for kind, rate in rates.items():
            chance -= rate
            if chance < 0:
                return kind
        return ""


def _phase(words: str) -> Faults:
    numbers: dict[str, float] = {}
    for part in filter(None, (part.strip() for part in words.split(","))):
        name, _, value = part.partition("=")
        number = _number(value)
        if not (check_kind(name) and number <= 1) and not (name in ("retry-after", "for") and number < math.inf):
            raise ConfigError(Problem("faults", f"{part!r} is not a fault", _REMEDY))
        numbers[name] = number
    retry_after, seconds = numbers.pop("retry-after", 1.0), numbers.pop("for", None)
    if sum(numbers.values()) > 1 + 1e-9:
        raise ConfigError(Problem("faults", f"the rates sum to {sum(numbers.values()):g}", "1 at most"))
    return Faults(numbers, retry_after, seconds)


def _number(value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        return math.inf
    return number if number >= 0 else math.inf
