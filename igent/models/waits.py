"""Tells the layer that bounds a call's time what part of it the call only waited for its turn."""

from __future__ import annotations

__all__ = ["Waits", "kept_waiting"]

from contextvars import ContextVar


class Waits:
    """A context manager; `seconds` is how long the call in its body was kept waiting for its turn, so far."""

    __slots__ = ("_token", "seconds")

    def __init__(self) -> None:
        self.seconds = 0.0

    def __enter__(self) -> Waits:
        self._token = _CALL.set(self)
        return self

    def __exit__(self, *_: object) -> None:
        _CALL.reset(self._token)


_CALL: ContextVar[Waits | None] = ContextVar("igent_waits", default=None)


def kept_waiting(seconds: float) -> None:
    """The call that this task makes was kept waiting so long."""
    waits = _CALL.get()
    if waits is not None:
        waits.seconds += seconds
