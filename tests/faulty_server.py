"""A server that answers rightly (foreign_brain.py), but for the calls that a test has set a fault on: raw bytes on a
socket, so that every way to break the protocol can be had."""

from __future__ import annotations

__all__ = ["FAULTS", "FaultyServer", "Seen"]

import asyncio
import contextlib
import json
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Self

from foreign_brain import Chat, match_answer, order_answer, read_chat, role_of

Writer = asyncio.StreamWriter
Fault = Callable[["Seen", Writer], Awaitable[None]]


@dataclass
class Seen:
    """A request: its record, its role (match, order or critic), when it came (monotonic seconds), its head, and the
    bytes that were sent back before the client left, or all."""

    record_id: str
    role: str
    at: float
    head: str
    body: dict[str, Any] = field(repr=False)
    fault: str = ""
    sent: int = 0
    left_at: float | None = None

    def text(self) -> str:
        """The right answer."""
        chat = read_chat(self.body["messages"])
        if self.role == "critic":
            return '```json\n{"verdict": "approved", "feedback": ""}\n```'
        return f"Here it is:\n\n```json\n{json.dumps(_answer(self.role, chat))}\n```\nThat is all."


def _answer(role: str, chat: Chat) -> dict[str, Any]:
    return order_answer(chat) if role == "order" else match_answer(chat)


def chunk(content: str | None = None, finish: str | None = None, **more: Any) -> bytes:
    """One event of a stream."""
    delta = {} if content is None else {"role": "assistant", "content": content}
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return b"data: " + json.dumps({"model": "m", "choices": [choice], **more}).encode() + b"\n\n"


def pieces(text: str) -> list[str]:
    return [text[at : at + 20] for at in range(0, len(text), 20)]


def usage() -> bytes:
    numbers = {"prompt_tokens": 1000, "completion_tokens": 50, "total_tokens": 1050}
    return b"data: " + json.dumps({"model": "m", "choices": [], "usage": numbers}).encode() + b"\n\n"


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"


def status(number: int, body: Any, **headers: str) -> Fault:
    """A reply of that status; `body` as JSON, or as it is."""

    async def send(_: Seen, writer: Writer) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        lines = [f"HTTP/1.1 {number} X", f"Content-Length: {len(data)}", "Connection: close"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + data)

    return send


def stream(make: Callable[[str], list[bytes]], *, head: bytes = HEAD, wait: float = 0.0, abort: bool = False) -> Fault:
    """These pieces in the place of the right answer's, `wait` seconds apart; `abort` resets the connection after."""

    async def send(seen: Seen, writer: Writer) -> None:
        writer.write(head)
        for piece in make(seen.text()):
            writer.write(piece)
            seen.sent += len(piece)
            await writer.drain()
            if wait:
                await asyncio.sleep(wait)
        if abort:
            writer.transport.abort()

    return send


async def stall(seen: Seen, writer: Writer) -> None:
    await asyncio.sleep(30)


def stalled_in_the_middle(seconds: float = 30) -> Fault:
    async def send(seen: Seen, writer: Writer) -> None:
        writer.write(HEAD + chunk(seen.text()[:30]))
        await writer.drain()
        await asyncio.sleep(seconds)

    return send


async def endless(seen: Seen, writer: Writer) -> None:
    writer.write(HEAD)
    piece = chunk("blah " * 400)
    while seen.sent < 50_000_000:
        writer.write(piece)
        seen.sent += len(piece)
        await writer.drain()


async def reset(seen: Seen, writer: Writer) -> None:
    writer.transport.abort()


def error(code: str, message: str, kind: str = "invalid_request_error") -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def whole(text: str) -> list[bytes]:
    return [chunk(piece) for piece in pieces(text)]


END = [chunk(finish="stop"), usage(), b"data: [DONE]\n\n"]
LENGTH = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %s\r\nConnection: close\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
HTML = b"<html><body>Please log in to the hotel's network</body></html>"

