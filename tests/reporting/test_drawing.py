"""Pictures of constellations: what is in them, that nothing crosses a box, and that no text becomes markup."""

from __future__ import annotations

import re
from itertools import combinations, pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest
from flows_kit import GRAPH, TALKS

from igent.config.load import read_constellation
from igent.reporting.drawing import Drawing, Edge, Node, mermaid
from igent.reporting.drawing_layout import lay_out
from igent.reporting.drawing_svg import svg
from igent.reporting.outline import outline

SVG = "{http://www.w3.org/2000/svg}"
EVIL = '"]; click n0 "javascript:x" %%{init: {}}%% `b` <script>alert(1)</script> &amp; #quot; \x1b[31m\x00 end'


def drawn(tmp_path: Path, text: str) -> Drawing:
    path = tmp_path / "c.yaml"
    path.write_text(text, encoding="utf-8")
    spec = read_constellation(path).spec
    return outline(spec, dict.fromkeys(spec.agents, "big"))


def texts(picture: str) -> list[str]:
    return ["".join(e.itertext()) for e in ElementTree.fromstring(picture).iter(f"{SVG}text")]


def test_a_graph_shows_phases_and_what_flows(tmp_path):
    drawing = drawn(tmp_path, GRAPH)
    nodes = {node.name: node for node in drawing.nodes}
    assert [(n.kind, n.resource) for n in drawing.nodes][:3] == [("input", ""), ("expand", "vision"), ("expand", "cpu")]
    assert nodes["left"].lines == ["where book: a or c", "step dishes"]
    assert nodes["near"].lines == ["nearest 3 (hybrid), from 0.7 up", "if same_course"]
    assert nodes["same"].lines == ["judge (matcher): small, then big", "→ verdicts.json", "up to 20 a call"]
    assert nodes["book"].lines == ["step book", "→ crosswalk.json, .csv, .xlsx"]
    assert nodes["left_near"].lines == ["field words", "model local"]
    flows = {(edge.source, edge.target) for edge in drawing.edges if not edge.dashed}
    assert flows == {
        ("records", "left"), ("records", "right"), ("left", "left_plain"), ("right", "right_plain"),
        ("left_plain", "left_near"), ("right_plain", "right_near"), ("left_near", "near"), ("right_near", "near"),
        ("near", "same"), ("same", "best"), ("best", "book"), ("right_plain", "book"),
    }  # fmt: skip
    assert [edge for edge in drawing.edges if edge.dashed] == [Edge("near", "best", dashed=True, label="gathered")]


def test_a_chain_goes_from_phase_to_phase(tmp_path):
    text = TALKS.replace("needs: [first]", "start: streamed")
    drawing = drawn(tmp_path, text.replace("name: first", "name: records"))
    assert drawing.edges == [Edge("input records", "records"), Edge("records", "second", label="streamed")]
    assert list(drawing.nodes[1].lines) == ["judge (matcher): big", "critic (critic): big", "→ summaries.json"]


def test_mermaid_has_a_line_for_each_node_edge_and_kind(tmp_path):
    drawing = drawn(tmp_path, GRAPH)
    lines = mermaid(drawing).splitlines()
    assert lines[:2] == ["flowchart LR", "  accTitle: recipes"]
    assert (
        '  n7{{"<b>near</b><br/>pair · cpu<br/>nearest 3 (hybrid), from 0.7 up<br/>if same_course"}}:::pairPhase'
        in lines
    )
    assert "  n7 --> n8" in lines
    assert '  n7 -.->|"gathered"| n9' in lines
    kinds = {line.split()[1] for line in lines if line.startswith("  classDef ")}
    assert kinds == {f"{node.kind}Phase" for node in drawing.nodes}
    assert len([line for line in lines if re.match(r"  n\d+ -", line)]) == len(drawing.edges)


def test_no_text_becomes_mermaid_or_markup():
    nodes = [Node(EVIL, "map", EVIL, (EVIL,)), Node("end", EVIL, "", ("a\nb",))]
    drawing = Drawing(EVIL, EVIL, nodes, [Edge(EVIL, "end", label=EVIL), Edge("nowhere", "end")])
    lines = mermaid(drawing).splitlines()
    assert len(lines) == 1 + 2 + 2 + 1 + 1
    for line in lines:
        inside = "".join(re.findall(r'"([^"]*)"', line)) or line.partition(":")[2]
        bare = re.sub(r"</?b>|<br/>", "", inside)
        assert not set(bare) & set('"<>`%&\\\x1b\x00')
        assert set(re.findall(r"#[^;]{0,5};", bare)) <= {f"#{ord(c)};" for c in '"#&<>`%\\'}
    assert not any(set(line) & set("#%;<>{}") for line in lines[1:3])
    picture = svg(drawing)
    assert "<script" not in picture
    assert "\x1b" not in picture
    root = ElementTree.fromstring(picture)
    assert {e.tag.removeprefix(SVG) for e in root.iter()} == {
        "svg",
        "title",
        "desc",
        "style",
        "rect",
        "text",
        "g",
        "path",
    }
    assert not [name for e in root.iter() for name in e.attrib if name.startswith("on") or "href" in name]


