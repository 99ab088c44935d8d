"""What the mock server says, as bytes: the events of a stream, whole bodies, and where the JSON in an answer ends."""

from __future__ import annotations

__all__ = ["error_body", "frame", "stream_events", "tokens_to_json_end", "whole_body"]

import orjson

from igent.models.mock import MockAnswer
from igent.models.prose import value_span


def frame(data: bytes) -> bytes:
    """One chunk of HTTP/1.1's chunked transfer coding (RFC 9112, 7.1)."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def _usage(answer: MockAnswer) -> dict[str, int]:
    given, made = answer.usage.input_tokens, answer.usage.output_tokens
    return {"prompt_tokens": given, "completion_tokens": made, "total_tokens": given + made}


def stream_events(answer: MockAnswer, model: str, call_id: str, *, usage: bool) -> list[bytes]:
    """A stream, framed: one element for each token, then one for the rest (finish reason, usage if asked for, DONE)."""
    head = {"id": call_id, "object": "chat.completion.chunk", "created": 0, "model": model}
    opening = orjson.dumps(head)[:-1]
    before = b"data: " + opening + b',"choices":[{"index":0,"delta":{"content":'
    events = [frame(before + orjson.dumps(token) + b'},"finish_reason":null}]}\n\n') for token in answer.tokens]
    if events:
        role = b'data: %b,"choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}\n\n'
        events[0] = frame(role % opening) + events[0]
    last = {**head, "choices": [{"index": 0, "delta": {}, "finish_reason": answer.finish}]}
    rest = b"data: " + orjson.dumps(last) + b"\n\n"
    if usage:
        rest += b"data: " + orjson.dumps({**head, "choices": [], "usage": _usage(answer)}) + b"\n\n"
    events.append(frame(rest + b"data: [DONE]\n\n"))
    return events


def whole_body(answer: MockAnswer, model: str, call_id: str) -> bytes:
    """A chat.completion object."""
    message = {"role": "assistant", "content": answer.text}
    choice = {"index": 0, "message": message, "finish_reason": answer.finish}
    head = {"id": call_id, "object": "chat.completion", "created": 0, "model": model}
    return orjson.dumps({**head, "choices": [choice], "usage": _usage(answer)})


def error_body(message: str, kind: str, code: str | None = None) -> bytes:
    """An error object, as OpenAI sends it."""
    return orjson.dumps({"error": {"message": message, "type": kind, "param": None, "code": code}})


def tokens_to_json_end(answer: MockAnswer) -> int:
    """How many tokens it takes until the first complete answer JSON (see value_span) is closed; all of them where there
    is none."""
    span = value_span(answer.text)
    length = 0
    for count, token in enumerate(answer.tokens, 1):
        length += len(token)
        if span is not None and length >= span[1]:
            return count
    return len(answer.tokens)
