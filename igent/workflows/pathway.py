"""The way of one record before it is gone: which calls its steps make, and how long the longest chain of them is."""

from __future__ import annotations

__all__ = ["Call", "Talk", "seconds_of", "talk"]

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from igent.models.pace import Pace, Timing
from igent.workflows.phase import Phase
from igent.workflows.size import StepSize


class Call(NamedTuple):
    """One call: who makes it, and its tokens."""

    agent: str
    input: int
    output: int


@dataclass(frozen=True, slots=True)
class Talk:
    """One step talked through: its calls, the seconds until the draft that is accepted is there, and those of all."""

    calls: Sequence[Call]
    drafted: float
    seconds: float


def talk(size: StepSize, rounds: int, record_id: str, seed: int, pace: Pace) -> Talk:
    """A step of so many rounds (its `max_rounds` at most), of which only the last one's draft is accepted.

    The critic is asked as its policy says. An answer of the rules is accepted at once.
    """
    step, calls, seconds, drafted = size.step, list[Call](), 0.0, 0.0
    said, rounds = size.question, 1 if size.ruled else min(rounds, step.max_rounds)
    for round_ in range(1, rounds + 1):
        valid = round_ == rounds
        if not size.ruled:
            calls.append(Call(step.matcher.name, said, size.answer))
            seconds += _timing(pace).due(size.answer)
        drafted = seconds
        judged = step.critic is not None and step.policy.asks(valid=valid, record_id=record_id, seed=seed)
        if step.critic is not None and judged:
            calls.append(Call(step.critic.name, size.judging[not valid], size.opinion))
            seconds += _timing(pace).due(size.opinion)
        said += size.answer + size.feedback[judged]
    return Talk(calls, drafted, seconds)


def seconds_of(talks: Sequence[tuple[Phase, Sequence[Talk]]], known: Sequence[bool], *, early: bool) -> float:
    """The seconds of a record: the longest chain of its calls, phases that start early (with `early`) beside the one
    before them. `known` tells of each phase whether its answers are expected, so that the next one can begin with it.
    """
    began = drafted = ended = 0.0
    before_early, before_known = True, False  # nothing comes before the first phase
    for (phase, said), is_known in zip(talks, known, strict=True):
        start, is_early = ended, early and phase.start != "settled" and not before_early
        if is_early:
            start = began if phase.start == "predicted" and before_known else drafted
        all_but_last = sum(one.seconds for one in said[:-1])
        began, drafted = start, start + all_but_last + said[-1].drafted
        ended = max(ended, start + all_but_last + said[-1].seconds)
        before_early, before_known = is_early, is_known
    return ended


def _timing(pace: Pace) -> Timing:
    """The usual times of one call."""
    return Timing(pace.ttft, pace.itl)
