"""The bottleneck of a run, and one thing that a person can do about it."""

from __future__ import annotations

__all__ = ["ENGINE_ADVICE", "INSTANT", "Bottleneck", "find_bottleneck"]

from collections.abc import Mapping
from dataclasses import dataclass

from igent.reporting.facts import RunFacts

_MANY_429S = 0.05
_MANY_INVALID = 0.2
_FEW_SKIPPED = 0.5
_MANY_MISSES = 0.3
_MUCH_WAITING = 0.25
INSTANT = "Mock answers come at once: see where a real run waits with --mock-latency gpt-4o, or without --mock."
"""What is said where mock answers took no time."""
ENGINE_ADVICE = "igent itself is what takes the time: see where with --profile FILE, and give it a free core."
"""What is said where igent's own work took the most time."""
_OTHERS = {
    "ledger": "Records wait for one another at the shared capacity: give the suppliers more capacity, or lower "
    "--concurrency, which costs little here.",
    "engine": ENGINE_ADVICE,
    "disk": "Put the run folder on a faster disk with --out, or raise flush_seconds in the constellation.",
}


@dataclass(frozen=True, slots=True)
class Bottleneck:
    """The largest share of the records' time: its `name` (see SHARES), the `share` (0 to 1), and the `advice`."""

    name: str
    share: float
    advice: str


def find_bottleneck(
    shares: Mapping[str, float],
    facts: RunFacts,
    *,
    records: int,
    throttled: float | None,
    invalid: float | None,
    skipped: float | None,
    missed: float | None = None,
    quota: float = 0.0,
) -> Bottleneck | None:
    """The bottleneck; None when no time was spent.

    `records` is the size of the input; the rates are 429s a call, invalid drafts a draft, critics skipped of those that
    could have been asked, and wrong guesses of all; None where there were none. `quota` is the part of the records'
    time that their calls waited for the provider's limits.
    """
    name = max(shares, key=lambda key: shares[key])
    if not shares[name]:
        return None
    match name:
        case "models" | "engine" if facts.mock and facts.mock_latency is None:
            advice = INSTANT
        case "models":
            advice = _models(facts, records, throttled or 0.0, invalid or 0.0, missed or 0.0, quota)
        case "critic":
            advice = _critic(skipped)
        case _:
            advice = _OTHERS[name]
    return Bottleneck(name, shares[name], advice)


def _models(facts: RunFacts, records: int, throttled: float, invalid: float, missed: float, quota: float) -> str:
    if throttled > _MANY_429S:
        return (
            f"The endpoint refused {throttled:.0%} of the calls with 429: lower --concurrency (now "
            f"{facts.concurrency}), or ask the provider for a higher limit."
        )
    if invalid > _MANY_INVALID:
        return (
            f"{invalid:.0%} of the drafts were invalid, and each costs another call: improve the matcher's prompt, or "
            "give it a stronger model with --model."
        )
    if quota > _MUCH_WAITING:
        return (
            f"The provider's limits are used to the full: calls waited {quota:.0%} of the time for them. Ask the "
            "provider for higher ones; more --concurrency brings nothing."
        )
    if missed > _MANY_MISSES and facts.speculation_off is None:
        return (
            f"{missed:.0%} of the early starts were on a wrong guess, and began again: let the phase wait "
            "(start: streamed, or settled), or switch them off with --speculate off."
        )
    if facts.concurrency < records:
        return f"Raise --concurrency (now {facts.concurrency}) while the provider's limits allow it."
    return "All records were in flight at once: a faster model (--model), or a shorter answer, is what is left."


def _critic(skipped: float | None) -> str:
    if (skipped or 0.0) < _FEW_SKIPPED:
        return "Ask the critic only about drafts that the rules refuse: --critic invalid; or give it a faster model."
    return "Improve the matcher's prompt, so that fewer drafts need the critic, or give the critic a faster model."
