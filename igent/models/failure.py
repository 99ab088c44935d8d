"""The border of the room: what an endpoint, the network or TLS calls an error becomes one of igent's own here.

No message ever holds the key: whatever a reply says is searched for it before a word of it is shown.
"""

from __future__ import annotations

__all__ = ["CallErrors", "parse_retry_after", "place_of"]

import math
import re
from collections.abc import Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import Any

import orjson

from igent.errors import (
    AuthError,
    ConnectError,
    DeadlineError,
    IncompleteError,
    Problem,
    ProtocolError,
    ProviderError,
    RateLimitError,
    RequestError,
    ServerError,
)
from igent.models.causes import LOGIN_REMEDY, cause_of
from igent.models.reply import ReplyError
from igent.types import CallContext

_LEAST_OF_A_KEY = 4
_EXCERPT_BYTES = 200
_LONGEST_WAIT = 86_400.0
_SECRET = re.compile(r"sk-[\w*.\-]{3,}|(?<=Bearer )[\w*.\-~+/=]{3,}", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")

_REMEDIES = {
    "key": "set a valid key: in OPENAI_API_KEY for OpenAI, in IGENT_API_KEY for another endpoint",
    "permission": "the key may not use this: check its permissions, the model's name and the region",
    "model": "check the model's name (--model) and the endpoint's address (--base-url, ends in /v1)",
    "quota": "add credit or raise the quota of the account; the same command then resumes the run",
    "rate": "lower --concurrency, or raise the limits of the account",
    "server": "the endpoint is in trouble: try again later; the same command resumes the run",
    "request": "check the model's options and the length of the prompt",
    "protocol": "check that --base-url is an OpenAI-compatible endpoint, and that no proxy or login page is in between",
}


def place_of(context: CallContext) -> str:
    """Whose call it is, as errors show it: "record R1, matches, matcher1"; a call for no record names none."""
    record = f"record {context.record_id}" if context.record_id else ""
    return ", ".join(filter(None, (record, context.step, context.agent)))


def parse_retry_after(headers: Sequence[tuple[str, str]]) -> float | None:
    """How long an endpoint asks to wait, in seconds; None when it does not say, or not in words that make sense.

    Understands `retry-after-ms`, and `retry-after` as seconds or as an HTTP-date (RFC 9110, 10.2.3), which is taken
    against the reply's own `date`: the clocks need not agree. The longest counts where there are several; a date that
    has passed is 0; more than a day is a day.
    """
    lower = [(name.lower(), value.strip()) for name, value in headers]
    date = next((value for name, value in lower if name == "date"), "")
    waits = [_number(value) / 1000 for name, value in lower if name == "retry-after-ms"]
    waits += [_seconds(value, date) for name, value in lower if name == "retry-after"]
    known = [wait for wait in waits if wait >= 0]
    return min(max(known), _LONGEST_WAIT) if known else None


def _number(value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        return math.nan
    return number if number >= 0 else math.nan


def _seconds(value: str, date: str) -> float:
    if not value[:1].isalpha():
        return _number(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - parsedate_to_datetime(date)).total_seconds())
    except (ValueError, TypeError, IndexError, OverflowError):
        return math.nan


def _without(text: str, key: str) -> str:
    """The text without the key, in capitals or not; also without the beginning of one that was cut off at its end."""
    text = re.sub(re.escape(key), "[key]", text, flags=re.IGNORECASE)
    for size in range(min(len(key), len(text)), _LEAST_OF_A_KEY - 1, -1):
        if text[-size:].lower() == key[:size].lower():
            return text[:-size] + "[key]"
    return text


class CallErrors:
    """Makes the errors of one call: they name the `place` (see place_of) and the `host`, and never show the `key`."""

    def __init__(self, place: str, host: str, key: str | None) -> None:
        self._place = place
        self._host = host
        self._key = key

    def excerpt(self, body: bytes | str) -> str:
        """The first 200 bytes of a reply, on one line, with every secret taken out."""
        text = body.decode("utf-8", "replace") if isinstance(body, bytes) else body
        if self._key:
            text = _without(text, self._key)
        text = _CONTROL.sub(" ", _SECRET.sub("[key]", text))
        return text.encode("utf-8", "replace")[:_EXCERPT_BYTES].decode("utf-8", "ignore").strip()

    def _problem(self, what: str, remedy: str, said: bytes | str = b"") -> Problem:
        excerpt = self.excerpt(said)
        return Problem(self._place, f"{what}: {excerpt}" if excerpt else what, _REMEDIES.get(remedy, remedy))

    def status(self, status: int, headers: Sequence[tuple[str, str]], body: bytes) -> ProviderError:
        """The error for a reply with a status of 300 or more."""
        payload = _loads(body)
        said = _message(payload) or body
        what = f"{self._host} answered {status}"
        wait = parse_retry_after(headers)
        if status in (401, 402, 403, 404) or (status == 429 and _mentions(payload, "quota", "billing")):
            remedy = {401: "key", 403: "permission", 404: "model"}.get(status, "quota")
            return AuthError(self._problem(what, remedy, said))
        if status == 429:
            return RateLimitError(self._problem(what, "rate", said), retry_after=wait)
        if status >= 500 or status in (408, 409, 425):
            return ServerError(self._problem(what, "server", said), retry_after=wait)
        if status == 407:
            return ConnectError(self._problem("the proxy asks for a login (407)", LOGIN_REMEDY, said))
        if status < 400:
            return ProtocolError(self._problem(what, "protocol", said))
        return RequestError(self._problem(what, "request", said))

    def payload(self, payload: Mapping[str, Any], raw: bytes) -> ProviderError:
        """The error for an error object in a reply that said 200, or in the midst of a stream."""
        error = payload.get("error")
        code = error.get("code", error.get("status")) if isinstance(error, Mapping) else None
        if isinstance(code, int) and 400 <= code < 600:
            return self.status(code, (), raw)
        kinds = {("quota", "billing"): 402, ("rate_limit",): 429, ("context_length", "invalid_request"): 400}
        for words, status in kinds.items():
            if _mentions(payload, *words):
                return self.status(status, (), raw)
        return ProtocolError(
            self._problem(f"{self._host} sent an error in the place of an answer", "server", _message(payload) or raw)
        )

    def protocol(self, what: str, said: bytes | str = b"") -> ProtocolError:
        """The error for a reply that is not what the protocol says."""
        return ProtocolError(self._problem(f"{self._host}: {what}", "protocol", said))

    def too_long(self, limit: int) -> ProtocolError:
        """The error for an answer over the limit; never tried again: the next would be as long and as dear."""
        error = ProtocolError(
            self._problem(f"{self._host}: the answer is longer than {limit} bytes", "set max_tokens for this model")
        )
        error.retryable = False
        return error

    def incomplete(self, how: str) -> IncompleteError:
        """The error for an answer that was cut off."""
        return IncompleteError(self._problem(f"{self._host}: {how}", "server"))

    def deadline(self, name: str, seconds: float) -> DeadlineError:
        """The error for a deadline of igent's that passed."""
        return DeadlineError(
            self._problem(
                f"{self._host}: the deadline `{name}` of {seconds:g} s passed",
                "the endpoint is slow or stalled: lower --concurrency, or give the deadline more time",
            )
        )

    def connection(self, error: Exception) -> ProviderError:
        """The error for a connection that could not be made, or broke before the answer began."""
        if isinstance(error, ReplyError):
            return self.protocol(str(error), error.said)
        cause, remedy = cause_of(error)
        what = f"no connection to {self._host}: {cause}" if cause else f"no connection to {self._host}"
        return ConnectError(self._problem(what, remedy, f"{type(error).__name__}: {error}"))


def _loads(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


def _error_object(payload: Any) -> Any:
    return payload.get("error", payload) if isinstance(payload, Mapping) else None


def _message(payload: Any) -> str:
    error = _error_object(payload)
    message = error.get("message") if isinstance(error, Mapping) else error
    return message if isinstance(message, str) else ""


def _mentions(payload: Any, *words: str) -> bool:
    error = _error_object(payload)
    if not isinstance(error, Mapping):
        return False
    text = " ".join(str(error.get(name, "")) for name in ("code", "type")).lower()
    return any(word in text for word in words)
