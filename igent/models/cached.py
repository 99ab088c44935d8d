"""Not paying for what any run has paid for: answers are taken from a cache, and kept there."""

from __future__ import annotations

__all__ = ["Cached", "CachedFind", "CachedKeep"]

from collections.abc import Awaitable, Callable
from dataclasses import replace

from igent.models.recall import given_again
from igent.types import ChatRequest, Completion, Model, StopFactory

CachedFind = Callable[[ChatRequest], Awaitable[Completion | None]]
"""The answer kept for this question, by whichever run; None when there is none. Raises nothing."""
CachedKeep = Callable[[ChatRequest, Completion], None]
"""Takes an answer for the cache, and returns at once. Raises nothing."""

_WHOLE = frozenset({"stop", "cut"})


class Cached:
    """A Model that looks for an answer with `find` before it asks `model`, and hands each new whole one to `keep`.

    An answer that is found goes through the stop condition again, as one of Recall does; it is marked `cached`, took
    no time and no attempts. One that was cut short for another stop condition is bought again, and so is everything
    that the model did not finish by itself (a token limit, a content filter): such an answer is not kept.
    """

    def __init__(self, model: Model, find: CachedFind, keep: CachedKeep) -> None:
        self._model = model
        self._find = find
        self._keep = keep

    async def complete(self, request: ChatRequest, stop: StopFactory | None = None) -> Completion:
        """See Model.complete."""
        found = await self._find(request)
        answer = given_again(found, stop) if found is not None and found.finish in _WHOLE else None
        if answer is not None:
            return replace(answer, cached=True, recalled=False)
        completion = await self._model.complete(request, stop)
        if completion.finish in _WHOLE:
            self._keep(request, completion)
        return completion

    async def close(self) -> None:
        """See Model.close."""
        await self._model.close()
