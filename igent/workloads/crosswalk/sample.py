"""The step `red_team`: a sample for a person to judge. What that person finds is never filled in here."""

from __future__ import annotations

__all__ = ["SEED", "red_team"]

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

from igent.flow import Item, StepContext, Stream
from igent.types import JsonObject
from igent.workloads.crosswalk.schema import ACCEPTED_CONFIDENCE, MATCHES
from igent.workloads.crosswalk.select import MARGIN

SEED = 42
"""Of the sample, whatever the run's own seed is: the same rows give the same sheet."""
_NEAR = 0.05
_HIGH_CONFIDENCE = 0.90
_SHOWN = (
    "part", "source_id", "source_section", "source_text", "target_id", "target_section", "target_text", "match_type",
    "variance_type", "impact_level", "status", "embedding_similarity", "confidence_score", "reasoning",
    "review_reasons",
)  # fmt: skip


def _is_edge(row: Mapping[str, Any]) -> bool:
    """Near a threshold of the selection: a confidence of the model around 0.70, or a margin around 0.15."""
    confidence = row.get("model_confidence", row["confidence_score"])
    if confidence is not None and abs(confidence - ACCEPTED_CONFIDENCE) <= _NEAR:
        return True
    rivals = [c["confidence_score"] for c in row["candidates"] if c["match_type"] in MATCHES]
    first, second = [*sorted(rivals, reverse=True), None, None][:2]
    return first is not None and second is not None and abs(first - second - MARGIN) <= _NEAR


def _is_high_confidence(row: Mapping[str, Any]) -> bool:
    return bool(row["is_match"]) and (row["confidence_score"] or 0) >= _HIGH_CONFIDENCE


_KINDS: Sequence[tuple[str, int, Callable[[Mapping[str, Any]], bool]]] = (
    ("high_impact", 10, lambda row: bool(row["impact_level"] == "high")),
    ("edge_case", 5, _is_edge),
    ("no_match", 10, lambda row: bool(row["match_type"] == "no_match")),
    ("high_confidence", 10, _is_high_confidence),
)
"""The rarest first: a row is drawn once."""


async def red_team(streams: Sequence[Stream], context: StepContext) -> list[Item]:
    """Up to 10 high-impact, 5 edge, 10 no-match and 10 high-confidence rows of the two crosswalks, in their order, with
    empty columns `verdict`, `judge` and `notes`. Fewer where there are fewer."""
    rows = [item for stream in streams for item in stream.items if item.data["row"] == "source"]
    random, drawn, sheet = Random(SEED), set[tuple[str, str]](), list[Item]()
    for kind, most, fits in _KINDS:
        able = [item for item in rows if fits(item.data) and _key(item) not in drawn]
        places = sorted(random.sample(range(len(able)), min(most, len(able))))
        for item in (able[place] for place in places):
            drawn.add(_key(item))
            sheet.append(Item(f"{kind}:{':'.join(_key(item))}", _judged(kind, item.data)))
    return sheet


def _key(item: Item) -> tuple[str, str]:
    return str(item.data["part"]), item.id


def _judged(kind: str, row: Mapping[str, Any]) -> JsonObject:
    shown = {field: row.get(field) for field in _SHOWN}
    return {"sample": kind, **shown, "verdict": "", "judge": "", "notes": ""}
