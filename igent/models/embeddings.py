"""Embeddings of an OpenAI-compatible endpoint: `POST …/embeddings`, in batches, behind the layers that chats have."""

from __future__ import annotations

__all__ = ["EmbeddingFigures", "EndpointEmbedder"]

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from igent.clock import SYSTEM_CLOCK, Clock
from igent.config.constellation import Limits
from igent.errors import Problem, ProviderError, RequestError
from igent.flow import Vector
from igent.models.address import find_target
from igent.models.budget import Budget
from igent.models.endpoint import Endpoint, OnReply
from igent.models.failure import CallErrors, place_of
from igent.models.reach import make_pool, take_connection
from igent.models.retry import OnRetry
from igent.models.stack import build_stack
from igent.models.tokens import count_text
from igent.models.valve import Valve
from igent.models.vectors import Embeddings, embeddings_body, read_embeddings
from igent.models.whole import WholeReply
from igent.types import CallContext, ChatMessage, ChatRequest, Completion, StopFactory, Usage

_PATH = b"/embeddings"
_STEP = "embeddings"
# A number takes up to 25 bytes as JSON has it; models give up to some 4,096 of them for a text.
_BYTES_A_TEXT, _BYTES_A_REPLY = 128 * 1024, 64 * 1024
# A call has no answer in tokens: what the limiter and the budget set aside for one.
_OPTIONS = {"max_tokens": 1}


@dataclass(frozen=True, slots=True)
class EmbeddingFigures:
    """What was asked of the endpoint: `calls` that were answered, for so many `texts` of so many `tokens` (`estimated`
    when any part of them was counted by igent); attempts beyond the first (`retries`), and answers of 429 among them
    (`rate_limited`), those of calls that failed included."""

    calls: int = 0
    texts: int = 0
    tokens: int = 0
    estimated: bool = False
    retries: int = 0
    rate_limited: int = 0


class EndpointEmbedder:
    """An Embed (see igent.flow) over an endpoint. One object, with its connections, serves all calls; call `close` at
    its end.

    A call asks for at most `batch` texts; more of them are asked for in several calls, one after the other. Calls are
    paced, retried and bounded as chats are (see build_stack): `endpoint` has the deadlines and the attempts, `limits`
    are requests and tokens a minute (None: learnt from the replies), `budget` is charged for every attempt, `valve`
    lets nothing through once it is closed. A reply is taken only if it is complete (see read_embeddings); one that is
    not is asked for again. Blank texts are not sent, for endpoints refuse them: their embedding is all zeros; without
    any number as long as no other text has been embedded.

    `name` is for cache keys: the endpoint's host and the model's name. `figures` tells what was done.
    Raises what find_target does.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        model: str,
        batch: int = 100,
        *,
        clock: Clock = SYSTEM_CLOCK,
        random: Random | None = None,
        limits: Limits | None = None,
        budget: Budget | None = None,
        valve: Valve | None = None,
        on_retry: OnRetry | None = None,
    ) -> None:
        whole = replace(endpoint, stream=False)
        client = _Client(whole)
        self._stack = build_stack(
            client,
            endpoint=whole,
            clock=clock,
            random=random or Random(),
            limits=limits,
            budget=budget,
            valve=valve,
            on_retry=on_retry,
        )
        self._model, self._batch = model, max(1, batch)
        self._size = 0
        self.name = f"{client.host}:{model}"
        self.figures = EmbeddingFigures()

    async def __call__(self, texts: Sequence[str]) -> list[Vector[float]]:
        """The embedding of each text, in their order. Raises ProviderError, and LimitError at the end of the budget."""
        found: dict[int, Vector[float]] = {}
        spoken = [place for place, text in enumerate(texts) if text.strip()]
        for start in range(0, len(spoken), self._batch):
            places = spoken[start : start + self._batch]
            found.update(zip(places, await self._ask([texts[place] for place in places]), strict=True))
        return [found[place] if place in found else Vector("f", bytes(4 * self._size)) for place in range(len(texts))]

    async def _ask(self, texts: Sequence[str]) -> list[Vector[float]]:
        messages = tuple(ChatMessage("user", text) for text in texts)
        request = ChatRequest(self._model, messages, CallContext("", _STEP, self._model), _OPTIONS)
        try:
            completion = await self._stack.complete(request)
        except ProviderError as error:
            self._count(0, 0, Usage(), error.retries, error.rate_limited)
            raise
        self._count(1, len(texts), completion.usage, completion.retries, completion.rate_limited)
        answer: Embeddings = completion.value
        if self._size not in (0, answer.size):
            what = f"embeddings of {answer.size} numbers, after others of {self._size}"
            raise RequestError(Problem(place_of(request.context), what, "two models answer under one name"))
        self._size = answer.size
        return answer.vectors

    def _count(self, calls: int, texts: int, usage: Usage, retries: int, rate_limited: int) -> None:
        sofar = self.figures
        self.figures = EmbeddingFigures(
            sofar.calls + calls,
            sofar.texts + texts,
            sofar.tokens + usage.input_tokens,
            sofar.estimated or usage.estimated,
            sofar.retries + retries,
            sofar.rate_limited + rate_limited,
        )

    async def close(self) -> None:
        """Close its connections."""
        await self._stack.close()


class _Client:
    """A Model (see igent.types) whose request has a message for each text, and whose completion's `value` is an
    Embeddings: so the layers around chats serve embeddings, too. Nothing is retried here."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._target = find_target(endpoint, _PATH)
        self._pool = make_pool(self._target)
        self._packed = True
        self.host = self._target.host
        self.on_reply: OnReply | None = None

    async def complete(self, request: ChatRequest, stop: StopFactory | None = None) -> Completion:
        """See Model.complete."""
        errors = CallErrors(place_of(request.context), self._target.host, self._target.key)
        packed = self._packed
        reply = await self._send(request, errors, packed=packed)
        if packed and reply.status in (400, 422) and b"encoding_format" in reply.body:
            self._packed = False  # a server that knows only lists of numbers
            reply = await self._send(request, errors, packed=False)
        if reply.status >= 300:
            raise errors.status(reply.status, reply.headers, reply.body)
        answer = read_embeddings(reply.body, len(request.messages), errors)
        tokens = sum(count_text(message.content) for message in request.messages)
        usage = Usage(tokens, estimated=True) if answer.tokens is None else Usage(answer.tokens)
        return Completion("", usage, "stop", answer.model or request.model, value=answer)

    async def _send(self, request: ChatRequest, errors: CallErrors, *, packed: bool) -> WholeReply:
        body = embeddings_body(request.model, [message.content for message in request.messages], packed=packed)
        message = b"%b%d\r\n\r\n%b" % (self._target.head, len(body), body)
        reply = WholeReply(
            errors, _BYTES_A_REPLY + _BYTES_A_TEXT * len(request.messages), lambda headers: self._tell(request, headers)
        )
        total = self._endpoint.total
        try:
            async with asyncio.timeout(total):
                connection = await take_connection(self._pool, self._endpoint, errors, stream=False)
                try:
                    connection.send(message, reply)
                    await reply.ended
                finally:
                    connection.drop(reply)
        except TimeoutError as error:
            raise errors.deadline("total", total) from error
        if reply.error is not None:
            raise reply.error
        return reply

    def _tell(self, request: ChatRequest, headers: Any) -> None:
        if self.on_reply is not None:
            self.on_reply(request, headers)

    async def close(self) -> None:
        """See Model.close."""
        await self._pool.close()
