"""The answer in what a model says: the first JSON value that the caller accepts."""

from __future__ import annotations

__all__ = ["Answer", "AnswerStop", "read_answer"]

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from igent.parsing.decoder import Decoder
from igent.parsing.events import Field, Value


class AnswerStop:
    """The stop condition of a call: the answer is complete with the first value that `accepts` is true of.

    `on_field` is told each member of an outermost object (or of one directly inside an outermost array) as soon as it
    is closed; it is provisional until the value around it is accepted. What the two callables raise passes through.
    """

    def __init__(self, accepts: Callable[[Any], bool], on_field: Callable[[Field], None] | None = None) -> None:
        self._accepts = accepts
        self._on_field = on_field
        self._decoder = Decoder(fields=on_field is not None)
        self._answer: Value | None = None

    def feed(self, text: str) -> bool:
        """Take the next piece of text; True when the answer is complete, and from then on."""
        if self._answer:
            return True
        for event in self._decoder.feed(text):
            if isinstance(event, Field):
                if self._on_field:
                    self._on_field(event)
            elif isinstance(event, Value) and self._accepts(event.value):
                self._answer = event
                return True
        return False

    @property
    def value(self) -> Any:
        """The accepted value; None before there is one."""
        return self._answer.value if self._answer else None

    @property
    def end(self) -> int:
        """How many characters of the text lie before the end of the accepted value; 0 before there is one."""
        return self._answer.end if self._answer else 0

    @property
    def seen(self) -> int:
        """How many characters it was fed, the piece included that completed the answer, but none after it."""
        return self._decoder.seen


@dataclass(frozen=True, slots=True)
class Answer:
    """What was read from a whole text.

    `value` is the first accepted value, else the best rejected one (whose violations can be shown), else None; `end`
    is how many characters of the text lie before its end, 0 without a value. `problem` says why nothing was accepted
    and what to do, for a model or a person; "" when a value was.
    """

    value: Any
    end: int
    accepted: bool
    problem: str


def read_answer(text: str, accepts: Callable[[Any], bool]) -> Answer:
    """Read the answer from a whole text; see Answer.

    The best rejected value is the last complete one that is an object or an array with an object in it.
    """
    decoder = Decoder(fields=False)
    best: Value | None = None
    for event in decoder.feed(text):
        if not isinstance(event, Value):
            continue
        if accepts(event.value):
            return Answer(event.value, event.end, True, "")
        if _has_object(event.value):
            best = event
    problem = decoder.close().message
    if best:
        return Answer(
            best.value, best.end, False, problem or "The JSON value in the answer is not of the form asked for."
        )
    return Answer(None, 0, False, problem or "There is no JSON object in the answer; give one.")


def _has_object(value: Any) -> bool:
    return isinstance(value, dict) or any(isinstance(item, dict) for item in value)
