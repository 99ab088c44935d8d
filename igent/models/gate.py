"""Whom the mock server lets in: its quota, how many calls at once, and who comes before the time that was named."""

from __future__ import annotations

__all__ = ["Gate", "Refusal"]

import math
from collections import deque
from dataclasses import dataclass
from typing import Any

from igent.models.quota import Quota, go_duration

# A reply needs its time to be read: who comes within this long of it could not know. As much is forgiven at the end.
_SLACK_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a call is not let in: the `kind` of limit, `what` happened, and how many seconds to `wait` (None: nobody
    knows)."""

    kind: str
    what: str
    wait: float | None

    def headers(self) -> dict[str, str]:
        """When to come back: in whole seconds as HTTP has it (RFC 9110, 10.2.3), and exactly."""
        if self.wait is None:
            return {}
        return {"Retry-After": str(math.ceil(self.wait)), "retry-after-ms": str(math.ceil(self.wait * 1000))}


class Gate:
    """Lets calls in, and counts. Times are in seconds and never go back.

    `quota` None is no quota; `max_in_flight` None is any number. A call is charged when it is let in; one that is
    refused costs nothing.
    """

    def __init__(self, quota: Quota | None = None, max_in_flight: int | None = None) -> None:
        self._allowances = quota.allowances() if quota else {}
        self._max_in_flight = math.inf if max_in_flight is None else max_in_flight
        self._open = 0
        self._admitted = self._refused = self._crowded = self._early = 0
        self._named: deque[tuple[float, float]] = deque()
        self._shut_until = -math.inf

    def arrive(self, now: float) -> None:
        """A request has come."""
        while self._named and self._named[0][0] < now - _SLACK_SECONDS:
            self._shut_until = max(self._shut_until, self._named.popleft()[1])
        self._early += now < self._shut_until - _SLACK_SECONDS

    def name(self, seconds: float, now: float) -> None:
        """Somebody was told to come back after so many seconds."""
        self._named.append((now, now + seconds))

    def admit(self, tokens: int, now: float) -> Refusal | None:
        """Let a call of so many tokens in (see leave), or say why not."""
        if self._open >= self._max_in_flight:
            self._crowded += 1
            return Refusal("requests", f"{self._open} calls are in flight", None)
        amounts = {"requests": 1, "tokens": tokens}
        waits = {name: limit.wait(amounts[name], now) for name, limit in self._allowances.items()}
        longest = max(waits, key=waits.__getitem__, default="")
        if longest and waits[longest] > 0:
            self._refused += 1
            self.name(waits[longest], now)
            limit = f"{self._allowances[longest].a_minute:g} {longest} a minute"
            return Refusal(longest, f"the limit of {limit} is reached", waits[longest])
        for name, allowance in self._allowances.items():
            allowance.take(amounts[name], now)
        self._open += 1
        self._admitted += 1
        return None

    def leave(self) -> None:
        """A call that was let in has ended."""
        self._open -= 1

    def headers(self, now: float) -> dict[str, str]:
        """`x-ratelimit-*`, as OpenAI sends them with every reply; none without a quota."""
        found: dict[str, str] = {}
        for name, allowance in self._allowances.items():
            found[f"x-ratelimit-limit-{name}"] = f"{allowance.a_minute:.0f}"
            found[f"x-ratelimit-remaining-{name}"] = str(max(0, math.floor(allowance.left(now))))
            found[f"x-ratelimit-reset-{name}"] = go_duration(allowance.reset(now))
        return found

    def to_json(self) -> dict[str, Any]:
        """Calls `admitted`, `refused` by the quota, and `crowded` out by the calls in flight; requests that came
        `early`, before a Retry-After that had been named to anybody; of each limit of the `quota`, the share used,
        see Allowance.share."""
        shares = {name: allowance.share() for name, allowance in self._allowances.items()}
        return {
            "admitted": self._admitted,
            "refused": self._refused,
            "crowded": self._crowded,
            "early": self._early,
            "quota": {name: None if share is None else round(share, 4) for name, share in shares.items()},
        }
