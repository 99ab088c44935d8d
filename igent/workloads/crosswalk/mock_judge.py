"""The answer that a good model would give about a pair, by reading both texts."""

from __future__ import annotations

__all__ = ["mapping", "variance"]

import re
from collections.abc import Mapping
from typing import Any

from igent.types import JsonObject
from igent.workloads.crosswalk.compatible import same_types
from igent.workloads.crosswalk.mock_facts import ADMINISTRATIVE, Fact, chosen, instance_facts
from igent.workloads.crosswalk.mock_reading import concept_of, likeness
from igent.workloads.crosswalk.mock_vocabulary import REGULATED
from igent.workloads.crosswalk.references import references

Provision = Mapping[str, Any]

_WEIGHTY = frozenset({
    "contribution_formula", "allocation_formula", "vesting_schedule", "distribution_trigger", "forfeiture_usage",
    "normal_retirement_age", "top_heavy",
})  # fmt: skip
_LIKE, _PERHAPS = 0.5, 0.3
_LONGEST_QUOTE = 12
_ELECTED = "[elected: "


def mapping(source: Provision, target: Provision) -> JsonObject:
    """The answer of schema "mapping"."""
    same, sure = _same(source, target)
    if same is None:
        return _undecided(source, target)
    if not same:
        return _no_match(source, target, sure)
    differs = _difference(source, target)
    refers = bool(references(_text(source)) or references(_text(target)))
    match_type = "conditional" if refers else "exact" if differs["variance_type"] == "none" else "compatible"
    return {
        "source_id": source.get("id"),
        "target_id": target.get("id"),
        "is_match": True,
        "match_type": match_type,
        **differs,
        "llm_similarity": {"none": 0.96, "administrative": 0.88}.get(differs["variance_type"], 0.8),
        "confidence_score": sure,
        "evidence": _evidence(source, target),
        "abstain_reason": None,
        "regulatory_notes": _notes(source, target, differs),
        "reasoning": _reasoning(differs, refers),
    }


def variance(source: Provision, target: Provision) -> JsonObject:
    """The answer of schema "variance": about two instances that are known to be a match."""
    differs = _difference(source, target, instances=True)
    unclear = bool(source.get("unresolved") or target.get("unresolved"))
    return {
        "source_id": source.get("id"),
        "target_id": target.get("id"),
        "is_match": True,
        **differs,
        "llm_similarity": 0.95 if differs["variance_type"] == "none" else 0.8,
        "confidence_score": 0.6 if unclear else 0.92,
        "evidence": _evidence(source, target),
        "abstain_reason": "an elected value is not known" if unclear else None,
        "regulatory_notes": _notes(source, target, differs),
        "reasoning": _reasoning(differs, False),
    }


def _same(source: Provision, target: Provision) -> tuple[bool | None, float]:
    """Whether both say the same thing (None: not to be decided), and how sure that is."""
    if not same_types(source, target):
        return False, 0.97
    first, second = concept_of(source), concept_of(target)
    if first and second:
        return first == second, 0.94
    alike = likeness(source, target)
    if alike >= _LIKE:
        return True, 0.82
    return (None, 0.5) if alike >= _PERHAPS else (False, 0.88)


def _text(provision: Provision) -> str:
    return str(provision.get("provision_text") or "")


def _difference(source: Provision, target: Provision, *, instances: bool = False) -> JsonObject:
    """variance_type, impact_level and option_compatibility."""
    first, second = _facts(source), _facts(target)
    both = all(p.get("options") or (instances and _ELECTED in _text(p)) for p in (source, target))
    odd = first ^ second if first is not None and second is not None else frozenset()
    if not odd and (first is None) == (second is None):
        return _differing("none", "none", "same" if both else "none")
    kinds = {kind for kind, _ in odd}
    if kinds and kinds <= ADMINISTRATIVE:
        return _differing("administrative", "low", "compatible" if both else "none")
    if REGULATED.search(_titled(source)) or REGULATED.search(_titled(target)):
        return _differing("regulatory", "high", "incompatible" if both else "none")
    impact = "high" if source.get("provision_type") in _WEIGHTY else "medium"
    return _differing("design", impact, "incompatible" if both else "none")


def _differing(variance_type: str, impact_level: str, options: str) -> JsonObject:
    return {"variance_type": variance_type, "impact_level": impact_level, "option_compatibility": options}


def _titled(provision: Provision) -> str:
    return f"{provision.get('section_title') or ''}. {_text(provision)}"


def _facts(provision: Provision) -> frozenset[Fact] | None:
    return chosen(provision) if "options" in provision else instance_facts(_text(provision))


def _evidence(source: Provision, target: Provision) -> list[JsonObject]:
    return [{"side": side, "quote": _quote(p)} for side, p in (("source", source), ("target", target)) if _quote(p)]


def _quote(provision: Provision) -> str:
    """Words around the first number, else the first words."""
    words = _text(provision).split() or str(provision.get("section_title") or "").split()
    at = next((place for place, word in enumerate(words) if re.search(r"\d", word)), 0)
    start = max(0, min(at - 5, len(words) - _LONGEST_QUOTE))
    return " ".join(words[start : start + _LONGEST_QUOTE]).rstrip(".,;:")


def _notes(source: Provision, target: Provision, differs: JsonObject) -> str | None:
    if differs["variance_type"] != "regulatory":
        return None
    said = [", ".join(sorted(value for _, value in _facts(p) or ())) or "no number" for p in (source, target)]
    return f"The law sets this limit: the source says {said[0]}, the target {said[1]}; counsel must say which applies."


def _reasoning(differs: JsonObject, refers: bool) -> str:
    kind = differs["variance_type"]
    what = "the facts agree and only the words differ" if kind == "none" else f"they differ in a matter of {kind}"
    depends = "; it depends on what is elected" if refers else ""
    return f"Both state the same rule for the same subject: {what}{depends}."


def _no_match(source: Provision, target: Provision, sure: float) -> JsonObject:
    return {
        "source_id": source.get("id"),
        "target_id": None,
        "is_match": False,
        "match_type": "no_match",
        **_differing("none", "none", "none"),
        "llm_similarity": round(min(0.6, likeness(source, target)), 2),
        "confidence_score": sure,
        "evidence": _evidence(source, target),
        "abstain_reason": None,
        "regulatory_notes": None,
        "reasoning": "The two speak of different rules or of different people, whatever words they share.",
    }


def _undecided(source: Provision, target: Provision) -> JsonObject:
    return _no_match(source, target, 0.5) | {
        "match_type": "abstain",
        "abstain_reason": "The texts share many words, but do not show whether they state the same rule.",
        "reasoning": "It cannot be decided from these texts alone.",
    }
