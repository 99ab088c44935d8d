"""What came of one call about a batch: the answer about each record, checked as soon as it was complete."""

from __future__ import annotations

__all__ = ["Answer", "Reading"]

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from igent.agents.ending import UNFINISHED
from igent.agents.step import Checks, Elements, ElementsMaker
from igent.agents.turn import Said
from igent.types import Case, JsonObject, StopCondition, Verdict, Violation

OnElement = Callable[[int, Verdict], None]

_BROKE_OFF = "the call broke off"


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer about one record: the `value` as it was read (None: there is none), and the verdict on it."""

    value: JsonObject | None
    verdict: Verdict


class Reading:
    """Reads the answers to one call, of which there may be several attempts. `cases` are what is asked, by number;
    `on_element` is told each verdict as soon as there is one."""

    def __init__(
        self, make: ElementsMaker, cases: Mapping[int, Case], checks: Checks, on_element: OnElement | None = None
    ) -> None:
        self._make, self._cases, self._checks, self._on_element = make, cases, checks, on_element
        self._attempts: list[tuple[Elements, dict[int, Verdict]]] = []
        self._seen: dict[int, tuple[str, Verdict]] = {}

    def stop(self) -> StopCondition:
        """A stop condition for one attempt."""
        return self._attempt()[0]

    def of(self, said: Said) -> dict[int, Answer]:
        """The answers in what was said, by number: one for each that was asked."""
        last = said.calls[-1] if said.calls else None
        if last is not None and last.text == said.text and last.value is not None:
            for elements, verdicts in reversed(self._attempts):
                if elements.value is last.value:
                    return self._answers([(elements, verdicts)], "")
        elements, verdicts = self._attempt()
        elements.feed(said.text)
        problem = UNFINISHED.get(last.finish, "") if last is not None else ""
        return self._answers([(elements, verdicts)], problem or elements.problem)

    def of_broken(self) -> dict[int, Answer]:
        """The answers that had come in any attempt when the last one broke off, by number: one for each that was
        asked. Where two attempts gave different ones, that of the later one."""
        return self._answers(self._attempts[::-1], _BROKE_OFF)

    def _attempt(self) -> tuple[Elements, dict[int, Verdict]]:
        verdicts: dict[int, Verdict] = {}

        def check(number: int, value: JsonObject) -> None:
            verdicts[number] = self._verify(number, value)

        self._attempts.append((self._make(self._cases.keys(), check), verdicts))
        return self._attempts[-1]

    def _verify(self, number: int, value: JsonObject) -> Verdict:
        """The verdict, which an attempt before this one may have brought: what is said again is not checked again."""
        text = repr(value)
        if number in self._seen and self._seen[number][0] == text:
            return self._seen[number][1]
        verdict = self._checks.verify(value, self._cases[number])
        self._seen[number] = text, verdict
        if self._on_element is not None:
            self._on_element(number, verdict)
        return verdict

    def _answers(self, attempts: list[tuple[Elements, dict[int, Verdict]]], problem: str) -> dict[int, Answer]:
        doubled = {number for elements, _ in attempts for number in elements.doubled}
        found: dict[int, Answer] = {}
        for elements, verdicts in attempts:
            for number, value in elements.found.items():
                if number not in doubled:
                    found.setdefault(number, Answer(value, verdicts[number]))
        return {number: found.get(number) or _none(number, number in doubled, problem) for number in self._cases}


def _none(number: int, doubled: bool, problem: str) -> Answer:
    many = f'more than one object with "number": {number}, so that none of them counts'
    what = many if doubled else f'no object with "number": {number}'
    said: Any = f"the answer has {what}" + (f" ({problem})" if problem else "")
    return Answer(None, Verdict((Violation("json", "number", said),)))
