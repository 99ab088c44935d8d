"""The sums of a run, taken an outcome at a time: what the summary is made of, without the outcomes."""

from __future__ import annotations

__all__ = ["CriticWords", "Totals"]

from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from igent.outcome import Outcome, PhaseTiming, StepReport
from igent.reporting.cost import price
from igent.reporting.figures import SHARES, total_cost
from igent.reporting.savings import SavingsTotals
from igent.types import NO_USAGE, Usage


@dataclass(slots=True)
class CriticWords:
    """How often the critic of one step was skipped, or had which last word."""

    skipped: int = 0
    approved: int = 0
    rejected: int = 0


class Totals:
    """The figures of the outcomes that were added, in any order. Of each it keeps its seconds: 8 bytes, and 8 a phase.

    `phases` are the names in their order. `models` (agent -> model) and `base_url` say by which prices the tokens are
    reckoned, see total_cost; models None: not at all (the mock has no price).
    """

    def __init__(
        self, phases: Sequence[str], models: Mapping[str, str] | None = None, base_url: str | None = None
    ) -> None:
        self._models, self._base_url = models, base_url
        for model in set(models.values()) if models else ():
            price(NO_USAGE, model, base_url)  # the table takes a moment to load: better now than between two records
        self.statuses: Counter[str] = Counter()
        self.seconds = array("d")
        self.phase_seconds: dict[str, array[float]] = {phase: array("d") for phase in phases}
        self.time = dict.fromkeys(SHARES, 0.0)
        self.cost: Decimal | None = None if models is None else Decimal(0)
        self.usage = self.wasted = self.missed = NO_USAGE
        self.counts: Counter[str] = Counter()
        self.critics: dict[str, CriticWords] = {}
        self.guesses: Counter[str] = Counter()
        self.held_for_failed = 0
        self.savings = SavingsTotals(models, base_url)

    @classmethod
    def of(
        cls,
        outcomes: Iterable[Outcome],
        phases: Sequence[str],
        models: Mapping[str, str] | None = None,
        base_url: str | None = None,
    ) -> Totals:
        """The totals of these outcomes."""
        totals = cls(phases, models, base_url)
        for outcome in outcomes:
            totals.add(outcome)
        return totals

    @property
    def outcomes(self) -> int:
        """How many were added."""
        return self.statuses.total()

    def add(self, outcome: Outcome) -> None:
        """Take one more outcome."""
        self.statuses[outcome.status] += 1
        self.held_for_failed += outcome.status == "failed" and outcome.takes is not None
        if outcome.timings or outcome.total_seconds:  # one whose input was refused took no time, and is left out
            self.seconds.append(outcome.total_seconds)
        inside = 0.0
        for phase, timing in outcome.timings.items():
            self.phase_seconds.setdefault(phase, array("d")).append(timing.total)
            inside += timing.total
            self._divide(timing)
        self.time["engine"] += max(0.0, outcome.total_seconds - inside)  # what no phase accounts for
        for step in outcome.steps:
            self._add_step(step)
        if self.cost is not None and self._models is not None:
            cost = total_cost(outcome.steps, self._models, self._base_url)
            self.cost = None if cost is None else self.cost + cost

    def _divide(self, timing: PhaseTiming) -> None:
        time = self.time
        time["models"] += max(0.0, timing.conversation - timing.critic)
        time["critic"] += timing.critic
        time["ledger"] += timing.capacity
        time["disk"] += timing.write
        time["engine"] += max(0.0, timing.total - timing.conversation - timing.capacity - timing.write)

    def _add_step(self, step: StepReport) -> None:
        self.usage += step.usage
        counts = self.counts
        for name in _COUNTED:
            counts[name] += getattr(step, name)
        self.savings.add(step)
        if step.wasted is not NO_USAGE:
            self.wasted += step.wasted
        if step.critic != "none":
            words = self.critics.setdefault(step.step, CriticWords())
            setattr(words, step.critic, getattr(words, step.critic) + 1)
        if step.speculation != "none":
            self.guesses[step.speculation] += 1
            self.missed += step.wasted if step.speculation == "miss" else Usage()


_COUNTED = (
    "calls",
    "critic_calls",
    "recalled",
    "rounds",
    "invalid_drafts",
    "cut",
    "retries",
    "rate_limited",
    "hedged",
)
