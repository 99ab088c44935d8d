"""The faults that models make on this job, for the mock: each turns a right answer into one that must be refused."""

from __future__ import annotations

__all__ = ["FAULTS", "Fault"]

from collections.abc import Callable
from random import Random

from igent.types import JsonObject

Fault = Callable[[JsonObject, Random], JsonObject | str]
"""Gives a wrong answer; a text where it is no JSON."""


def _invented_quote(right: JsonObject, random: Random) -> JsonObject:
    said = random.choice(
        ("the Participant shall in all cases be entitled", "as the Committee may from time to time waive")
    )
    return {**right, "evidence": [{"side": "source", "quote": said}, *right["evidence"][1:]]}


def _long_quote(right: JsonObject, random: Random) -> JsonObject:
    quotes = [{**quote, "quote": f"{quote['quote']} " * 3} for quote in right["evidence"]]
    return {**right, "evidence": quotes or [{"side": "target", "quote": "word " * 20}]}


def _foreign_id(right: JsonObject, random: Random) -> JsonObject:
    side = random.choice(("source_id", "target_id")) if right["is_match"] else "source_id"
    return {**right, side: f"{right[side]}-{random.randint(2, 9)}"}


def _weighty_exact(right: JsonObject, random: Random) -> JsonObject:
    if "match_type" not in right:
        return {**right, "variance_type": "none", "impact_level": "high"}
    target = right["target_id"] or right["source_id"]
    return {**right, "is_match": True, "target_id": target, "match_type": "exact", "impact_level": "high"}


def _silent_abstention(right: JsonObject, random: Random) -> JsonObject:
    low = {**right, "confidence_score": 0.5, "abstain_reason": ""}
    if "match_type" not in right:
        return low
    return {**low, "is_match": False, "target_id": None, "match_type": "abstain"}


def _bare_regulation(right: JsonObject, random: Random) -> JsonObject:
    return {**right, "variance_type": "regulatory", "impact_level": "high", "regulatory_notes": None}


def _broken(right: JsonObject, random: Random) -> str:
    return f'{{"source_id": "{right["source_id"]}", "is_match": tru'


FAULTS: tuple[Fault, ...] = (
    _invented_quote,
    _long_quote,
    _foreign_id,
    _weighty_exact,
    _silent_abstention,
    _bare_regulation,
    _broken,
)
"""Each breaks the schema or a rule, whatever the answer was."""
