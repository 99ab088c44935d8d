"""The mock as an OpenAI-compatible server: streams, paced, counted, and with faults on demand."""

from __future__ import annotations

__all__ = ["MockServer"]

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import orjson
from aiohttp import web

from igent.errors import ConfigError, Problem
from igent.models.delivery import deliver, fault_reply
from igent.models.embedding_desk import EmbeddingDesk
from igent.models.faults import Faults, check_kind
from igent.models.gate import Gate
from igent.models.mock import MockAnswer, Mocker
from igent.models.pace import Pace, Timing
from igent.models.quota import Quota
from igent.models.script import error_body, frame, stream_events, tokens_to_json_end, whole_body
from igent.models.served import Served
from igent.models.speech import Speech, Ticker
from igent.types import ChatMessage
from igent.workload import MockAnswers

_LARGEST_REQUEST = 64 << 20
_AT_ONCE = Timing(0.0, 0.0)
_GARBAGE = frame(b'data: {"choices":[{"index":0,"delta":{"content":"\xff\xfe\n\n')


@dataclass(frozen=True, slots=True)
class _Call:
    """One request, understood."""

    number: int
    arrived: float
    model: str
    stream: bool
    usage: bool
    fault: str
    answer: MockAnswer


class MockServer:
    """An async context manager that serves the answers of Mocker (the same as MockModel's) over HTTP.

    `POST /v1/chat/completions` (streams, and whole with `"stream": false`), `POST /v1/embeddings` (see EmbeddingDesk),
    `GET /v1/models`, `GET /healthz`, and `GET /stats`: `requests` for chats, `calls` by model, `tokens_sent`,
    `tokens_after_json` (sent after the end of the answer's JSON, see tokens_to_json_end), `disconnects` (clients that
    left before the end), `faults` by kind, `prompt_tokens`, `in_flight` and its peak, `embeddings` (calls, texts,
    tokens), and what Gate.to_json tells. Tokens are counted when their stream has ended.

    `faults` are drawn from the seed and the number of the request; a header `X-Igent-Fault: KIND` (see check_kind) asks
    for one. Over the `quota`, and above `max_in_flight` calls at once, it answers 429; the quota is charged the tokens
    of the prompt and of the whole answer. `before` and `after` pad the answers, see Mocker. `port` 0 takes a free one.
    Keys are not looked at. Raises ConfigError when the port cannot be had.
    """

    def __init__(
        self,
        answers: MockAnswers | Sequence[MockAnswers],
        seed: int = 0,
        errors: float = 0.0,
        pace: Pace | None = None,
        faults: Faults | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        before: int | None = None,
        after: int | None = None,
        quota: Quota | None = None,
        max_in_flight: int | None = None,
    ) -> None:
        self._mocker = Mocker(answers, seed, errors, pace, before=before, after=after)
        self._seed, self._pace = seed, pace
        self._faults = faults or Faults()
        self._gate = Gate(quota, max_in_flight)
        self._host = host
        self._port = port
        self._stats = Served()
        self._first_request: float | None = None
        self._runner: web.AppRunner | None = None
        self._ticker: Ticker | None = None
        self._desk = asyncio.Lock()

    @property
    def base_url(self) -> str:
        """The address to give to a client, "http://127.0.0.1:8000/v1"; with the real port once it is served."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._port}/v1"

    async def __aenter__(self) -> MockServer:
        app = web.Application(client_max_size=_LARGEST_REQUEST)
        app.router.add_post("/v1/chat/completions", self._chat)
        self._ticker = Ticker()
        desk = EmbeddingDesk(self._stats, self._seed, self._pace, self._faults, self._ticker)
        app.router.add_post("/v1/embeddings", desk.answer)
        app.router.add_get("/v1/models", self._models)
        app.router.add_get("/stats", self._show_stats)
        app.router.add_get("/healthz", self._healthz)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, self._port, backlog=2048)
        try:
            await site.start()
        except OSError as error:
            await self._runner.cleanup()
            problem = f"cannot serve on {self._host}:{self._port}: {error.strerror}"
            raise ConfigError(Problem("mock server", problem, "give another --port, or 0 for a free one")) from error
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._ticker is not None:
            self._ticker.close()
        if self._runner is not None:
            await self._runner.cleanup()

    async def serve_forever(self) -> None:
        """Serve until cancelled; inside the context manager."""
        await asyncio.Event().wait()

    def stats(self) -> dict[str, Any]:
        """What GET /stats shows."""
        return {**self._stats.to_json(), **self._gate.to_json()}

    async def _show_stats(self, _: web.Request) -> web.Response:
        return self._json(orjson.dumps(self.stats()))

    async def _healthz(self, _: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def _models(self, _: web.Request) -> web.Response:
        names = sorted({"mock", *self._stats.calls})
        models = [{"id": name, "object": "model", "created": 0, "owned_by": "igent"} for name in names]
        return self._json(orjson.dumps({"object": "list", "data": models}))

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        stats, arrived = self._stats, _now()
        stats.requests += 1
        number = stats.requests
        stats.begin()
        self._gate.arrive(arrived)
        try:
            raw = await request.read()
            # One a turn of the loop, so that in a burst each request's time is when it came, not when its turn came,
            # and the streams go on being spoken.
            async with self._desk:
                await asyncio.sleep(0)
                call = self._understand(number, arrived, request.headers.get("X-Igent-Fault"), raw)
            if isinstance(call, str):
                return self._json(error_body(call, "invalid_request_error"), 400)
            stats.prompt_tokens += call.answer.usage.input_tokens
            if call.fault:
                stats.faults[call.fault] += 1
            reply = self._fault(call)
            return await self._admit(request, call) if reply is None else reply
        finally:
            stats.end()

    def _understand(self, number: int, arrived: float, asked: str | None, raw: bytes) -> _Call | str:
        """The call that a request stands for; what is wrong with it, if it stands for none."""
        try:
            body = orjson.loads(raw)
            messages = tuple(ChatMessage(m["role"], _text(m["content"])) for m in body["messages"])
            model, stream = str(body["model"]), bool(body.get("stream"))
            usage = bool((body.get("stream_options") or {}).get("include_usage"))
        except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
            return f"not a chat.completions request: {error!r}"
        if asked and not check_kind(asked):
            return f"no such fault: {asked}"
        self._stats.calls[model] += 1
        answer = self._mocker.answer(messages, body)
        if answer is None:
            return (
                "the mock finds no record in this chat: the prompt must show the record as its workload's mock reads it"
            )
        fault = asked or self._faults.draw(self._seed, number, self._elapsed(arrived))
        return _Call(number, arrived, model, stream, usage, fault, answer)

    def _elapsed(self, now: float) -> float:
        if self._first_request is None:
            self._first_request = now
        return now - self._first_request

    def _fault(self, call: _Call) -> web.Response | None:
        """The reply to a call that is not answered; None for a call that is."""
        wait = self._faults.at(self._elapsed(call.arrived)).retry_after
        if call.fault in ("429", "503"):
            self._gate.name(wait, _now())
        return fault_reply(call.fault, wait, self._gate.headers(_now()))

    async def _admit(self, request: web.Request, call: _Call) -> web.StreamResponse:
        usage = call.answer.usage
        refusal = self._gate.admit(usage.input_tokens + usage.output_tokens, _now())
        if refusal is not None:
            return self._json(error_body(refusal.what, refusal.kind, "rate_limit_exceeded"), 429, refusal.headers())
        try:
            return await (self._stream(request, call) if call.stream else self._whole(request, call))
        finally:
            self._gate.leave()

    def _json(self, body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
        found = {**self._gate.headers(_now()), **(headers or {})}
        return web.Response(body=body, status=status, content_type="application/json", headers=found)

    async def _whole(self, request: web.Request, call: _Call) -> web.StreamResponse:
        answer = call.answer
        assert self._ticker is not None  # it is there as long as it is served  # noqa: S101
        response, stayed = await deliver(
            request,
            whole_body(answer, call.model, f"mock-{call.number}"),
            fault=call.fault,
            wait=(answer.timing or _AT_ONCE).due(len(answer.tokens)),
            arrived=call.arrived,
            ticker=self._ticker,
            headers=self._gate.headers(_now()),
        )
        self._stats.disconnects += not stayed
        if call.fault != "cut":
            self._stats.tokens_sent += len(answer.tokens)
            self._stats.tokens_after_json += len(answer.tokens) - tokens_to_json_end(answer)
        return response

    async def _stream(self, request: web.Request, call: _Call) -> web.StreamResponse:
        answer, transport, ticker = call.answer, request.transport, self._ticker
        events = stream_events(answer, call.model, f"mock-{call.number}", usage=call.usage)
        tokens = len(answer.tokens)
        if call.fault:
            tokens //= 2
            events = [*events[:tokens], _GARBAGE] if call.fault == "garbage" else events[:tokens]
        headers = {"Content-Type": "text/event-stream", "Cache-Control": "no-cache", **self._gate.headers(_now())}
        response = web.StreamResponse(headers=headers)
        await response.prepare(request)
        if transport is None or ticker is None:
            return response
        timing = answer.timing or _AT_ONCE
        speech = Speech(transport, events, tokens, timing, call.arrived, stall=call.fault == "stall")
        ticker.add(speech)
        ended = await speech.spoken
        sent = min(speech.sent, len(answer.tokens))
        self._stats.tokens_sent += sent
        self._stats.tokens_after_json += max(0, sent - tokens_to_json_end(answer))
        if not ended:
            self._stats.disconnects += 1
        elif call.fault == "cut":
            transport.close()
        return response


def _now() -> float:
    return asyncio.get_running_loop().time()


def _text(content: Any) -> str:
    """The text of a message, also where it comes in parts."""
    if isinstance(content, list):
        return "".join(part["text"] for part in content if part.get("type") == "text")
    return str(content)
