"""One call in progress: what its connection brings goes to the reader, its end to whoever awaits it."""

from __future__ import annotations

__all__ = ["Call", "Refused"]

import asyncio
from collections.abc import Sequence
from types import TracebackType

from igent.clock import Clock
from igent.errors import ProviderError
from igent.models.connection import Want
from igent.models.deadlines import CallDeadlines
from igent.models.endpoint import Endpoint, OnReply
from igent.models.failure import CallErrors
from igent.models.reply import Reply
from igent.models.tokens import count_messages
from igent.models.wire import AnswerReader
from igent.types import ChatRequest, Usage

# How long the usage may take once the answer is finished, the end of an answer that ends by itself once its value is
# complete, and the body of an error.
_AFTER_FINISH_SECONDS = 2.0
_LINGER_SECONDS = 0.25
_ERROR_BODY_SECONDS = 2.0
_ERROR_BODY_BYTES = 64 * 1024


class Refused(Exception):  # noqa: N818
    """A reply with an error status, with as much of its body as is worth reading."""

    def __init__(self, status: int, headers: Sequence[tuple[str, str]]) -> None:
        super().__init__(f"status {status}")
        self.status = status
        self.headers = headers
        self.body = b""


class Call:
    """An Exchange (see connection.py) that reads one answer. It begins with the request, at `since` in the event loop's
    time.

    Await `ended`, which never raises; then `error` says what went wrong, None for nothing: a ProviderError, with what
    the call is estimated to have cost; Refused; or whatever the reader's stop condition or `on_reply` raised.
    `first_token_at` is on the clock, 0.0 before.
    """

    def __init__(
        self,
        request: ChatRequest,
        endpoint: Endpoint,
        errors: CallErrors,
        reader: AnswerReader,
        clock: Clock,
        since: float,
        on_reply: OnReply | None,
    ) -> None:
        self._request, self._errors, self._reader, self._clock = request, errors, reader, clock
        self._on_reply = on_reply
        self._refused: Refused | None = None
        self._deadlines = CallDeadlines(endpoint, self._late, since)
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.error: Exception | None = None
        self.first_token_at = 0.0

    def __enter__(self) -> None:
        """What is raised in here, in a callback of the event loop, is for whoever awaits the call."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if not isinstance(error, Exception):
            return False
        self._end(error)
        return True

    def on_head(self, reply: Reply) -> None:
        """See Exchange."""
        if reply.status >= 300:
            self._refused = Refused(reply.status, reply.headers)
            self._deadlines.wind_down(_ERROR_BODY_SECONDS)
        if self._on_reply is not None:
            with self:
                self._on_reply(self._request, reply.headers)

    def on_body(self, data: bytes) -> Want:
        """See Exchange."""
        if self.ended.done():
            return Want.NOTHING
        if self._refused is not None:
            self._refused.body += data[: _ERROR_BODY_BYTES - len(self._refused.body)]
            if len(self._refused.body) < _ERROR_BODY_BYTES:
                return Want.MORE
            self._end(self._refused)
            return Want.NOTHING
        with self:
            return self._read(data)
        return Want.NOTHING

    def _read(self, data: bytes) -> Want:
        reader = self._reader
        events, begun = reader.events, reader.started
        cut = reader.feed(data)
        if reader.started and not begun:
            self.first_token_at = self._clock.now()
        if cut:
            self._end()
            return Want.NOTHING
        if reader.finished:
            if reader.done:
                self._end()
                return Want.REST
            self._deadlines.wind_down(_LINGER_SECONDS if reader.satisfied else _AFTER_FINISH_SECONDS)
        elif reader.satisfied:
            self._deadlines.wind_down(_LINGER_SECONDS)
        elif reader.started and reader.events > events:
            self._deadlines.progress()
        return Want.MORE

    def on_end(self) -> None:
        """See Exchange."""
        if self._refused is not None:
            self._end(self._refused)
            return
        with self:
            self._reader.close()
            self._end()

    def on_lost(self, error: Exception) -> None:
        """See Exchange."""
        reader = self._reader
        if self._refused is not None:
            self._end(self._refused)
        elif reader.complete:
            self._end()
        else:
            self._end(reader.broken_off() if reader.received else self._errors.connection(error))

    def _late(self, name: str, seconds: float) -> None:
        if self._refused is not None:
            self._end(self._refused)
        elif self._reader.complete:
            self._end()
        else:
            self._end(self._errors.deadline(name, seconds), begun=name in ("first_token", "total"))

    def _end(self, error: Exception | None = None, *, begun: bool = False) -> None:
        if self.ended.done():
            return
        if isinstance(error, ProviderError):
            error.overdue = self._deadlines.overdue()
            if self._reader.started:
                error.wasted = self._reader.spent
            elif begun:  # nobody knows whether it was worked on, and is billed
                error.wasted = Usage(count_messages(self._request.messages), 0, estimated=True)
        self.error = error
        self.close()

    def close(self) -> None:
        """End it, if it has not ended: nothing more is waited for."""
        self._deadlines.close()
        if not self.ended.done():
            self.ended.set_result(None)
