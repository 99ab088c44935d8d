"""What a cascade and the cache spared a run, taken a step at a time: calls, money, time."""

from __future__ import annotations

__all__ = ["CacheSavings", "CascadeSavings", "Savings", "SavingsTotals"]

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from igent.outcome import CheaperUse, StepReport
from igent.reporting.cost import price
from igent.reporting.figures import Tokens
from igent.types import JsonObject, Usage


@dataclass(frozen=True, slots=True)
class CascadeSavings:
    """What the cheaper models did: their `calls`; how many of their drafts were `accepted`, each of which spared the
    agent's own model a draft; and how many were not, so that the next model was asked (`passed_on`).

    `cost` in US dollars is what the accepted drafts would have cost by the own model's price, less what all drafts of
    the cheaper ones did cost; None where a price is not known. `seconds` is the mean time of a draft of the own model
    in this run for each accepted one, less the time of all drafts of the cheaper ones; None where nothing was measured.
    Both are below zero where the cascade has cost more than it spared.
    """

    calls: int
    accepted: int
    passed_on: int
    cost: Decimal | None
    seconds: float | None


@dataclass(frozen=True, slots=True)
class CacheSavings:
    """What the cache gave: `answers` that no model was asked for, and their `tokens`, as far as they are known: of
    answers that were one of a batch's they are not."""

    answers: int
    tokens: Tokens


@dataclass(frozen=True, slots=True)
class Savings:
    """What was spared; None for what there was nothing of."""

    cascade: CascadeSavings | None = None
    cache: CacheSavings | None = None

    def to_json(self) -> JsonObject:
        """The shape in summary.json: money as a number with 6 decimals, seconds with 3."""
        plain: JsonObject = asdict(self)
        if self.cascade is not None:
            cost, seconds = self.cascade.cost, self.cascade.seconds
            plain["cascade"]["cost"] = None if cost is None else round(float(cost), 6)
            plain["cascade"]["seconds"] = None if seconds is None else round(seconds, 3)
        return plain


@dataclass(slots=True)
class _Times:
    """Of one step: its drafts, and their seconds."""

    accepted: int = 0
    cheap_seconds: float = 0.0
    own: int = 0
    own_seconds: float = 0.0

    def saved(self) -> float | None:
        if self.accepted and not self.own:
            return None
        mean = self.own_seconds / self.own if self.own else 0.0
        return self.accepted * mean - self.cheap_seconds


class SavingsTotals:
    """The sums of the steps that were added, in any order. `models` (agent -> its own model) and `base_url` as in
    total_cost; models None: there is no price."""

    def __init__(self, models: Mapping[str, str] | None = None, base_url: str | None = None) -> None:
        self._models, self._base_url = models, base_url
        self._calls = self._accepted = self._passed_on = self._cached = 0
        self._cost: Decimal | None = None if models is None else Decimal(0)
        self._times: dict[str, _Times] = {}
        self._saved = Usage()

    def add(self, step: StepReport) -> None:
        """Take one more step."""
        if step.cached:
            self._cached += step.cached
            self._saved += Usage(step.saved_input_tokens, step.saved_output_tokens)
        if not step.cascade and not step.own_drafts:
            return
        times = self._times.setdefault(step.step, _Times())
        times.own += step.own_drafts
        times.own_seconds += step.own_seconds
        for use in step.cascade:
            self._calls += use.calls
            self._accepted += use.accepted
            self._passed_on += not use.accepted
            times.accepted += use.accepted
            times.cheap_seconds += use.seconds
            saved = self._money(use, step.agent)
            self._cost = None if self._cost is None or saved is None else self._cost + saved

    def savings(self) -> Savings | None:
        """What was spared so far; None where there was neither a cascade nor an answer from the cache."""
        cascade = cache = None
        if self._accepted or self._passed_on:
            seconds: Any = [times.saved() for times in self._times.values()]
            saved = None if None in seconds else float(sum(seconds))
            cascade = CascadeSavings(self._calls, self._accepted, self._passed_on, self._cost, saved)
        if self._cached:
            tokens = Tokens(self._saved.input_tokens, self._saved.output_tokens, self._saved.estimated)
            cache = CacheSavings(self._cached, tokens)
        return Savings(cascade, cache) if cascade or cache else None

    def _money(self, use: CheaperUse, agent: str) -> Decimal | None:
        """What one draft of a cheaper model spared; below zero for one that was passed on."""
        usage, own = Usage(use.input_tokens, use.output_tokens), (self._models or {}).get(agent)
        cost = price(usage, use.model, self._base_url)
        instead = price(usage, own, self._base_url) if own is not None and use.accepted else Decimal(0)
        if cost is None or instead is None or own is None:
            return None
        return instead - cost
