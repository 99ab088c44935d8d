"""Every constellation on every shipped scenario with the mock in the process, judged by the oracle."""

from __future__ import annotations

import asyncio
import csv
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from e2e_support import CONSTELLATIONS, DATA, final_files, json_of, lines_of, oracle

from igent import ConfigError, Outcome, Workflow, load_constellation, run_workflow
from igent.config.settings import load_settings
from igent.workflows.watch import RunState

SCENARIOS = {"full_dataset": 100, "overlap_only": 100, "no_battery": 41}


async def run(out: Path, constellation: str = "p1m1m2c", **options: Any) -> Path:
    await run_workflow(constellation, data=DATA, out=out, **{"mock": True, "scenario": "overlap_only", **options})
    return out


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("constellation", CONSTELLATIONS)
async def test_every_match_and_price_is_what_the_rules_give(tmp_path, constellation, scenario):
    out = await run(tmp_path / "run", constellation, scenario=scenario, concurrency=50)
    oracle(out, scenario, complete=True)
    counts = json_of(out / "summary.json")["counts"]
    assert counts["input"] == counts["done"] + counts["no_match"] + counts["failed"] == SCENARIOS[scenario]
    assert (counts["failed"], counts["not_run"]) == (0, 0)
    assert len(lines_of(out / "outcomes.jsonl")) == SCENARIOS[scenario]


@pytest.mark.parametrize(("constellation", "errors"), [("p1m1m2c", 0.4), ("p1m1c1m2c2", 0.0)])
async def test_the_results_do_not_depend_on_concurrency(tmp_path, constellation, errors):
    runs = [
        await run(tmp_path / f"at{n}", constellation, concurrency=n, mock_errors=errors, max_items=50)
        for n in (1, 50, 500)
    ]
    one, *others = map(final_files, runs)
    assert json.loads(one["matches.json"])
    for other in others:
        assert other == one


async def test_the_results_do_not_depend_on_who_is_slow(tmp_path):
    """With a random pace records settle in another order than they were admitted."""
    at_once = await run(tmp_path / "at_once", max_items=40, concurrency=1)
    paced = await run(tmp_path / "paced", max_items=40, concurrency=40, mock_latency="ttft=0.01,itl=0.0001", seed=0)
    assert final_files(paced) == final_files(at_once)


async def test_capacity_that_runs_out_is_shared_by_the_rules_in_the_order_of_the_input(tmp_path):
    out = await run(tmp_path / "run", scenario="no_battery", mock_errors=0.3, concurrency=50)
    oracle(out, "no_battery")
    assert {o["status"] for o in lines_of(out / "outcomes.jsonl")} >= {"done", "no_match"}
    for outcome in lines_of(out / "outcomes.jsonl"):
        if outcome["status"] == "no_match":
            assert "supplier" in outcome["reason"].lower()


@pytest.mark.parametrize("policy", ["invalid", "always", "never", "sample:0.5"])
@pytest.mark.parametrize("constellation", ["p1m1m2c", "p1m1c1m2c2"])
async def test_nothing_wrong_gets_out_under_any_critic_policy(tmp_path, constellation, policy):
    out = await run(tmp_path / "run", constellation, critic=policy, mock_errors=0.3, concurrency=50, max_items=60)
    oracle(out, max_items=60)
    asked = critic_turns(out)
    assert asked["drafts"] > len(json_of(out / "matches.json"))
    assert asked["invalid"] > 10, "the mock made no mistakes: this test would show nothing"
    if policy == "never":
        assert asked["critic_on_valid"] == asked["critic_on_invalid"] == 0
    else:
        assert asked["critic_on_invalid"] == asked["invalid"]
        expected = {"invalid": (0, 0), "always": (asked["valid"],) * 2}.get(policy, (12, asked["valid"] - 12))
        assert expected[0] <= asked["critic_on_valid"] <= expected[1]
    summary = json_of(out / "summary.json")
    assert summary["critic_calls"] == asked["critic_on_valid"] + asked["critic_on_invalid"]
    assert summary["invalid_drafts"] == asked["invalid"] + asked["uncriticised_invalid"]
    assert summary["drafts"] == asked["drafts"] + asked["uncriticised"]
    assert summary["invalid_draft_rate"] == round(summary["invalid_drafts"] / summary["drafts"], 4)
    assert summary["calls"] == summary["drafts"] + summary["critic_calls"]
    assert summary["critic_skip_rate"] == skip_rate(out)


