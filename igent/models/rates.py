"""The rate limits of one model: what its calls take of them, and what the replies say of them. Pure."""

from __future__ import annotations

__all__ = ["Rates", "Ticket"]

import math
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import takewhile

from igent.config.constellation import Limits
from igent.models.allowed import Allowed
from igent.models.bucket import Bucket

# Calls sent within this long of each other may be seen by the server in another order.
_SLACK = 0.25
# A server that counts in windows is believed to have seen what was sent longer ago than this.
_ON_THE_WAY = 1.0
_SCOUTS, _SCOUT_SECONDS = 50, 10.0
_PERIODS = (60.0, 86_400.0)


@dataclass(slots=True, eq=False)
class Ticket:
    """One call of a `model`, the `tokens` that it is expected to take, input and output together, and the `output` of
    them.

    `sent_at` is set when it is let in, `heard` when the headers of its reply have come; `probe` marks the one call that
    finds out whether the endpoint is well again.
    """

    model: str
    tokens: int = 0
    output: int = 0
    sent_at: float = -math.inf
    heard: bool = False
    probe: bool = False


class Rates:
    """Requests and tokens a minute of one model. `now` is in seconds and never goes back.

    Where no limit is known, but replies may `tell` one, only the first 50 calls are sent before a reply has come, or 10
    s have passed.
    """

    def __init__(self, limits: Limits, now: float, *, tell: bool = False) -> None:
        self._scouts = _SCOUTS if tell and limits.requests_per_minute is limits.tokens_per_minute is None else 0
        self._go_at = math.inf
        self._requests = _Limit(Bucket(limits.requests_per_minute, limits.burst_seconds, now), lambda ticket: 1)
        self._tokens = _Limit(Bucket(limits.tokens_per_minute, limits.burst_seconds, now), lambda ticket: ticket.tokens)
        self._unheard: OrderedDict[Ticket, None] = OrderedDict()
        self._running = 0  # output tokens expected of calls that were heard of: not every server has counted them

    @property
    def counts_tokens(self) -> bool:
        """Whether it matters how many tokens a call takes."""
        return bool(self._scouts) or self._tokens.bucket.limited

    def left(self, ticket: Ticket, now: float) -> float:
        """Seconds until there may be room for the call; 0 when there is."""
        if self._scouts and len(self._unheard) >= self._scouts and now < self._go_at:
            return self._go_at - now
        return max(self._requests.bucket.left(1, now), self._tokens.bucket.left(ticket.tokens, now))

    def shut(self, now: float) -> float:
        """Seconds for which the server has said that there will be no room for any call."""
        return max(self._requests.bucket.shut(now), self._tokens.bucket.shut(now))

    def take(self, ticket: Ticket, now: float) -> None:
        """The call is sent."""
        ticket.sent_at = now
        self._go_at = min(self._go_at, now + _SCOUT_SECONDS)
        self._unheard[ticket] = None
        self._requests.bucket.take(1, now)
        self._tokens.bucket.take(ticket.tokens, now)

    def give_back(self, ticket: Ticket, now: float) -> None:
        """The call was not sent after all."""
        self._unheard.pop(ticket, None)
        self._requests.bucket.give_back(1, now)
        self._tokens.bucket.give_back(ticket.tokens, now)

    def hear(self, ticket: Ticket, said: Mapping[str, Allowed], now: float) -> None:
        """The headers of the reply to a call have come."""
        self._unheard.pop(ticket, None)
        self._scouts = 0
        if not ticket.heard:
            ticket.heard = True
            self._running += ticket.output
        if "requests" in said:
            self._requests.hear(ticket, said["requests"], self._unheard, 0, now)
        if "tokens" in said:
            self._tokens.hear(ticket, said["tokens"], self._unheard, self._running, now)

    def refused(self, ticket: Ticket) -> None:
        """The call was answered 429."""
        self._requests.bucket.refused(1)
        self._tokens.bucket.refused(ticket.tokens)

    def settle(self, ticket: Ticket, tokens: int, now: float) -> None:
        """The call has ended, and has taken so many tokens in truth; where replies tell what is left, they know it."""
        self._unheard.pop(ticket, None)
        self._scouts = 0
        self._running -= ticket.output if ticket.heard else 0
        if not (ticket.heard and self._tokens.told):
            self._tokens.bucket.give_back(ticket.tokens - tokens, now)


class _Limit:
    """One bucket, and the replies that were heard about it."""

    def __init__(self, bucket: Bucket, amount: Callable[[Ticket], int]) -> None:
        self.bucket = bucket
        self._amount = amount
        self._pattern = _Pattern()
        self._heard_at = -math.inf  # when the newest call that was heard of was sent
        self._remaining = math.inf

    @property
    def told(self) -> bool:
        return self._heard_at > -math.inf

    def hear(self, ticket: Ticket, said: Allowed, unheard: OrderedDict[Ticket, None], running: int, now: float) -> None:
        period = self._pattern.look(said)
        if ticket.sent_at > self._heard_at:
            later = list(takewhile(lambda other: other.sent_at > ticket.sent_at - _SLACK, reversed(unheard)))
            recent = sum(self._amount(other) for other in later if other.sent_at > now - _ON_THE_WAY)
            self.bucket.hear(said, running + sum(map(self._amount, later)), recent, now, period)
            if said.remaining is not None:
                self._heard_at, self._remaining = ticket.sent_at, said.remaining
        elif (
            period is not None
            and said.remaining is not None
            and said.remaining > self._remaining
            and ticket.sent_at > self._heard_at - _SLACK
        ):
            # Its reply was overtaken by one that knew of it already: it was counted twice.
            self.bucket.give_back(self._amount(ticket), now)


class _Pattern:
    """How a server counts, told from how its numbers move.

    Where it refills all the time, the reset grows with each amount used by just the time in which it comes back; in a
    window it falls with the time, or stays. The period of the limit (a minute, a day) follows from the same numbers.
    """

    def __init__(self) -> None:
        self._last: Allowed | None = None
        self._period: float | None = None

    def look(self, said: Allowed) -> float | None:
        """Seconds in which the server refills the whole limit; None while it is not known to refill all the time."""
        last = self._last
        if said.limit is None or said.remaining is None or said.reset is None:
            return None
        if last is None or last.limit != said.limit or last.remaining is None or last.reset is None:
            self._last, self._period = said, None
            return None
        used, longer = last.remaining - said.remaining, said.reset - last.reset
        if used < 0:
            self._last = said
        elif used >= 5:
            whole = 1.0 if said.reset.is_integer() and last.reset.is_integer() else 0.0
            due = [(period, used * period / said.limit) for period in _PERIODS]
            sure = [(period, seconds) for period, seconds in due if seconds >= 0.5 + 4 * whole]
            fits = [period for period, seconds in sure if abs(longer - seconds) <= 0.1 + 0.2 * seconds + whole]
            if fits or len(sure) == len(due):
                self._last, self._period = said, fits[0] if fits else None
        return self._period
