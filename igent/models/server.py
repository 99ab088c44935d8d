"""The mock as an OpenAI-compatible server: streams, paced, counted, and with faults on demand."""

from __future__ import annotations

__all__ = ["MockServer"]

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

import orjson
from aiohttp import web

from igent.clock import SYSTEM_CLOCK
from igent.errors import ConfigError, Problem
from igent.models.faults import Faults, check_kind
from igent.models.mock import MockAnswer, Mocker
from igent.models.pace import Pace, Timing
from igent.models.script import error_body, frame, stream_events, tokens_to_json_end, whole_body
from igent.models.speech import Speech, Ticker
from igent.types import ChatMessage
from igent.workload import MockAnswers

_LARGEST_REQUEST = 64 << 20
_AT_ONCE = Timing(0.0, 0.0)
_GARBAGE = frame(b'data: {"choices":[{"index":0,"delta":{"content":"\xff\xfe\n\n')


@dataclass(slots=True)
class _Stats:
    requests: int = 0
    tokens_sent: int = 0
    tokens_after_json: int = 0
    disconnects: int = 0
    prompt_tokens: int = 0
    in_flight: int = 0
    peak_in_flight: int = 0
    calls: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)

    def to_json(self) -> dict[str, Any]:
        values = {name: getattr(self, name) for name in self.__slots__}
        return {name: dict(value) if isinstance(value, Counter) else value for name, value in values.items()}


@dataclass(frozen=True, slots=True)
class _Call:
    """One request, understood."""

    number: int
    model: str
    stream: bool
    usage: bool
    fault: str
    answer: MockAnswer


class MockServer:
    """An async context manager that serves the answers of Mocker (the same as MockModel's) over HTTP.

    `POST /v1/chat/completions` (streams, and whole with `"stream": false`), `GET /v1/models`, `GET /healthz`, and
    `GET /stats`: requests, `calls` by model, `tokens_sent`, `tokens_after_json` (sent after the end of the answer's
    JSON, see tokens_to_json_end), `disconnects` (clients that left before the end), `faults` by kind, `prompt_tokens`,
    `in_flight` and its peak. Tokens are counted when their stream has ended.

    `faults` are drawn from the seed and the number of the request; a header `X-Igent-Fault: KIND` (see check_kind) asks
    for one. `port` 0 takes a free one. Keys are not looked at. Raises ConfigError when the port cannot be had.
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
    ) -> None:
        self._mocker = Mocker(answers, seed, errors, pace)
        self._seed = seed
        self._faults = faults or Faults()
        self._host = host
        self._port = port
        self._stats = _Stats()
        self._first_request: float | None = None
        self._runner: web.AppRunner | None = None
        self._ticker: Ticker | None = None

    @property
    def base_url(self) -> str:
        """The address to give to a client, "http://127.0.0.1:8000/v1"; with the real port once it is served."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._port}/v1"

    async def __aenter__(self) -> MockServer:
        app = web.Application(client_max_size=_LARGEST_REQUEST)
        app.router.add_post("/v1/chat/completions", self._chat)
        app.router.add_get("/v1/models", self._models)
        app.router.add_get("/stats", self._show_stats)
        app.router.add_get("/healthz", self._healthz)
        self._ticker = Ticker()
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
        return self._stats.to_json()

    async def _show_stats(self, _: web.Request) -> web.Response:
        return _json(orjson.dumps(self.stats()))

    async def _healthz(self, _: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def _models(self, _: web.Request) -> web.Response:
        names = sorted({"mock", *self._stats.calls})
        models = [{"id": name, "object": "model", "created": 0, "owned_by": "igent"} for name in names]
        return _json(orjson.dumps({"object": "list", "data": models}))

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        stats = self._stats
        stats.requests += 1
        stats.in_flight += 1
        stats.peak_in_flight = max(stats.peak_in_flight, stats.in_flight)
        try:
            call = self._understand(stats.requests, request.headers.get("X-Igent-Fault"), await request.read())
            if isinstance(call, str):
                return _json(error_body(call, "invalid_request_error"), 400)
            stats.prompt_tokens += call.answer.usage.input_tokens
            if call.fault:
                stats.faults[call.fault] += 1
            if call.fault.isdigit():
                return self._status(int(call.fault))
            if call.fault in ("html", "empty"):
                page = "<html><body>Please log in</body></html>" if call.fault == "html" else ""
                return web.Response(text=page, content_type="text/html")
            return await (self._stream(request, call) if call.stream else self._whole(request, call))
        finally:
            stats.in_flight -= 1

    def _understand(self, number: int, asked: str | None, raw: bytes) -> _Call | str:
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
        return _Call(number, model, stream, usage, asked or self._draw(number), answer)

    def _draw(self, number: int) -> str:
        now = SYSTEM_CLOCK.now()
        if self._first_request is None:
            self._first_request = now
        return self._faults.draw(self._seed, number, now - self._first_request)

    def _status(self, status: int) -> web.Response:
        headers = {"Retry-After": f"{self._faults.retry_after:g}"} if status in (429, 503) else {}
        kind, code = ("requests", "rate_limit_exceeded") if status == 429 else ("mock_fault", None)
        return _json(error_body(f"a fault on demand: {status}", kind, code), status, headers)

    async def _whole(self, request: web.Request, call: _Call) -> web.StreamResponse:
        answer, transport = call.answer, request.transport
        body = whole_body(answer, call.model, f"mock-{call.number}")
        if call.fault in ("polite", "garbage"):
            body = body[: len(body) // 2]
        stall = call.fault == "stall"
        wait = 0.0 if stall else (answer.timing or _AT_ONCE).due(len(answer.tokens))
        if (wait or stall) and transport is not None and self._ticker is not None:
            # An empty event: it takes its time, and sees the client leave.
            silence = Speech(transport, (b"",), 0, Timing(wait, 0.0), stall=stall)
            self._ticker.add(silence)
            if not await silence.spoken:
                self._stats.disconnects += 1
        if call.fault == "cut":
            response = web.StreamResponse(headers={"Content-Length": str(len(body))})
            await response.prepare(request)
            await response.write(body[: len(body) // 2])
            if transport is not None:
                transport.close()
            return response
        self._stats.tokens_sent += len(answer.tokens)
        self._stats.tokens_after_json += len(answer.tokens) - tokens_to_json_end(answer)
        return _json(body)

    async def _stream(self, request: web.Request, call: _Call) -> web.StreamResponse:
        answer, transport, ticker = call.answer, request.transport, self._ticker
        events = stream_events(answer, call.model, f"mock-{call.number}", usage=call.usage)
        tokens = len(answer.tokens)
        if call.fault:
            tokens //= 2
            events = [*events[:tokens], _GARBAGE] if call.fault == "garbage" else events[:tokens]
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"})
        await response.prepare(request)
        if transport is None or ticker is None:
            return response
        speech = Speech(transport, events, tokens, answer.timing or _AT_ONCE, stall=call.fault == "stall")
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


def _json(body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.Response(body=body, status=status, content_type="application/json", headers=headers)


def _text(content: Any) -> str:
    """The text of a message, also where it comes in parts."""
    if isinstance(content, list):
        return "".join(part["text"] for part in content if part.get("type") == "text")
    return str(content)
