"""Replies of an endpoint that are wrong, or unusual, in every way that is known, as bytes on a socket."""

from __future__ import annotations

__all__ = ["END", "FAULTS", "RIGHT", "UNUSUAL", "Seen", "Writer", "error", "status", "stream", "whole"]

import asyncio
import gzip
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from foreign_brain import Chat, match_answer, order_answer, read_chat

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


def stalled(make: Callable[[str], bytes], seconds: float = 30) -> Fault:
    """These bytes, and then nothing, with the connection open."""

    async def send(seen: Seen, writer: Writer) -> None:
        writer.write(make(seen.text()))
        await writer.drain()
        await asyncio.sleep(seconds)

    return send


def endless(head: bytes, piece: bytes) -> Fault:
    """50 MB of it."""

    async def send(seen: Seen, writer: Writer) -> None:
        writer.write(head)
        while seen.sent < 50_000_000:
            writer.write(piece)
            seen.sent += len(piece)
            await writer.drain()

    return send


async def reset(seen: Seen, writer: Writer) -> None:
    writer.transport.abort()


def error(code: str, message: str, kind: str = "invalid_request_error") -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def whole(text: str) -> list[bytes]:
    return [chunk(piece) for piece in pieces(text)]


def choices(*texts: str) -> bytes:
    """One event with several choices, the first of index 0 at the end."""
    found = [{"index": n, "delta": {"content": text}, "finish_reason": None} for n, text in enumerate(texts)]
    return b"data: " + json.dumps({"model": "m", "choices": found[::-1]}).encode() + b"\n\n"


def other(text: str) -> bytes:
    """A piece of a second answer, beside the one that is asked for."""
    return chunk(text).replace(b'"index": 0', b'"index": 1')


def completion(text: str) -> bytes:
    """The answer as one object, though a stream was asked for."""
    message = {"role": "assistant", "content": text}
    return json.dumps({"model": "m", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}).encode()


def tool_call(text: str) -> bytes:
    call = {"index": 0, "id": "c", "type": "function", "function": {"name": "answer", "arguments": text}}
    choice = {"index": 0, "delta": {"role": "assistant", "content": None, "tool_calls": [call]}, "finish_reason": None}
    return b"data: " + json.dumps({"model": "m", "choices": [choice]}).encode() + b"\n\n"


def mixed(text: str) -> list[bytes]:
    """Two answers in one stream, piece by piece, as a broken proxy mixes them up."""
    return list(chain.from_iterable(zip(whole(text), whole(text[7:] + text[:7]), strict=True)))


END = [chunk(finish="stop"), usage(), b"data: [DONE]\n\n"]
LENGTH = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %s\r\nConnection: close\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
AZURE = b"x-ratelimit-remaining-requests: -1\r\nx-ratelimit-reset-requests: -1\r\n\r\n"
PACKED = HEAD[:-2] + b"Content-Encoding: %s\r\n\r\n"
HTML = b"<html><body>Please log in to the hotel's network</body></html>"