def test_the_svg_has_title_description_and_all_words(tmp_path):
    drawing = drawn(tmp_path, GRAPH)
    picture = svg(drawing)
    root = ElementTree.fromstring(picture)
    named = {e.get("id"): e.text for e in root if e.get("id")}
    assert set(root.get("aria-labelledby", "").split()) == set(named)
    assert named["igent-title"] == "recipes"
    assert "same (converse) needs near" in str(named["igent-description"])
    shown = texts(picture)
    for node in drawing.nodes:
        assert node.name in shown
        assert set(node.lines) <= set(shown)
    assert "gathered" in shown
    assert "prefers-color-scheme:dark" in picture
    assert "http" not in picture.replace("http://www.w3.org/2000/svg", "")


@pytest.mark.parametrize("text", [GRAPH, TALKS], ids=["graph", "chain"])
def test_words_are_inside_boxes_and_boxes_inside_the_picture(tmp_path, text):
    root = ElementTree.fromstring(svg(drawn(tmp_path, text)))
    _, _, width, height = map(float, root.get("viewBox", "").split())
    groups = [g for g in root.iter(f"{SVG}g") if g.find(f"{SVG}title") is not None]
    for group in groups:
        rect = group.find(f"{SVG}rect")
        assert rect is not None
        x, y, w, h = (float(rect.get(key, "")) for key in ("x", "y", "width", "height"))
        assert x >= 0
        assert x + w + 48 <= width + 1
        assert y + h + 88 <= height + 1
        for words in group.iter(f"{SVG}text"):
            assert y < float(words.get("y", "")) < y + h
            assert float(words.get("x", "")) + 6 * len(words.text or "") < x + w


def test_long_words_are_cut_and_told_in_full():
    node = Node("x", "map", "", ("w" * 300,))
    picture = svg(Drawing("t", "d", [node], []))
    assert max(map(len, texts(picture))) == 44
    assert "w" * 300 in picture
    assert float(ElementTree.fromstring(picture).get("width", "0")) < 500


SIZES = {name: (100.0, 40.0 + 10 * (i % 3)) for i, name in enumerate("abcdefghij")}
EDGES = [tuple(e) for e in ("ab", "ac", "bd", "ce", "df", "ef", "fg", "bg", "cg", "ah", "hi", "ij", "aj", "gj", "dj")]


def test_boxes_stand_apart_behind_what_leads_to_them():
    layout = lay_out(SIZES, EDGES, (60.0, 20.0))
    for source, target in EDGES:
        assert layout.boxes[source].x + layout.boxes[source].width + 60 <= layout.boxes[target].x + 0.01
    for one, other in combinations(layout.boxes.values(), 2):
        if one.x == other.x:
            assert abs(one.y - other.y) + 0.01 >= (one.height + other.height) / 2 + 20
    assert min(box.y - box.height / 2 for box in layout.boxes.values()) >= -0.01
    assert max(box.y + box.height / 2 for box in layout.boxes.values()) <= layout.height + 0.01


def test_edges_pass_no_box():
    layout = lay_out(SIZES, EDGES, (60.0, 20.0))
    for (source, target), path in zip(EDGES, layout.paths, strict=True):
        first, last = layout.boxes[source], layout.boxes[target]
        assert path[0] == (first.x + first.width, first.y)
        assert path[-1] == (last.x, last.y)
        for (x, y), (to_x, to_y) in list(pairwise(path))[1::2]:  # straight, through a column
            assert y == to_y
            crossed = [b for b in layout.boxes.values() if b.x < to_x and b.x + b.width > x]
            assert all(abs(b.y - y) > b.height / 2 for b in crossed)


def test_a_lone_chain_is_a_straight_line():
    layout = lay_out(dict.fromkeys("abc", (50.0, 30.0)), [("a", "b"), ("b", "c")], (10.0, 10.0))
    assert {round(box.y, 6) for box in layout.boxes.values()} == {15.0}
    assert (layout.width, layout.height) == (170.0, 30.0)


def test_circles_and_nothing_at_all_can_be_drawn():
    layout = lay_out(dict.fromkeys("ab", (10.0, 10.0)), [("a", "b"), ("b", "a"), ("a", "a")], (5.0, 5.0))
    assert layout.boxes["a"].x < layout.boxes["b"].x
    assert ElementTree.fromstring(svg(Drawing("t", "d", [], []))).tag == f"{SVG}svg"
    assert mermaid(Drawing("t", "d", [], [])).startswith("flowchart LR\n")
