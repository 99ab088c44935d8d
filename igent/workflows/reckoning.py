"""From calls and seconds to a forecast: sums, prices, the time of a whole run, and what a person should know."""

from __future__ import annotations

__all__ = ["Found", "add_batch", "add_record", "asked_of", "forecast"]

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from heapq import heappop, heappush
from pathlib import Path
from statistics import median

from pydantic import BaseModel

from igent.config.constellation import Limits
from igent.config.settings import Settings
from igent.models.pace import Pace
from igent.reporting.cost import price
from igent.reporting.forecast import INVALID_SHARE, AgentForecast, Forecast, Range
from igent.types import Case, Usage
from igent.workflows.constellation import Constellation
from igent.workflows.pathway import Talk, seconds_of, talk
from igent.workflows.phase import Phase
from igent.workflows.size import Sizer, SoFar
from igent.workload import Expects, Shortens

_AUTO_STARTS_FROM = 20


@dataclass(slots=True)
class _Sum:
    calls: int = 0
    input: int = 0
    output: int = 0


@dataclass(slots=True)
class Found:
    """What the walk came upon: one sum an agent and one list of seconds for each of no draft refused, all refused.
    There is one of seconds a conversation; `together` records have none of their own."""

    sums: tuple[dict[str, _Sum], dict[str, _Sum]] = field(
        default_factory=lambda: (defaultdict(_Sum), defaultdict(_Sum))
    )
    seconds: tuple[list[float], list[float]] = field(default_factory=lambda: ([], []))
    refused: int = 0
    no_match: int = 0
    settled: int = 0
    together: int = 0
    notes: list[str] = field(default_factory=list)

    def add(self, way: int, talks: Iterable[Talk], seconds: float) -> None:
        """One record, gone this way."""
        self.seconds[way].append(seconds)
        for said in talks:
            for call in said.calls:
                total = self.sums[way][call.agent]
                total.calls += 1
                total.input += call.input
                total.output += call.output


def add_record(
    found: Found, phases: Sequence[Phase], sizer: Sizer, case: Case, seed: int, pace: Pace, *, early: bool
) -> None:
    """One record's conversations, with no draft refused and with every draft refused once; `early`: phases start before
    the one before them is settled, as they may."""
    sized, so_far, ended = [], SoFar(case), False
    for phase in phases:
        sizes, so_far, ended = sizer.conversation(phase.steps, so_far)
        sized.append((phase, sizes))
        if ended:
            break
    found.no_match += ended
    for way, rounds in enumerate((1, 2)):
        talks = [(phase, [talk(size, rounds, case.record.id, seed, pace) for size in sizes]) for phase, sizes in sized]
        known = [all(size.known for size in sizes) for _, sizes in sized]
        found.add(way, [said for _, all_said in talks for said in all_said], seconds_of(talks, known, early=early))


def add_batch(found: Found, phase: Phase, sizer: Sizer, cases: Sequence[Case], seed: int, pace: Pace) -> None:
    """One conversation about several records: as add_record, for a phase of one step. What it needs of the rounds is
    asked anew, so that it has the length of one that goes on."""
    (step,) = phase.steps
    size, refused = sizer.batch(step, cases)
    found.no_match += refused
    found.together += len(cases) - 1
    for way, rounds in enumerate((1, 2)):
        talks = [talk(size, rounds, cases[0].record.id, seed, pace)] if size is not None else []
        found.add(way, talks, sum(said.seconds for said in talks))


def asked_of(constellation: Constellation) -> dict[str, type[BaseModel]]:
    """What the models are asked for, by output: the schema, or its short form."""
    workload = constellation.workload
    short = workload.short if isinstance(workload, Shortens) else {}
    return {
        step.output: short[step.schema_name] if step.answer == "short" else workload.schemas[step.schema_name]
        for _, step in constellation.spec.steps()
    }


def forecast(
    constellation: Constellation, settings: Settings, scenario: str, out: Path, found: Found, usual_pace: str
) -> Forecast:
    """The forecast of what was found. `usual_pace` names the one that was reckoned with where none was given."""
    run = constellation.spec.run
    chosen = settings.concurrency or run.concurrency
    concurrency = _AUTO_STARTS_FROM if chosen == "auto" else chosen
    agents = _agents(constellation, settings, found)
    return Forecast(
        constellation=constellation.name,
        scenario=scenario,
        out=str(out),
        records=len(found.seconds[0]) + found.together,
        settled=found.settled,
        refused=found.refused,
        no_match=found.no_match,
        agents=agents,
        calls=_total(agent.calls for agent in agents),
        input_tokens=_total(agent.input_tokens for agent in agents),
        output_tokens=_total(agent.output_tokens for agent in agents),
        cost=_cost(agents, mock=settings.mock),
        record_seconds=Range(*(median(seconds or [0.0]) for seconds in found.seconds)),
        seconds=_wall(found, agents, run.limits, concurrency),
        concurrency=concurrency,
        pace=_pace_words(settings, usual_pace),
        mock=settings.mock,
        notes=[*_notes(constellation, settings, agents), *found.notes],
    )


