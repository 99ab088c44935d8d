"""What a call has cost whose end nobody saw."""

from __future__ import annotations

__all__ = ["Seen", "most_output", "spent_on"]

from igent.errors import DeadlineError, IncompleteError, ProtocolError, ProviderError
from igent.models.tokens import BYTES_PER_TOKEN, count_messages
from igent.types import ChatRequest, StopCondition, StopFactory, Usage


class Seen:
    """A StopFactory that remembers the condition that it made for one attempt, and so what came of the answer."""

    def __init__(self, stop: StopFactory | None) -> None:
        self._stop = stop
        self._condition: StopCondition | None = None

    @property
    def factory(self) -> StopFactory | None:
        """To be handed on in the place of the stop factory; None where there was none."""
        return self._make if self._stop is not None else None

    @property
    def begun(self) -> bool:
        """Whether the call was sent, as far as can be told: a client makes the condition when it sends."""
        return self._stop is None or self._condition is not None

    def usage(self, request: ChatRequest) -> Usage:
        """The tokens of the call so far, an estimate: its input, and a quarter of the characters received; of a call
        without a stop condition nobody sees what came.
        """
        characters = self._condition.seen if self._condition is not None else 0
        return Usage(count_messages(request.messages), -(-characters // BYTES_PER_TOKEN), estimated=True)

    def _make(self) -> StopCondition:
        assert self._stop is not None  # noqa: S101 - only handed on where there is one
        self._condition = self._stop()
        return self._condition


def spent_on(error: ProviderError, sofar: Usage) -> Usage:
    """The tokens of a call that failed: what its error says; at least `sofar` where the endpoint had begun to work."""
    wasted = error.wasted
    if not isinstance(error, DeadlineError | IncompleteError | ProtocolError):
        return wasted
    return Usage(
        max(wasted.input_tokens, sofar.input_tokens), max(wasted.output_tokens, sofar.output_tokens), estimated=True
    )


def most_output(request: ChatRequest, otherwise: float) -> float:
    """The most tokens that the answer may have: `max_completion_tokens`, or `max_tokens`, of the request, or
    `otherwise`."""
    most = request.options.get("max_completion_tokens") or request.options.get("max_tokens")
    return most if isinstance(most, int | float) and most > 0 else otherwise
