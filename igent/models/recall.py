"""Not paying twice: answers that were given before are taken from where they were kept."""

from __future__ import annotations

__all__ = ["Find", "Keep", "Recall", "given_again"]

from collections.abc import Awaitable, Callable
from dataclasses import replace

from igent.types import NO_USAGE, ChatRequest, Completion, Model, StopFactory

Find = Callable[[ChatRequest], Completion | None]
"""The answer kept for this very request; None when there is none."""
Keep = Callable[[ChatRequest, Completion], Awaitable[None]]
"""Keeps an answer for a later session's `find`; it may become durable a little after it returns."""


class Recall:
    """A Model that looks for an answer with `find` before it asks `model`, and keeps each new one with `keep`.

    A recalled answer goes through a stop condition again, so that its `value` is set; it is marked `recalled` and took
    no time. One that was cut short for a stop condition which is not content with it now is bought again: the rest of
    it was never received.
    """

    def __init__(self, model: Model, find: Find, keep: Keep) -> None:
        self._model = model
        self._find = find
        self._keep = keep

    async def complete(self, request: ChatRequest, stop: StopFactory | None = None) -> Completion:
        """See Model.complete."""
        found = self._find(request)
        recalled = given_again(found, stop) if found is not None else None
        if recalled is not None:
            return replace(recalled, recalled=True)
        completion = await self._model.complete(request, stop)
        await self._keep(request, completion)
        return completion

    async def close(self) -> None:
        """See Model.close."""
        await self._model.close()


def given_again(found: Completion, stop: StopFactory | None) -> Completion | None:
    """An answer that was given before, as it is now: its value as the stop condition sees it, and neither time nor
    attempts. None for one that was cut short for another stop condition: the rest of it was never received."""
    condition = stop() if stop else None
    satisfied = condition is not None and condition.feed(found.text)
    if found.finish == "cut" and not satisfied:
        return None
    value = condition.value if satisfied and condition is not None else None
    return replace(
        found,
        value=value,
        first_token_seconds=0.0,
        seconds=0.0,
        retries=0,
        rate_limited=0,
        wasted=NO_USAGE,
        hedged=0,
    )
