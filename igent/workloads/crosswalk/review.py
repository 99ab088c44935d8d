"""What a person has to look at, and why."""

from __future__ import annotations

__all__ = ["answer_of", "lost_reasons", "reasons_by_rule", "reviewed"]

from collections.abc import Iterable, Mapping
from typing import Any

from igent.flow import Lost
from igent.types import JsonObject
from igent.workloads.crosswalk.schema import ACCEPTED_CONFIDENCE


def reasons_by_rule(row: Mapping[str, Any]) -> list[str]:
    """Why a row needs a review whatever else is known: a confidence below 0.70, an impact of medium or high, a variance
    of design or in a regulatory matter. A confidence that is None is not known, and no reason here."""
    reasons = []
    confidence = row.get("confidence_score")
    if confidence is not None and confidence < ACCEPTED_CONFIDENCE:
        reasons.append(f"the confidence is {confidence:.2f}, below {ACCEPTED_CONFIDENCE:.2f}")
    if row.get("impact_level") in ("medium", "high"):
        reasons.append(f"the impact is {row['impact_level']}")
    if row.get("variance_type") in ("design", "regulatory"):
        reasons.append(f"the variance is {row['variance_type']}")
    return reasons


def reviewed(row: JsonObject, doubts: Iterable[str], before: Mapping[str, Any] | None = None) -> JsonObject:
    """The row with `needs_review` and `review_reasons`: its doubts, then what the rules say of it. What the rules said
    of the row as it was `before` is left out of the doubts."""
    old = set(reasons_by_rule(before)) if before is not None else set()
    kept = [doubt for doubt in doubts if doubt not in old]
    reasons = list(dict.fromkeys([*kept, *reasons_by_rule(row)]))
    return {**row, "needs_review": bool(reasons), "review_reasons": reasons}


def answer_of(data: Mapping[str, Any], field: str) -> Mapping[str, Any]:
    """The answer among the members of an item: the one that has this field, whatever the output is called. Raises
    ValueError where there is none: the phase before was no conversation with that schema."""
    for name, value in data.items():
        if name not in ("source", "target") and isinstance(value, Mapping) and field in value and "source_id" in value:
            return value
    raise ValueError(f"no answer with a {field!r} among {', '.join(data)}: the phase before must give one")


def lost_reasons(lost: Iterable[Lost]) -> dict[str, str]:
    """By id of the record that was lost, or of the source that a lost pair began with: where and why."""
    reasons: dict[str, str] = {}
    for one in lost:
        source = one.data.get("source")
        of = source.get("id") if isinstance(source, Mapping) else one.data.get("id")
        for name in (one.id, of):
            if isinstance(name, str):
                reasons.setdefault(name, f"lost in {one.phase}: {one.reason}")
    return reasons
