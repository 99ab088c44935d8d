"""Trying again: the only layer that does."""

from __future__ import annotations

__all__ = ["OnRetry", "Retry"]

from collections.abc import Callable
from dataclasses import replace
from random import Random

from igent.clock import Clock
from igent.errors import ConnectError, Problem, ProviderError, RateLimitError, ServerError
from igent.models.failure import place_of
from igent.types import ChatRequest, Completion, Model, StopFactory

_FIRST_WAIT = 0.5
_LONGEST_WAIT = 20.0
# A wait that was asked for is stretched by up to this share, so that not all come back at once.
_SPREAD = 0.1
# Answers of 429 that one call puts up with, for each attempt that it has.
_RATE_LIMITS_PER_ATTEMPT = 10

OnRetry = Callable[[ChatRequest, ProviderError, float], None]
"""Told of each wait: the request, the error that made it necessary, and its seconds."""


class Retry:
    """A Model that asks `model` again when a retryable ProviderError says that it may help.

    Waits are drawn from 0 to min(20, 0.5 · 2^n) s ("full jitter": AWS Architecture Blog, "Exponential Backoff And
    Jitter"); a Retry-After is waited out, and up to a tenth longer. It gives up after `max_attempts` calls that failed
    for another reason than 429 (a 429 was refused, not worked on: up to ten an attempt are put up with), and before any
    wait that would end later than `max_seconds` from the start. The text of a failed attempt is dropped: every attempt
    gets a fresh stop condition.

    The Completion counts `retries` and `rate_limited`, and its seconds are measured from the first attempt. `on_retry`
    is told the request, the error and the seconds of each wait. Raises the last error, with a line that says why it was
    the last; it is fatal when no call has ever reached the endpoint.
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

    async def complete(self, request: ChatRequest, stop: StopFactory | None = None) -> Completion:
        """See Model.complete."""
        start = self._clock.now()
        retries = limited = 0
        while True:
            attempt = self._clock.now()
            try:
                completion = await self._model.complete(request, stop)
            except ProviderError as error:
                self._reached = self._reached or not isinstance(error, ConnectError)
                error.retries, error.rate_limited = retries, limited
                if not error.retryable:
                    raise
                limited += isinstance(error, RateLimitError)
                wait = self._wait(error, retries)
                reason = self._last(retries + 1 - limited, limited, self._clock.now() - start + wait)
                if reason:
                    final = _final(error, request, reason)
                    final.retries, final.rate_limited = retries, limited
                    # An endpoint that nobody has ever reached is a wrong address: it would fail every record in turn.
                    final.fatal = final.fatal or (isinstance(error, ConnectError) and not self._reached)
                    raise final from error
                if self._on_retry:
                    self._on_retry(request, error, wait)
            else:
                self._reached = True
                return _counted(completion, retries, limited, attempt - start)
            await self._clock.sleep(wait)
            retries += 1

    def _wait(self, error: ProviderError, retries: int) -> float:
        jitter = self._random.uniform(0.0, min(_LONGEST_WAIT, _FIRST_WAIT * 2.0 ** min(retries, 16)))
        asked = error.retry_after if isinstance(error, RateLimitError | ServerError) else None
        if asked is None:
            return jitter
        return asked * (1.0 + self._random.uniform(0.0, _SPREAD)) if asked else jitter

    def _last(self, failed: int, limited: int, ends: float) -> str:
        """Why there is no further attempt; "" when there is one."""
        if failed >= self._max_attempts:
            return f"gave up after {failed} failed attempts"
        if limited >= self._max_attempts * _RATE_LIMITS_PER_ATTEMPT:
            return f"gave up after {limited} answers of 429"
        if ends > self._max_seconds:
            return f"gave up: a further wait would end after the {self._max_seconds:g} s that a call has"
        return ""

    async def close(self) -> None:
        """See Model.close."""
        await self._model.close()


def _counted(completion: Completion, retries: int, limited: int, before: float) -> Completion:
    if not retries:
        return completion
    return replace(
        completion,
        retries=completion.retries + retries,
        rate_limited=completion.rate_limited + limited,
        first_token_seconds=completion.first_token_seconds + before,
        seconds=completion.seconds + before,
    )


def _final(error: ProviderError, request: ChatRequest, reason: str) -> ProviderError:
    """The same error with the reason why it is the last one."""
    final = type(error)(*error.problems, Problem(place_of(request.context), reason))
    if isinstance(error, RateLimitError | ServerError) and isinstance(final, RateLimitError | ServerError):
        final.retry_after = error.retry_after
    return final
