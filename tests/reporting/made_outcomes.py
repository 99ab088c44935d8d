"""Outcomes and facts made by hand, for the tests of reporting."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from igent.outcome import Outcome, PhaseTiming, StepReport
from igent.reporting.facts import RunFacts
from igent.reporting.summary import Summary, summarise
from igent.reporting.totals import Totals
from igent.types import Usage

FACTS = RunFacts(
    constellation="p1m1m2c",
    workload="sbus",
    scenario="overlap_only",
    data="data/sbus",
    out="runs/p1m1m2c-overlap_only",
    started="2026-11-23T08:00:00+00:00",
    wall_seconds=4.0,
    concurrency=8,
    phases=("match", "price"),
    models={"matcher1": "gpt-4o-mini"},
    versions={"python": "3.11", "igent": "0.1.0", "autogen-agentchat": "0.7.5", "openai": "3.54.0"},
)

HOSTILE = "[red]Acme[/red] \x1b[31mSolar\x1b[0m\x1b]8;;http://x\x07 \u202eevil\u200b\r\n[/nope] :smile: \ud800 %s {0}"


def facts(**changed: Any) -> RunFacts:
    return replace(FACTS, **changed)


def step(**changed: Any) -> StepReport:
    base = StepReport("match", "matches", "matcher1", "gpt-4o-mini", "none", 1, Usage(1000, 100), "0" * 12, calls=1)
    return replace(base, **changed)


def outcome(index: int = 0, status: Any = "done", **changed: Any) -> Outcome:
    base = Outcome(
        record_id=f"REG-{index:04d}",
        index=index,
        status=status,
        reason="" if status == "done" else f"REG-{index:04d} has no ZIP",
        cause="rules" if status == "failed" else "",
        steps=(step(),),
        outputs={"matches": {"registration_id": f"REG-{index:04d}"}} if status == "done" else {},
        timings={"match": PhaseTiming(total=1.0 + index, conversation=0.9 + index)},
        total_seconds=1.0 + index,
    )
    return replace(base, **changed)


def summary_of(outcomes: Iterable[Outcome], facts: RunFacts, total: int) -> Summary:
    """As a run makes it: an outcome at a time."""
    totals = Totals.of(outcomes, facts.phases, None if facts.mock else facts.models, facts.base_url)
    return summarise(totals, facts, total)


def timings(**phases: tuple[float, float, float, float, float]) -> Mapping[str, PhaseTiming]:
    return {name: PhaseTiming(*values) for name, values in phases.items()}


class HandClock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def now(self) -> float:
        return self.seconds

    def today(self) -> date:
        return date(2026, 11, 23)

    def timestamp(self) -> str:
        return "2026-11-23T08:00:00+00:00"

    async def sleep(self, seconds: float) -> None:
        self.seconds += max(0.0, seconds)
