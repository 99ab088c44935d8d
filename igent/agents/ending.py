"""How a draft is judged and a step ends, in words."""

from __future__ import annotations

__all__ = ["UNFINISHED", "cause_of", "how", "reason_of", "unit_gone", "with_opinion"]

from collections.abc import Iterator, Mapping

from igent.agents.build import Participant
from igent.agents.opinion import Opinion
from igent.agents.step import Step
from igent.agents.turn import Said
from igent.types import JsonObject, Verdict, Violation

UNFINISHED: Mapping[str, str] = {
    "length": "the answer was cut off by the token limit before it was complete; answer more briefly",
    "content_filter": "the endpoint's content filter withheld the answer",
}
"""What is said of an answer that ended so, by the word for its finish."""


def how(said: Said, who: Participant) -> JsonObject:
    """What the audit keeps of an answer beside its text."""
    return {"model": who.model, "finish": said.calls[-1].finish if said.calls else "", "usage": said.usage.to_json()}


def with_opinion(verdict: Verdict, opinion: Opinion | None) -> Verdict:
    """A valid draft that the critic does not approve is not accepted; an invalid one stays so, whatever it says."""
    if opinion is None or not verdict.ok or opinion.approved:
        return verdict
    said = opinion.feedback or "it gave no reason"
    what = f"the critic rejects the draft: {said}" if opinion.approved is False else f"no readable verdict: {said}"
    return Verdict((Violation("critic", "", what),), verdict.value, verdict.no_match)


def unit_gone(step: Step, verdict: Verdict) -> Violation:
    """What is said of a good answer whose unit was taken meanwhile."""
    name = (verdict.value or {}).get(step.reserves or "")
    return Violation(
        "capacity", step.reserves or "", f"{name} has no unit to take; choose with the capacity shown below"
    )


def cause_of(verdict: Verdict) -> str:
    """The cause of a failure by this verdict, as in Outcome."""
    rules: Iterator[str] = (v.rule for v in verdict.violations)
    kinds = set(rules)
    return next((kind for kind in ("json", "schema", "critic", "capacity") if kind in kinds), "rules")


def reason_of(verdict: Verdict, rounds: int) -> str:
    """Its reason, in a sentence, after so many rounds."""
    listed = "; ".join(str(v) for v in verdict.violations)
    return f"no valid answer in {rounds} {'round' if rounds == 1 else 'rounds'}; the last one: {listed}"
