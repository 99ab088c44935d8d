"""Arithmetic of a report: percentiles, rates, shares of time, tokens and their price. Pure."""

from __future__ import annotations

__all__ = ["SHARES", "Spread", "rate", "shares", "spread", "total_cost", "worked_seconds"]

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from igent.reporting.cost import price
from igent.types import Outcome, PhaseTiming, StepReport, Usage

SHARES = ("models", "critic", "ledger", "disk", "engine")
"""What a record's time is divided into: waiting for the models other than the critic, for the critic, for the ledger,
for the disk, and the rest: igent's own work and waiting for its turn."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Percentiles by the nearest-rank method: the smallest value that at least p % of the values do not exceed, so each
    is a value that was measured. None where nothing was."""

    p50: float | None
    p95: float | None
    max: float | None


def spread(values: Iterable[float]) -> Spread:
    """The spread of some seconds, to the microsecond."""
    ordered = sorted(values)
    if not ordered:
        return Spread(None, None, None)

    def rank(percent: int) -> float:
        return round(ordered[math.ceil(percent * len(ordered) / 100) - 1], 6)

    return Spread(rank(50), rank(95), round(ordered[-1], 6))


def worked_seconds(outcomes: Iterable[Outcome]) -> list[float]:
    """The seconds of the records that were worked on; one whose input was refused took none, and is left out."""
    return [o.total_seconds for o in outcomes if o.timings or o.total_seconds]


def rate(part: int, whole: int) -> float | None:
    """part / whole with 4 decimals; None where there is no whole."""
    return round(part / whole, 4) if whole else None


def shares(outcomes: Iterable[Outcome]) -> dict[str, float]:
    """The fraction of the summed record time that went into each of SHARES, with 4 decimals; all 0 where no time was
    spent. Time that no phase accounts for belongs to "engine"."""
    seconds = dict.fromkeys(SHARES, 0.0)
    for outcome in outcomes:
        inside = 0.0
        for timing in outcome.timings.values():
            inside += timing.total
            _divide(timing, seconds)
        seconds["engine"] += max(0.0, outcome.total_seconds - inside)
    whole = sum(seconds.values())
    return {name: round(value / whole, 4) if whole else 0.0 for name, value in seconds.items()}


def _divide(timing: PhaseTiming, seconds: dict[str, float]) -> None:
    seconds["models"] += max(0.0, timing.conversation - timing.critic)
    seconds["critic"] += timing.critic
    seconds["ledger"] += timing.capacity
    seconds["disk"] += timing.write
    seconds["engine"] += max(0.0, timing.total - timing.conversation - timing.capacity - timing.write)


def total_cost(steps: Sequence[StepReport], models: Mapping[str, str], base_url: str | None) -> Decimal | None:
    """US dollars for all tokens of these steps; None as soon as the price of any of them is not known.

    The critic's tokens count at its own model's price. Where a step does not tell its critic's model, and the agents
    (`models`: agent -> model) do not all share one, the price of the step is not known.
    """
    whole = Decimal(0)
    mixed = len(set(models.values())) > 1
    for step in steps:
        if step.critic_calls and not step.critic_model and mixed:
            return None
        for usage, model in _bills(step):
            cost = price(usage, model, base_url)
            if cost is None:
                return None
            whole += cost
    return whole


def _bills(step: StepReport) -> list[tuple[Usage, str]]:
    if not step.critic_model:
        both = [(step.usage, step.model)]
    else:
        critic = Usage(step.critic_input_tokens, step.critic_output_tokens)
        matcher = Usage(step.usage.input_tokens - critic.input_tokens, step.usage.output_tokens - critic.output_tokens)
        both = [(matcher, step.model), (critic, step.critic_model)]
    return [(usage, model) for usage, model in both if usage.input_tokens or usage.output_tokens]
