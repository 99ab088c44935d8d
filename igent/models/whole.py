"""A reply that is wanted whole: an Exchange (see connection.py) that collects it."""

from __future__ import annotations

__all__ = ["WholeReply"]

import asyncio
from collections.abc import Callable, Sequence

from igent.models.connection import Want
from igent.models.failure import CallErrors
from igent.models.reply import Reply

_ERROR_BODY_BYTES = 64 * 1024

OnHead = Callable[[Sequence[tuple[str, str]]], None]


class WholeReply:
    """Await `ended`, which never raises; then `error` is a ProviderError, None where a reply has come: its `status`,
    `headers` and `body`, of which at most `most_bytes` are taken, and less of one with an error status.

    `on_head` is told the headers as soon as they are there.
    """

    def __init__(self, errors: CallErrors, most_bytes: int, on_head: OnHead | None = None) -> None:
        self._errors, self._most_bytes, self._on_head = errors, most_bytes, on_head
        self._parts: list[bytes] = []
        self._bytes = 0
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.error: Exception | None = None
        self.status = 0
        self.headers: Sequence[tuple[str, str]] = ()

    @property
    def body(self) -> bytes:
        """What has come of it."""
        return b"".join(self._parts)

    def on_head(self, reply: Reply) -> None:
        """See Exchange."""
        self.status, self.headers = reply.status, reply.headers
        if self._on_head is not None:
            self._on_head(reply.headers)

    def on_body(self, data: bytes) -> Want:
        """See Exchange."""
        self._parts.append(data)
        self._bytes += len(data)
        if self.status >= 300 and self._bytes >= _ERROR_BODY_BYTES:
            self._end()
        elif self._bytes > self._most_bytes:
            self._end(self._errors.protocol(f"a reply longer than {self._most_bytes} bytes"))
        return Want.NOTHING if self.ended.done() else Want.MORE

    def on_end(self) -> None:
        """See Exchange."""
        self._end()

    def on_lost(self, error: Exception) -> None:
        """See Exchange."""
        if self.status >= 300:
            self._end()
        elif self.status:
            self._end(self._errors.incomplete(f"the reply was cut off after {self._bytes} bytes"))
        else:
            self._end(self._errors.connection(error))

    def _end(self, error: Exception | None = None) -> None:
        if not self.ended.done():
            self.error = error
            self.ended.set_result(None)
