"""Answers without a model: reads the pairs that a prompt shows, compares what they say, and writes as models write."""

from __future__ import annotations

__all__ = ["MOCK", "CrosswalkMock"]

import json
from collections.abc import Sequence
from random import Random
from typing import Any

from igent.types import ChatMessage, JsonObject
from igent.workloads.crosswalk.mock_faults import FAULTS
from igent.workloads.crosswalk.mock_judge import mapping, variance
from igent.workloads.crosswalk.mock_question import Asked, read_pairs

_DECIDES = ("is_match", "variance_type", "impact_level")


class CrosswalkMock:
    """Implements igent.workload.MockAnswers for verifiers and critics of `crosswalk`, for one pair or a batch."""

    def record_id(self, messages: Sequence[ChatMessage]) -> str:
        """See MockAnswers.record_id: "source id~target id", of a batch that of its first pair."""
        pairs = read_pairs(messages)
        return pairs[0].id if pairs else ""

    def answer(self, messages: Sequence[ChatMessage], random: Random, errors: float) -> str:
        """See MockAnswers.answer. In round r the chance of a wrong answer is errors ** r."""
        pairs = read_pairs(messages)
        if not pairs:
            return "I cannot answer: the message shows no SOURCE and TARGET."
        if pairs[0].critic:
            return _fenced(_dump(_verdict(pairs[0])))
        answers = [_answer(asked, random, errors) for asked in pairs]
        if pairs[0].number is None:
            first = answers[0]
            return _fenced(first if isinstance(first, str) else _dump(first))
        return _fenced(_array(pairs, answers))


def _right(asked: Asked) -> JsonObject:
    return variance(asked.source, asked.target) if asked.instances else mapping(asked.source, asked.target)


def _answer(asked: Asked, random: Random, errors: float) -> JsonObject | str:
    right = _right(asked)
    if random.random() < errors**asked.round:
        return random.choice(FAULTS)(right, random)
    return right


def _array(pairs: Sequence[Asked], answers: Sequence[JsonObject | str]) -> str:
    """The answers of a batch; what is no JSON is left out of it, as a model leaves a record out."""
    numbered = [
        {"number": asked.number, **answer}
        for asked, answer in zip(pairs, answers, strict=True)
        if isinstance(answer, dict)
    ]
    return _dump(numbered)


def _verdict(asked: Asked) -> JsonObject:
    violations, draft = asked.blocks.get("VIOLATIONS"), asked.blocks["DRAFT"]
    found = [_said(violation) for violation in violations] if isinstance(violations, list) else []
    if not found and isinstance(draft, dict):
        right = _right(asked)
        found = [
            f"{field}: is {draft.get(field)!r}, must be {right[field]!r}"
            for field in _DECIDES
            if field in draft and draft[field] != right[field]
        ]
    said = " ".join(f"{text.rstrip('.')}." for text in found)
    return {"verdict": "rejected" if found else "approved", "feedback": said or "The draft says what the texts say."}


def _said(violation: Any) -> str:
    if not isinstance(violation, dict):
        return str(violation)
    return f"{violation.get('field')}: {violation.get('message')}"


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1)


def _fenced(text: str) -> str:
    return f"```json\n{text}\n```"


MOCK = CrosswalkMock()
"""The mock of the workload."""
