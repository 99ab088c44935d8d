"""A dry run in words."""

from __future__ import annotations

import io
from dataclasses import replace
from decimal import Decimal
from typing import Any

import orjson
from made_outcomes import HOSTILE

from igent.reporting.forecast import AgentForecast, Forecast, Range, forecast_table
from igent.reporting.table import render

AGENT = AgentForecast(
    "matcher1", "gpt-4o", Range(100, 200), Range(1000, 3000), Range(10, 20), Range(Decimal(1), Decimal(2))
)
FORECAST = Forecast(
    constellation="p1m1m2c", scenario="overlap_only", out="runs/x", records=90, settled=5, refused=3, no_match=2,
    agents=[AGENT], calls=AGENT.calls, input_tokens=AGENT.input_tokens, output_tokens=AGENT.output_tokens,
    cost=AGENT.cost, record_seconds=Range(1.5, 3.0), seconds=Range(30.0, 130.0), concurrency=20, pace="a pace of x",
    mock=False, notes=["A note."],
)  # fmt: skip


def shown(**changed: Any) -> str:
    stream = io.StringIO()
    render(forecast_table(replace(FORECAST, **changed)), stream)
    return stream.getvalue()


def rows(text: str) -> dict[str, str]:
    return {line[:12].rstrip(): line[12:].strip() for line in text.splitlines()[1:]}


def test_each_figure_has_what_is_expected_and_the_range():
    found = rows(shown())
    assert found["records"] == "90 to run, 2 for whom nobody fits, 3 failing by their input, 5 settled before"
    assert found["calls"] == "110 (100 to 200)"
    assert found["tokens in"] == "1,200 (1,000 to 3,000)"
    assert found["cost"] == "$1.10 ($1.00 to $2.00)"
    assert found["a record"] == "1.65 s (1.50 s to 3.00 s)"
    assert found["the run"] == "40.00 s (30.00 s to 2 min 10 s), 20 in flight, at a pace of x"
    assert found["  matcher1"] == "110 calls of gpt-4o, 1,200 in, 11 out, $1.10"
    assert shown().splitlines()[-1] == "A note."


def test_unknown_is_not_nothing():
    assert rows(shown(cost=None))["cost"] == "unknown"
    assert rows(shown(cost=None, mock=True))["cost"] == "none (mock answers)"
    assert rows(shown(agents=[replace(AGENT, cost=None)]))["  matcher1"].endswith(", unknown")
    assert replace(FORECAST, cost=None).to_json()["cost"] is None


def test_json_can_be_written_and_has_numbers():
    content = orjson.loads(orjson.dumps(FORECAST.to_json()))
    assert content["cost"] == {"low": 1.0, "expected": 1.1, "high": 2.0}
    assert content["agents"][0]["calls"] == {"low": 100, "expected": 110, "high": 200}
    assert content["records"] == {"to_run": 90, "settled": 5, "failed_by_input": 3, "no_match": 2}
    assert content["invalid_share"] == 0.1


def test_names_from_outside_are_harmless():
    text = shown(out=HOSTILE, scenario=HOSTILE, agents=[replace(AGENT, model=HOSTILE)], notes=[HOSTILE])
    assert "\x1b" not in text
    assert "\u202e" not in text
