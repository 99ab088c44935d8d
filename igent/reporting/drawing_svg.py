"""A drawing as SVG, written by hand: no script, no font and no picture from elsewhere. It brings its own ground, light
or dark as the reader's system is."""

from __future__ import annotations

__all__ = ["svg"]

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from html import escape

from igent.reporting.drawing import Drawing, Edge, Node
from igent.reporting.drawing_layout import Box, lay_out
from igent.reporting.plain import one_line

_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif"
_MARGIN, _TITLE, _GAP = 24, 40, (68, 22)
_SIDE, _FIRST, _LINE, _BELOW = 14, 20, 16, 12
_CHAR, _BOLD, _NARROWEST, _LONGEST = 7.0, 8.4, 110, 44
_NOT_XML = {0xFFFE: None, 0xFFFF: None}

_LIGHT = {
    "input": ("#eceff1", "#546e7a"),
    "converse": ("#dcebfa", "#1a62a3"),
    "map": ("#e4f3e5", "#2f7532"),
    "expand": ("#fdf0d8", "#8f5d10"),
    "embed": ("#ece4f7", "#6540a3"),
    "pair": ("#fbe3ee", "#a02a6c"),
    "select": ("#ddf3f2", "#17696a"),
    "reduce": ("#f7e2dc", "#9c3f25"),
}
"""Kind -> fill, and the colour of its border and its name."""
_DARK = {
    "input": ("#263238", "#a9bcc6"),
    "converse": ("#14304a", "#86c1f5"),
    "map": ("#173219", "#8fd093"),
    "expand": ("#3a2a0c", "#ecbd62"),
    "embed": ("#2b1f42", "#c1a3f2"),
    "pair": ("#3d1730", "#f199cb"),
    "select": ("#0f3231", "#74d2cd"),
    "reduce": ("#3d1d14", "#f0a48d"),
}


def svg(drawing: Drawing) -> str:
    """The drawing as an SVG document of its own, from left to right, with a title and a description for those who
    cannot see it. Ends in a line break."""
    nodes = {node.name: node for node in drawing.nodes}
    edges = [edge for edge in drawing.edges if edge.source in nodes and edge.target in nodes]
    sizes = {name: _size(node) for name, node in nodes.items()}
    layout = lay_out(sizes, [(edge.source, edge.target) for edge in edges], _GAP)
    title = one_line(drawing.title, 100)
    width = max(layout.width, 10.0 * len(title)) + 2 * _MARGIN
    height = layout.height + _TITLE + 2 * _MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" '
        f'height="{height:.0f}" role="img" aria-labelledby="igent-title igent-description" font-family="{_FONT}" '
        'font-size="12">',
        f'<title id="igent-title">{_escaped(title)}</title>',
        f'<desc id="igent-description">{_escaped(one_line(drawing.description, 4000))}</desc>',
        f"<style>{_style()}</style>",
        '<rect class="ground" width="100%" height="100%" rx="8"/>',
        f'<text class="ink" x="{_MARGIN}" y="{_MARGIN + 12}" font-size="16" font-weight="600">{_escaped(title)}</text>',
        f'<g transform="translate({_MARGIN} {_MARGIN + _TITLE})">',
    ]
    for edge, path in zip(edges, layout.paths, strict=True):
        parts += _edge(edge, path)
    for name, box in layout.boxes.items():
        parts += _node(nodes[name], box)
    return "\n".join([*parts, "</g>", "</svg>", ""])


def _style() -> str:
    light = _theme(_LIGHT, ground="#fbfcfd", ink="#1f2933", line="#7b8794")
    dark = _theme(_DARK, ground="#12171d", ink="#e4e9ee", line="#7d8b99")
    return f"{light} .line{{fill:none;stroke-width:1.4}} @media (prefers-color-scheme:dark){{{dark}}}"


def _theme(kinds: Mapping[str, tuple[str, str]], *, ground: str, ink: str, line: str) -> str:
    rules = [f".ground{{fill:{ground}}}", f".ink{{fill:{ink}}}", f".line{{stroke:{line}}}", f".tip{{fill:{line}}}"]
    for kind, (fill, colour) in kinds.items():
        rules += [f".{kind}{{fill:{fill};stroke:{colour}}}", f".{kind}-name{{fill:{colour}}}"]
    return " ".join(rules)


def _size(node: Node) -> tuple[float, float]:
    bold = _BOLD * _columns(one_line(node.name, _LONGEST))
    longest = max(_CHAR * _columns(line) for line in _words(node))
    width = max(_NARROWEST, bold + 2 * _SIDE, longest + 2 * _SIDE)
    return width, _FIRST + _LINE * len(_words(node)) + _BELOW


def _words(node: Node) -> list[str]:
    """The lines below the name, the first of which says the kind."""
    about = f"{node.kind} · {node.resource}" if node.resource else node.kind
    return [one_line(line, _LONGEST) for line in (about, *node.lines)]


def _columns(text: str) -> int:
    """How many letters wide the text is about."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _node(node: Node, box: Box) -> Iterator[str]:
    kind = node.kind if node.kind in _LIGHT else "map"
    x, top = box.x, box.y - box.height / 2
    told = "\n".join(one_line(line, 1000) for line in (node.name, node.kind, *node.lines))
    yield f"<g><title>{_escaped(told)}</title>"
    place = f'x="{x:.1f}" y="{top:.1f}" width="{box.width:.1f}" height="{box.height:.1f}"'
    yield f'<rect class="{kind}" {place} rx="{14 if kind in {"converse", "input"} else 4}" stroke-width="1.4"/>'
    x += _SIDE
    name = _escaped(one_line(node.name, _LONGEST))
    yield f'<text class="ink" x="{x:.1f}" y="{top + _FIRST:.1f}" font-size="13" font-weight="600">{name}</text>'
    for number, line in enumerate(_words(node), 1):
        colour = "ink" if number > 1 else f"{kind}-name"
        yield f'<text class="{colour}" x="{x:.1f}" y="{top + _FIRST + number * _LINE:.1f}">{_escaped(line)}</text>'
    yield "</g>"


def _edge(edge: Edge, path: Sequence[tuple[float, float]]) -> Iterator[str]:
    drawn, (x, y) = [f"M{path[0][0]:.1f} {path[0][1]:.1f}"], path[0]
    for to_x, to_y in path[1:]:
        middle = (x + to_x) / 2
        if abs(to_y - y) < 0.1:
            drawn.append(f"H{to_x:.1f}")
        else:
            drawn.append(f"C{middle:.1f} {y:.1f} {middle:.1f} {to_y:.1f} {to_x:.1f} {to_y:.1f}")
        x, y = to_x, to_y
    dashes = ' stroke-dasharray="5 4"' if edge.dashed else ""
    yield f'<path class="line" d="{"".join(drawn)}"{dashes}/>'
    yield f'<path class="tip" d="M{x + 0.5:.1f} {y:.1f}l-8 -4v8z"/>'
    if edge.label:
        i = (len(path) - 1) // 2
        (x, y), (to_x, to_y) = path[i], path[i + 1]
        place = f'x="{(x + to_x) / 2:.1f}" y="{(y + to_y) / 2 - 5:.1f}"'
        label = _escaped(one_line(edge.label, _LONGEST))
        yield f'<text class="ink" {place} font-size="11" text-anchor="middle">{label}</text>'


def _escaped(text: str) -> str:
    return escape(text.translate(_NOT_XML))
