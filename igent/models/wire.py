"""An answer of the OpenAI chat protocol, read from the bytes of a reply. No I/O."""

from __future__ import annotations

__all__ = ["AnswerReader"]

import re
from typing import Any

import orjson

from igent.models.failure import CallErrors
from igent.models.protocol import finish_of, text_of, usage_of
from igent.models.shape import EventShape
from igent.models.spoken import Spoken, size_of
from igent.models.sse import EventReader
from igent.models.tokens import estimate_usage
from igent.types import ChatRequest, Completion, Finish, StopCondition, Usage

# An event wraps each token of a few bytes in some 250 bytes of JSON; a stream far beyond that is not an answer.
_RAW_BYTES_PER_ANSWER_BYTE = 128
# As much of a reply's begin as errors show.
_HEAD_BYTES = 256
_END_OF_EVENT = re.compile(rb"\n\n|\r\n\r\n")
# How many events with text are looked at for the shape of the stream, and how often it may not fit what comes.
_LEARNING, _MISFITS = 4, 3


class AnswerReader:
    """Reads one answer from the bytes of one reply: a stream of events, or a whole chat.completion object, whichever
    comes, whatever was asked for.

    Each piece of text goes to `stop`; once that is content (`satisfied`), the reply may be closed. With `linger`, for
    endpoints that were asked to stop there by themselves, it may be closed once more text comes than a closing fence.
    `max_bytes` bounds the text.

    Afterwards: `started` (something of the answer has come, its reasoning included), `finished` (the endpoint has said
    that the answer is over), `done` (and that nothing more comes), `events` (how many were read).
    """

    def __init__(
        self,
        request: ChatRequest,
        errors: CallErrors,
        stop: StopCondition | None,
        max_bytes: int,
        *,
        linger: bool = False,
    ) -> None:
        self._request = request
        self._errors = errors
        self._spoken = Spoken(stop, linger=linger)
        self._max_bytes = max_bytes
        self._sse: EventReader | None = None
        self._head = b""
        self._body: list[bytes] | None = None
        self._shape: EventShape | None = None
        self._learning, self._misfits = _LEARNING, _MISFITS
        self._raw_bytes = 0
        self._finish: Finish | None = None
        self._usage: Usage | None = None
        self._model = ""
        self._choices = False
        self.events = 0
        self.started = False
        self.done = False

    @property
    def satisfied(self) -> bool:
        """Whether the stop condition is content."""
        return self._spoken.satisfied

    @property
    def finished(self) -> bool:
        """Whether the endpoint has said that the answer is over."""
        return self._finish is not None

    @property
    def complete(self) -> bool:
        """Whether the answer is whole, whatever becomes of the rest of the reply."""
        return self._spoken.satisfied or self._finish is not None

    @property
    def received(self) -> bool:
        """Whether anything at all has come."""
        return self._raw_bytes > 0

    @property
    def spent(self) -> Usage:
        """An estimate of what the call has cost so far."""
        return estimate_usage(self._request.messages, self._spoken.whole)

    def feed(self, chunk: bytes) -> bool:
        """Take the next bytes; True when the answer is complete and the reply is to be closed at once.

        Raises ProtocolError, or what an error object in the stream stands for.
        """
        self._raw_bytes += len(chunk)
        if self._sse is None and self._body is None:
            chunk = self._recognise(chunk)
        if self._sse is None:
            return self._collect(chunk)
        if self._read(self._sse, chunk):
            return True
        if self._sse.pending_bytes > 2 * self._max_bytes + 4096:
            raise self._errors.too_long(self._max_bytes)
        if self._raw_bytes > _RAW_BYTES_PER_ANSWER_BYTE * (self._max_bytes + 4096):
            raise self._errors.too_long(self._max_bytes)
        return False

    def _read(self, sse: EventReader, chunk: bytes) -> bool:
        """Read events, those of the known shape all at once; whether the reply is to be closed."""
        at = 0
        while at < len(chunk) and self._finish is None and (self._shape or self._learning):
            if self._shape and sse.between_events and (found := self._shape.read(chunk[at:])):
                text, events, rest = found
                size = size_of(text)
                if self._spoken.bytes + size <= self._max_bytes:
                    self.events += events
                    self._misfits = _MISFITS
                    at = len(chunk) - len(rest)
                    if text and self._text(text, size):
                        return True
                    break
            end = _END_OF_EVENT.search(chunk, at)
            if end is None:
                break
            piece, at = chunk[at : end.end()], end.end()
            if self._each(sse, piece):
                return True
        return at < len(chunk) and self._each(sse, chunk[at:])

    def _each(self, sse: EventReader, chunk: bytes) -> bool:
        return any(self._event(payload, chunk) for payload in sse.feed(chunk))

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
        if not start:
            return b""
        chunk, self._head = self._head, self._head[:_HEAD_BYTES]
        return chunk

    def _collect(self, chunk: bytes) -> bool:
        if self._body is not None:
            self._body.append(chunk)
            self.started = True
            # The envelope of a chat.completion takes some 1 to 2 KB.
            if self._raw_bytes > self._max_bytes + 4096:
                raise self._errors.too_long(self._max_bytes)
        return False

    def _event(self, payload: bytes, chunk: bytes) -> bool:
        """Read the data of one event, which came with this chunk; whether the reply is to be closed."""
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
            text = text_of(content)
            if text and self._text(text, size_of(text)):
                return True
            self.started = self.started or any(value for name, value in delta.items() if name != "role")
            ends = event.get("usage") or choice.get("finish_reason")
            if isinstance(content, str) and choice is event["choices"][0] and not ends:
                self._learn(payload, chunk)
        self._finish = finish_of(choice)
        return False

    def _learn(self, payload: bytes, chunk: bytes) -> None:
        if self._shape is not None:
            self._misfits -= 1
            if not self._misfits:
                self._shape = None
        elif self._learning:
            self._learning -= 1
            self._shape = EventShape.learn(payload, chunk)

    def _envelope(self, payload: Any, raw: bytes) -> dict[str, Any] | None:
        """What every object of the protocol has around its choice; the choice of index 0, wherever it stands."""
        if not isinstance(payload, dict):
            raise self._errors.protocol("not an object of the chat protocol", raw)
        if payload.get("error"):
            raise self._errors.payload(payload, raw)
        self._usage = usage_of(payload.get("usage")) or self._usage
        model = payload.get("model")
        if model and isinstance(model, str) and model != self._model:
            self._model, self._shape = model, None
        choices = payload.get("choices")
        if not isinstance(choices, list) or not choices:
            return None
        if not all(isinstance(choice, dict) for choice in choices):
            raise self._errors.protocol("a choice that is not an object", raw)
        self._choices = True
        return next((choice for choice in choices if choice.get("index") in (0, None)), None)

    def _text(self, text: str, size: int) -> bool:
        """Take a piece of the answer; whether the reply is to be closed."""
        self.started = self.started or bool(text)
        over = self._spoken.add(text, size)
        if self._spoken.bytes > self._max_bytes and not self._spoken.satisfied:
            raise self._errors.too_long(self._max_bytes)
        return over

    def close(self) -> None:
        """The reply has ended. Raises IncompleteError when the answer had not, ProtocolError when there was none."""
        if self._body is not None:
            self._whole(b"".join(self._body))
            return
        left = self._sse.close() if self._sse else []
        if any(map(_is_json, left)):
            self._event(left[0], b"")
        if self.complete:
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
            f"the answer was cut off after {self._spoken.bytes} bytes, without a finish reason"
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
        text = text_of(message.get("content"))
        self._text(text, size_of(text))
        # Where the value was complete, the text after it is dropped as it would have been in a stream; so is its end.
        self._finish = "stop" if self.satisfied else finish_of(choice) or "unknown"

    def completion(self) -> Completion:
        """The answer; call it after `feed` gave True or `close` raised nothing.

        A text that the stop condition ended is given up to there. Where the reply was closed for it ("cut"), the usage
        is estimated for that much, so that both are the same however the stream was split.
        """
        text = self._spoken.text
        cut = self._finish is None
        finish: Finish = "stop" if self.satisfied else self._finish or "unknown"
        return Completion(
            text=text,
            usage=(None if cut else self._usage) or estimate_usage(self._request.messages, text),
            finish="cut" if cut else finish,
            model=self._model or self._request.model,
            value=self._spoken.value,
        )


def _is_json(payload: bytes) -> bool:
    try:
        orjson.loads(payload)
    except orjson.JSONDecodeError:
        return False
    return True
