"""Answers without a model: reads the prompt's blocks, decides by the rules, and writes as a model writes."""

from __future__ import annotations

__all__ = ["SbusMock"]

import re
from collections.abc import Sequence
from random import Random
from typing import Any

from igent.types import ChatMessage, JsonObject
from igent.workloads.sbus.faults import NO_MATCH, dump, faults_for, numbers_as_strings
from igent.workloads.sbus.predict import expected_match, order_for, request_of
from igent.workloads.sbus.question import Question, read_question
from igent.workloads.sbus.schema import PROSE
from igent.workloads.sbus.short import shorten
from igent.workloads.sbus.short_faults import short_faults_for

_OPENINGS = (
    "I compared the suppliers that serve this ZIP code.",
    "Here is my answer for this registration.",
    "I went through the rules one by one.",
)
_CLOSINGS = (
    "Let me know if anything else is needed.",
    "All values were taken from the data above.",
    "The capacity was read as it is now.",
)
_GIST = {"least used: ": re.compile(r"those that fit \((.*?)\)\."), "": re.compile(r"Priced by (.*?);")}


class SbusMock:
    """Implements igent.workload.MockAnswers for matchers and critics of `sbus`."""

    def record_id(self, messages: Sequence[ChatMessage]) -> str:
        """See MockAnswers.record_id."""
        question = read_question(messages)
        return "" if question is None else str(question.registration.get("RegistrationNumber", "")).strip()

    def answer(self, messages: Sequence[ChatMessage], random: Random, errors: float) -> str:
        """See MockAnswers.answer. In round r the chance of a wrong answer is errors ** r; the chance of numbers written
        as strings, which is harmless, is always `errors`."""
        question = read_question(messages)
        if question is not None and question.critic:
            return _verdict(question, random)
        if question is None or not question.registration:
            return "I cannot answer: the message shows no REGISTRATION."
        right = _right(question)
        wrong = random.random() < errors**question.round
        as_strings = random.random() < errors
        array = random.random() < 0.25
        text = dump(_dressed(right, array, as_strings), short=question.short)
        if wrong:
            faults = short_faults_for(right) if question.short else faults_for(right)
            text = random.choice(faults)(right, question.case(), random)
        return f"{random.choice(_OPENINGS)}\n\n```json\n{text}\n```\n\n{random.choice(_CLOSINGS)}"


def _right(question: Question) -> JsonObject:
    answer = _full(question)
    if not question.short or "message" in answer:
        return answer
    return shorten({**answer, "reasoning": _brief(answer)}, matched=question.match is not None)


def _full(question: Question) -> JsonObject:
    case = question.case()
    answer = question.match or expected_match(case)
    if answer is not None and question.priced:
        supplier = case.reference.supplier(answer.get("supplier_id"))
        held, alone = case.reference.incentives, question.match is None
        answer = order_for(answer, supplier, request_of(case), held, alone=alone) if supplier else None
    return answer or {"registration_id": case.record.id, "message": NO_MATCH}


def _brief(answer: JsonObject) -> str:
    """The gist of the reasoning: the ratios of a match, the columns of an order."""
    found = [(word, gist.search(answer["reasoning"])) for word, gist in _GIST.items()]
    return "; ".join(f"{word}{gist[1]}" for word, gist in found if gist) + "."


def _dressed(right: JsonObject, array: bool, as_strings: bool) -> Any:
    value = numbers_as_strings(right) if as_strings else right
    return [value] if array or "message" in right else value


def _verdict(question: Question, random: Random) -> str:
    violations = question.blocks["VIOLATIONS"] if "VIOLATIONS" in question.blocks else _differences(question)
    found = [_said(v) for v in violations] if isinstance(violations, list) else [_said(violations)]
    found = [text for text in found if text]
    verdict = {
        "verdict": "rejected" if found else "approved",
        "feedback": " ".join(f"{text.rstrip('.')}." for text in found) or "The draft follows the rules.",
    }
    opening = "The draft has faults." if found else "I checked the draft against the data."
    text = dump(verdict)
    word = "REJECTED" if found else "APPROVED"  # what an AutoGen team's text termination looks for
    return f"{opening}\n\n```json\n{text}\n```\n\n{word}. {random.choice(_CLOSINGS)}"


def _differences(question: Question) -> list[str]:
    """What a critic finds by itself: the fields in which the draft, full or short, is not what the rules give."""
    right, draft = _full(question), question.blocks["DRAFT"]
    if "registration_id" not in draft:
        right = shorten(right, matched=question.match is not None)
    return [
        f"{field}: is {draft.get(field)!r}, must be {value!r}"
        for field, value in right.items()
        if field not in PROSE and draft.get(field) != value
    ]


def _said(violation: Any) -> str:
    if isinstance(violation, dict):
        field, message = violation.get("field"), str(violation.get("message", ""))
        return f"{field}: {message}" if field else message
    return "" if violation is None else str(violation)
