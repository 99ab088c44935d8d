"""The step `best`: of the candidates of one source provision, the one that it is matched with, or nobody.

A wrong "same" is worse than a "please look": a match is accepted only where it is sure and stands out; what was not
decided for certain is flagged.
"""

from __future__ import annotations

__all__ = ["MARGIN", "best", "no_entry"]

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from igent.flow import Group, Item, Lost, StepContext
from igent.types import JsonObject
from igent.workloads.crosswalk.references import references
from igent.workloads.crosswalk.review import answer_of, reviewed
from igent.workloads.crosswalk.schema import ACCEPTED_CONFIDENCE, MATCHES

MARGIN = 0.15
"""By how much the confidence of the best match must exceed that of the second, at least."""


@dataclass(frozen=True, slots=True)
class _Candidate:
    target: Mapping[str, Any]
    similarity: float
    answer: Mapping[str, Any]

    @property
    def id(self) -> str:
        return str(self.target["id"])

    @property
    def confidence(self) -> float:
        return float(self.answer["confidence_score"])

    @property
    def is_match(self) -> bool:
        return bool(self.answer["is_match"]) and self.answer["match_type"] in MATCHES

    @property
    def is_undecided(self) -> bool:
        """The model abstained, or decided with too little confidence."""
        return self.answer["match_type"] == "abstain" or self.confidence < ACCEPTED_CONFIDENCE

    def shown(self) -> JsonObject:
        return {
            "target_id": self.id,
            "target_section": self.target.get("section_number", ""),
            "embedding_similarity": self.similarity,
            "match_type": self.answer["match_type"],
            "confidence_score": self.confidence,
        }

    def doubt(self) -> str:
        said = self.answer["match_type"]
        why = self.answer.get("abstain_reason") or f"{said} with a confidence of only {self.confidence:.2f}"
        return f"{self.id} was left undecided: {why}"


async def best(group: Group, context: StepContext) -> JsonObject:
    """The entry of one source provision.

    The best candidate is its match if it is one with a confidence of 0.70 or more, and 0.15 above the second-best
    match. Else it is a `no_match`, if all candidates were surely refused or several are as good; an `abstain` where a
    candidate could not be verified or was left undecided. `embedding_similarity` is that of the accepted pair, else of
    the closest candidate; it, `llm_similarity` and `confidence_score` are None where there is none.
    """
    found = sorted((_candidate(item) for item in group.items), key=_rank)
    source = str(group.parent.data["id"])
    sure = [c for c in found if c.is_match and not c.is_undecided]
    undecided = [c.doubt() for c in found if c.is_undecided]
    doubts = [*_unverified(group.lost, len(found)), *undecided]
    if sure and not _ambiguous(sure):
        entry = _matched(source, group.parent.data, sure[0])
    elif sure:
        entry = _unmatched(source, "no_match", found)
        doubts.insert(0, _ambiguous(sure))
    elif doubts:
        entry = _unmatched(source, "abstain", found) | {"abstain_reason": "; ".join(doubts)}
        low = [c.confidence for c in found if c.is_undecided]
        entry["confidence_score"] = max(low) if low and not group.lost else None
    elif found:
        entry = _unmatched(source, "no_match", found)
        entry["confidence_score"] = min(c.confidence for c in found)
        entry["reasoning"] = f"None of {len(found)} candidates means the same. {found[0].answer.get('reasoning', '')}"
    else:
        entry = _unmatched(source, "no_match", found)
        doubts = ["no target provision was similar enough to be looked at"]
    entry["reasoning"] = entry["reasoning"] or f"{'; '.join(doubts)}."
    return reviewed(entry | {"candidates": [c.shown() for c in found]}, doubts)


def _candidate(item: Item) -> _Candidate:
    answer = answer_of(item.data, "match_type")
    return _Candidate(item.data["target"], round(float(item.data["similarity"]), 4), answer)


def _rank(candidate: _Candidate) -> tuple[bool, float, float, float, str]:
    likeness = float(candidate.answer.get("llm_similarity") or 0)
    return not candidate.is_match, -candidate.confidence, -likeness, -candidate.similarity, candidate.id


def _ambiguous(sure: Sequence[_Candidate]) -> str:
    """Why the best of the sure matches does not stand out; "" when it does."""
    if len(sure) < 2 or round(sure[0].confidence - sure[1].confidence, 9) >= MARGIN:
        return ""
    first, second = sure[:2]
    return (
        f"ambiguous between {first.id} ({first.confidence:.2f}) and {second.id} ({second.confidence:.2f}): "
        f"the margin is below {MARGIN:.2f}"
    )


def _unverified(lost: Sequence[Lost], verified: int) -> list[str]:
    if not lost:
        return []
    reasons = "; ".join(f"{_target(one)} ({one.reason})" for one in lost)
    return [f"{len(lost)} of {len(lost) + verified} candidates could not be verified: {reasons}"]


def _target(lost: Lost) -> str:
    target = lost.data.get("target")
    return str(target.get("id", lost.id)) if isinstance(target, Mapping) else lost.id


def _matched(source: str, provision: Mapping[str, Any], chosen: _Candidate) -> JsonObject:
    texts = (provision, chosen.target)
    refers = any(references(str(text.get("provision_text") or "")) for text in texts)
    empty = no_entry()
    answer = {key: chosen.answer.get(key, value) for key, value in empty.items()}
    return answer | {
        "source_id": source,
        "target_id": chosen.id,
        "embedding_similarity": chosen.similarity,
        "status": "pending" if refers else "confirmed",
    }


def _unmatched(source: str, match_type: str, found: Sequence[_Candidate]) -> JsonObject:
    return no_entry() | {
        "source_id": source,
        "embedding_similarity": max((c.similarity for c in found), default=None),
        "llm_similarity": max((float(c.answer.get("llm_similarity") or 0) for c in found), default=None),
        "match_type": match_type,
    }


def no_entry() -> JsonObject:
    """An entry about which nothing is known: the members of the Mapping of crosswalk.md, in their order."""
    return {
        "source_id": None,
        "target_id": None,
        "embedding_similarity": None,
        "llm_similarity": None,
        "is_match": False,
        "match_type": "abstain",
        "variance_type": "none",
        "impact_level": "none",
        "option_compatibility": "none",
        "confidence_score": None,
        "status": "pending",
        "evidence": [],
        "abstain_reason": "",
        "regulatory_notes": "",
        "reasoning": "",
    }
