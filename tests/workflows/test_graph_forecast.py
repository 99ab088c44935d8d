"""What `--dry-run` says of a graph, against what the run then does."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from graph_kit import CONSTELLATION, entries_of, make_folder

from igent import load_constellation, run_workflow
from igent.config.settings import load_settings
from igent.reporting.forecast import Forecast
from igent.workflows.estimate import estimate

BATCHED = CONSTELLATION.replace("{name: judged, needs", "{name: judged, batch: 5, needs")
CASCADE = CONSTELLATION.replace(
    "prompt: toy/judge.md}",
    "prompt: toy/judge.md, cascade: {models: [gpt-4o-mini], confidence: confidence, threshold: 0.5}}",
)


def forecast(constellation: str, out: Path, **given: Any) -> Forecast:
    settings = load_settings(mock=True, out=out, **given)
    return asyncio.run(estimate(load_constellation(constellation), settings))


def ran(constellation: str, out: Path, **given: Any) -> Any:
    return asyncio.run(run_workflow(constellation, out=out, mock=True, **given)).summary


@pytest.mark.parametrize("constellation", ["crosswalk", "crosswalk_batch"])
def test_the_calls_of_the_shipped_crosswalk_are_foretold(constellation, tmp_path):
    told = forecast(constellation, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    summary = ran(constellation, tmp_path / "out")
    counted = [summary.phases[name] for name in ("verify_bpd", "verify_aa")]
    assert told.calls.low == sum(phase.calls for phase in counted)
    assert told.records == sum(phase.units for phase in counted)
    assert told.input_tokens.low == pytest.approx(sum(phase.tokens.input for phase in counted), rel=0.02)
    assert told.output_tokens.low == pytest.approx(sum(phase.tokens.output for phase in counted), rel=0.1)
    assert any("rest on answers" in note and "verify_instances" in note for note in told.notes)


@pytest.mark.parametrize(("many", "calls"), [(0, 0), (1, 1), (5, 3), (6, 3), (15, 7)])
def test_a_batch_is_counted_as_one_call_and_its_prompt_once(tmp_path, many, calls):
    left, right = (entries_of(side, [f"word{n}" for n in range(many)]) for side in "LR")
    told = {}
    for name, text in (("alone", CONSTELLATION), ("batched", BATCHED)):
        path = make_folder(tmp_path / name, left=left, right=right, constellation=text.replace("k: 2", "k: 3"))
        told[name] = forecast(str(path), tmp_path / f"{name} out", data=path.parents[1] / "data")
        summary = ran(str(path), tmp_path / f"{name} out", data=path.parents[1] / "data")
        assert told[name].calls.low == summary.calls
        assert told[name].input_tokens.low == pytest.approx(summary.tokens.input, rel=0.02)
    pairs = told["alone"].records
    assert pairs == told["alone"].calls.low == told["batched"].records
    assert told["batched"].calls.low == -(-pairs // 5)
    assert told["batched"].calls.high == 2 * told["batched"].calls.low
    if pairs > 5:
        assert told["batched"].input_tokens.low < told["alone"].input_tokens.low
        assert told["batched"].input_tokens.high > 2 * told["batched"].input_tokens.low
    assert calls <= pairs or not many


def test_what_is_settled_is_not_counted_again(tmp_path):
    path = make_folder(tmp_path / "here", constellation=BATCHED)
    data = path.parents[1] / "data"
    before = forecast(str(path), tmp_path / "out", data=data)
    ran(str(path), tmp_path / "out", data=data)
    after = forecast(str(path), tmp_path / "out", data=data)
    assert (before.settled, after.settled) == (0, before.records)
    assert (after.records, after.calls.high) == (0, 0)


def test_a_cascade_is_spoken_of(tmp_path):
    path = make_folder(tmp_path / "here", constellation=CASCADE)
    told = forecast(str(path), tmp_path / "out", data=path.parents[1] / "data")
    assert "judge asks gpt-4o-mini first." in " ".join(told.notes)
    assert told.calls.low == 12


def test_records_that_fail_on_the_way_are_told(tmp_path):
    path = make_folder(tmp_path / "here", left=[*entries_of("L", ["a", "b"]), {"id": "LB", "text": "break the step"}])
    told = forecast(str(path), tmp_path / "out", data=path.parents[1] / "data")
    assert (told.refused, told.records) == (1, 4)
