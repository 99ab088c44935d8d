"""Trying again: the only layer that does."""

from __future__ import annotations

__all__ = ["OnRetry", "Retry"]

from collections.abc import Callable
from dataclasses import replace
from random import Random

from igent.clock import Clock
from igent.errors import Problem, ProviderError, RateLimitError, ServerError
from igent.models.failure import place_of
from igent.models.waits import Waits
from igent.types import NO_USAGE, ChatRequest, Completion, Model, StopFactory, Usage

_FIRST_WAIT = 0.5
_LONGEST_WAIT = 20.0
# Answers of 429 that one call puts up with, for each attempt that it has.
_RATE_LIMITS_PER_ATTEMPT = 10
# Retries that may be made soon: this share of the calls, so many saved up at most; a run begins with a few.
_SHARE = 0.1
_MOST_SAVED, _RESERVE = 100.0, 20.0

OnRetry = Callable[[ChatRequest, ProviderError, float], None]
"""Told of each wait: the request, the error that made it necessary, and its seconds."""


class Retry:
    """A Model that asks `model` again when a retryable ProviderError says that it may help.

    Waits are drawn from 0 to min(20, 0.5 · 2^n) s ("full jitter": AWS Architecture Blog, "Exponential Backoff And
    Jitter"); a Retry-After is waited out by the limiter below, for all calls at once, and here at most 0.5 s. At most
    10 % of the calls may be retries (and 20 more, at the beginning): a further one is not refused, but waits for 10 to
    20 s, unless no call has ever reached the endpoint: nobody is there to be spared then, and a wrong address is to be
    told soon.

    It gives up after `max_attempts` calls that failed for another reason than 429 (a 429 was refused, not worked on: up
    to ten an attempt are put up with), and before any wait with which the call had cost more than `max_seconds`. A call
    is charged for what it brought about itself: its attempts, their waits of full jitter, and each Retry-After that it
    was given. It is not for waiting until its turn comes (quota, a door shut for the sake of others, retries too many):
    in a storm no call fails for having been patient. Nor is it for the time in which this process was stopped. The text
    of a failed attempt is dropped: every attempt gets a fresh stop condition.

    The Completion counts `retries` and `rate_limited`, its seconds are measured from the first attempt, and the tokens
    of the failed ones are in its `wasted`. `on_retry` is told the request, the error and the seconds of each wait.
    Raises the last error, with a line that says why it was the last, and all that was wasted; it is fatal when no call
    has ever reached the endpoint.
    """

    def __init__(
        self,
        model: Model,
        clock: Clock,
        random: Random,
        max_attempts: int = 5,
        max_seconds: float = 120.0,
        *,
        on_retry: OnRetry | None = None,
    ) -> None:
        self._model = model
        self._clock = clock
        self._random = random
        self._max_attempts = max_attempts
        self._max_seconds = max_seconds
        self._on_retry = on_retry
        self._reached = False
        self._allowance = _RESERVE

    async def complete(self, request: ChatRequest, stop: StopFactory | None = None) -> Completion:
        """See Model.complete."""
        self._allowance = min(_MOST_SAVED, self._allowance + _SHARE)
        start, call = self._clock.now(), _Attempts()
        while True:
            attempt = self._clock.now()
            with Waits() as waits:
                try:
                    completion = await self._model.complete(request, stop)
                except ProviderError as error:
                    self._reached = self._reached or error.reached
                    wait = self._failed(call, request, error, self._clock.now() - attempt - waits.seconds)
                else:
                    self._reached = True
                    return call.count(completion, attempt - start)
            await self._clock.sleep(wait)

    def _failed(self, call: _Attempts, request: ChatRequest, error: ProviderError, seconds: float) -> float:
        """Note a failed attempt; the seconds to wait before the next. Raises the error if there is none."""
        call.wasted = error.wasted = call.wasted + error.wasted
        error.retries, error.rate_limited = call.retries, call.limited
        if not error.retryable:
            raise error
        call.limited += isinstance(error, RateLimitError)
        asked = error.retry_after if isinstance(error, RateLimitError | ServerError) else None
        longest = min(asked, _FIRST_WAIT) if asked else min(_LONGEST_WAIT, _FIRST_WAIT * 2.0 ** min(call.retries, 16))
        jitter = self._random.uniform(0.0, longest)
        call.charged += max(0.0, seconds - error.overdue) + max(jitter, asked or 0.0)
        reason = self._last(call)
        if reason:
            raise self._final(call, request, error, reason) from error
        call.retries += 1
        if self._allowance >= 1.0:
            self._allowance -= 1.0
        elif self._reached and not asked:  # a wait that was asked for holds everybody back already
            jitter = self._random.uniform(_LONGEST_WAIT / 2, _LONGEST_WAIT)
        if self._on_retry:
            self._on_retry(request, error, max(jitter, asked or 0.0))
        return jitter

    def _last(self, call: _Attempts) -> str:
        """Why there is no further attempt; "" when there is one."""
        failed = call.retries + 1 - call.limited
        if failed >= self._max_attempts:
            return f"gave up after {failed} failed attempts"
        if call.limited >= self._max_attempts * _RATE_LIMITS_PER_ATTEMPT:
            return f"gave up after {call.limited} answers of 429"
        if call.charged > self._max_seconds:
            return f"gave up: a further wait would end after the {self._max_seconds:g} s that a call has"
        return ""

    def _final(self, call: _Attempts, request: ChatRequest, error: ProviderError, reason: str) -> ProviderError:
        """The same error with the reason why it is the last one."""
        final = type(error)(*error.problems, Problem(place_of(request.context), reason))
        if isinstance(error, RateLimitError | ServerError) and isinstance(final, RateLimitError | ServerError):
            final.retry_after = error.retry_after
        final.retries, final.rate_limited, final.wasted = call.retries, call.limited, call.wasted
        # An endpoint that nobody has ever reached is a wrong address: it would fail every record in turn.
        final.fatal = error.fatal or not self._reached
        return final

    async def close(self) -> None:
        """See Model.close."""
        await self._model.close()


class _Attempts:
    """What the attempts of one call came to: counts, tokens, and the seconds that they are charged for."""

    __slots__ = ("charged", "limited", "retries", "wasted")

    def __init__(self) -> None:
        self.retries = self.limited = 0
        self.wasted: Usage = NO_USAGE
        self.charged = 0.0

    def count(self, completion: Completion, before: float) -> Completion:
        """The completion with all that was before it; its own seconds began `before` seconds after the call's."""
        if not self.retries:
            return completion
        return replace(
            completion,
            retries=completion.retries + self.retries,
            rate_limited=completion.rate_limited + self.limited,
            first_token_seconds=completion.first_token_seconds + before,
            seconds=completion.seconds + before,
            wasted=completion.wasted + self.wasted,
        )
