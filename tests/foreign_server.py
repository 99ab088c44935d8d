"""A foreign OpenAI-compatible server, as another team would write it: aiohttp, SSE, its own mind (foreign_brain.py).

    python tests/foreign_server.py --port 0 --print-url --ttft 0.6 --itl 0.02 --wrong 0.1 --rate-429 0.05

Models: "m1" matches, "m2" writes purchase orders, "critic" judges; other names are told apart by their prompt.
"""

from __future__ import annotations

__all__ = ["Behaviour", "Call", "ForeignServer"]

import argparse
import asyncio
import json
import re
import signal
import sys
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from random import Random
from typing import Any, Self

from aiohttp import web
from foreign_brain import Chat, critique, match_answer, order_answer, read_chat, role_of, spoil

TOKEN = re.compile(r" ?[A-Za-z]{1,7}|\d{1,3}|\s+|[^\sA-Za-z\d]{1,2}")


@dataclass(frozen=True)
class Behaviour:
    """How the server answers. Seconds: `ttft` to the first token, `itl` between tokens, `latency` before anything.

    Rates are chances a call (0 to 1): `rate_429` (with Retry-After 0 or 1), `rate_500`, `rate_cut` (the stream ends in
    the middle, politely or not), `rate_nonsense` (no JSON at all), `wrong` (a wrong decision; halved by each round).
    `stream` False answers every request with one JSON body. `plain_critic`: "APPROVED" / "REJECTED: ..." as text.
    `prose`: words around the JSON. `tricky`: also citations and an example before the answer.
    """

    ttft: float = 0.0
    itl: float = 0.0
    latency: float = 0.0
    rate_429: float = 0.0
    rate_500: float = 0.0
    rate_cut: float = 0.0
    rate_nonsense: float = 0.0
    wrong: float = 0.0
    retry_after: int = 0
    stream: bool = True
    plain_critic: bool = False
    prose: bool = True
    tricky: bool = False
    seed: int = 0


@dataclass
class Call:
    """One request: who asked what, what was done with it, and how many of its tokens left the server."""

    model: str
    record_id: str
    role: str
    fault: str = ""
    status: int = 200
    tokens: int = 0
    sent: int = 0
    prompt_chars: int = 0
    authorization: str = ""
    messages: list[dict[str, Any]] = field(default_factory=list, repr=False)
    text: str = field(default="", repr=False)