FAULTS: dict[str, Fault] = {
    "429": status(429, error("rate_limit_exceeded", "slow down"), Retry_After="0"),
    "500": status(500, error("x", "down", "server_error")),
    "502 html": status(502, HTML),
    "503": status(503, b""),
    "529": status(529, error("overloaded_error", "overloaded")),
    "401": status(401, error("invalid_api_key", "no such key")),
    "403": status(403, error("denied", "not for you")),
    "404": status(404, error("model_not_found", "no such model")),
    "quota": status(429, error("insufficient_quota", "no more credit", "insufficient_quota")),
    "400 context": status(400, error("context_length_exceeded", "too many tokens")),
    "400 filter": status(400, error("content_filter", "the prompt was filtered")),
    "407": status(407, b"proxy login"),
    "200 error": status(200, error("x", "it broke", "server_error"), Content_Type="application/json"),
    "200 html": status(200, HTML, Content_Type="text/html"),
    "200 empty": status(200, b"", Content_Type="application/json"),
    "200 no choices": status(200, {"id": "x", "choices": []}, Content_Type="application/json"),
    "302": status(302, b"", Location="http://127.0.0.1:9/elsewhere"),
    "invalid utf-8": stream(lambda text: [b'data: {"choices":[{"delta":{"content":"\xff\xfe"}}]}\n\n']),
    "finish length": stream(lambda text: [chunk(text[:50]), chunk(finish="length"), b"data: [DONE]\n\n"]),
    "finish filter": stream(lambda text: [chunk(text[:50]), chunk(finish="content_filter"), b"data: [DONE]\n\n"]),
    "finish unknown": stream(lambda text: [chunk(text[:50]), chunk(finish="tired"), b"data: [DONE]\n\n"]),
    "null content": stream(lambda text: [chunk(None), chunk(finish="stop"), b"data: [DONE]\n\n"]),
    "polite cut": stream(lambda text: [chunk(text[: len(text) // 2])]),
    "done without finish": stream(lambda text: [chunk(text[: len(text) // 2]), b"data: [DONE]\n\n"]),
    "rude cut": stream(lambda text: [chunk(text[: len(text) // 2])], wait=0.02, abort=True),
    "reset": reset,
    "stall": stall,
    "stall in the middle": stalled_in_the_middle(),
    "slow drip": stream(lambda text: [chunk(c) for c in text], wait=0.05),
    "only comments": stream(lambda text: [b": still here\n\n"] * 600, wait=0.05),
    "endless": endless,
    "bad event": stream(lambda text: [chunk(text[:20]), b"data: {not json\n\n"]),
    "error event": stream(lambda text: [chunk(text[:20]), b'data: {"error": {"message": "it broke"}}\n\n']),
    "length too long": stream(lambda text: [b'{"choices": []}'], head=LENGTH % b"5000"),
    "length negative": stream(lambda text: [b"{}"], head=LENGTH % b"-5"),
    "length garbage": stream(lambda text: [b"{}"], head=LENGTH % b"many"),
    "two lengths": stream(lambda text: [b"{}"], head=LENGTH % b"2\r\nContent-Length: 7"),
    "lying chunk size": stream(lambda text: [b"ffff\r\n", chunk(text[:20]), b"\r\n0\r\n\r\n"], head=CHUNKED),
    "garbage chunk size": stream(lambda text: [b"zz\r\nabc\r\n0\r\n\r\n"], head=CHUNKED),
    "huge chunk size": stream(lambda text: [b"f" * 400 + b"\r\nabc"], head=CHUNKED),
    "no http": stream(lambda text: [b"SSH-2.0-OpenSSH_9.6\r\n"], head=b""),
    "endless headers": stream(lambda text: [b"X-Y: z\r\n" * 50_000], head=b"HTTP/1.1 200 OK\r\n"),
    # What is unusual, and right:
    "crlf": stream(lambda text: [piece.replace(b"\n", b"\r\n") for piece in [*whole(text), *END]]),
    "comments": stream(lambda text: [b": hello\n\n", *whole(text), b": bye\n\n", *END]),
    "one byte a time": stream(lambda text: [bytes([b]) for b in b"".join([*whole(text), *END])]),
    "no done": stream(lambda text: [*whole(text), chunk(finish="stop")]),
    "other model": stream(lambda text: [p.replace(b'"m"', b'"cheap-1"') for p in [*whole(text), *END]]),
    "no usage": stream(lambda text: [*whole(text), chunk(finish="stop"), b"data: [DONE]\n\n"]),
}


class FaultyServer:
    """In a thread of its own. `choose` names the fault of a request, given its number for its record and role (from 1);
    "" for none. `seen` are all requests in order."""

    def __init__(self, choose: Callable[[Seen, int], str]) -> None:
        self._choose = choose
        self.seen: list[Seen] = []
        self.url = ""

    def __enter__(self) -> Self:
        ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(ready)), daemon=True)
        self._thread.start()
        assert ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    async def _serve(self, ready: threading.Event) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._answer, "127.0.0.1", 0, backlog=512)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        ready.set()
        await self._stop.wait()
        server.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    async def _answer(self, reader: asyncio.StreamReader, writer: Writer) -> None:
        seen: Seen | None = None
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            try:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                length = int(head.lower().partition("content-length:")[2].partition("\r\n")[0])
                body = json.loads(await reader.readexactly(length))
                chat = read_chat(body["messages"])
                role = role_of(body["model"], chat)
                earlier = sum((one.record_id, one.role) == (chat.record_id, role) for one in self.seen)
                seen = Seen(chat.record_id, role, time.monotonic(), head, body)
                self.seen.append(seen)
                seen.fault = self._choose(seen, earlier + 1)
                await (FAULTS[seen.fault] if seen.fault else RIGHT)(seen, writer)
                await writer.drain()
            finally:
                if seen is not None:
                    seen.left_at = time.monotonic()
                writer.close()


RIGHT = stream(lambda text: [*whole(text), *END])
