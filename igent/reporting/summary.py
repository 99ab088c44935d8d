"""summary.json: what a run did, in figures. Pure: the same outcomes and facts give the same summary."""

from __future__ import annotations

__all__ = [
    "SCHEMA_VERSION",
    "Counts",
    "CriticFigures",
    "Speculation",
    "Summary",
    "Tokens",
    "exit_code",
    "summarise",
]

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from decimal import Decimal
from typing import Any

from pydantic import TypeAdapter

from igent.errors import InternalError
from igent.reporting.advice import Bottleneck, find_bottleneck
from igent.reporting.facts import RunFacts
from igent.reporting.figures import Spread, Tokens, rate, spread
from igent.reporting.phase_advice import find_graph_bottleneck
from igent.reporting.phase_figures import PhaseFigures
from igent.reporting.phase_totals import PhaseTotals
from igent.reporting.savings import Savings
from igent.reporting.totals import CriticWords, Totals
from igent.types import JsonObject, Usage

SCHEMA_VERSION = 1
"""Grows when a reader of the file would have to change; new keys alone do not count."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Records: `input` is the sum of the others; those `not_run` have no outcome yet. In a graph the units of all its
    phases; those `skipped` could not be worked on, because what they need had failed."""

    input: int
    done: int
    no_match: int
    failed: int
    not_run: int
    skipped: int = 0


_NO_TOKENS = Tokens(0, 0, estimated=False)


@dataclass(frozen=True, slots=True)
class CriticFigures:
    """How often the critic of one step was skipped, or had which last word: one count a record."""

    skipped: int
    approved: int
    rejected: int
    skip_rate: float | None


@dataclass(frozen=True, slots=True)
class Speculation:
    """Steps that were begun early: on a guess that came true, or (`misses`) on a wrong one, or for nothing. The rates
    are parts of both, None where no step was. `wasted` are the tokens that the misses cost in vain; `off` is why no
    step was begun early from some moment on, None when none was refused."""

    hits: int
    misses: int
    hit_rate: float | None = None
    miss_rate: float | None = None
    wasted: Tokens = _NO_TOKENS
    off: str | None = None


@dataclass(frozen=True, slots=True)
class Summary:
    """The figures of all records that have an outcome, those of earlier runs on the folder included.

    `seconds` of the records that were worked on, `phase_seconds` of each phase that ran. `calls` are all answers, of
    which `critic_calls` the critics' and `recalled` those taken from the journal. `tokens` are theirs, `wasted` those
    beside them that brought nothing: of missed guesses, of second calls (`hedged`), of attempts that failed. `cost` of
    both is in US dollars, None when any part is not known, and with the mock, which has no price; an estimate where the
    tokens are. `critic` holds the steps that have one. `drafts` are the matchers' answers. `early_stops` are calls
    ended at the JSON; `tokens_saved` by them is None: nobody knows what a model would have gone on to say.
    `rate_limited` are 429s. `held_for_failed` are units that failed records keep, so that a retry finds its own.
    `savings` is what a cascade and the cache spared; None where there was neither. `records_per_second` of this
    process. `time_shares`: see SHARES in figures.py.

    Of a graph, `phases` has the figures of each phase (None: it was no graph), and a record is a unit of one of them.
    `time_shares` are then those of the critical path: of each phase, and "engine" for the rest of the wall time.
    """

    schema_version: int
    run: RunFacts
    counts: Counts
    seconds: Spread
    phase_seconds: Mapping[str, Spread]
    calls: int
    critic_calls: int
    recalled: int
    tokens: Tokens
    cost: Decimal | None
    critic_skip_rate: float | None
    critic: Mapping[str, CriticFigures]
    drafts: int
    invalid_drafts: int
    invalid_draft_rate: float | None
    early_stops: int
    tokens_saved: int | None
    retries: int
    rate_limited: int
    speculation: Speculation
    held_for_failed: int
    records_per_second: float | None
    time_shares: Mapping[str, float]
    bottleneck: Bottleneck | None
    versions: Mapping[str, str]
    hedged: int = 0
    wasted: Tokens = _NO_TOKENS
    phases: Mapping[str, PhaseFigures] | None = None
    savings: Savings | None = None

    def to_json(self) -> JsonObject:
        """The content of summary.json. `cost` is a number with 6 decimals (a millionth of a dollar is less than any
        call costs), so that other programs can reckon with it as with everything else here."""
        plain = {field.name: _plain(getattr(self, field.name)) for field in fields(self)}
        plain["run"] = self.run.to_json()
        plain["cost"] = None if self.cost is None else round(float(self.cost), 6)
        plain["savings"] = self.savings and self.savings.to_json()
        plain["phases"] = self.phases and {phase: figures.to_json() for phase, figures in self.phases.items()}
        if not self.counts.skipped:
            del plain["counts"]["skipped"]
        return plain

    @classmethod
    def from_json(cls, content: JsonObject) -> Summary:
        """The inverse of `to_json`; unknown keys are left out. Raises ValueError when it is no summary."""
        summary: Summary = _READER.validate_python(content)
        return replace(summary, run=replace(summary.run, versions=summary.versions))


