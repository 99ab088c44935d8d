from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_outcomes import FACTS, facts, outcome, step, summary_of, timings

from igent.errors import InternalError
from igent.reporting.facts import versions
from igent.reporting.figures import Spread
from igent.reporting.summary import Counts, CriticFigures, Speculation, Summary, Tokens, exit_code
from igent.types import Usage


def test_an_empty_run():
    summary = summary_of([], FACTS, 0)
    assert summary.counts == Counts(0, 0, 0, 0, 0)
    assert summary.seconds == Spread(None, None, None)
    assert summary.phase_seconds == {"match": Spread(None, None, None), "price": Spread(None, None, None)}
    assert summary.bottleneck is None
    assert summary.cost == 0
    assert (summary.critic_skip_rate, summary.invalid_draft_rate, summary.critic) == (None, None, {})
    assert exit_code(summary) == 0


def test_one_record():
    summary = summary_of([outcome()], FACTS, 1)
    assert summary.counts == Counts(1, 1, 0, 0, 0)
    assert summary.seconds == Spread(1.0, 1.0, 1.0)
    assert summary.tokens == Tokens(1000, 100, False)
    assert summary.records_per_second == 0.25
    assert summary.bottleneck is not None
    assert (summary.bottleneck.name, summary.bottleneck.share) == ("models", 0.9)


@given(st.lists(st.sampled_from(["done", "no_match", "failed"]), max_size=20), st.integers(0, 5))
def test_counts_sum_to_the_input(statuses, rest):
    counts = summary_of([outcome(i, s) for i, s in enumerate(statuses)], FACTS, len(statuses) + rest).counts
    assert counts.done + counts.no_match + counts.failed + counts.not_run == counts.input == len(statuses) + rest
    assert counts.not_run == rest


def test_more_outcomes_than_records_is_a_bug():
    with pytest.raises(InternalError, match="2 outcomes for 1 records"):
        summary_of([outcome(0), outcome(1)], FACTS, 1)


def test_calls_and_drafts_are_summed():
    one = step(rounds=3, invalid_drafts=2, calls=5, critic_calls=2, cut=4, retries=1, rate_limited=1, recalled=3)
    two = step(step="pos", rounds=1, usage=Usage(5, 6, estimated=True), speculation="hit")
    summary = summary_of([outcome(steps=(one, two)), outcome(1, steps=(replace(two, speculation="miss"),))], FACTS, 2)
    assert (summary.calls, summary.critic_calls, summary.recalled) == (7, 2, 3)
    assert (summary.drafts, summary.invalid_drafts, summary.invalid_draft_rate) == (5, 2, 0.4)
    assert (summary.early_stops, summary.tokens_saved) == (4, None)
    assert (summary.retries, summary.rate_limited) == (1, 1)
    assert summary.tokens == Tokens(1010, 112, True)
    assert summary.speculation == Speculation(hits=1, misses=1, hit_rate=0.5, miss_rate=0.5)


def test_speculation_and_what_was_spent_in_vain():
    guessed = [step(speculation=word, wasted=Usage(10, 20)) for word in ("hit", "hit", "hit", "miss")]
    slow = step(hedged=3, wasted=Usage(500, 600, estimated=True))
    made = [outcome(i, steps=(one, slow)) for i, one in enumerate(guessed)]
    summary = summary_of(made, facts(speculation_off="too many misses"), 4)
    assert summary.speculation == Speculation(3, 1, 0.75, 0.25, Tokens(10, 20, False), "too many misses")
    assert (summary.wasted, summary.hedged) == (Tokens(2040, 2480, True), 12)
    assert summary.tokens == Tokens(8000, 800, False)
    dear = summary_of([outcome(steps=(step(wasted=Usage(10**6, 0)),))], FACTS, 1).cost
    assert dear is not None
    assert dear - (summary_of([outcome()], FACTS, 1).cost or 0) == Decimal("0.15")
    none = summary_of([outcome()], FACTS, 1)
    assert none.speculation == Speculation(0, 0, None, None, Tokens(0, 0, False), None)


def test_a_summary_of_an_earlier_version_is_read():
    content = summary_of([outcome()], FACTS, 1).to_json()
    for name in ("hedged", "wasted"):
        del content[name]
    content["speculation"] = {"hits": 1, "misses": 0}
    for name in ("requests_sent", "quota_wait_seconds", "concurrency_history", "speculation_off"):
        del content["run"][name]
    read = Summary.from_json(content)
    assert (read.hedged, read.wasted.input, read.speculation.hits, read.run.requests_sent) == (0, 0, 1, None)


def test_the_critic_is_counted_a_step_that_has_one():
    said = ["skipped", "skipped", "approved", "rejected"]
    made = [outcome(i, steps=(step(critic=word), step(step="pos"))) for i, word in enumerate(said)]
    summary = summary_of(made, FACTS, 4)
    assert summary.critic == {"matches": CriticFigures(2, 1, 1, 0.5)}
    assert summary.critic_skip_rate == 0.5


def test_all_failed():
    made = [outcome(i, "failed", takes="Acme" if i else None) for i in range(3)]
    summary = summary_of(made, FACTS, 3)
    assert (summary.counts.failed, summary.held_for_failed) == (3, 2)
    assert exit_code(summary) == 1


def test_what_was_not_run_is_no_success():
    assert exit_code(summary_of([outcome()], FACTS, 2)) == 1
    assert exit_code(summary_of([outcome(0, "no_match")], FACTS, 1)) == 0


