"""Constellations side by side, over the same data: the figures of each, as a table, as JSON and as Markdown."""

from __future__ import annotations

__all__ = ["Comparison", "Figures", "Row", "comparison_table", "figures_of", "markdown"]

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from decimal import Decimal
from statistics import median, median_low
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from igent.outcome import Outcome
from igent.reporting.figures import total_cost
from igent.reporting.plain import one_line
from igent.reporting.summary import Summary
from igent.reporting.words import count, money, seconds
from igent.types import NO_USAGE, JsonObject

_NONE = "–"


@dataclass(frozen=True, slots=True)
class Figures:
    """One run in figures, or the medians of several.

    `accuracy` is the share of records that came out right, `p50` and `p95` are seconds a record, `calls`, tokens (with
    those that brought nothing) and `cost` are a record's share of all. `cost` is in US dollars, by the list price of
    the models that the constellation names, also for a mock. `critic_asked` is the share of answers that a critic was
    asked about, where there is one; `hits` and `misses` are of early starts. None is "not known", or "there is none".
    """

    done: int
    no_match: int
    failed: int
    accuracy: float | None
    p50: float | None
    p95: float | None
    wall_seconds: float
    records_per_second: float | None
    calls: float
    input_tokens: float
    output_tokens: float
    cost: float | None
    critic_asked: float | None
    hits: int
    misses: int


@dataclass(frozen=True, slots=True)
class Row:
    """One constellation: its description, the medians of its runs, and each of them, by its folder."""

    constellation: str
    description: str
    figures: Figures
    runs: Mapping[str, Figures]

    @classmethod
    def of(cls, constellation: str, description: str, runs: Mapping[str, Figures]) -> Row:
        """The row of these runs, one or more."""
        return cls(constellation, description, _medians(list(runs.values())), dict(runs))


@dataclass(frozen=True, slots=True)
class Comparison:
    """Constellations over the same `records` of a scenario.

    `models` are those that were asked, `pace` the mock's (None: instant, or no mock); `repeats` how often each was to
    be run, `missing` the constellations without a finished run.
    """

    scenario: str
    records: int
    repeats: int
    mock: bool
    pace: str | None
    models: Sequence[str]
    versions: Mapping[str, str]
    rows: Sequence[Row]
    missing: Sequence[str] = field(default=())

    def to_json(self) -> JsonObject:
        """The content of comparison.json."""
        whole = asdict(self)
        return {"schema_version": 1, **whole, "models": list(self.models), "missing": list(self.missing)}

    @property
    def circumstances(self) -> str:
        """Over what, and how, in a line."""
        asked = f"mock answers in the name of {', '.join(self.models)}" if self.mock else ", ".join(self.models)
        pace = f", at a pace of {self.pace}" if self.pace else ""
        often = f", medians of {self.repeats} runs" if self.repeats > 1 else ""
        return one_line(f"{count(self.records)} records of {self.scenario}, {asked}{pace}{often}")


def figures_of(
    summary: Summary, outcomes: Sequence[Outcome], right: float | None, models: Mapping[str, str], base_url: str | None
) -> Figures:
    """The figures of a finished run. `right` is its accuracy; `models` and `base_url` are what it is priced by."""
    number = max(1, len(outcomes))
    steps = [step for outcome in outcomes for step in outcome.steps]
    tokens = sum((step.usage + step.wasted for step in steps), NO_USAGE)
    cost = total_cost(steps, models, base_url)
    skipped = summary.critic_skip_rate
    return Figures(
        done=summary.counts.done,
        no_match=summary.counts.no_match,
        failed=summary.counts.failed,
        accuracy=right if right is None else round(right, 6),
        p50=summary.seconds.p50,
        p95=summary.seconds.p95,
        wall_seconds=round(summary.run.wall_seconds, 6),
        records_per_second=summary.records_per_second,
        calls=round(sum(step.calls for step in steps) / number, 4),
        input_tokens=round(tokens.input_tokens / number, 2),
        output_tokens=round(tokens.output_tokens / number, 2),
        cost=None if cost is None else round(float(cost) / number, 8),
        critic_asked=None if skipped is None else round(1 - skipped, 4),
        hits=summary.speculation.hits,
        misses=summary.speculation.misses,
    )


