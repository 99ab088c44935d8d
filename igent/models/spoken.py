"""The text of one answer, as it comes."""

from __future__ import annotations

__all__ = ["Spoken", "size_of"]

from io import StringIO
from typing import Any

from igent.types import StopCondition

# What may stand between the end of the value and the end of an answer that ends by itself: the closing fence.
_CLOSING = " \t\r\n`"


def size_of(text: str) -> int:
    """Bytes in UTF-8."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "replace"))


class Spoken:
    """Each piece of it goes to `stop`, until that is content (`satisfied`). `bytes` is its size so far in UTF-8.

    With `linger` it may go on then for as long as it may be a closing fence.
    """

    def __init__(self, stop: StopCondition | None, *, linger: bool) -> None:
        self._stop, self._linger = stop, linger
        self._written = StringIO(newline="\n")  # "\n": CR LF stays as it is
        self.bytes = 0
        self.satisfied = False

    def add(self, text: str, size: int) -> bool:
        """Take the next piece, and its size in bytes; whether no more of it is wanted."""
        self._written.write(text)
        self.bytes += size
        if self.satisfied:
            return bool(text.strip(_CLOSING))
        if self._stop is None or not self._stop.feed(text):
            return False
        self.satisfied = True
        return not self._linger or bool(self._written.getvalue()[self._stop.end :].strip(_CLOSING))

    @property
    def whole(self) -> str:
        """All that came."""
        return self._written.getvalue()

    @property
    def text(self) -> str:
        """The answer: up to where the stop condition was content, else all that came."""
        return self.whole[: self._stop.end] if self.satisfied and self._stop is not None else self.whole

    @property
    def value(self) -> Any:
        """What the stop condition waited for; None before that."""
        return self._stop.value if self.satisfied and self._stop is not None else None
