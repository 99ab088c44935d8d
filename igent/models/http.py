"""The client of an OpenAI-compatible endpoint.

`openai` says how the endpoint is spoken to (see address.py); the requests go out, and the streams come in, without its
layers: they cost several times the CPU of all that is done here.
"""

from __future__ import annotations

__all__ = ["OpenAIModel"]

import asyncio
from dataclasses import replace

from igent.clock import SYSTEM_CLOCK, Clock
from igent.errors import Problem, RequestError
from igent.models.address import find_target
from igent.models.call import Call, Refused
from igent.models.endpoint import Endpoint, OnReply
from igent.models.failure import CallErrors, place_of
from igent.models.manners import Manners
from igent.models.protocol import request_body
from igent.models.reach import make_pool, take_connection
from igent.models.wire import AnswerReader
from igent.types import ChatRequest, Completion, StopFactory


class OpenAIModel:
    """A Model (see igent.types) over an OpenAI-compatible endpoint. One object, with its connections, serves all calls.

    Nothing is retried here. Every error is igent's own, names the record, never shows the key, and says in `wasted`
    what the call is estimated to have cost, where it had begun to. Redirects are not followed. Cancelling a call, or
    ending it at the stop condition, closes its connection: the server sees that at once.

    Where the request's options hold `stop`, the endpoint is expected to end by itself behind the value that the stop
    condition waits for, and is given a moment for it: the connection lives on then, and the usage is exact. Parameters
    that an endpoint refuses (`stop`, `stream_options`) are not sent to that model again.

    `on_reply` is told the headers of each reply. Raises what find_target does.
    """

    def __init__(self, endpoint: Endpoint, clock: Clock = SYSTEM_CLOCK) -> None:
        self._endpoint = endpoint
        self._clock = clock
        self._target = find_target(endpoint)
        self._manners = Manners()
        self._lost_last = False
        self._pool = make_pool(self._target)
        self.on_reply: OnReply | None = None

    async def complete(self, request: ChatRequest, stop: StopFactory | None = None) -> Completion:
        """See Model.complete."""
        errors = CallErrors(place_of(request.context), self._target.host, self._target.key)
        while True:
            without = self._manners.refused(request.model)
            try:
                return await self._call(request, stop, errors, without)
            except Refused as refused:
                # Calls that were in flight beside the first one to be refused come here too, and are sent again.
                if not self._manners.note_refusal(request, refused, without):
                    raise errors.status(refused.status, refused.headers, refused.body) from refused

    async def _call(
        self, request: ChatRequest, stop: StopFactory | None, errors: CallErrors, without: frozenset[str]
    ) -> Completion:
        message = self._message(request, errors, without)
        lingers = "stop" not in without and self._manners.ends_by_itself(request)
        reader = AnswerReader(
            request, errors, stop() if stop else None, self._endpoint.max_answer_bytes, linger=lingers
        )
        started, since = self._clock.now(), asyncio.get_running_loop().time()
        connection = await take_connection(self._pool, self._endpoint, errors, stream=self._endpoint.stream)
        call = Call(request, self._endpoint, errors, reader, self._clock, since, self.on_reply)
        try:
            connection.send(message, call)
            del message  # the most of what a call holds while it waits
            await self._wait(call)
        finally:
            call.close()
            connection.drop(call)
        if call.error is not None:
            raise call.error
        self._lost_last = not connection.open
        if lingers and reader.satisfied:
            self._manners.note_end(request.model, by_itself=reader.finished)
        now = self._clock.now()
        return replace(
            reader.completion(), first_token_seconds=(call.first_token_at or now) - started, seconds=now - started
        )

    def _message(self, request: ChatRequest, errors: CallErrors, without: frozenset[str]) -> bytes:
        try:
            body = request_body(request, stream=self._endpoint.stream, without=without)
        except TypeError as error:
            problem = Problem(place_of(request.context), f"the request is not JSON: {errors.excerpt(str(error))}")
            raise RequestError(problem) from error
        return b"%b%d\r\n\r\n%b" % (self._target.head, len(body), body)

    async def _wait(self, call: Call) -> None:
        """Until the call has ended. Where the last one cost its connection, one for the next is opened meanwhile."""
        if not (self._lost_last and self._pool.short):
            await call.ended
            return
        async with asyncio.TaskGroup() as group:
            spare = group.create_task(self._pool.warm(self._endpoint.connect))
            await call.ended
            spare.cancel()

    async def close(self) -> None:
        """See Model.close."""
        await self._pool.close()
