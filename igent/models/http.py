"""The client of an OpenAI-compatible endpoint.

`openai` does the key, the address and the connections; the stream is read as bytes, for the event objects of `openai`
cost three times the CPU.
"""

from __future__ import annotations

__all__ = ["OpenAIModel"]

import contextlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast
from urllib.parse import urlsplit

import aiohttp
import httpx2
import openai

from igent.clock import SYSTEM_CLOCK, Clock
from igent.errors import AuthError, ConfigError, DeadlineError, Problem, RequestError
from igent.models.deadlines import CallDeadlines
from igent.models.endpoint import Endpoint
from igent.models.failure import CallErrors, place_of
from igent.models.wire import AnswerReader, request_body
from igent.types import ChatRequest, Completion, StopFactory

_OPENAI = "https://api.openai.com/v1"
# How long the usage may take once the answer is finished, and the end of the reply once it is announced.
_AFTER_FINISH_SECONDS = 2.0
_AFTER_DONE_SECONDS = 0.25
_ERROR_BODY_BYTES = 64 * 1024
_FOREIGN = (openai.OpenAIError, httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError, aiohttp.ClientError, OSError)


class _Refused(Exception):  # noqa: N818
    """A reply with an error status, with as much of its body as is worth reading."""

    def __init__(self, response: httpx2.Response, body: bytes) -> None:
        super().__init__(f"status {response.status_code}")
        self.status = response.status_code
        self.headers = response.headers.multi_items()
        self.body = body


async def _refuse(response: httpx2.Response) -> None:
    """Raises _Refused for an error status. `openai` would read the whole body of such a reply, however long."""
    if response.status_code < 300 or response.has_redirect_location:
        return
    body = b""
    with contextlib.suppress(*_FOREIGN):
        async with contextlib.aclosing(response.aiter_bytes()) as chunks:
            async for chunk in chunks:
                body += chunk
                if len(body) > _ERROR_BODY_BYTES:
                    break
    raise _Refused(response, body[:_ERROR_BODY_BYTES])