_READER: TypeAdapter[Summary] = TypeAdapter(Summary)


def summarise(totals: Totals, facts: RunFacts, total_records: int, phases: PhaseTotals | None = None) -> Summary:
    """The summary of the outcomes that `totals` was given, of a run over `total_records` records. Of a graph these are
    units, without those that were skipped, and `phases` were given the same outcomes. Raises InternalError when there
    are more outcomes than records."""
    if totals.outcomes > total_records:
        what = f"{totals.outcomes} outcomes for {total_records} records: the counts cannot sum to the input"
        raise InternalError(what)
    seconds = sum(totals.time.values())
    shares = {name: round(value / seconds, 4) if seconds else 0.0 for name, value in totals.time.items()}
    figures = _call_figures(totals) | _step_figures(totals, facts)
    summary = Summary(
        schema_version=SCHEMA_VERSION,
        run=facts,
        counts=_count(totals, total_records),
        seconds=spread(totals.seconds),
        phase_seconds={phase: spread(values) for phase, values in totals.phase_seconds.items()},
        cost=None if facts.mock else totals.cost,
        tokens_saved=None,
        held_for_failed=totals.held_for_failed,
        records_per_second=_throughput(totals.outcomes - facts.resumed, facts.wall_seconds),
        time_shares=shares,
        bottleneck=find_bottleneck(
            shares,
            facts,
            records=total_records,
            throttled=rate(figures["rate_limited"], figures["calls"] + figures["retries"]),
            invalid=figures["invalid_draft_rate"],
            skipped=figures["critic_skip_rate"],
            missed=figures["speculation"].miss_rate,
            quota=facts.quota_wait_seconds / seconds if seconds else 0.0,
        ),
        versions=dict(facts.versions),
        savings=totals.savings.savings(),
        **figures,
    )
    return summary if phases is None else _of_graph(summary, phases)


def _of_graph(summary: Summary, totals: PhaseTotals) -> Summary:
    """The summary with what is said of phases."""
    counts, facts = summary.counts, summary.run
    phases, engine = totals.figures(facts.wall_seconds, facts.concurrency)
    skipped = sum(figures.skipped for figures in phases.values())
    shares = {phase: figures.critical_share for phase, figures in phases.items()}
    return replace(
        summary,
        counts=replace(counts, input=counts.input + skipped, skipped=skipped),
        phases=phases,
        time_shares=shares | {"engine": round(engine + shares.get("engine", 0.0), 4)},
        bottleneck=find_graph_bottleneck(phases, engine, facts),
    )


def exit_code(summary: Summary) -> int:
    """0 when every record has an outcome other than failed, else 1. Limits and interrupts have codes of their own,
    which are the caller's."""
    counts = summary.counts
    return 0 if counts.failed == counts.not_run == counts.skipped == 0 else 1


def _count(totals: Totals, total: int) -> Counts:
    found = totals.statuses
    return Counts(
        input=total,
        done=found["done"],
        no_match=found["no_match"],
        failed=found["failed"],
        not_run=total - totals.outcomes,
    )


def _call_figures(totals: Totals) -> dict[str, Any]:
    counts = totals.counts
    return {
        **{name: counts[name] for name in ("calls", "critic_calls", "recalled", "retries", "rate_limited", "hedged")},
        "tokens": _tokens(totals.usage),
        "wasted": _tokens(totals.wasted),
        "early_stops": counts["cut"],
    }


def _step_figures(totals: Totals, facts: RunFacts) -> dict[str, Any]:
    drafts, invalid = totals.counts["rounds"], totals.counts["invalid_drafts"]
    hits, misses = totals.guesses["hit"], totals.guesses["miss"]
    skipped = sum(words.skipped for words in totals.critics.values())
    asked = sum(words.approved + words.rejected for words in totals.critics.values())
    return {
        "critic_skip_rate": rate(skipped, skipped + asked),
        "critic": {step: _critic(words) for step, words in totals.critics.items()},
        "drafts": drafts,
        "invalid_drafts": invalid,
        "invalid_draft_rate": rate(invalid, drafts),
        "speculation": Speculation(
            hits=hits,
            misses=misses,
            hit_rate=rate(hits, hits + misses),
            miss_rate=rate(misses, hits + misses),
            wasted=_tokens(totals.missed),
            off=facts.speculation_off,
        ),
    }


def _critic(words: CriticWords) -> CriticFigures:
    skipped, approved, rejected = words.skipped, words.approved, words.rejected
    return CriticFigures(skipped, approved, rejected, rate(skipped, skipped + approved + rejected))


def _tokens(usage: Usage) -> Tokens:
    return Tokens(usage.input_tokens, usage.output_tokens, usage.estimated)


def _throughput(settled: int, wall_seconds: float) -> float | None:
    return round(max(0, settled) / wall_seconds, 3) if wall_seconds > 0 else None


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if hasattr(value, "__dataclass_fields__"):
        return asdict(value)
    return value
