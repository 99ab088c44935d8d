"""Constellations side by side: medians, a table, Markdown and a chart."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

import pytest
from made_outcomes import HOSTILE, facts, outcome, step

from igent.reporting.chart import chart
from igent.reporting.comparison import Comparison, Figures, Row, comparison_table, figures_of, markdown
from igent.reporting.summary import Speculation, summarise
from igent.reporting.table import render
from igent.reporting.totals import Totals
from igent.types import Usage

SVG = "{http://www.w3.org/2000/svg}"
FIGURES = Figures(
    done=8, no_match=1, failed=1, accuracy=0.9, p50=1.5, p95=4.0, wall_seconds=20.0, records_per_second=0.5,
    calls=2.25, input_tokens=4000.0, output_tokens=300.0, cost=0.0123, critic_asked=0.1, hits=7, misses=2,
)  # fmt: skip
NOTHING = replace(FIGURES, accuracy=None, p50=None, p95=None, records_per_second=None, cost=None, critic_asked=None)


def row(name: str = "p1", description: str = "one", **runs: Figures) -> Row:
    return Row.of(name, description, runs or {name: FIGURES})


def comparison(*rows: Row, **changed: Any) -> Comparison:
    base = Comparison("overlap_only", 10, 1, True, "gpt-4o", ["gpt-4o"], {"igent": "0.1.0"}, rows or (row(),))
    return replace(base, **changed)


def table(shown: Comparison) -> str:
    stream = io.StringIO()
    render(comparison_table(shown), stream)
    return stream.getvalue()


def test_figures_are_a_records_share():
    steps = [
        step(wasted=Usage(100, 10), calls=2, critic="approved", critic_calls=1),
        step(critic="skipped", speculation="hit"),
        step(critic="none", speculation="miss"),
    ]
    outcomes = [outcome(0, steps=tuple(steps[:2])), outcome(1, steps=tuple(steps[2:])), outcome(2, "failed", steps=())]
    summary = summarise(Totals.of(outcomes, ("match",), None, None), facts(mock=True), 3)
    found = figures_of(summary, outcomes, 2 / 3, {"matcher1": "gpt-4o-mini"}, None)
    assert (found.done, found.no_match, found.failed) == (2, 0, 1)
    assert found.accuracy == pytest.approx(2 / 3, abs=1e-6)
    assert found.calls == pytest.approx(4 / 3, abs=1e-4)
    assert found.input_tokens == pytest.approx(3100 / 3, abs=0.01)
    assert found.output_tokens == pytest.approx(310 / 3, abs=0.01)
    assert found.critic_asked == 0.5
    assert (found.hits, found.misses) == (1, 1)
    assert found.cost is not None, "a mock is priced as the model that it stands for"
    assert found.cost > 0
    assert figures_of(summary, outcomes, None, {}, "http://127.0.0.1:9/v1").cost is None


def test_several_runs_count_with_their_medians():
    runs = {
        str(k): replace(FIGURES, p50=p50, done=done, hits=hits)
        for k, (p50, done, hits) in enumerate([(1.0, 8, 1), (9.0, 5, 2), (2.0, 7, 4)])
    }
    found = row("p1", **runs)
    assert (found.figures.p50, found.figures.done, found.figures.hits) == (2.0, 7, 2)
    assert found.runs == runs
    assert row("p1", a=FIGURES, b=NOTHING).figures.cost is None


def test_the_table_has_a_line_for_each_and_says_what_is_not_known():
    text = table(comparison(row("p1m1m2c"), row("p1m", p1m=NOTHING), missing=["p1r_p2r"]))
    assert "10 records of overlap_only, mock answers in the name of gpt-4o, at a pace of gpt-4o" in text
    line = next(line for line in text.splitlines() if line.startswith("p1m1m2c "))
    assert line.split() == [
        "p1m1m2c", "8/1/1", "90.0", "%", "1.50", "s", "4.00", "s", "20.00", "s", "0.5", "2.25", "4,000", "300",
        "$0.0123", "10.0", "%", "7/2",
    ]  # fmt: skip
    assert next(line for line in text.splitlines() if line.startswith("p1m ")).count("–") == 6
    assert "No finished run: p1r_p2r" in text
    assert max(map(len, text.splitlines())) <= 120


def test_real_runs_are_not_called_mock():
    shown = comparison(mock=False, pace=None, repeats=5)
    assert shown.circumstances == "10 records of overlap_only, gpt-4o, medians of 5 runs"


def test_markdown_is_a_table_and_takes_no_text_for_markup():
    text = markdown(comparison(row("p1", "a | b\n# <b>no</b> [x](y)"), scenario="s"), "comparison.svg")
    assert "![The same as bars](comparison.svg)" in text
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert len({line.count("|") for line in rows}) == 1
    assert "\\[x\\](y)" in text
    assert "\\<b\\>" in text
    assert "\n# <" not in text


def test_json_holds_every_run():
    content = comparison(row("p1", a=FIGURES, b=NOTHING)).to_json()
    assert content["schema_version"] == 1
    assert content["rows"][0]["runs"]["b"]["cost"] is None
    assert content["rows"][0]["figures"]["done"] == 8


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def test_the_chart_is_svg_of_its_own_and_says_what_it_shows():
    svg = chart(comparison(row("p1m1m2c"), row("p1m")))
    root = ElementTree.fromstring(svg)
    assert {element.tag for element in root.iter()} <= {
        f"{SVG}{n}" for n in ("svg", "title", "desc", "rect", "path", "text")
    }
    assert "http" not in svg.replace("http://www.w3.org/2000/svg", "")
    assert root.get("role") == "img"
    named = {element.get("id") for element in root.iter()} - {None}
    assert set((root.get("aria-labelledby") or "").split()) == named
    described = next(root.iter(f"{SVG}desc")).text or ""
    assert "p1m1m2c: seconds a record: median 1.50 s, 95th percentile 4.00 s" in described
    titles = ("Seconds a record", "Right", "Calls a record", "Cost a record, US dollars", "Tokens in, a record")
    for said in (*titles, "1.50 s / 4.00 s", "90.0 %", "$0.0123", "4,000"):
        assert said in texts(svg)


def test_bars_are_as_long_as_their_values_and_stay_inside():
    double = replace(FIGURES, calls=2 * FIGURES.calls)
    root = ElementTree.fromstring(chart(comparison(row("p1"), row("p2", p2=double))))
    width = float(root.get("width") or 0)
    for element in root.iter(f"{SVG}rect"):
        if element.get("width") != "100%":
            assert 0 <= float(element.get("x") or 0) + float(element.get("width") or 0) <= width
    calls = next(e for e in root.iter(f"{SVG}text") if e.text == "Calls a record")
    below = [e for e in root.iter(f"{SVG}rect") if e.get("x") and float(e.get("x") or 0) < width / 2]
    top = float(calls.get("y") or 0)
    one, two = [float(e.get("width") or 0) for e in below if top < float(e.get("y") or 0) < top + 60][:2]
    assert two == pytest.approx(2 * one, abs=0.2)


def test_what_is_not_known_has_no_bar():
    svg = chart(comparison(row("p1", p1=replace(NOTHING, calls=0.0, input_tokens=0.0, output_tokens=0.0))))
    assert len(ElementTree.fromstring(svg).findall(f"{SVG}rect")) == 1 + 2  # the ground, and the legend
    assert "–" in texts(svg)
    assert "not known" in svg


def test_text_from_outside_cannot_leave_its_element():
    shown = comparison(row("p1", HOSTILE), scenario='</text><script>"', pace=HOSTILE, models=["<m>&"])
    root = ElementTree.fromstring(chart(shown))
    assert not list(root.iter(f"{SVG}script"))
    assert "\x1b" not in chart(shown)
    assert "\x1b" not in markdown(shown, "c.svg")
    assert "\x1b" not in table(shown)


def test_speculation_is_taken_from_the_summary():
    summary = replace(summarise(Totals.of([], (), None, None), facts(), 0), speculation=Speculation(5, 3))
    assert figures_of(summary, [], None, {}, None).hits == 5
