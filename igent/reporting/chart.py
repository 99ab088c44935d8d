"""comparison.svg: constellations as bars, one small panel a figure. Plain SVG, written by hand: no script, no font and
no picture from elsewhere."""

from __future__ import annotations

__all__ = ["chart"]

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from html import escape

from igent.reporting.comparison import Comparison, Figures, Row
from igent.reporting.plain import one_line
from igent.reporting.words import count, money, seconds

_WIDTH, _MARGIN, _GAP = 1000, 24, 32
_TOP, _HEADING, _BAR, _BETWEEN, _BELOW = 84, 28, 14, 10, 22
_LABEL_CHARS, _CHAR = 20, 8.2
_INK, _PALE_INK, _GROUND, _RULE = "#1f2933", "#52606d", "#fbfcfd", "#cbd2d9"
_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif"
_COLOURS = ("#2f6f9f", "#9cc3de")


@dataclass(frozen=True, slots=True)
class _Panel:
    """One figure: its title, its series (name, value of a row), a smaller one before the larger one drawn behind it,
    and how values are written. `whole` is the value that fills the panel; None: the largest."""

    title: str
    series: Sequence[tuple[str, Callable[[Figures], float | None]]]
    words: Callable[[float], str]
    whole: float | None = None


_PANELS: Sequence[_Panel] = (
    _Panel("Seconds a record", (("median", lambda f: f.p50), ("95th percentile", lambda f: f.p95)), seconds),
    _Panel("Right", (("right", lambda f: f.accuracy),), lambda v: f"{100 * v:.1f} %", whole=1.0),
    _Panel("Calls a record", (("calls", lambda f: f.calls),), lambda v: f"{v:.2f}"),
    _Panel("Cost a record, US dollars", (("cost", lambda f: f.cost),), lambda v: money(Decimal(str(v)))),
    _Panel("Tokens in, a record", (("in", lambda f: f.input_tokens),), lambda v: count(round(v))),
    _Panel("Tokens out, a record", (("out", lambda f: f.output_tokens),), lambda v: count(round(v))),
)


def chart(comparison: Comparison) -> str:
    """The chart as an SVG document with a title and a description for those who cannot see it. The shorter the bar the
    better, but for what is right."""
    rows = comparison.rows
    column = (_WIDTH - 2 * _MARGIN - _GAP) / 2
    parts, y = list[str](), float(_TOP)
    for left, right in zip(_PANELS[::2], _PANELS[1::2], strict=True):
        parts += _panel(left, rows, _MARGIN, y, column)
        parts += _panel(right, rows, _MARGIN + column + _GAP, y, column)
        y += _HEADING + _bars(rows) + _BELOW
    title = f"Constellations on {one_line(comparison.scenario, 64)}"
    head = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {y:.0f}" width="{_WIDTH}" height="{y:.0f}" '
        f'role="img" aria-labelledby="title description" font-family="{_FONT}" font-size="12" fill="{_INK}">',
        f'<title id="title">{escape(title)}</title>',
        f'<desc id="description">{escape(_description(comparison))}</desc>',
        f'<rect width="100%" height="100%" fill="{_GROUND}"/>',
        _text(_MARGIN, 38, title, size=18, weight="600"),
        _text(_MARGIN, 60, one_line(comparison.circumstances, 150), colour=_PALE_INK),
    ]
    return "\n".join([*head, *parts, "</svg>\n"])


def _panel(panel: _Panel, rows: Sequence[Row], x: float, y: float, width: float) -> Iterator[str]:
    values = [[value(row.figures) for _, value in panel.series] for row in rows]
    shown = [" / ".join("–" if value is None else panel.words(value) for value in one) for one in values]
    label = _CHAR * min(_LABEL_CHARS, max(map(len, (row.constellation for row in rows)), default=0)) + 8
    room = width - label - _CHAR * max(map(len, shown), default=0) - 6
    whole = panel.whole or max((value for one in values for value in one if value is not None), default=0.0)
    yield _text(x, y + 12, panel.title, size=13, weight="600")
    if len(panel.series) > 1:
        yield from _legend(panel, x + width, y + 12)
    y += _HEADING
    yield f'<path d="M{x + label:.1f} {y - 5:.1f}V{y + _bars(rows) - 5:.1f}" stroke="{_RULE}"/>'
    for row, one, words in zip(rows, values, shown, strict=True):
        yield _text(x + label - 8, y + 11, one_line(row.constellation, _LABEL_CHARS), anchor="end")
        lengths = [room * value / whole if value and whole else 0.0 for value in one]
        for length, colour in reversed(list(zip(lengths, _COLOURS, strict=False))):
            if length:
                yield _rect(x + label, y, length, _BAR, colour)
        yield _text(x + label + max(lengths) + 6, y + 11, words, size=11)
        y += _BAR + _BETWEEN


def _legend(panel: _Panel, right: float, y: float) -> Iterator[str]:
    for (name, _), colour in reversed(list(zip(panel.series, _COLOURS, strict=False))):
        right -= _CHAR * len(name)
        yield _text(right, y, name, size=11, colour=_PALE_INK)
        right -= 14
        yield _rect(right, y - 9, 10, 10, colour)
        right -= 14


def _bars(rows: Sequence[Row]) -> float:
    return len(rows) * (_BAR + _BETWEEN)


def _description(comparison: Comparison) -> str:
    """The figures in words."""
    lines = [f"{comparison.circumstances}."]
    for row in comparison.rows:
        told = [
            f"{panel.title.lower()}: "
            + ", ".join(
                f"{name} {'not known' if (found := value(row.figures)) is None else panel.words(found)}"
                for name, value in panel.series
            )
            for panel in _PANELS
        ]
        lines.append(f"{one_line(row.constellation, 64)}: {'; '.join(told)}.")
    return " ".join(lines)


def _rect(x: float, y: float, width: float, height: float, colour: str) -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:g}"'
    return f'<rect {place} rx="1.5" fill="{colour}"/>'


def _text(
    x: float, y: float, text: str, *, size: int = 12, weight: str = "", colour: str = "", anchor: str = ""
) -> str:
    given = {"font-weight": weight, "fill": colour, "text-anchor": anchor, "font-size": "" if size == 12 else str(size)}
    more = "".join(f' {name}="{value}"' for name, value in given.items() if value)
    return f'<text x="{x:.1f}" y="{y:.1f}"{more}>{escape(text)}</text>'
