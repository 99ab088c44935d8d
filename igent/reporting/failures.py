"""Failed records, grouped by what went wrong."""

from __future__ import annotations

__all__ = ["Failure", "FailureGroup", "failures"]

import re
from collections.abc import Iterable
from dataclasses import dataclass

from igent.outcome import Outcome

_LIMIT = 500
_EXAMPLES = 3
_UUID = r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b"
_HEX = r"\b(?=[0-9a-fA-F]*[0-9])[0-9a-fA-F]{8,}\b"
_NUMBER = r"\d+(?:[.,:]\d+)*"
_VARYING = re.compile(f"{_UUID}|{_HEX}|{_NUMBER}")


@dataclass(frozen=True, slots=True)
class Failure:
    """One failed record, and its own reason in full."""

    record_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class FailureGroup:
    """Failures of one `cause` (see Outcome) whose reasons differ in numbers and ids only, which are "#" in `reason`;
    `examples` are the first three in input order."""

    cause: str
    reason: str
    count: int
    examples: tuple[Failure, ...]


def failures(outcomes: Iterable[Outcome]) -> list[FailureGroup]:
    """The groups of the failed records, the largest first; equal ones in the order in which they first came."""
    counts: dict[tuple[str, str], int] = {}
    examples: dict[tuple[str, str], list[Failure]] = {}
    for outcome in outcomes:
        if outcome.status != "failed":
            continue
        key = (outcome.cause, _normalise(outcome))
        counts[key] = counts.get(key, 0) + 1
        shown = examples.setdefault(key, [])
        if len(shown) < _EXAMPLES:
            shown.append(Failure(outcome.record_id, outcome.reason))
    order = sorted(counts, key=lambda key: -counts[key])
    return [FailureGroup(*key, counts[key], tuple(examples[key])) for key in order]


def _normalise(outcome: Outcome) -> str:
    text = outcome.reason[:_LIMIT]
    if outcome.record_id.strip():
        text = re.sub(rf"(?<!\w){re.escape(outcome.record_id)}(?!\w)", "#", text)
    return _VARYING.sub("#", text)
