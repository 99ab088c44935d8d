"""The OpenAI chat protocol, without I/O: the body of a request, and an answer read from the bytes of a reply."""

from __future__ import annotations

__all__ = ["AnswerReader", "request_body"]

from collections.abc import Mapping
from typing import Any

import orjson

from igent.models.failure import CallErrors
from igent.models.sse import EventReader
from igent.models.tokens import estimate_usage
from igent.types import ChatRequest, Completion, Finish, StopCondition, Usage

# An event wraps each token of a few bytes in some 250 bytes of JSON; a stream far beyond that is not an answer.
_RAW_BYTES_PER_ANSWER_BYTE = 128
_FINISHES: dict[str, Finish] = {
    "stop": "stop",
    "eos": "stop",
    "end_turn": "stop",
    "length": "length",
    "max_tokens": "length",
    "content_filter": "content_filter",
}


def request_body(request: ChatRequest, *, stream: bool, ask_usage: bool) -> bytes:
    """The JSON body of a chat.completions call. Raises TypeError when an option or a text cannot be sent as JSON."""
    body: dict[str, Any] = {
        **request.options,
        "model": request.model,
        "messages": [{"role": message.role, "content": message.content} for message in request.messages],
        "stream": stream,
    }
    if stream and ask_usage:
        body["stream_options"] = {"include_usage": True}
    return orjson.dumps(body, option=orjson.OPT_NON_STR_KEYS)


