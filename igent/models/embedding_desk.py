"""The embeddings of the mock server."""

from __future__ import annotations

__all__ = ["EmbeddingDesk"]

import asyncio
import base64
from random import Random
from typing import Any

import orjson
from aiohttp import web

from igent.models.delivery import deliver, fault_reply
from igent.models.faults import Faults, check_kind
from igent.models.mock_embeddings import mock_embedding
from igent.models.pace import Pace
from igent.models.script import error_body
from igent.models.served import Served
from igent.models.speech import Ticker
from igent.models.tokens import count_text

_MOST_TEXTS = 2048


class EmbeddingDesk:
    """Answers `POST /v1/embeddings` with mock_embedding, as floats or base64, and counts in `served`.

    Each call takes the first-token time of the `pace`. `faults` are drawn from the seed and the number of the call,
    their phases count from the first of these calls; a header `X-Igent-Fault: KIND` asks for one. There is no quota.
    """

    def __init__(self, served: Served, seed: int, pace: Pace | None, faults: Faults, ticker: Ticker) -> None:
        self._served, self._seed, self._pace, self._faults = served, seed, pace, faults
        self._ticker = ticker
        self._first: float | None = None

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """The handler of the route."""
        self._served.begin()
        try:
            return await self._answer(request, asyncio.get_running_loop().time())
        finally:
            self._served.end()

    async def _answer(self, request: web.Request, arrived: float) -> web.StreamResponse:
        counts = self._served.embeddings
        counts["calls"] += 1
        number = counts["calls"]
        self._first = arrived if self._first is None else self._first
        asked = request.headers.get("X-Igent-Fault")
        if asked and not check_kind(asked):
            return _refuse(f"no such fault: {asked}")
        texts, model, packed = _understand(await request.read())
        if isinstance(texts, str):
            return _refuse(texts)
        elapsed = arrived - self._first
        fault = asked or self._faults.draw(self._seed, -number, elapsed)
        if fault:
            self._served.faults[fault] += 1
        refusal = fault_reply(fault, self._faults.at(elapsed).retry_after, {})
        if refusal is not None:
            return refusal
        wait = self._pace.draw(Random(f"{self._seed} embeddings {number}")).first if self._pace else 0.0
        body = self._body(texts, model, packed=packed)
        response, stayed = await deliver(
            request, body, fault=fault, wait=wait, arrived=arrived, ticker=self._ticker, headers={}
        )
        self._served.disconnects += not stayed
        return response

    def _body(self, texts: list[str], model: str, *, packed: bool) -> bytes:
        tokens = sum(map(count_text, texts))
        self._served.embeddings.update(texts=len(texts), prompt_tokens=tokens)
        data = []
        for index, text in enumerate(texts):
            vector = mock_embedding(text)
            shown = base64.b64encode(vector.tobytes()).decode() if packed else vector.tolist()
            data.append({"object": "embedding", "index": index, "embedding": shown})
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        return orjson.dumps({"object": "list", "data": data, "model": model, "usage": usage})


def _understand(raw: bytes) -> tuple[list[str] | str, str, bool]:
    """The texts (or what is wrong with the request), the model, and whether base64 is asked for."""
    try:
        body: Any = orjson.loads(raw)
        model, texts, form = str(body["model"]), body["input"], body.get("encoding_format", "float")
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
        return f"not an embeddings request: {error!r}", "", False
    texts = [texts] if isinstance(texts, str) else texts
    if not isinstance(texts, list) or not all(isinstance(text, str) and text for text in texts):
        return "input is to be a text or a list of texts, none of them empty", "", False
    if not 0 < len(texts) <= _MOST_TEXTS:
        return f"{len(texts)} texts: 1 to {_MOST_TEXTS} are possible", "", False
    if form not in ("float", "base64"):
        return f"encoding_format {form!r:.40} is not known", "", False
    return texts, model, form == "base64"


def _refuse(what: str) -> web.Response:
    body = error_body(what, "invalid_request_error")
    return web.Response(body=body, status=400, content_type="application/json")
