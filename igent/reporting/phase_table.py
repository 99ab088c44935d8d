"""The phases of a graph as a table of plain lines."""

from __future__ import annotations

__all__ = ["phase_lines"]

from collections.abc import Callable, Mapping

from igent.reporting.figures import Spread
from igent.reporting.phase_figures import PhaseFigures
from igent.reporting.plain import one_line
from igent.reporting.words import compact, money, percent

_WIDTH = 120
_NAME_WIDTHS = (20, 6)
"""The widest and the narrowest column of names."""
_COST = "cost"

_Cell = Callable[[str, PhaseFigures], str]


def phase_lines(phases: Mapping[str, PhaseFigures], *, priced: bool = True) -> list[str]:
    """A heading and a line a phase, at most 120 characters wide; none where there is no phase. `priced`: with the cost.

    What no phase has (failed units, cache hits …) has no column. "in use" are pieces of work at once, at most, of the
    places that the resource has; "path" is the share of the critical path.
    """
    columns = [column for column in _COLUMNS if priced or column[0] != _COST]
    shown = [(heading, cell) for heading, cell, wanted in columns if any(map(wanted, phases.values()))]
    if not shown:
        return []
    rows = [[heading for heading, _ in shown]]
    rows += [[cell(name, figures) for _, cell in shown] for name, figures in phases.items()]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    gap = 2 if sum(widths) + 2 * (len(widths) - 1) <= _WIDTH else 1
    spare = _WIDTH - sum(widths) - gap * (len(widths) - 1)
    widths[0] = min(widths[0], max(_NAME_WIDTHS[1], widths[0] + spare))
    return [(" " * gap).join(_pad(cell, widths, place) for place, cell in enumerate(row)).rstrip() for row in rows]


def _pad(cell: str, widths: list[int], place: int) -> str:
    width = widths[place]
    return one_line(cell, width).ljust(width) if place < 2 else cell.rjust(width)


def _many(value: int) -> str:
    return compact(value) if value else "-"


def _speed(value: float | None) -> str:
    if value is None:
        return "-"
    return compact(round(value)) if value >= 1000 else f"{value:.3g}" if value < 100 else f"{value:.0f}"


def _tokens(figures: PhaseFigures) -> str:
    tokens = figures.tokens
    about = "~" if tokens.estimated else ""
    return f"{about}{compact(tokens.input)}/{compact(tokens.output)}" if figures.calls else "-"


def _in_use(figures: PhaseFigures) -> str:
    most = str(figures.most_in_flight)
    return most if figures.concurrency is None else f"{most}/{figures.concurrency}"


def _seconds(spread: Spread) -> str:
    return "-" if spread.p50 is None or spread.p95 is None else f"{_short(spread.p50)}/{_short(spread.p95)}"


def _short(value: float) -> str:
    if value < 1:
        return f"{1000 * value:.0f} ms" if value >= 0.001 else "0 ms"
    return f"{value:.1f} s" if value < 100 else f"{value:.0f} s"


def _always(_figures: PhaseFigures) -> bool:
    return True


_COLUMNS: tuple[tuple[str, _Cell, Callable[[PhaseFigures], object]], ...] = (
    ("phase", lambda name, _: one_line(name, _NAME_WIDTHS[0]), _always),
    ("kind", lambda _, phase: one_line(phase.kind, 8), _always),
    ("units", lambda _, phase: compact(phase.units), _always),
    ("failed", lambda _, phase: _many(phase.failed), lambda phase: phase.failed),
    ("skipped", lambda _, phase: _many(phase.skipped), lambda phase: phase.skipped),
    ("/s", lambda _, phase: _speed(phase.items_per_second), _always),
    ("calls", lambda _, phase: _many(phase.calls), lambda phase: phase.calls),
    ("in/out", lambda _, phase: _tokens(phase), lambda phase: phase.calls),
    (_COST, lambda _, phase: money(phase.cost) if phase.calls else "-", lambda phase: phase.cost or phase.calls),
    ("cached", lambda _, phase: _many(phase.cache_hits), lambda phase: phase.cache_hits),
    ("in use", lambda _, phase: _in_use(phase), _always),
    ("p50/p95", lambda _, phase: _seconds(phase.seconds), _always),
    ("path", lambda _, phase: percent(phase.critical_share), _always),
)