def test_the_mock_has_no_price_and_the_unknown_none_either():
    assert summary_of([outcome()], FACTS, 1).cost is not None
    assert summary_of([outcome()], facts(mock=True), 1).cost is None
    assert summary_of([outcome(steps=(step(model="m1"),))], FACTS, 1).cost is None


def test_only_this_process_counts_for_the_speed():
    made = [outcome(i) for i in range(10)]
    assert summary_of(made, facts(resumed=8), 10).records_per_second == 0.5
    assert summary_of(made, facts(wall_seconds=0.0), 10).records_per_second is None


def test_json_and_back():
    made = [outcome(i, s, steps=(step(critic="skipped"),)) for i, s in enumerate(["done", "failed", "no_match"])]
    summary = summary_of(made, facts(limit="--max-calls 3", interrupted=True), 5)
    content = json.loads(json.dumps(summary.to_json(), allow_nan=False))
    assert content["schema_version"] == 1
    assert content["counts"] == {"input": 5, "done": 1, "no_match": 1, "failed": 1, "not_run": 2}
    assert content["seconds"] == {"p50": 2.0, "p95": 3.0, "max": 3.0}
    assert content["cost"] == 0.00063
    assert content["tokens_saved"] is None
    assert content["versions"] == dict(FACTS.versions)
    assert content["bottleneck"]["advice"]
    assert Summary.from_json({**content, "later": 1}).to_json() == content
    made_of = facts(concurrency_history=((0.0, 20, "start"),), requests_sent=7, quota_wait_seconds=1.23456)
    again = Summary.from_json(summary_of(made, made_of, 5).to_json()).run
    assert (again.concurrency_history, again.requests_sent, again.quota_wait_seconds) == (
        ((0.0, 20, "start"),),
        7,
        1.235,
    )
    assert Summary.from_json(content).run.versions == FACTS.versions


def test_credentials_and_odd_bytes_do_not_reach_the_file():
    run = summary_of([], facts(base_url="https://me:sk-secret@host:1/v1?key=sk-secret", out="runs/\udcff"), 0).to_json()
    assert run["run"]["base_url"] == "https://host:1/v1"
    json.dumps(run, ensure_ascii=False).encode("utf-8")
    assert "sk-secret" not in json.dumps(run)
    assert facts(base_url=None).to_json()["base_url"] is None
    assert facts(base_url="http://[").to_json()["base_url"] == "(not a URL)"


@pytest.mark.parametrize(
    ("parts", "changed", "name", "words"),
    [
        ((9, 9, 0, 0, 0), {}, "models", "Raise --concurrency (now 8)"),
        ((9, 9, 0, 0, 0), {"concurrency": 100}, "models", "All records were in flight"),
        ((9, 9, 8, 0, 0), {}, "critic", "--critic invalid"),
        ((9, 1, 0, 8, 0), {}, "ledger", "capacity"),
        ((9, 1, 0, 0, 8), {}, "disk", "--out"),
        ((9, 1, 0, 0, 0), {}, "engine", "--profile"),
        ((9, 1, 0, 0, 0), {"mock": True}, "engine", "--mock-latency"),
        ((9, 9, 0, 0, 0), {"mock": True}, "models", "--mock-latency"),
        ((9, 9, 0, 0, 0), {"mock": True, "mock_latency": "gpt-4o"}, "models", "Raise --concurrency"),
        ((9, 1, 0, 0, 8), {"mock": True}, "disk", "--out"),
    ],
)
def test_the_bottleneck_is_the_largest_share_with_advice(parts, changed, name, words):
    made = [outcome(i, timings=timings(match=parts), total_seconds=9.0) for i in range(20)]
    found = summary_of(made, facts(**changed), 20).bottleneck
    assert found is not None
    assert found.name == name
    assert words in found.advice
    assert "\n" not in found.advice


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"rate_limited": 1, "retries": 1}, "50% of the calls with 429"),
        ({"rounds": 2, "invalid_drafts": 1}, "50% of the drafts were invalid"),
    ],
)
def test_advice_names_what_makes_the_models_slow(changed, words):
    found = summary_of([outcome(steps=(step(**changed),))], FACTS, 1).bottleneck
    assert found is not None
    assert words in found.advice


@pytest.mark.parametrize(
    ("steps", "changed", "words"),
    [
        ([step(speculation="miss"), step(speculation="hit")], {}, "50% of the early starts were on a wrong guess"),
        ([step()], {"quota_wait_seconds": 6.0}, "limits are used to the full: calls waited 60% of the time"),
        ([step(speculation="hit")] * 9 + [step(speculation="miss")], {}, "All records were in flight"),
        ([step(speculation="miss")], {"speculation_off": "too many"}, "All records were in flight"),
        ([step()], {"quota_wait_seconds": 1.0}, "All records were in flight"),
    ],
)
def test_advice_looks_at_guesses_and_limits(steps, changed, words):
    made = outcome(steps=tuple(steps), timings=timings(match=(10, 9, 0, 0, 0)), total_seconds=10)
    found = summary_of([made], facts(**changed), 1).bottleneck
    assert found is not None
    assert words in found.advice


def test_a_critic_that_is_mostly_skipped_needs_other_advice():
    steps = (step(critic="skipped"), step(critic="skipped"), step(critic="approved"))
    found = summary_of([outcome(steps=steps, timings=timings(match=(9, 9, 9, 0, 0)), total_seconds=9.0)], FACTS, 1)
    assert found.bottleneck is not None
    assert "prompt" in found.bottleneck.advice


def test_versions_of_what_a_result_depends_on():
    assert set(versions()) == {"python", "igent", "autogen-agentchat", "openai"}
    assert versions()["autogen-agentchat"] == "0.7.5"
