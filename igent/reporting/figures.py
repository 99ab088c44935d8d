"""Arithmetic of a report: percentiles, rates, tokens and their price. Pure."""

from __future__ import annotations

__all__ = ["SHARES", "Spread", "Tokens", "rate", "spread", "total_cost"]

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from igent.outcome import StepReport
from igent.reporting.cost import price
from igent.types import NO_USAGE, Usage

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


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens of calls; `estimated` when igent counted a part of them, for the endpoint did not."""

    input: int
    output: int
    estimated: bool


def spread(values: Iterable[float]) -> Spread:
    """The spread of some seconds, to the microsecond."""
    ordered = sorted(values)
    if not ordered:
        return Spread(None, None, None)

    def rank(percent: int) -> float:
        return round(ordered[math.ceil(percent * len(ordered) / 100) - 1], 6)

    return Spread(rank(50), rank(95), round(ordered[-1], 6))


def rate(part: int, whole: int) -> float | None:
    """part / whole with 4 decimals; None where there is no whole."""
    return round(part / whole, 4) if whole else None


def total_cost(steps: Sequence[StepReport], models: Mapping[str, str], base_url: str | None) -> Decimal | None:
    """US dollars for all tokens of these steps, those that brought nothing included; None as soon as the price of any
    of them is not known.

    The critic's tokens count at its own model's price, those of the cheaper models of a cascade at theirs. Where a step
    does not tell its critic's model, and the agents (`models`: agent -> model) do not all share one, the price of the
    step is not known. What was wasted counts at the price of the step's model; of a step that a rule answered, at that
    of the agents, if they share one.
    """
    whole = Decimal(0)
    shared = set(models.values())
    only = next(iter(shared)) if len(shared) == 1 else ""
    for step in steps:
        if step.critic_calls and not step.critic_model and len(shared) > 1:
            return None
        for usage, model in _bills(step, only):
            cost = price(usage, model, base_url)
            if cost is None:
                return None
            whole += cost
    return whole


def _bills(step: StepReport, only: str) -> list[tuple[Usage, str]]:
    bills = [(Usage(use.input_tokens, use.output_tokens), use.model) for use in step.cascade]
    if step.critic_model:
        bills.append((Usage(step.critic_input_tokens, step.critic_output_tokens), step.critic_model))
    others = sum((usage for usage, _ in bills), NO_USAGE)
    own = Usage(step.usage.input_tokens - others.input_tokens, step.usage.output_tokens - others.output_tokens)
    bills += [(own, step.model), (step.wasted, step.model or only)]
    return [(usage, model) for usage, model in bills if usage.input_tokens or usage.output_tokens]
