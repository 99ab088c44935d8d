"""The rules for answers about a pair, by the names that constellations list; messages are for a model to act on."""

from __future__ import annotations

__all__ = ["RULES"]

from collections.abc import Iterator, Mapping
from typing import Any

from igent.types import Case, Violation
from igent.workload import Rule
from igent.workloads.crosswalk.compatible import same_types
from igent.workloads.crosswalk.quotes import is_quoted, texts_of, words_in
from igent.workloads.crosswalk.schema import (
    ACCEPTED_CONFIDENCE,
    MATCHES,
    MAX_QUOTE_WORDS,
    MappingAnswer,
    Quote,
    VarianceAnswer,
)

Answer = MappingAnswer | VarianceAnswer


def _sides(case: Case) -> Mapping[str, Mapping[str, Any]]:
    return {side: case.record.data[side] for side in ("source", "target")}


def _is_match(answer: Answer) -> bool:
    return answer.is_match if isinstance(answer, MappingAnswer) else True


def _abstains(answer: Answer) -> bool:
    return answer.match_type == "abstain" if isinstance(answer, MappingAnswer) else bool(answer.abstain_reason.strip())


def ids(answer: Answer, case: Case) -> Iterator[Violation]:
    """The ids are those of the two that were shown; the target's is null exactly where there is no match."""
    sides = _sides(case)
    source, target = sides["source"].get("id"), sides["target"].get("id")
    if answer.source_id != source:
        yield Violation("ids", "source_id", f"is {answer.source_id!r}, but the source's id is {source!r}: copy it")
    if _is_match(answer):
        if answer.target_id != target:
            said = "null" if answer.target_id is None else repr(answer.target_id)
            yield Violation("ids", "target_id", f"is {said}, but the target's id is {target!r}: copy it")
    elif answer.target_id is not None:
        yield Violation("ids", "target_id", f"is {answer.target_id!r}, but without a match it must be null")


def types(answer: Answer, case: Case) -> Iterator[Violation]:
    """A match is between types that can mean the same."""
    sides = _sides(case)
    if _is_match(answer) and not same_types(sides["source"], sides["target"]):
        kinds = " and ".join(str(side.get("provision_type")) for side in sides.values())
        yield Violation("types", "match_type", f"{kinds} cannot mean the same: answer no_match, or abstain")


def match_type(answer: Answer, case: Case) -> Iterator[Violation]:
    """is_match says what match_type says."""
    if isinstance(answer, MappingAnswer) and answer.is_match != (answer.match_type in MATCHES):
        right = "true" if answer.match_type in MATCHES else "false"
        what = f"is {str(answer.is_match).lower()}, but match_type {answer.match_type!r} means {right}: correct one"
        yield Violation("match_type", "is_match", what)


def evidence(answer: Answer, case: Case) -> Iterator[Violation]:
    """Quotes are short and stand in the texts, word for word; a match quotes both sides, and a no_match the target.

    Nothing else in a no_match tells which target it is about: in a batch it may have got another one's number.
    """
    texts = {side: texts_of(data) for side, data in _sides(case).items()}
    seen: set[str] = set()
    for index, quote in enumerate(answer.evidence):
        where = f"evidence.{index}.quote"
        count = words_in(quote.quote)
        if count > MAX_QUOTE_WORDS:
            what = f"has {count} words, {MAX_QUOTE_WORDS} are allowed: quote the words that decide"
            yield Violation("evidence", where, what)
        sides = _found(quote, texts)
        seen |= sides
        if not sides:
            place = f"the {quote.side}'s text" if quote.side else "either text"
            yield Violation("evidence", where, f"{quote.quote[:120]!r} is not in {place}: copy it word for word")
    missing = sorted(({"source", "target"} if _is_match(answer) else {"target"}) - seen)
    if missing and not _abstains(answer):
        quoted = "a match quotes both" if _is_match(answer) else "a no_match quotes what it refuses"
        what = f"has no quote that stands in the text of the {' and the '.join(missing)}: {quoted}"
        yield Violation("evidence", "evidence", what)


def _found(quote: Quote, texts: Mapping[str, list[str]]) -> set[str]:
    """The sides whose texts hold the quote; only its own, where it names one."""
    sides = (quote.side,) if quote.side else ("source", "target")
    return {side for side in sides if is_quoted(quote.quote, texts[side])}


def exact(answer: Answer, case: Case) -> Iterator[Violation]:
    """Exact means that nothing differs; and a variance without a difference has no impact."""
    if isinstance(answer, MappingAnswer):
        if answer.match_type != "exact":
            return
        why, remedy = "an exact match", "or say compatible"
    else:
        if answer.variance_type != "none":
            return
        why, remedy = 'variance_type "none"', "or name the variance_type"
    for field in ("variance_type", "impact_level"):
        said = getattr(answer, field)
        if said != "none":
            yield Violation("exact", field, f'is {said!r}, but with {why} it must be "none", {remedy}')


def options(answer: Answer, case: Case) -> Iterator[Violation]:
    """Options that exclude each other matter."""
    if answer.option_compatibility == "incompatible" and answer.impact_level not in ("medium", "high"):
        what = f'is {answer.impact_level!r}, but incompatible options have impact "medium" or "high"'
        yield Violation("options", "impact_level", what)


def abstain(answer: Answer, case: Case) -> Iterator[Violation]:
    """Who abstains says why."""
    if isinstance(answer, MappingAnswer) and answer.match_type == "abstain" and not answer.abstain_reason.strip():
        yield Violation("abstain", "abstain_reason", "is empty: say what is missing for a decision")


def regulatory(answer: Answer, case: Case) -> Iterator[Violation]:
    """What concerns the law is explained."""
    if answer.variance_type == "regulatory" and not answer.regulatory_notes.strip():
        what = "is empty, but variance_type is regulatory: name the requirement and what differs"
        yield Violation("regulatory", "regulatory_notes", what)


def confidence(answer: Answer, case: Case) -> Iterator[Violation]:
    """Below the accepted confidence there is no decision, and only there."""
    low = answer.confidence_score < ACCEPTED_CONFIDENCE
    if low == _abstains(answer):
        return
    said = f"is {answer.confidence_score:g}"
    if not low:
        what = f"{said} with an abstention: below {ACCEPTED_CONFIDENCE:.2f} you abstain, from there on you decide"
    elif isinstance(answer, MappingAnswer):
        what = f'{said} with {answer.match_type!r}: below {ACCEPTED_CONFIDENCE:.2f} answer "abstain" with its reason'
    else:
        what = f"{said}: below {ACCEPTED_CONFIDENCE:.2f} give an abstain_reason"
    yield Violation("confidence", "confidence_score", what)


RULES: dict[str, Rule] = {
    rule.__name__: rule for rule in (ids, types, match_type, evidence, exact, options, abstain, regulatory, confidence)
}
"""By the names that a constellation lists. That scores lie in 0..1 is a matter of the schema."""
