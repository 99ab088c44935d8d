"""The end of a run that was asked to end: calls in flight come home, and no other is sent."""

from __future__ import annotations

__all__ = ["Inflow", "Outflow", "Valve"]

import asyncio
from contextvars import ContextVar

from igent.errors import DrainedError, ProviderError
from igent.types import ChatRequest, Completion, Model, StopFactory


class _Call:
    """A call between the two ends of a valve: `sent` of its requests are with the client, one was `answered`."""

    def __init__(self) -> None:
        self.scope = asyncio.timeout(None)
        self.sent = 0
        self.answered = False

    def give_up(self) -> None:
        """Wherever it waits: for a retry, for quota, for its turn. An answer that is on its way out is no waiting."""
        if self.answered:
            return
        self.scope.reschedule(asyncio.get_running_loop().time())


_CALL: ContextVar[_Call | None] = ContextVar("_CALL", default=None)


class Valve:
    """Open until `close` is called. From then on a call that is with the client ends as it does, and every other one,
    waiting or new, with DrainedError. It has two ends in the stack: `Inflow` and `Outflow`."""

    def __init__(self) -> None:
        self.closed = False
        self._calls: set[_Call] = set()

    def close(self) -> None:
        """Let nothing more through. In a running event loop, if calls are in flight. Safe to call twice."""
        if self.closed:
            return
        self.closed = True
        for call in self._calls:
            if not call.sent:
                call.give_up()

    def enter(self, call: _Call) -> None:
        """A call has come in. Raises DrainedError when the valve is closed."""
        if self.closed:
            raise _drained()
        self._calls.add(call)

    def leave(self, call: _Call) -> None:
        """It has ended."""
        self._calls.discard(call)


class Inflow:
    """A Model that hands calls on to `model` while the `valve` is open: where they come in, above all waiting."""

    def __init__(self, model: Model, valve: Valve) -> None:
        self._model, self._valve = model, valve

    async def complete(self, request: ChatRequest, stop: StopFactory | None = None) -> Completion:
        """See Model.complete. Raises DrainedError."""
        call = _Call()
        self._valve.enter(call)
        token = _CALL.set(call)
        try:
            async with call.scope:
                return await self._model.complete(request, stop)
        except TimeoutError:
            if call.scope.expired():
                raise _drained() from None
            raise
        finally:
            _CALL.reset(token)
            self._valve.leave(call)

    async def close(self) -> None:
        """See Model.close."""
        await self._model.close()


class Outflow:
    """A Model that hands requests on to `model` while the `valve` is open: next to the client."""

    def __init__(self, model: Model, valve: Valve) -> None:
        self._model, self._valve = model, valve

    async def complete(self, request: ChatRequest, stop: StopFactory | None = None) -> Completion:
        """See Model.complete. Raises DrainedError."""
        if self._valve.closed:
            raise _drained()
        call = _CALL.get()  # a second one beside a straggler runs in a task of its own, with the context of the first
        if call is None:
            return await self._model.complete(request, stop)
        call.sent += 1
        try:
            completion = await self._model.complete(request, stop)
        except ProviderError as error:
            if self._valve.closed and call.sent == 1 and error.retryable:  # what would be tried next, would not be sent
                call.give_up()
            raise
        finally:
            call.sent -= 1
        call.answered = True
        return completion

    async def close(self) -> None:
        """See Model.close."""
        await self._model.close()


def _drained() -> DrainedError:
    return DrainedError("the run was asked to end: no more calls are sent")