class AnswerReader:
    """Reads one answer from the bytes of one reply: a stream of events, or a whole chat.completion object, whichever
    comes, whatever was asked for.

    Each piece of text goes to `stop`; once that is content, the reply may be closed. `max_bytes` bounds the text.
    Afterwards: `started` (something of the answer has come, its reasoning included), `finished` (the endpoint has said
    that the answer is over), `done` (and that nothing more comes), `cut` (the stop condition has said so), `events`
    (how many were read).
    """

    def __init__(self, request: ChatRequest, errors: CallErrors, stop: StopCondition | None, max_bytes: int) -> None:
        self._request = request
        self._errors = errors
        self._stop = stop
        self._max_bytes = max_bytes
        self._sse: EventReader | None = None
        self._head = b""
        self._body: list[bytes] | None = None
        self._raw_bytes = self._text_bytes = 0
        self._parts: list[str] = []
        self._finish: Finish | None = None
        self._usage: Usage | None = None
        self._model = ""
        self._choices = False
        self._satisfied = False
        self.events = 0
        self.started = False
        self.done = False
        self.cut = False

    @property
    def finished(self) -> bool:
        """Whether the endpoint has said that the answer is over."""
        return self._finish is not None

    @property
    def complete(self) -> bool:
        """Whether the answer is whole, whatever becomes of the rest of the reply."""
        return self.cut or self._finish is not None

    @property
    def received(self) -> bool:
        """Whether anything at all has come."""
        return self._raw_bytes > 0

    def feed(self, chunk: bytes) -> bool:
        """Take the next bytes; True when the answer is complete and the reply is to be closed at once.

        Raises ProtocolError, or what an error object in the stream stands for.
        """
        self._raw_bytes += len(chunk)
        if self._sse is None and self._body is None:
            chunk = self._recognise(chunk)
        if self._sse is None:
            return self._collect(chunk)
        for payload in self._sse.feed(chunk):
            if self._event(payload):
                self.cut = True
                return True
        if self._sse.pending_bytes > 2 * self._max_bytes + 4096:
            raise self._errors.too_long(self._max_bytes)
        if self._raw_bytes > _RAW_BYTES_PER_ANSWER_BYTE * (self._max_bytes + 4096):
            raise self._errors.too_long(self._max_bytes)
        return False

    def _recognise(self, chunk: bytes) -> bytes:
        """By the first byte that says anything, for content types lie: JSON, a stream of events, or neither."""
        self._head += chunk
        start = self._head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
        if start == b"<":
            raise self._errors.protocol("a page (HTML) in the place of an answer", self._head)
        if start in (b"{", b"["):
            self._body = []
        elif start:
            self._sse = EventReader()
        elif len(self._head) > self._max_bytes:
            raise self._errors.too_long(self._max_bytes)
        return self._head if start else b""

    def _collect(self, chunk: bytes) -> bool:
        if self._body is not None:
            self._body.append(chunk)
            self.started = True
            # The envelope of a chat.completion takes some 1 to 2 KB.
            if self._raw_bytes > self._max_bytes + 4096:
                raise self._errors.too_long(self._max_bytes)
        return False

    def _event(self, payload: bytes) -> bool:
        if payload == b"[DONE]":
            self.events += 1
            self.done = True
            return False
        try:
            event = orjson.loads(payload)
        except orjson.JSONDecodeError as error:
            raise self._errors.protocol("a broken event in the stream", payload) from error
        self.events += 1
        choice = self._envelope(event, payload)
        if choice is None or self._finish is not None:
            return False
        delta = choice.get("delta")
        if isinstance(delta, dict):
            content = delta.get("content")
            if content and self._text(_plain(content)):
                return True
            self.started = self.started or any(value for name, value in delta.items() if name != "role")
        self._finish = _finish(choice)
        return False

    def _envelope(self, payload: Any, raw: bytes) -> dict[str, Any] | None:
        """What every object of the protocol has around its choice; the first choice, if there is one."""
        if not isinstance(payload, dict):
            raise self._errors.protocol("not an object of the chat protocol", raw)
        if payload.get("error"):
            raise self._errors.payload(payload, raw)
        self._usage = _usage(payload.get("usage")) or self._usage
        model = payload.get("model")
        self._model = model if model and isinstance(model, str) else self._model
        choices = payload.get("choices")
        if not isinstance(choices, list) or not choices:
            return None
        choice = choices[0]
        if not isinstance(choice, dict):
            raise self._errors.protocol("a choice that is not an object", raw)
        self._choices = True
        return choice if choice.get("index") in (0, None) else None

    def _text(self, text: str) -> bool:
        """Take a piece of the answer; whether the stop condition is content."""
        self.started = self.started or bool(text)
        self._parts.append(text)
        self._text_bytes += len(text.encode("utf-8", "replace"))
        if self._stop is not None and self._stop.feed(text):
            self._satisfied = True
        elif self._text_bytes > self._max_bytes:
            raise self._errors.too_long(self._max_bytes)
        return self._satisfied

    def close(self) -> None:
        """The reply has ended. Raises IncompleteError when the answer had not, ProtocolError when there was none."""
        if self._body is not None:
            self._whole(b"".join(self._body))
            return
        left = self._sse.close() if self._sse else []
        if any(map(_is_json, left)) and self._event(left[0]):
            self.cut = True
            return
        if self.finished:
            return
        if not self.events:
            what = "a reply that is neither JSON nor a stream of events" if self._head.strip() else "an empty reply"
            raise self._errors.protocol(what, self._head)
        if not self._choices:
            raise self._errors.protocol("a stream without choices", self._head)
        raise self.broken_off()

    def broken_off(self) -> Exception:
        """The error for a reply that ends here."""
        return self._errors.incomplete(
            f"the answer was cut off after {self._text_bytes} bytes, without a finish reason"
        )

    def _whole(self, raw: bytes) -> None:
        try:
            body = orjson.loads(raw.removeprefix(b"\xef\xbb\xbf"))
        except orjson.JSONDecodeError as error:
            raise self._errors.protocol("a reply that is not JSON", raw) from error
        choice = self._envelope(body, raw)
        message = choice.get("message") if choice else None
        if choice is None or not isinstance(message, dict):
            raise self._errors.protocol("a reply without choices", raw)
        self._text(_plain(message.get("content")))
        # Where the value was complete, the text after it is dropped as it would have been in a stream; so is its end.
        self._finish = "stop" if self._satisfied else _finish(choice) or "unknown"

    def completion(self) -> Completion:
        """The answer; call it after `feed` gave True or `close` raised nothing.

        A text that the stop condition ended is given up to there, and its usage is estimated for that much, so that
        both are the same however the stream was split.
        """
        text = "".join(self._parts)
        if self._satisfied and self._stop is not None:
            text = text[: self._stop.end]
        usage = None if self.cut else self._usage
        return Completion(
            text=text,
            usage=usage or estimate_usage(self._request.messages, text),
            finish="cut" if self.cut else self._finish or "unknown",
            model=self._model or self._request.model,
            value=self._stop.value if self._satisfied and self._stop is not None else None,
        )


def _is_json(payload: bytes) -> bool:
    try:
        orjson.loads(payload)
    except orjson.JSONDecodeError:
        return False
    return True


def _plain(content: Any) -> str:
    """The text of a message's content: a string, or a list of parts of which some are text."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "".join(part["text"] for part in content if isinstance(part, dict) and isinstance(part.get("text"), str))
    return ""


def _finish(choice: Mapping[str, Any]) -> Finish | None:
    reason = choice.get("finish_reason")
    return _FINISHES.get(str(reason), "unknown") if reason else None


def _usage(usage: Any) -> Usage | None:
    """The endpoint's usage; None where it gave none, or one that cannot be (nothing is free)."""
    if not isinstance(usage, dict):
        return None
    given, made = usage.get("prompt_tokens"), usage.get("completion_tokens")
    if isinstance(given, int) and isinstance(made, int) and min(given, made) >= 0 and given + made > 0:
        return Usage(given, made)
    return None