def critic_turns(out: Path) -> dict[str, int]:
    """Counts from the audit alone: drafts of steps with a critic, and those that a critic was sent next."""
    has_critic = {p["step"] for o in lines_of(out / "outcomes.jsonl") for p in o["phases"] if p["critic"] != "none"}
    talks: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for line in lines_of(out / "conversations.jsonl"):
        talks[line["record_id"], line["step"]].append(line)
    counts = dict.fromkeys(
        ("drafts", "valid", "invalid", "critic_on_valid", "critic_on_invalid", "uncriticised", "uncriticised_invalid"),
        0,
    )
    for (_, step), lines in talks.items():
        for line, after in zip(lines, [*lines[1:], None], strict=True):
            if line["kind"] != "checked":
                continue
            valid = line["content"] == "ok"
            if step not in has_critic:
                counts["uncriticised"] += 1
                counts["uncriticised_invalid"] += not valid
                continue
            counts["drafts"] += 1
            counts["valid" if valid else "invalid"] += 1
            asked = after is not None and after["kind"] == "sent" and after["agent"].startswith("critic")
            counts["critic_on_valid" if valid else "critic_on_invalid"] += asked
    return counts


def skip_rate(out: Path) -> float:
    words = [p["critic"] for o in lines_of(out / "outcomes.jsonl") for p in o["phases"] if p["critic"] != "none"]
    return round(words.count("skipped") / len(words), 4)


async def test_the_sample_is_drawn_by_record_and_seed(tmp_path):
    def sampled(out: Path) -> set[str]:
        return {
            o["record_id"]
            for o in lines_of(out / "outcomes.jsonl")
            if o["phases"][0]["critic"] in {"approved", "rejected"}
        }

    options = {"critic": "sample:0.5", "max_items": 40}
    once = await run(tmp_path / "once", concurrency=1, **options)
    again = await run(tmp_path / "again", concurrency=40, **options)
    other = await run(tmp_path / "other", seed=7, **options)
    assert final_files(once) == final_files(again)
    assert 8 <= len(sampled(once)) <= 32
    assert sampled(once) == sampled(again) != sampled(other)


async def test_the_cost_of_the_critic_is_told_apart(tmp_path):
    out = await run(tmp_path / "run", mock_errors=0.3, max_items=20, critic="always")
    summary = json_of(out / "summary.json")
    assert summary["critic"]["matches"]["approved"] == 20
    assert summary["critic_skip_rate"] == 0
    assert summary["cost"] is None


async def test_timings_have_the_columns_of_the_interface(tmp_path):
    out = await run(tmp_path / "run", max_items=5)
    with (out / "timings.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    parts = ("total", "agent_conversation", "critic", "capacity_update", "file_write")
    columns = [f"phase{n}_{part}_seconds" for n in (1, 2) for part in parts]
    assert list(rows[0]) == ["registration_id", *columns, "total_seconds"]
    assert len(rows) == 5
    for row in rows:
        seconds = {name: float(value) for name, value in row.items() if name != "registration_id"}
        assert min(seconds.values()) >= 0
        assert seconds["phase2_file_write_seconds"] > 0
        both = [seconds[f"phase{n}_total_seconds"] for n in (1, 2)]
        assert max(both) <= seconds["total_seconds"] + 0.001
        assert seconds["total_seconds"] <= sum(both) + 0.01  # phase 2 began with phase 1


class _StopAtOnce:
    """Gives a run up in the moment in which its first record was admitted, before that has done its first step."""

    def __init__(self) -> None:
        self.workflow: Workflow | None = None

    def started(self, state: RunState) -> None: ...
    def settled(self, outcome: Outcome) -> None: ...
    def finished(self) -> None: ...

    def in_flight(self, count: int) -> None:
        if count and self.workflow is not None:
            self.workflow.stop()


@pytest.mark.parametrize("concurrency", [1, 20])
async def test_a_run_given_up_as_it_begins_ends_and_can_be_resumed(tmp_path, concurrency):
    watch = _StopAtOnce()
    settings = load_settings(data=DATA, out=tmp_path / "run", mock=True, max_items=5, concurrency=concurrency)
    watch.workflow = Workflow(load_constellation("p1m1m2c"), settings, watch=watch)
    async with asyncio.timeout(20):
        report = await watch.workflow.run()
    assert report.summary.counts.not_run == 5
    out = await run(tmp_path / "run", max_items=5)
    oracle(out, max_items=5)


async def test_a_loaded_constellation_takes_other_models(tmp_path):
    loaded = load_constellation("p1m1m2c", ["critic=one"])
    report = await run_workflow(
        loaded, data=DATA, out=tmp_path / "run", mock=True, max_items=1, model=["two", "matcher1=three"]
    )
    assert dict(report.summary.run.models) == {"matcher1": "three", "critic": "two", "matcher2": "two"}
    with pytest.raises(ConfigError, match="no agent 'critik'"):
        await run_workflow(loaded, data=DATA, out=tmp_path / "run", mock=True, model="critik=x")