WRONG: dict[str, Fault] = {
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
    "200 invalid utf-8": status(200, b'{"choices": "\xff\xfe"}', Content_Type="application/json"),
    "invalid utf-8": stream(lambda text: [b'data: {"choices":[{"delta":{"content":"\xff\xfe"}}]}\n\n']),
    "finish length": stream(lambda text: [chunk(text[:50]), chunk(finish="length"), b"data: [DONE]\n\n"]),
    "finish filter": stream(lambda text: [chunk(text[:50]), chunk(finish="content_filter"), b"data: [DONE]\n\n"]),
    "finish unknown": stream(lambda text: [chunk(text[:50]), chunk(finish="tired"), b"data: [DONE]\n\n"]),
    "null content": stream(lambda text: [chunk(None), chunk(finish="stop"), b"data: [DONE]\n\n"]),
    "polite cut": stream(lambda text: [chunk(text[: len(text) // 2])]),
    "done without finish": stream(lambda text: [chunk(text[: len(text) // 2]), b"data: [DONE]\n\n"]),
    "rude cut": stream(lambda text: [chunk(text[: len(text) // 2])], wait=0.02, abort=True),
    "reset": reset,
    "stall": stalled(lambda text: b""),
    "stall in the middle": stalled(lambda text: HEAD + chunk(text[:30])),
    "stall in a size line": stalled(lambda text: CHUNKED + b"%x\r\n%b\r\n1" % (len(c := chunk(text[:30])), c)),
    "stall in an error": stalled(lambda text: b"HTTP/1.1 500 X\r\nContent-Length: 500\r\n\r\n{"),
    "headers drip": stream(lambda text: [bytes([byte]) for byte in HEAD], head=b"", wait=0.05),
    "slow drip": stream(lambda text: [chunk(c) for c in text], wait=0.05),
    "only comments": stream(lambda text: [b": still here\n\n"] * 600, wait=0.05),
    "endless": endless(HEAD, chunk("blah " * 400)),
    "50 MB body": endless(LENGTH % b"50000000", b'{"choices": "' + b"x" * 100_000),
    "tool calls": stream(lambda text: [tool_call(text), chunk(finish="tool_calls"), b"data: [DONE]\n\n"]),
    "two answers mixed": stream(lambda text: [*mixed(text), *END]),
    "bad event": stream(lambda text: [chunk(text[:20]), b"data: {not json\n\n"]),
    "error event": stream(lambda text: [chunk(text[:20]), b'data: {"error": {"message": "it broke"}}\n\n']),
    "length too short": stream(lambda text: [completion(text)], head=LENGTH % b"60"),
    "stream longer than its length": stream(
        lambda text: [*whole(text), *END], head=HEAD[:-2] + b"Content-Length: 200\r\n\r\n"
    ),
    "gzip cut": stream(lambda text: [gzip.compress(b"".join(whole(text)))[:90]], head=PACKED % b"gzip"),
    "gzip that is none": stream(lambda text: [*whole(text), *END], head=PACKED % b"gzip"),
    "packing unknown": stream(lambda text: [b"\x0b\x02\x80"], head=PACKED % b"br"),
    "length too long": stream(lambda text: [b'{"choices": []}'], head=LENGTH % b"5000"),
    "length negative": stream(lambda text: [b"{}"], head=LENGTH % b"-5"),
    "length garbage": stream(lambda text: [b"{}"], head=LENGTH % b"many"),
    "two lengths": stream(lambda text: [b"{}"], head=LENGTH % b"2\r\nContent-Length: 7"),
    "lying chunk size": stream(lambda text: [b"ffff\r\n", chunk(text[:20]), b"\r\n0\r\n\r\n"], head=CHUNKED),
    "garbage chunk size": stream(lambda text: [b"zz\r\nabc\r\n0\r\n\r\n"], head=CHUNKED),
    "huge chunk size": stream(lambda text: [b"f" * 400 + b"\r\nabc"], head=CHUNKED),
    "no http": stream(lambda text: [b"SSH-2.0-OpenSSH_9.6\r\n"], head=b""),
    "endless headers": stream(lambda text: [b"X-Y: z\r\n" * 50_000], head=b"HTTP/1.1 200 OK\r\n"),
}
UNUSUAL: dict[str, Fault] = {
    "crlf": stream(lambda text: [piece.replace(b"\n", b"\r\n") for piece in [*whole(text), *END]]),
    "comments": stream(lambda text: [b": hello\n\n", *whole(text), b": bye\n\n", *END]),
    "one byte a time": stream(lambda text: [bytes([b]) for b in b"".join([*whole(text), *END])]),
    "no done": stream(lambda text: [*whole(text), chunk(finish="stop")]),
    "other model": stream(lambda text: [p.replace(b'"m"', b'"cheap-1"') for p in [*whole(text), *END]]),
    "choice 1 first": stream(lambda text: [other('{"supplier_id": "X"}'), *whole(text), *END]),
    "two choices": stream(lambda text: [*(choices(piece, "x" + piece) for piece in pieces(text)), *END]),
    "two choices in turn": stream(lambda text: [e for p in pieces(text) for e in (chunk(p), other(p[::-1]))] + END),
    "gzip": stream(lambda text: [gzip.compress(b"".join([*whole(text), *END]))], head=PACKED % b"gzip"),
    "one object": stream(lambda text: [completion(text)], head=HEAD.replace(b"text/event-stream", b"application/json")),
    "never closed": stalled(lambda text: HEAD + b"".join([*whole(text), *END])),
    "limits of -1": stream(lambda text: [*whole(text), *END], head=HEAD[:-2] + AZURE),
    "no usage": stream(lambda text: [*whole(text), chunk(finish="stop"), b"data: [DONE]\n\n"]),
}
"""Right all the same."""
FAULTS = {**WRONG, **UNUSUAL}
RIGHT = stream(lambda text: [*whole(text), *END])