def _medians(runs: Sequence[Figures]) -> Figures:
    def middle(name: str) -> Any:
        values = [getattr(run, name) for run in runs]
        if any(value is None for value in values):
            return None
        return median_low(values) if isinstance(values[0], int) else median(values)

    return Figures(**{field.name: middle(field.name) for field in fields(Figures)})


def _share(value: float | None) -> str:
    return _NONE if value is None else f"{100 * value:.1f} %"


def _seconds(value: float | None) -> str:
    return _NONE if value is None else seconds(value)


def _number(value: float) -> str:
    return f"{value:,.0f}"


_COLUMNS: Sequence[tuple[str, Callable[[Figures], str]]] = (
    ("done/none/\nfailed", lambda f: f"{f.done}/{f.no_match}/{f.failed}"),
    ("right", lambda f: _share(f.accuracy)),
    ("p50", lambda f: _seconds(f.p50)),
    ("p95", lambda f: _seconds(f.p95)),
    ("wall", lambda f: _seconds(f.wall_seconds)),
    ("records\n/s", lambda f: _NONE if f.records_per_second is None else f"{f.records_per_second:,.1f}"),
    ("calls", lambda f: f"{f.calls:.2f}"),
    ("tokens\nin", lambda f: _number(f.input_tokens)),
    ("tokens\nout", lambda f: _number(f.output_tokens)),
    ("cost", lambda f: _NONE if f.cost is None else money(Decimal(str(f.cost)))),
    ("critic\nasked", lambda f: _share(f.critic_asked)),
    ("early\nhit/miss", lambda f: f"{f.hits}/{f.misses}"),
)


def comparison_table(comparison: Comparison) -> RenderableType:
    """The comparison for people: one line a constellation; seconds, calls, tokens and cost are a record's."""
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    table.add_column("\nconstellation", no_wrap=True)
    for heading, _ in _COLUMNS:
        table.add_column(heading if "\n" in heading else f"\n{heading}", justify="right", no_wrap=True)
    for row in comparison.rows:
        table.add_row(Text(one_line(row.constellation, 24)), *(Text(show(row.figures)) for _, show in _COLUMNS))
    about = Text(comparison.circumstances)
    missing = [Text(one_line(f"No finished run: {', '.join(comparison.missing)}"))] if comparison.missing else []
    return Group(about, table, *missing)


def markdown(comparison: Comparison, chart: str) -> str:
    """comparison.md: the same, with what each constellation is, and the chart (a file beside it)."""
    headings = [
        "constellation",
        *(heading.replace("\n", " ").replace(" /", "/").replace("/ ", "/") for heading, _ in _COLUMNS),
    ]
    lines = [" | ".join(headings), " | ".join(["---", *("---:" for _ in _COLUMNS)])]
    lines += [" | ".join([_code(r.constellation), *(show(r.figures) for _, show in _COLUMNS)]) for r in comparison.rows]
    table = "\n".join(f"| {line} |" for line in lines)
    what = "\n".join(f"- {_code(row.constellation)}: {_escaped(row.description)}" for row in comparison.rows)
    missing = f"\nNo finished run: {_escaped(', '.join(comparison.missing))}.\n" if comparison.missing else ""
    return (
        f"# Constellations on {_escaped(comparison.scenario)}\n\n{_escaped(comparison.circumstances)}.\n\n"
        f"{table}\n{missing}\n{_LEGEND}\n\n![The same as bars]({chart})\n\n{what}\n"
    )


_LEGEND = """\
Seconds, calls, tokens and cost are a record's; "right" is the share of records that came out as the workload expects,
judged apart from what the constellation itself checks; the cost is by list prices, in US dollars; "critic asked" is the
share of answers that a critic saw, "early" how many early starts of a phase were right and wrong."""


def _code(name: str) -> str:
    plain = one_line(name, 64).replace("`", "'").replace("|", "/")
    return f"`{plain}`"


def _escaped(text: str) -> str:
    """Text of a constellation's author, as Markdown that says just that."""
    plain = one_line(text)
    return "".join(f"\\{c}" if c in "\\`*_[]<>|~" else c for c in plain)
