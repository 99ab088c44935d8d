"""Fits the mock's profile gpt-4o to what was published of the original: its conversation, at the times it took.

    python benchmarks/fit_pace.py [--scenario NAME] [--before N --after N] [--seeds N] [--draws N]

The conversation is dialogue.py's (matcher and critic, then a matcher), with the mock's answers and their real numbers
of tokens; only the times are drawn, first token and rate of each call on their own, with one sigma for both. Their
medians come from the phases' medians, for phase 1 has two first tokens and fewer others; the sigma from the spread of
phase 2, which is one call; the rate of wrong first answers (--mock-errors) from the tail of phase 1, for a rejected
draft is another round. The total is not fitted: it is a check. No server is needed; it takes some minutes.
"""

from __future__ import annotations

__all__ = ["main"]

import argparse
import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from random import Random
from statistics import quantiles

from dialogue import Dialogue, Message
from measure import Case, load_case

from igent.models.mock import Mocker
from igent.models.pace import Pace
from igent.types import ChatMessage
from igent.workloads.sbus.mock import SbusMock

DATA = Path(__file__).parents[1] / "data" / "sbus"
# Of 100 registrations, one at a time, gpt-4o: median and p95 of the seconds that each phase took.
PUBLISHED = {"phase 1": (6.5, 16.7), "phase 2": (6.1, 10.6), "total": (14.1, 24.1)}
# What becomes of an answer that is none.
LOST = (KeyError, ValueError, IndexError)

Percentiles = tuple[float, float]


@dataclass
class Talk:
    """The tokens of every answer of one registration, by phase; `second` is empty where it did not come to that. `lost`
    is one that ended in no usable answer; what its calls took counts all the same."""

    first: list[int] = field(default_factory=list)
    second: list[int] = field(default_factory=list)
    lost: bool = False


async def conversation(dialogue: Dialogue, mocker: Mocker, row: dict[str, object]) -> Talk:
    """One registration."""
    talk = Talk()

    async def ask(agent: str, messages: Sequence[Message]) -> str:
        chat = [ChatMessage(m["role"], m["content"]) for m in messages]  # type: ignore[arg-type]
        answer = mocker.answer([ChatMessage("system", dialogue.prompts[agent]), *chat], {})
        if answer is None:
            raise SystemExit("the mock finds no record in the reference's prompt")
        (talk.second if agent == "matcher2" else talk.first).append(len(answer.tokens))
        return answer.text

    try:
        await dialogue.register(row, ask)
    except LOST:
        talk.lost = True
    return talk


def conversations(case: Case, errors: float, args: argparse.Namespace) -> list[Talk]:
    """Every registration, once for each seed."""

    async def one_seed(seed: int) -> list[Talk]:
        dialogue = Dialogue(case, sliced=True)
        mocker = Mocker(SbusMock(), seed, errors, before=args.before, after=args.after)
        return [await conversation(dialogue, mocker, row) for row in case.registrations]

    return list(chain.from_iterable(asyncio.run(one_seed(seed)) for seed in range(args.seeds)))


def drawn(pace: Pace, talks: Sequence[Talk], draws: int) -> dict[str, Percentiles]:
    """Median and p95 of each phase, over so many draws of each conversation."""
    random = Random(0)
    seconds: dict[str, list[float]] = {name: [] for name in PUBLISHED}
    for talk in [talk for talk in talks for _ in range(draws)]:
        first, second = (sum(pace.draw(random).due(n) for n in tokens) for tokens in (talk.first, talk.second))
        seconds["phase 1"].append(first)
        if talk.second:
            seconds["phase 2"].append(second)
            seconds["total"].append(first + second)
    found = {name: quantiles(values, n=20) for name, values in seconds.items()}
    return {name: (cuts[9], cuts[18]) for name, cuts in found.items()}


def solve(low: float, high: float, too_high: Callable[[float], bool]) -> float:
    """Where it becomes too high, by halving."""
    for _ in range(10):
        middle = (low + high) / 2
        low, high = (low, middle) if too_high(middle) else (middle, high)
    return (low + high) / 2


def fitted(talks: Sequence[Talk], draws: int) -> Pace:
    """The medians of both phases and the p95 of phase 2 as published; the p95 of phase 1 comes out as it does."""
    (first, _), (second, slowest) = PUBLISHED["phase 1"], PUBLISHED["phase 2"]

    def at(ttft: float, sigma: float) -> dict[str, Percentiles]:
        return drawn(Pace(ttft, 1.0, sigma, sigma), talks, draws)  # times in units of the seconds between tokens

    def first_too_slow(ttft: float, sigma: float) -> bool:
        found = at(ttft, sigma)
        return found["phase 1"][0] / found["phase 2"][0] > first / second

    def spread_too_wide(ttft: float, sigma: float) -> bool:
        median, p95 = at(ttft, sigma)["phase 2"]
        return p95 / median > slowest / second

    ttft, sigma = 0.0, 0.4
    for _ in range(3):
        ttft = solve(0.0, 1000.0, lambda guess, sigma=sigma: first_too_slow(guess, sigma))  # type: ignore[misc]
        sigma = solve(0.0, 1.0, lambda guess, ttft=ttft: spread_too_wide(ttft, guess))  # type: ignore[misc]
    itl = second / at(ttft, sigma)["phase 2"][0]
    return Pace(round(ttft * itl, 2), round(itl, 4), round(sigma, 2), round(sigma, 2))


def show(title: str, pace: Pace, errors: float, talks: Sequence[Talk], draws: int) -> None:
    """One pace beside what was published, as Markdown."""
    rejected, lost = (sum(found) / len(talks) for found in ([len(t.first) > 2 for t in talks], [t.lost for t in talks]))
    print(f"\n{title}: ttft {pace.ttft:g} s, itl {pace.itl:g} s, sigmas {pace.ttft_sigma:g} and {pace.itl_sigma:g};")
    print(
        f"errors {errors:.3f}: {rejected:.0%} of the first drafts are rejected, {lost:.0%} of the registrations lost\n"
    )
    print("| | median, drawn | published | p95, drawn | published |\n| --- | --- | --- | --- | --- |")
    for name, (median, p95) in drawn(pace, talks, draws).items():
        published = PUBLISHED[name]
        print(f"| {name} | {median:.2f} | {published[0]} | {p95:.2f} | {published[1]} |")


def main() -> None:
    """Fit, and show the fit and the profile that ships."""
    parser = argparse.ArgumentParser(description="Fit the mock's pace to the published times.")
    parser.add_argument("--scenario", default="overlap_only")
    parser.add_argument("--before", type=int, help="tokens before the JSON of every answer")
    parser.add_argument("--after", type=int, help="tokens after it")
    parser.add_argument("--seeds", type=int, default=5, help="conversations of each registration")
    parser.add_argument("--draws", type=int, default=20, help="draws of the times of each conversation")
    args = parser.parse_args()
    case = load_case(DATA, args.scenario)

    def tail_too_long(errors: float) -> bool:
        talks = conversations(case, errors, args)
        return drawn(fitted(talks, args.draws), talks, args.draws)["phase 1"][1] > PUBLISHED["phase 1"][1]

    # Above that the median itself is of two rounds, and the tail shrinks again.
    errors = round(solve(0.0, 0.2, tail_too_long), 3)
    talks = conversations(case, errors, args)
    show("Fit", fitted(talks, args.draws), errors, talks, args.draws)
    show("Profile gpt-4o", Pace.parse("gpt-4o"), errors, talks, args.draws)


if __name__ == "__main__":
    main()
