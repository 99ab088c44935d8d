"""The bottleneck of a graph, and what is said to do about it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from made_outcomes import facts

from igent.reporting.figures import Spread, Tokens
from igent.reporting.phase_advice import find_graph_bottleneck
from igent.reporting.phase_figures import PhaseFigures

BASE = PhaseFigures(
    kind="converse",
    resource="llm",
    batch=1,
    units=100,
    done=100,
    no_match=0,
    failed=0,
    skipped=0,
    items=100,
    items_per_second=10.0,
    busy_seconds=80.0,
    seconds=Spread(1.0, 2.0, 3.0),
    calls=100,
    recalled=0,
    tokens=Tokens(1000, 100, estimated=False),
    cost=Decimal("0.01"),
    concurrency=20,
    most_in_flight=20,
    mean_in_flight=8.0,
    errors=0,
    retries=0,
    rate_limited=0,
    cache_hits=0,
    drafts=100,
    invalid_drafts=0,
    critical_seconds=8.0,
    critical_share=0.8,
    waiting=0.0,
)


def said(engine: float = 0.1, run: dict[str, Any] | None = None, **changed: Any) -> str:
    phases = {"small": replace(BASE, critical_share=0.05), "big": replace(BASE, **changed)}
    found = find_graph_bottleneck(phases, engine, facts(**(run or {})))
    assert found is not None
    assert found.share == max(engine, 0.8)
    assert "\n" not in found.advice
    assert found.advice.endswith(".")
    assert len(found.advice) < 220, "it is one line, with the name of the phase in front"
    return f"{found.name}: {found.advice}"


EMBED: dict[str, Any] = {"kind": "embed", "resource": "embedding", "concurrency": 4, "batch": 50, "drafts": 0}
LOCAL = EMBED | {"calls": 0}
VISION: dict[str, Any] = {"kind": "expand", "resource": "vision", "concurrency": 2, "calls": 0, "drafts": 0}
CPU: dict[str, Any] = {"kind": "map", "resource": "cpu", "concurrency": 4, "calls": 0, "drafts": 0}


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"waiting": 7.0}, "raise --concurrency (now 20)"),
        ({"waiting": 7.0}, "batch: N (now 1)"),
        ({"waiting": 7.0, "rate_limited": 30}, "30% of the calls with 429: lower --concurrency (now 20)"),
        ({"waiting": 7.0, "invalid_drafts": 40}, "40% of the drafts were invalid"),
        ({"failed": 40}, "40% of its units failed after all their calls: improve the prompt"),
        ({}, "a faster model (--model), shorter answers"),
        ({"waiting": 3.0, "batch": 8}, "batch: N (now 8)"),
        (EMBED | {"waiting": 7.0}, "resources: {embedding: N}} (now 4), or batch: N (now 50)"),
        (EMBED, "more texts in each (batch: N, now 50)"),
        (EMBED | {"rate_limited": 50}, "lower run: {resources: {embedding: N}} (now 4)"),
        (LOCAL, "local model"),
        (VISION | {"waiting": 7.0}, "raise run: {resources: {vision: N}} (now 2)"),
        (VISION, "PDFs that hold their text"),
        (CPU | {"waiting": 7.0}, "raise run: {resources: {cpu: N}} (now 4)"),
        (CPU, "--profile FILE"),
        (CPU | {"failed": 90}, "--profile FILE"),
        (CPU | {"kind": "pair"}, "`compatible` rule"),
    ],
)
def test_advice_is_about_what_the_phase_waits_for(changed, words):
    told = said(**changed)
    assert told.startswith("big: ")
    assert words in told


def test_limits_of_the_provider_come_first():
    assert "used to the full: calls waited 50% of their time" in said(run={"quota_wait_seconds": 80.0}, waiting=7.0)
    assert "used to the full" not in said(run={"quota_wait_seconds": 8.0}, waiting=7.0)


def test_mock_answers_that_come_at_once_say_nothing_of_the_models():
    mock = {"mock": True}
    assert "--mock-latency" in said(run=mock, waiting=7.0)
    assert "--mock-latency" in said(0.9, run=mock)
    assert "raise --concurrency" in said(run=mock | {"mock_latency": "gpt-4o"}, waiting=7.0)
    assert "--profile" in said(run=mock, **CPU)


def test_the_engine_may_be_the_bottleneck():
    assert said(0.9).startswith("engine: igent itself")
    idle = {"a": replace(BASE, critical_share=0.0, busy_seconds=0.0)}
    found = find_graph_bottleneck(idle, 1.0, facts(mock=True))
    assert found is not None
    assert "settled before" in found.advice


def test_no_time_no_bottleneck():
    assert find_graph_bottleneck({}, 0.0, facts()) is None
    assert find_graph_bottleneck({"a": replace(BASE, critical_share=0.0)}, 0.0, facts()) is None
