"""A constellation as a picture: the small description that it is drawn from, and Mermaid text for it."""

from __future__ import annotations

__all__ = ["Drawing", "Edge", "Node", "mermaid"]

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from igent.reporting.plain import one_line


@dataclass(frozen=True, slots=True)
class Node:
    """One phase: its `name`, unique in the drawing; its `kind`, which gives it shape and colour ("input" is where the
    records come from); the `resource` it uses ("" for none); and `lines` of words about it."""

    name: str
    kind: str
    resource: str = ""
    lines: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Edge:
    """What flows from one node to another, by name. `dashed` is a relation along which nothing flows; `label` says
    which, or what is special about it ("" for nothing)."""

    source: str
    target: str
    dashed: bool = False
    label: str = ""


@dataclass(frozen=True, slots=True)
class Drawing:
    """What is drawn; edges between nodes that it does not have are left out. `description` is for those who cannot see
    it."""

    title: str
    description: str
    nodes: Sequence[Node]
    edges: Sequence[Edge]


_SHAPES: Mapping[str, tuple[str, str]] = {
    "input": ("[(", ")]"),
    "converse": ("([", "])"),
    "map": ("[", "]"),
    "expand": ("[/", "\\]"),
    "embed": ("[[", "]]"),
    "pair": ("{{", "}}"),
    "select": ("[\\", "/]"),
    "reduce": ("[\\", "\\]"),
}
_COLOURS: Mapping[str, str] = {
    "input": "fill:#eceff1,stroke:#607d8b,color:#1f2933",
    "converse": "fill:#dcebfa,stroke:#1f6fb5,color:#1f2933",
    "map": "fill:#e4f3e5,stroke:#3d8b40,color:#1f2933",
    "expand": "fill:#fdf0d8,stroke:#b7791f,color:#1f2933",
    "embed": "fill:#ece4f7,stroke:#7149b3,color:#1f2933",
    "pair": "fill:#fbe3ee,stroke:#b83280,color:#1f2933",
    "select": "fill:#ddf3f2,stroke:#1d7f7a,color:#1f2933",
    "reduce": "fill:#f7e2dc,stroke:#b0492c,color:#1f2933",
}
_ESCAPED = str.maketrans({c: f"#{ord(c)};" for c in '"#&<>`%\\'})
_LEFT_OUT = str.maketrans(dict.fromkeys("#&<>`%;{}", " "))
_LONGEST = 80


def mermaid(drawing: Drawing) -> str:
    """The drawing as a Mermaid flowchart from left to right; ends in a line break."""
    ids = {node.name: f"n{number}" for number, node in enumerate(drawing.nodes)}
    lines = [
        "flowchart LR",
        f"  accTitle: {_spoken(drawing.title)}",
        f"  accDescr: {_spoken(drawing.description)}",
    ]
    for node in drawing.nodes:
        opening, closing = _SHAPES.get(node.kind, _SHAPES["map"])
        label = "<br/>".join([f"<b>{_plain(node.name)}</b>", *map(_plain, (_about(node), *node.lines))])
        lines.append(f'  {ids[node.name]}{opening}"{label}"{closing}:::{_class(node.kind)}')
    for edge in drawing.edges:
        if edge.source in ids and edge.target in ids:
            arrow = "-.->" if edge.dashed else "-->"
            label = f'|"{_plain(edge.label)}"|' if edge.label else ""
            lines.append(f"  {ids[edge.source]} {arrow}{label} {ids[edge.target]}")
    kinds = dict.fromkeys(_class(node.kind) for node in drawing.nodes)
    lines += [f"  classDef {kind} {_COLOURS[kind.removesuffix('Phase')]}" for kind in kinds]
    return "\n".join([*lines, ""])


def _about(node: Node) -> str:
    return f"{node.kind} · {node.resource}" if node.resource else node.kind


def _class(kind: str) -> str:
    return f"{kind if kind in _COLOURS else 'map'}Phase"  # with an ending, for some kinds are words of Mermaid


def _plain(text: str, limit: int = _LONGEST) -> str:
    """The text in one line, with all that Mermaid or HTML would read as their own as numbers of characters."""
    return one_line(text, limit).translate(_ESCAPED)


def _spoken(text: str) -> str:
    """The text in one line, without what Mermaid would read as its own: such a line knows no escapes."""
    return one_line(text, 4000).translate(_LEFT_OUT)
