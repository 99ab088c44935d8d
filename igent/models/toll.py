"""What a call has cost that was given up in the middle: it is paid for, and brought nothing."""

from __future__ import annotations

__all__ = ["Toll"]

import asyncio
from collections.abc import Callable

from igent.models.tokens import BYTES_PER_TOKEN, count_messages
from igent.types import ChatRequest, Completion, Model, StopCondition, StopFactory, Usage


class Toll:
    """A Model that tells `given_up` what a cancelled call had cost: its input, and the output received so far.

    Both are estimates. A call that was still waiting for its turn had cost nothing. Calls without a stop condition, of
    which nobody sees what came, count as their input. `calling` is told when a call begins (True) and ends (False).
    """

    def __init__(
        self, model: Model, given_up: Callable[[Usage], None], calling: Callable[[bool], None] = lambda _: None
    ) -> None:
        self._model, self._given_up, self._calling = model, given_up, calling

    async def complete(self, request: ChatRequest, stop: StopFactory | None = None) -> Completion:
        """See Model.complete."""
        made: list[StopCondition] = []

        def watched() -> StopCondition:
            assert stop is not None  # only handed on where there is one  # noqa: S101
            made.append(stop())
            return made[-1]

        self._calling(True)
        try:
            return await self._model.complete(request, watched if stop else None)
        except asyncio.CancelledError:
            if made or stop is None:
                # Attempts of which nothing came were refused, but for the last one: it was being worked on.
                begun = max(1, sum(1 for condition in made[:-1] if condition.seen) + 1)
                tokens = sum(-(-condition.seen // BYTES_PER_TOKEN) for condition in made)
                self._given_up(Usage(begun * count_messages(request.messages), tokens, estimated=True))
            raise
        finally:
            self._calling(False)

    async def close(self) -> None:
        """See Model.close."""
        await self._model.close()