def _agents(constellation: Constellation, settings: Settings, found: Found) -> list[AgentForecast]:
    names = list(dict.fromkeys(agent.name for _, agent in constellation.participants()))
    return [_agent(name, constellation.models[name], settings, *(sums[name] for sums in found.sums)) for name in names]


def _agent(name: str, model: str, settings: Settings, low: _Sum, high: _Sum) -> AgentForecast:
    costs = [price(Usage(total.input, total.output), model, settings.base_url) for total in (low, high)]
    return AgentForecast(
        name,
        model,
        Range(low.calls, high.calls),
        Range(low.input, high.input),
        Range(low.output, high.output),
        None if settings.mock or costs[0] is None or costs[1] is None else Range(costs[0], costs[1]),
    )


def _total(ranges: Iterable[Range[int]]) -> Range[int]:
    known = list(ranges)
    return Range(sum(r.low for r in known), sum(r.high for r in known))


def _cost(agents: Sequence[AgentForecast], *, mock: bool) -> Range[Decimal] | None:
    costs = [agent.cost for agent in agents]
    known = [cost for cost in costs if cost is not None]
    if mock or len(known) < len(costs):
        return None
    return Range(sum((c.low for c in known), Decimal(0)), sum((c.high for c in known), Decimal(0)))


def _wall(found: Found, agents: Sequence[AgentForecast], limits: Limits, concurrency: int) -> Range[float]:
    """The seconds of the run: of its records, so many at once, or of its calls at the provider's limits."""
    low, high = (
        max(_makespan(seconds, concurrency), _paced(agents, limits, way)) for way, seconds in enumerate(found.seconds)
    )
    return Range(low, high)


def _makespan(seconds: Iterable[float], concurrency: int) -> float:
    """When the last record ends, if each begins as soon as one of `concurrency` places is free."""
    busy: list[float] = []
    for one in seconds:
        heappush(busy, one + (heappop(busy) if len(busy) == concurrency else 0.0))
    return max(busy, default=0.0)


def _paced(agents: Sequence[AgentForecast], limits: Limits, way: int) -> float:
    """The seconds that the provider's limits, which are each model's own, stretch the calls to."""
    seconds = [0.0]
    for model in {agent.model for agent in agents}:
        own = [agent for agent in agents if agent.model == model]
        calls = sum(_way(agent.calls, way) for agent in own)
        tokens = sum(_way(agent.input_tokens, way) + _way(agent.output_tokens, way) for agent in own)
        if limits.requests_per_minute:
            seconds.append(60 * calls / limits.requests_per_minute)
        if limits.tokens_per_minute:
            seconds.append(60 * tokens / limits.tokens_per_minute)
    return max(seconds)


def _way(figures: Range[int], way: int) -> int:
    return figures.high if way else figures.low


def _pace_words(settings: Settings, usual: str) -> str:
    if settings.mock_latency is not None:
        return f"a pace of {settings.mock_latency}"
    return "once: the mock takes no time" if settings.mock else f"the usual pace of {usual} (see --mock-latency)"


def _notes(constellation: Constellation, settings: Settings, agents: Sequence[AgentForecast]) -> list[str]:
    share = f"expected are {INVALID_SHARE:.0%} of them"
    notes = [f"Nothing was sent. Ranges: from no draft refused to every draft refused once; {share}."]
    if not isinstance(constellation.workload, Expects):
        notes.append("The workload expects no answers: their length is guessed by their schema.")
    own = sorted({agent for agent, spec in constellation.spec.agents.items() if spec.type is not None})
    if own:
        notes.append(f"Of {', '.join(own)}, of a type of their own, one call a turn is counted.")
    for name, agent in sorted(constellation.spec.agents.items()):
        if agent.cascade is not None:
            first = ", ".join(agent.cascade.models)
            notes.append(
                f"{name} asks {first} first. Counted is as if it did not: what that costs and saves, a run tells."
            )
    unknown = sorted({agent.model for agent in agents if agent.cost is None})
    if unknown and not settings.mock:
        notes.append(f"The price of {', '.join(unknown)} is not known, and so the cost is not.")
    return notes + _limits(settings, _total(agent.calls for agent in agents), _cost(agents, mock=settings.mock))


def _limits(settings: Settings, calls: Range[int], cost: Range[Decimal] | None) -> list[str]:
    notes = []
    if settings.max_calls is not None and calls.high > settings.max_calls:
        notes.append(_ends(f"--max-calls {settings.max_calls}", surely=calls.low > settings.max_calls))
    if settings.max_cost is not None and cost is not None and cost.high > settings.max_cost:
        notes.append(_ends(f"--max-cost {settings.max_cost}", surely=cost.low > settings.max_cost))
    return notes


def _ends(limit: str, *, surely: bool) -> str:
    return f"{limit} {'will' if surely else 'may'} end the run before its last record (exit 6)."