class ForeignServer:
    """The server: `async with ForeignServer(...)` in a running loop, `with ForeignServer(...)` in a thread of its own.

    `url` is the base URL (ends in /v1), `calls` every request in order of arrival.
    """

    def __init__(self, behaviour: Behaviour | None = None, *, port: int = 0, **options: Any) -> None:
        self.behaviour = behaviour or Behaviour(**options)
        self.calls: list[Call] = []
        self.url = ""
        self._port = port
        self._seen: Counter[tuple[str, str]] = Counter()
        self._runner: web.AppRunner | None = None
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=64 * 2**20)
        for path in ("/v1/chat/completions", "/chat/completions"):
            app.router.add_post(path, self._chat)
        app.router.add_get("/v1/models", self._models)
        app.router.add_get("/stats", self._stats)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port, backlog=2048)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/v1"
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    def __enter__(self) -> Self:
        ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(ready)), daemon=True)
        self._thread.start()
        if not ready.wait(10) or not self.url:
            raise RuntimeError("the foreign server did not start")
        return self

    def __exit__(self, *_: object) -> None:
        if self._loop is not None and self._stop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
        if self._thread is not None:
            self._thread.join(10)

    async def _serve(self, ready: threading.Event) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        try:
            async with self:
                ready.set()
                await self._stop.wait()
        finally:
            ready.set()

    async def _models(self, _: web.Request) -> web.Response:
        return web.json_response(
            {"object": "list", "data": [{"id": m, "object": "model"} for m in ("m1", "m2", "critic")]}
        )

    async def _stats(self, _: web.Request) -> web.Response:
        total = {key: sum(getattr(c, key) for c in self.calls) for key in ("tokens", "sent", "prompt_chars")}
        models = Counter(c.model for c in self.calls)
        faults = Counter(c.fault for c in self.calls if c.fault)
        return web.json_response({"calls": len(self.calls), "models": models, "faults": faults, **total})

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        chat = read_chat(body["messages"])
        call = Call(body["model"], chat.record_id, role_of(body["model"], chat), messages=body["messages"])
        call.prompt_chars = sum(len(str(m.get("content"))) for m in body["messages"])
        call.authorization = request.headers.get("Authorization", "")
        self.calls.append(call)
        key = (call.model, call.record_id)
        self._seen[key] += 1
        chance = Random(f"{self.behaviour.seed}/{key}/{self._seen[key]}")
        if self.behaviour.latency:
            await asyncio.sleep(self.behaviour.latency)
        if (refusal := self._refuse(call, chance)) is not None:
            return refusal
        call.text = self._say(call, chat, chance)
        tokens = TOKEN.findall(call.text)
        call.tokens = len(tokens)
        usage = {"prompt_tokens": call.prompt_chars // 4, "completion_tokens": len(tokens)}
        usage["total_tokens"] = sum(usage.values())
        if body.get("stream") and self.behaviour.stream:
            wants_usage = bool((body.get("stream_options") or {}).get("include_usage"))
            return await self._stream(request, call, tokens, chance, usage if wants_usage else None)
        await asyncio.sleep(self.behaviour.ttft + self.behaviour.itl * max(0, len(tokens) - 1))
        call.sent = len(tokens)
        message = {"role": "assistant", "content": call.text, "refusal": None}
        choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
        return web.json_response(_envelope(call, "chat.completion", [choice], usage=usage))

    def _refuse(self, call: Call, chance: Random) -> web.Response | None:
        draw, rules = chance.random(), self.behaviour
        if draw < rules.rate_429:
            call.fault, call.status = "429", 429
            error = {"message": "Rate limit reached", "type": "requests", "param": None, "code": "rate_limit_exceeded"}
            wait = str(chance.randint(0, rules.retry_after))
            return web.json_response({"error": error}, status=429, headers={"Retry-After": wait})
        if draw < rules.rate_429 + rules.rate_500:
            call.fault, call.status = "500", 500
            error = {"message": "The server had an error", "type": "server_error", "param": None, "code": None}
            return web.json_response({"error": error}, status=500)
        return None

    def _say(self, call: Call, chat: Chat, chance: Random) -> str:
        """The text of the answer."""
        if chance.random() < self.behaviour.rate_nonsense:
            call.fault = "nonsense"
            return "I am sorry, as a language model I would rather talk about {the weather} and [other things]."
        if call.role == "critic":
            return self._judge(chat)
        answer = order_answer(chat) if call.role == "order" else match_answer(chat)
        if chance.random() < self.behaviour.wrong / 2**chat.answers:
            call.fault, answer = "wrong", spoil(answer, chance)
        value = [answer] if "message" in answer or chance.random() < 0.5 else answer
        return self._dress(value, call.role, chat)

    def _judge(self, chat: Chat) -> str:
        problems = critique(chat)
        if self.behaviour.plain_critic or "APPROVE" in chat.system:
            return f"REJECTED: {'; '.join(problems)}" if problems else "APPROVED"
        verdict = {"verdict": "reject" if problems else "approve", "feedback": "; ".join(problems)}
        return f"```json\n{json.dumps(verdict)}\n```"

    def _dress(self, value: Any, role: str, chat: Chat) -> str:
        block = f"```json\n{json.dumps(value, indent=2)}\n```"
        end = "\nTERMINATE" if "TERMINATE" in chat.system else ""
        if not self.behaviour.prose:
            return block + end
        before = f"I compared the suppliers for registration {chat.record_id} step by step. Here is the {role}:\n\n"
        if self.behaviour.tricky:
            before = (
                'As the rules say [1], an example looks like {"supplier_id": "..."}, and braces } { happen.\n' + before
            )
        after = "\n\nThe prices were taken from the offers as listed; please let me know if anything else is needed."
        return before + block + after + end

    async def _stream(
        self, request: web.Request, call: Call, tokens: list[str], chance: Random, usage: dict[str, int] | None
    ) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"})
        await response.prepare(request)
        cut = chance.randrange(len(tokens)) if chance.random() < self.behaviour.rate_cut else None
        clock = asyncio.get_running_loop()
        due = clock.time() + self.behaviour.ttft
        try:
            for place, token in enumerate(tokens):
                if (wait := due - clock.time()) > 0:
                    await asyncio.sleep(wait)
                if place == cut:
                    call.fault = "cut"
                    return self._cut(request, response, chance)
                due += self.behaviour.itl
                delta = {"content": token} if place else {"role": "assistant", "content": token, "refusal": None}
                await response.write(_event(call, [{"index": 0, "delta": delta, "finish_reason": None}]))
                call.sent += 1
            await response.write(_event(call, [{"index": 0, "delta": {}, "finish_reason": "stop"}]))
            if usage is not None:
                await response.write(_event(call, [], usage=usage))
            await response.write(b"data: [DONE]\n\n")
            await response.write_eof()
        except (ConnectionError, asyncio.CancelledError):
            call.fault = call.fault or "left"
            if asyncio.current_task().cancelling():
                raise
        return response

    def _cut(self, request: web.Request, response: web.StreamResponse, chance: Random) -> web.StreamResponse:
        if chance.random() < 0.5 and request.transport is not None:
            request.transport.abort()
        return response


def _envelope(call: Call, kind: str, choices: list[Any], **more: Any) -> dict[str, Any]:
    return {
        "id": "chatcmpl-foreign",
        "object": kind,
        "created": 1700000000,
        "model": call.model,
        "choices": choices,
        **more,
    }


def _event(call: Call, choices: list[Any], **more: Any) -> bytes:
    return b"data: " + json.dumps(_envelope(call, "chat.completion.chunk", choices, **more)).encode() + b"\n\n"


async def _forever(server: ForeignServer, print_url: bool) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with server:
        if print_url:
            print(server.url, flush=True)
        await stop.wait()
    print(json.dumps(Counter(f"{c.role} {c.fault or 'ok'}" for c in server.calls)), file=sys.stderr)


def main(argv: Sequence[str] | None = None) -> None:
    """The command line: one option a field of Behaviour."""
    parser = argparse.ArgumentParser(description="A foreign OpenAI-compatible server for the workload sbus.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--print-url", action="store_true")
    defaults = asdict(Behaviour())
    for option in fields(Behaviour):
        flag, value = f"--{option.name.replace('_', '-')}", defaults[option.name]
        if isinstance(value, bool):
            parser.add_argument(flag, action=argparse.BooleanOptionalAction, default=value)
        else:
            parser.add_argument(flag, type=type(value), default=value)
    args = vars(parser.parse_args(argv))
    port, print_url = args.pop("port"), args.pop("print_url")
    asyncio.run(_forever(ForeignServer(Behaviour(**args), port=port), print_url))


if __name__ == "__main__":
    main()
