"""What is true about a pair of provisions, by how they were made to relate."""

from __future__ import annotations

__all__ = ["differing", "truth_of"]

from collections.abc import Sequence

from igent.types import JsonObject
from igent.workloads.crosswalk.generate_catalogue import Family

_WEIGHTY = frozenset({
    "contribution_formula", "allocation_formula", "vesting_schedule", "distribution_trigger", "forfeiture_usage",
    "normal_retirement_age", "top_heavy",
})  # fmt: skip
_SET_BY_LAW = ("401(a)(9)", "without the consent")


def differing(family: Family, wanted: str) -> str:
    """The relation of two provisions whose numbers differ: a difference in what the law sets is "regulatory"."""
    if wanted == "design" and any(words in family.source.text for words in _SET_BY_LAW):
        return "regulatory"
    return wanted


def truth_of(relation: str, type_: str, target_id: str | None, status: str, elections: Sequence[str]) -> JsonObject:
    """An entry of truth.json. `relation` is exact, conditional, administrative, design, regulatory, or none; `status`
    that after confirmation, without a target "pending" (a person looks); `elections` the ids of those that the source
    refers to."""
    variance, impact = {
        "administrative": ("administrative", "low"),
        "design": ("design", "high" if type_ in _WEIGHTY else "medium"),
        "regulatory": ("regulatory", "high"),
    }.get(relation, ("none", "none"))
    match_type = {"exact": "exact", "conditional": "conditional", "none": "no_match"}.get(relation, "compatible")
    return {
        "target_id": target_id,
        "match_type": match_type,
        "variance_type": variance,
        "impact_level": impact,
        "status": status,
        "elections": list(elections),
    }
