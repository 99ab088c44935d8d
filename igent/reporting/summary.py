"""summary.json: what a run did, in figures. Pure: the same outcomes and facts give the same summary."""

from __future__ import annotations

__all__ = ["SCHEMA_VERSION", "Counts", "CriticFigures", "Speculation", "Summary", "Tokens", "exit_code", "summarise"]

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from decimal import Decimal
from typing import Any

from pydantic import TypeAdapter

from igent.errors import InternalError
from igent.reporting.advice import Bottleneck, find_bottleneck
from igent.reporting.facts import RunFacts
from igent.reporting.figures import Spread, rate, shares, spread, total_cost, worked_seconds
from igent.types import JsonObject, Outcome, StepReport, Usage

SCHEMA_VERSION = 1
"""Grows when a reader of the file would have to change; new keys alone do not count."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Records: `input` is the sum of the others; those `not_run` have no outcome yet."""

    input: int
    done: int
    no_match: int
    failed: int
    not_run: int


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens of all calls; `estimated` when igent counted a part of them, for the endpoint did not."""

    input: int
    output: int
    estimated: bool


@dataclass(frozen=True, slots=True)
class CriticFigures:
    """How often the critic of one step was skipped, or had which last word: one count a record."""

    skipped: int
    approved: int
    rejected: int
    skip_rate: float | None


@dataclass(frozen=True, slots=True)
class Speculation:
    """Steps that were begun on a prediction which came true, or did not."""

    hits: int
    misses: int


@dataclass(frozen=True, slots=True)
class Summary:
    """The figures of all records that have an outcome, those of earlier runs on the folder included.

    `seconds` of the records that were worked on, `phase_seconds` of each phase that ran. `calls` are all answers, of
    which `critic_calls` the critics' and `recalled` those taken from the journal. `cost` is in US dollars, None when
    any part is not known, and with the mock, which has no price; an estimate where the tokens are. `critic` holds the
    steps that have one. `drafts` are the matchers' answers. `early_stops` are calls ended at the JSON; `tokens_saved`
    by them is None: nobody knows what a model would have gone on to say. `rate_limited` are 429s. `held_for_failed` are
    units that failed records keep, so that a retry finds its own. `records_per_second` of this process. `time_shares`:
    see SHARES in figures.py.
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

    def to_json(self) -> JsonObject:
        """The content of summary.json. `cost` is a number with 6 decimals (a millionth of a dollar is less than any
        call costs), so that other programs can reckon with it as with everything else here."""
        plain = {field.name: _plain(getattr(self, field.name)) for field in fields(self)}
        plain["run"] = self.run.to_json()
        plain["cost"] = None if self.cost is None else round(float(self.cost), 6)
        return plain

    @classmethod
    def from_json(cls, content: JsonObject) -> Summary:
        """The inverse of `to_json`; unknown keys are left out. Raises ValueError when it is no summary."""
        summary: Summary = _READER.validate_python(content)
        return replace(summary, run=replace(summary.run, versions=summary.versions))


_READER: TypeAdapter[Summary] = TypeAdapter(Summary)


def summarise(outcomes: Sequence[Outcome], facts: RunFacts, total_records: int) -> Summary:
    """The summary of these outcomes of a run over `total_records` records. Raises InternalError when there are more
    outcomes than records."""
    steps = [step for outcome in outcomes for step in outcome.steps]
    figures = _step_figures(steps)
    time_shares = shares(outcomes)
    return Summary(
        schema_version=SCHEMA_VERSION,
        run=facts,
        counts=_count(outcomes, total_records),
        seconds=spread(worked_seconds(outcomes)),
        phase_seconds=_phase_seconds(outcomes, facts.phases),
        cost=None if facts.mock else total_cost(steps, facts.models, facts.base_url),
        tokens_saved=None,
        held_for_failed=sum(o.status == "failed" and o.takes is not None for o in outcomes),
        records_per_second=_throughput(len(outcomes) - facts.resumed, facts.wall_seconds),
        time_shares=time_shares,
        bottleneck=find_bottleneck(
            time_shares,
            facts,
            records=total_records,
            throttled=rate(figures["rate_limited"], figures["calls"] + figures["retries"]),
            invalid=figures["invalid_draft_rate"],
            skipped=figures["critic_skip_rate"],
        ),
        versions=dict(facts.versions),
        **figures,
    )


def exit_code(summary: Summary) -> int:
    """0 when every record has an outcome other than failed, else 1. Limits and interrupts have codes of their own,
    which are the caller's."""
    return 0 if summary.counts.failed == 0 and summary.counts.not_run == 0 else 1


def _count(outcomes: Sequence[Outcome], total: int) -> Counts:
    by_status = Counter(outcome.status for outcome in outcomes)
    if len(outcomes) > total:
        raise InternalError(f"{len(outcomes)} outcomes for {total} records: the counts cannot sum to the input")
    return Counts(
        input=total,
        done=by_status["done"],
        no_match=by_status["no_match"],
        failed=by_status["failed"],
        not_run=total - len(outcomes),
    )


def _step_figures(steps: Sequence[StepReport]) -> dict[str, Any]:
    usage = sum((step.usage for step in steps), Usage())
    drafts, invalid = sum(s.rounds for s in steps), sum(s.invalid_drafts for s in steps)
    guesses = Counter(step.speculation for step in steps)
    return {
        "calls": sum(s.calls for s in steps),
        "critic_calls": sum(s.critic_calls for s in steps),
        "recalled": sum(s.recalled for s in steps),
        "tokens": Tokens(usage.input_tokens, usage.output_tokens, usage.estimated),
        "critic_skip_rate": _skip_rate([step.critic for step in steps]),
        "critic": _critics(steps),
        "drafts": drafts,
        "invalid_drafts": invalid,
        "invalid_draft_rate": rate(invalid, drafts),
        "early_stops": sum(s.cut for s in steps),
        "retries": sum(s.retries for s in steps),
        "rate_limited": sum(s.rate_limited for s in steps),
        "speculation": Speculation(hits=guesses["hit"], misses=guesses["miss"]),
    }


def _phase_seconds(outcomes: Sequence[Outcome], phases: Sequence[str]) -> dict[str, Spread]:
    seconds: dict[str, list[float]] = {phase: [] for phase in phases}
    for outcome in outcomes:
        for phase, timing in outcome.timings.items():
            seconds.setdefault(phase, []).append(timing.total)
    return {phase: spread(values) for phase, values in seconds.items()}


def _critics(steps: Sequence[StepReport]) -> dict[str, CriticFigures]:
    words: dict[str, list[str]] = {}
    for step in steps:
        if step.critic != "none":
            words.setdefault(step.step, []).append(step.critic)
    return {
        name: CriticFigures(
            skipped=said.count("skipped"),
            approved=said.count("approved"),
            rejected=said.count("rejected"),
            skip_rate=_skip_rate(said),
        )
        for name, said in words.items()
    }


def _skip_rate(words: Sequence[str]) -> float | None:
    asked = Counter(words)
    return rate(asked["skipped"], len(words) - asked["none"])


def _throughput(settled: int, wall_seconds: float) -> float | None:
    return round(max(0, settled) / wall_seconds, 3) if wall_seconds > 0 else None


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if hasattr(value, "__dataclass_fields__"):
        return asdict(value)
    return value
