"""Sends no more than the endpoint allows: paced before a 429 comes, and silent when it asks for silence."""

from __future__ import annotations

__all__ = ["Limiter"]

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from igent.clock import Clock
from igent.config.constellation import Limits
from igent.errors import ConnectError, Problem, ProviderError, RateLimitError, ServerError
from igent.models.adaptive import AdaptiveLimit
from igent.models.allowed import read_allowed
from igent.models.door import Door
from igent.models.failure import place_of
from igent.models.line import Line
from igent.models.rates import Rates, Ticket
from igent.models.seen import most_output, spent_on
from igent.models.tokens import count_messages
from igent.types import ChatRequest, Completion, Usage

# Until answers of an agent are known: rather more than they take, for what is not taken is given back.
_FIRST_GUESS = 600
_LEARNING = 0.1
# A 429 that does not say how long to wait shuts the door for a moment: those that would follow at once are refused too.
_UNSAID_SECONDS = 0.5
# A quota counted by the minute is back by then; one that is not is not worth keeping a call for.
_A_MINUTE_AND_MORE = 90.0


@dataclass(slots=True, eq=False)
class _Call:
    """A request on its way in."""

    request: ChatRequest
    ticket: Ticket | None = None


class Limiter:
    """What the calls of a run share: one door to the endpoint, and the rate limits of each of its models.

    `limits` hold for each model by itself. A call takes a request, and the tokens of its input (estimated) and of the
    output that its agent's answers had lately, at most its `max_tokens`; once it has ended, what it took in truth.
    Replies correct all that (see `learn`, and Bucket). Calls of one model are let in in the order in which they came.
    The door is shut for all models while a Retry-After runs (see Door).

    `tell` says whether `learn` will be called; the first calls of a model wait for what it tells then (see Rates).
    `patience` is the longest wait that the endpoint may ask for, in seconds: beyond it calls are not kept waiting, they
    fail unsent with RateLimitError. `adaptive` is told how attempts end, and `saturated` asked whether as many calls
    were in flight as it allows (None: always).

    Each request object is one attempt at a time: `admit` or `spare`, then `sent` and one of `answered`, `failed` and
    `given_up`, then `leave`, whatever came of it.
    """

    def __init__(
        self,
        clock: Clock,
        random: Random,
        limits: Limits | None = None,
        *,
        tell: bool = False,
        patience: float = math.inf,
        adaptive: AdaptiveLimit | None = None,
        saturated: Callable[[], bool] | None = None,
    ) -> None:
        self._clock, self._random = clock, random
        self._limits = limits or Limits()
        self._tell, self._patience = tell, patience
        self._adaptive, self._saturated = adaptive, saturated or (lambda: True)
        self._door = Door(clock, random)
        self._rates: dict[str, Rates] = {}
        self._lines: dict[str, Line[_Call]] = {}
        self._outputs: dict[tuple[str, str], float] = {}
        self._admitted: dict[int, Ticket] = {}
        self._held_seconds = 0.0
        self._held_since: float | None = None
        self.requests_sent = 0
        self.quota_seconds = self.door_seconds = 0.0

    async def admit(self, request: ChatRequest) -> float:
        """Wait until the request may be sent; the seconds that it took.

        Raises RateLimitError when the endpoint asks for a longer wait than the patience.
        """
        line = self._lines.get(request.model) or self._new_line(request.model)
        began = self._clock.now()
        held = self._held(began)
        if not await line.wait(_Call(request)):
            return 0.0
        now = self._clock.now()
        waited, door = now - began, min(now - began, self._held(now) - held)
        self.door_seconds += door
        self.quota_seconds += waited - door
        return waited

    def spare(self, request: ChatRequest) -> bool:
        """Take room for one more request, if nobody waits and there is some right now."""
        try:
            return not self._waiting() and self._enter(_Call(request)) <= 0.0
        except RateLimitError:
            return False

    def leave(self, request: ChatRequest) -> None:
        """A request is over; one that was admitted but never sent gives back what it had taken."""
        ticket = self._admitted.pop(id(request), None)
        if ticket is not None:
            self._rates[ticket.model].give_back(ticket, self._clock.now())
            self._door.given_up(probe=ticket.probe)
            self._nudge()

    def learn(self, request: ChatRequest, headers: Sequence[tuple[str, str]]) -> None:
        """The headers of the reply to a request, good or bad, have come."""
        ticket = self._admitted.get(id(request))
        if ticket is not None:
            self._rates[ticket.model].hear(ticket, read_allowed(headers), self._clock.now())
            self._lines[ticket.model].nudge()

    async def hold(self) -> None:
        """Wait while the endpoint asks everybody to: a call that was let in may have waited below here, for the budget,
        and another one been told so meanwhile."""
        while (left := self._door.asked(self._clock.now())) > 0:
            await self._clock.sleep(left + self._random.uniform(0.0, min(1.0, left)))

    def sent(self) -> None:
        """A request is sent."""
        self.requests_sent += 1

    def answered(self, request: ChatRequest, completion: Completion) -> None:
        """A request that was sent has been answered."""
        usage = completion.usage
        key = (request.model, request.context.agent)
        known = self._outputs.get(key, usage.output_tokens)
        self._outputs[key] = known + _LEARNING * (usage.output_tokens - known)
        self._door.answered(probe=self._settle(request, usage))
        if self._adaptive is not None:
            self._adaptive.succeeded(saturated=self._saturated())
        self._nudge()

    def failed(self, request: ChatRequest, error: ProviderError, sofar: Usage) -> None:
        """A request that was sent has failed; `sofar` is what it may have cost."""
        ticket = self._admitted.get(id(request))
        if ticket is not None and isinstance(error, RateLimitError):
            self._rates[ticket.model].refused(ticket)
        probe = self._settle(request, spent_on(error, sofar))
        if isinstance(error, ServerError | ConnectError):
            self._door.failed(probe=probe, reached=isinstance(error, ServerError))
        elif isinstance(error, RateLimitError) or not error.retryable:
            self._door.answered(probe=probe)
        else:  # a deadline, a broken answer: neither well nor down
            self._door.given_up(probe=probe)
        asked = error.retry_after if isinstance(error, RateLimitError | ServerError) else None
        if asked is None and isinstance(error, RateLimitError):
            asked = _UNSAID_SECONDS
        if asked:
            self._door.shut(asked)
        if self._adaptive is not None and isinstance(error, RateLimitError):
            self._adaptive.rate_limited(error.retry_after)
        elif self._adaptive is not None and isinstance(error, ServerError | ConnectError):
            self._adaptive.server_error()
        self._nudge()

    def given_up(self, request: ChatRequest, sofar: Usage) -> None:
        """A request that was sent was cancelled, having cost so much."""
        self._door.given_up(probe=self._settle(request, sofar))
        self._nudge()

    def _enter(self, call: _Call) -> float:
        """Seconds until the call may be sent; 0 when it may, and has taken what it takes."""
        now, waiting, request = self._clock.now(), self._waiting(), call.request
        left = self._door.left(now, waiting)
        self._note_held(now, held=left > 0.0)
        if left > 0.0:
            self._check(request, self._door.asked(now), self._patience)
            return left
        if request.model not in self._lines:
            self._new_line(request.model)
        rates = self._rates[request.model]
        ticket = call.ticket = call.ticket or self._ticket(request, rates)
        left = rates.left(ticket, now)
        if left > 0.0:
            self._check(request, rates.shut(now), max(self._patience, _A_MINUTE_AND_MORE))
            return left
        rates.take(ticket, now)
        ticket.probe = self._door.passed(now, waiting - 1)
        self._admitted[id(request)] = ticket
        return 0.0

    def _note_held(self, now: float, *, held: bool) -> None:
        """It is the door, or it is not, for which the first in line waits."""
        self._held_seconds, self._held_since = self._held(now), now if held else None

    def _held(self, now: float) -> float:
        """For how long, all in all, it was the door so far."""
        return self._held_seconds + (now - self._held_since if self._held_since is not None else 0.0)

    def _check(self, request: ChatRequest, asked: float, patience: float) -> None:
        if asked > patience:
            what = f"the endpoint lets nobody in for {asked:.0f} s, longer than the {patience:g} s that a call waits"
            remedy = "try again later; the same command resumes the run"
            raise RateLimitError(Problem(place_of(request.context), what, remedy), retry_after=asked)

    def _ticket(self, request: ChatRequest, rates: Rates) -> Ticket:
        if not rates.counts_tokens:
            return Ticket(request.model)
        expected = self._outputs.get((request.model, request.context.agent), _FIRST_GUESS)
        output = round(min(expected, most_output(request, expected)))
        return Ticket(request.model, count_messages(request.messages) + output, output)

    def _settle(self, request: ChatRequest, usage: Usage) -> bool:
        """The request takes what it took in truth; whether it was a probe."""
        ticket = self._admitted.pop(id(request), None)
        if ticket is None:
            return False
        self._rates[ticket.model].settle(ticket, usage.input_tokens + usage.output_tokens, self._clock.now())
        return ticket.probe

    def _new_line(self, model: str) -> Line[_Call]:
        self._rates[model] = Rates(self._limits, self._clock.now(), tell=self._tell)
        self._lines[model] = Line(self._clock, self._enter)
        return self._lines[model]

    def _waiting(self) -> int:
        return sum(line.waiting for line in self._lines.values())

    def _nudge(self) -> None:
        for line in self._lines.values():
            line.nudge()
