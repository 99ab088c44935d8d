"""The two ends of the limiter in the stack: who is let in, and what came of it."""

from __future__ import annotations

__all__ = ["Limited", "Observed"]

from dataclasses import replace

from igent.errors import ProviderError
from igent.models.limiter import Limiter
from igent.models.seen import Seen
from igent.models.waits import kept_waiting
from igent.types import ChatRequest, Completion, Model, StopFactory


class Limited:
    """A Model that asks `model` when the `limiter` lets the call in; the wait counts in the Completion's seconds."""

    def __init__(self, model: Model, limiter: Limiter) -> None:
        self._model = model
        self._limiter = limiter

    async def complete(self, request: ChatRequest, stop: StopFactory | None = None) -> Completion:
        """See Model.complete."""
        waited = await self._limiter.admit(request)
        try:
            completion = await self._model.complete(request, stop)
        finally:
            self._limiter.leave(request)
            if waited:
                kept_waiting(waited)
        if not waited:
            return completion
        return replace(
            completion,
            first_token_seconds=completion.first_token_seconds + waited,
            seconds=completion.seconds + waited,
        )

    async def close(self) -> None:
        """See Model.close."""
        await self._model.close()


class Observed:
    """A Model that tells the `limiter` of every request that `model`, the client, is asked, and how it ends."""

    def __init__(self, model: Model, limiter: Limiter) -> None:
        self._model = model
        self._limiter = limiter

    async def complete(self, request: ChatRequest, stop: StopFactory | None = None) -> Completion:
        """See Model.complete."""
        seen = Seen(stop)
        await self._limiter.hold()
        self._limiter.sent()
        try:
            completion = await self._model.complete(request, seen.factory)
        except ProviderError as error:
            self._limiter.failed(request, error, seen.usage(request))
            raise
        except BaseException:
            self._limiter.given_up(request, seen.usage(request))
            raise
        self._limiter.answered(request, completion)
        return completion

    async def close(self) -> None:
        """See Model.close."""
        await self._model.close()