class OpenAIModel:
    """A Model (see igent.types) over an OpenAI-compatible endpoint. One object, with its connections, serves all calls.

    Nothing is retried here. Every error is igent's own, names the record, and never shows the key. Cancelling a call,
    or ending it at the stop condition, closes its connection: the server sees that at once.

    Raises AuthError when OpenAI's own endpoint is asked for without a key, ConfigError when the address is not one.
    """

    def __init__(self, endpoint: Endpoint, clock: Clock = SYSTEM_CLOCK) -> None:
        self._endpoint = endpoint
        self._clock = clock
        self._key = _checked_key(endpoint)
        url = endpoint.base_url or _OPENAI
        self._host = _checked_host(url)
        self._ask_usage = True
        # Without a key the header is left out; `openai` would refuse to go on otherwise.
        self._options: Any = {} if self._key else {"headers": {"Authorization": openai.Omit()}}
        self._client = openai.AsyncOpenAI(
            api_key=self._key or "none",
            base_url=url,
            max_retries=0,
            default_headers={"Accept-Encoding": "identity" if endpoint.stream else "gzip"},
            timeout=httpx2.Timeout(None, connect=endpoint.connect),
            http_client=openai.DefaultAioHttpClient(
                # 0: no bound of its own, for the records in flight are bounded.
                limits=httpx2.Limits(max_connections=0, keepalive_expiry=15.0),
                event_hooks={"response": [_refuse]},
            ),
        )

    async def complete(self, request: ChatRequest, stop: StopFactory | None = None) -> Completion:
        """See Model.complete."""
        errors = CallErrors(place_of(request.context), self._host, self._key)
        try:
            return await self._call(request, stop, errors)
        except _Refused as refused:
            if not self._drop_usage(refused):
                raise errors.status(refused.status, refused.headers, refused.body) from refused
        try:
            return await self._call(request, stop, errors)
        except _Refused as refused:
            raise errors.status(refused.status, refused.headers, refused.body) from refused

    def _drop_usage(self, refused: _Refused) -> bool:
        """Whether the endpoint does not know `stream_options`; it is not sent again then, and usage is estimated."""
        if not (self._endpoint.stream and refused.status in (400, 422) and b"stream_options" in refused.body):
            return False
        # Calls that were in flight beside the first one to be refused come here too, and are sent again as well.
        self._ask_usage = False
        return True

    async def _call(self, request: ChatRequest, stop: StopFactory | None, errors: CallErrors) -> Completion:
        reader = AnswerReader(request, errors, stop() if stop else None, self._endpoint.max_answer_bytes)
        started = self._clock.now()
        first_token: list[float] = []
        try:
            async with CallDeadlines(self._endpoint, errors) as deadlines:
                response = await self._send(request, errors)
                try:
                    await self._receive(response, reader, deadlines, lambda: first_token.append(self._clock.now()))
                finally:
                    await response.aclose()
        except DeadlineError:
            if not reader.complete:
                raise
        except _FOREIGN as error:
            if not reader.complete:
                broken = reader.broken_off() if reader.received else errors.connection(error, self._endpoint.connect)
                raise broken from error
        now = self._clock.now()
        return replace(
            reader.completion(), first_token_seconds=(first_token or [now])[0] - started, seconds=now - started
        )

    async def _send(self, request: ChatRequest, errors: CallErrors) -> httpx2.Response:
        stream = self._endpoint.stream
        try:
            body = request_body(request, stream=stream, ask_usage=self._ask_usage)
        except TypeError as error:
            problem = Problem(place_of(request.context), f"the request is not JSON: {errors.excerpt(str(error))}")
            raise RequestError(problem) from error
        # The typed method walks the whole body and builds a typed stream: twice the CPU of a call.
        response = await self._client.post(
            "/chat/completions",
            content=body,
            cast_to=httpx2.Response,
            options=self._options,
            stream=True,
            stream_cls=openai.AsyncStream[object],
        )
        return cast("httpx2.Response", response)

    async def _receive(
        self,
        response: httpx2.Response,
        reader: AnswerReader,
        deadlines: CallDeadlines,
        on_first_token: Callable[[], None],
    ) -> None:
        async with contextlib.aclosing(response.aiter_bytes()) as chunks:
            async for chunk in chunks:
                events, waiting = reader.events, not reader.started
                cut = reader.feed(chunk)
                if waiting and reader.started:
                    on_first_token()
                if cut:
                    return
                if reader.finished:
                    deadlines.wind_down(_AFTER_DONE_SECONDS if reader.done else _AFTER_FINISH_SECONDS)
                elif reader.started and reader.events > events:
                    deadlines.progress()
        reader.close()

    async def close(self) -> None:
        """See Model.close."""
        await self._client.close()


def _checked_key(endpoint: Endpoint) -> str | None:
    key = endpoint.api_key.get_secret_value().strip() if endpoint.api_key else ""
    if not key and endpoint.base_url is None:
        raise AuthError(
            Problem("", "there is no key for OpenAI", "set OPENAI_API_KEY, or give --base-url, or --mock for no model")
        )
    if not (key.isascii() and key.isprintable() and " " not in key):
        raise AuthError(Problem("", "the key holds characters that no key has", "set OPENAI_API_KEY anew"))
    return key or None


def _checked_host(url: str) -> str:
    """The host and port of an endpoint, for messages: what else an address holds may be secret."""
    try:
        parts = urlsplit(url)
        host, port, private = parts.hostname, parts.port, parts.username or parts.password
    except ValueError:
        host, port, private, parts = None, None, None, urlsplit("")
    if parts.scheme not in ("http", "https") or not host:
        raise ConfigError(
            Problem("", "the address of the endpoint is not one", "give --base-url like http://localhost:8000/v1")
        )
    if private:
        remedy = "take them out; the key goes into OPENAI_API_KEY"
        raise ConfigError(Problem("", "the address of the endpoint holds a user name or a password", remedy))
    return f"{host}:{port}" if port else host
