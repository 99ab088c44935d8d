"""What a run is expected to need before anything is sent: the words of a dry run, its table and its JSON."""

from __future__ import annotations

__all__ = ["INVALID_SHARE", "AgentForecast", "Forecast", "Range", "forecast_table"]

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Generic, TypeVar

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from igent.reporting.plain import one_line
from igent.reporting.words import count, duration, money, seconds
from igent.types import JsonObject

INVALID_SHARE = Decimal("0.1")
"""The share of drafts that are expected to need a second round: a guess, between what strong models need (a few in a
hundred) and weak ones."""

N = TypeVar("N", int, float, Decimal)


@dataclass(frozen=True, slots=True)
class Range(Generic[N]):
    """From `low` (every first draft is accepted) to `high` (every draft needs one more round)."""

    low: N
    high: N

    @property
    def expected(self) -> N:
        """Where INVALID_SHARE of the drafts need one more round; a whole number is rounded up."""
        between = Decimal(self.low) + INVALID_SHARE * (Decimal(self.high) - Decimal(self.low))
        return type(self.low)(math.ceil(between) if isinstance(self.low, int) else between)

    def to_json(self) -> JsonObject:
        """Low, expected and high; money as a number."""
        figures = {"low": self.low, "expected": self.expected, "high": self.high}
        return {name: value if isinstance(value, int) else round(float(value), 6) for name, value in figures.items()}

    def shown(self, words: Callable[[N], str]) -> str:
        """ "120 (100 to 300)", each number in these words."""
        low, high = words(self.low), words(self.high)
        return low if low == high else f"{words(self.expected)} ({low} to {high})"


@dataclass(frozen=True, slots=True)
class AgentForecast:
    """One agent of the run: its model, its calls, their tokens, and their cost in US dollars (None: price unknown)."""

    agent: str
    model: str
    calls: Range[int]
    input_tokens: Range[int]
    output_tokens: Range[int]
    cost: Range[Decimal] | None

    def to_json(self) -> JsonObject:
        """As a part of the forecast."""
        return {
            "agent": self.agent,
            "model": self.model,
            "calls": self.calls.to_json(),
            "input_tokens": self.input_tokens.to_json(),
            "output_tokens": self.output_tokens.to_json(),
            "cost": self.cost and self.cost.to_json(),
        }


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a run would send, and how long it would take.

    `records` are to be worked on, `settled` were so before, `refused` fail by their input, and nobody fits `no_match`
    of the first. `record_seconds` is the median record, `seconds` the whole run with `concurrency` records in flight
    (for "auto" the number it starts from), at the `pace` named, the provider's `limits` kept. `cost` is in US dollars,
    None where a price is not known, and with the mock. `notes` are what a person should know beside the figures.
    """

    constellation: str
    scenario: str
    out: str
    records: int
    settled: int
    refused: int
    no_match: int
    agents: Sequence[AgentForecast]
    calls: Range[int]
    input_tokens: Range[int]
    output_tokens: Range[int]
    cost: Range[Decimal] | None
    record_seconds: Range[float]
    seconds: Range[float]
    concurrency: int
    pace: str
    mock: bool
    notes: Sequence[str] = field(default=())

    def to_json(self) -> JsonObject:
        """What `--dry-run --json` prints."""
        return {
            "schema_version": 1,
            "run": {
                "constellation": self.constellation,
                "scenario": self.scenario,
                "out": self.out,
                "concurrency": self.concurrency,
                "pace": self.pace,
                "mock": self.mock,
            },
            "records": {
                "to_run": self.records,
                "settled": self.settled,
                "failed_by_input": self.refused,
                "no_match": self.no_match,
            },
            "calls": self.calls.to_json(),
            "input_tokens": self.input_tokens.to_json(),
            "output_tokens": self.output_tokens.to_json(),
            "cost": self.cost and self.cost.to_json(),
            "record_seconds": self.record_seconds.to_json(),
            "seconds": self.seconds.to_json(),
            "invalid_share": float(INVALID_SHARE),
            "agents": [agent.to_json() for agent in self.agents],
            "notes": list(self.notes),
        }


def forecast_table(forecast: Forecast) -> RenderableType:
    """The forecast for people: each figure as expected, with the range in brackets; agents as expected."""
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in _rows(forecast):
        table.add_row(Text(name, style="bold"), Text(value))
    title = Text(one_line(f"{forecast.constellation} on {forecast.scenario}: a dry run"), style="bold underline")
    return Group(title, table, *(Text(one_line(note)) for note in forecast.notes))


def _rows(forecast: Forecast) -> Iterator[tuple[str, str]]:
    yield "records", _records(forecast)
    yield "calls", forecast.calls.shown(count)
    yield "tokens in", forecast.input_tokens.shown(count)
    yield "tokens out", forecast.output_tokens.shown(count)
    yield "cost", "none (mock answers)" if forecast.mock else _cost(forecast.cost)
    yield "a record", forecast.record_seconds.shown(seconds)
    yield "the run", f"{forecast.seconds.shown(_wall)}, {count(forecast.concurrency)} in flight, at {forecast.pace}"
    for agent in forecast.agents:
        yield f"  {one_line(agent.agent, 40)}", one_line(_agent(agent, mock=forecast.mock))
    yield "run folder", one_line(forecast.out)


def _records(forecast: Forecast) -> str:
    more = {
        "for whom nobody fits": forecast.no_match,
        "failing by their input": forecast.refused,
        "settled before": forecast.settled,
    }
    told = [f"{count(number)} {what}" for what, number in more.items() if number]
    return ", ".join([f"{count(forecast.records)} to run", *told])


def _agent(agent: AgentForecast, *, mock: bool) -> str:
    tokens = f"{count(agent.input_tokens.expected)} in, {count(agent.output_tokens.expected)} out"
    cost = "" if mock else f", {money(agent.cost.expected if agent.cost else None)}"
    return f"{count(agent.calls.expected)} calls of {agent.model}, {tokens}{cost}"


def _cost(cost: Range[Decimal] | None) -> str:
    return money(None) if cost is None else cost.shown(money)


def _wall(value: float) -> str:
    return seconds(value) if value < 60 else duration(value)
