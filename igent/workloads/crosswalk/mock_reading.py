"""Reading what a provision is about: by its words, never by its id or number."""

from __future__ import annotations

__all__ = ["Concept", "concept_of", "likeness", "words_of"]

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from igent.workloads.crosswalk.generate_catalogue import ELECTIONS, PROVISIONS
from igent.workloads.crosswalk.generate_subjects import SUBJECTS
from igent.workloads.crosswalk.mock_vocabulary import CONCEPTS

Concept = tuple[str, ...]
"""What it is about, and whom or what it concerns."""

_FAMILIES = {family.key: family for family in PROVISIONS}
_QUESTIONS = {family.key: family for family in ELECTIONS}
_SPACES = re.compile(r"\s+")
_UNWEIGHTY = (
    "a an and any are as at be been by for from has have if in into is it its may must no not of on or other shall such"
    " that the their this those to under upon was which who will with"
)
_STOP = frozenset(_UNWEIGHTY.split())


def _phrases(election: bool) -> dict[str, str]:
    """Phrase -> concept."""
    families = _QUESTIONS if election else _FAMILIES
    known = {p: key for key, phrases in CONCEPTS.items() if key.startswith("aa ") == election for p in phrases}
    for key, family in families.items():
        known |= {cue.lower(): key for cue in (*family.source.cues, *family.target.cues)}
    return known


_KNOWN = {True: _phrases(True), False: _phrases(False)}


def concept_of(provision: Mapping[str, Any]) -> Concept | None:
    """The concept that the text speaks of, else the title; None when nothing in them is known."""
    title = str(provision.get("section_title") or provision.get("field_label") or "")
    return _concept(title, str(provision.get("provision_text") or ""), "options" in provision)


@lru_cache(maxsize=4096)
def _concept(title: str, text: str, election: bool) -> Concept | None:
    for said in (_normal(text), _normal(title)):
        weights: dict[str, int] = {}
        for phrase, key in _KNOWN[election].items():
            if phrase in said:
                weights[key] = weights.get(key, 0) + len(phrase)
        if weights:
            best = max(weights, key=lambda key: weights[key])
            return (best, *_subjects(best, (said, _normal(title)), election))
    return None


def _subjects(key: str, texts: Sequence[str], election: bool) -> Iterable[str]:
    family = (_QUESTIONS if election else _FAMILIES).get(key)
    for dim in family.dims if family else ():
        yield next((subject for text in texts if (subject := _subject(dim, text))), "")


def _subject(dim: str, said: str) -> str:
    """The subject of this kind that is spoken of at the greatest length; "" when none is."""
    found = [(len(words), pair[0]) for pair in SUBJECTS[dim] for words in pair if words.lower() in said]
    return max(found, default=(0, ""))[1]


def _normal(text: str) -> str:
    return _SPACES.sub(" ", text).lower()


def words_of(provision: Mapping[str, Any]) -> frozenset[str]:
    """The words that carry meaning, their endings cut."""
    text = f"{provision.get('section_title') or ''} {provision.get('provision_text') or ''}"
    return frozenset(
        word.removesuffix("s").removesuffix("ed")
        for word in re.findall(r"[a-z]{3,}", text.lower())
        if word not in _STOP
    )


def likeness(source: Mapping[str, Any], target: Mapping[str, Any]) -> float:
    """How many of their words two provisions share, 0 to 1."""
    left, right = words_of(source), words_of(target)
    return len(left & right) / len(left | right) if left | right else 0.0
