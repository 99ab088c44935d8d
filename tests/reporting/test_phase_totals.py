"""The figures of a graph's phases: what units add up to, and what the constellation says of them."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from made_outcomes import facts, outcome, step

from igent.config.constellation import Resources
from igent.config.phases import EmbedSpec, ExpandSpec, MapSpec, PhaseSpec
from igent.reporting.figures import Spread, Tokens
from igent.reporting.phase_totals import PhasePlan, PhaseTotals, plans_of
from igent.reporting.summary import Counts, Summary, exit_code, summarise
from igent.reporting.totals import Totals
from igent.types import Usage

PLANS = {
    "read": PhasePlan("expand", "cpu", 4),
    "embed": PhasePlan("embed", "embedding", 2, 10),
    "talk": PhasePlan("converse", "llm"),
}
MODELS = {"matcher1": "gpt-4o-mini"}


def totals_of(models: dict[str, str] | None = None) -> PhaseTotals:
    return PhaseTotals(PLANS, MODELS if models is None else models)


def test_units_statuses_and_items():
    totals = totals_of()
    for status in ("done", "done", "no_match", "failed"):
        totals.add("talk", outcome(0, status, steps=()))
    totals.skipped("talk")
    totals.items_out("talk")
    totals.items_out("talk", 2)
    talk = totals.figures(10, 20)[0]["talk"]
    assert (talk.units, talk.done, talk.no_match, talk.failed, talk.skipped) == (5, 2, 1, 1, 1)
    assert (talk.items, talk.errors, talk.items_per_second, talk.concurrency) == (3, 1, None, 20)
    assert (talk.calls, talk.cost, talk.seconds) == (0, Decimal(0), Spread(1.0, 1.0, 1.0))


def test_steps_give_calls_tokens_and_errors():
    totals = totals_of()
    one = step(calls=3, rounds=3, invalid_drafts=2, retries=2, rate_limited=1, cached=1, recalled=1)
    totals.add("talk", outcome(steps=(one, step(usage=Usage(1, 2, estimated=True)))))
    totals.add("talk", outcome(1, "failed", steps=(step(),)))
    totals.found("embed", 7)
    figures, _ = totals.figures(10, 20)
    talk = figures["talk"]
    assert (talk.calls, talk.recalled, talk.drafts, talk.invalid_drafts) == (5, 1, 5, 2)
    assert (talk.retries, talk.errors, talk.rate_limited, talk.cache_hits) == (2, 3, 1, 1)
    assert talk.tokens == Tokens(2001, 202, estimated=True)
    assert figures["embed"].cache_hits == 7


def test_cost_is_none_as_soon_as_a_price_is_not_known():
    totals = totals_of()
    totals.add("talk", outcome(steps=(step(usage=Usage(10**6, 0)),)))
    assert totals.figures(1, 1)[0]["talk"].cost == Decimal("0.15")
    totals.add("talk", outcome(steps=(step(model="m1"),)))
    totals.add("talk", outcome())
    figures, _ = totals.figures(1, 1)
    assert figures["talk"].cost is None
    assert figures["talk"].to_json()["cost"] is None
    assert figures["read"].cost == 0


def test_mock_answers_have_no_price():
    totals = PhaseTotals(PLANS)
    totals.add("talk", outcome())
    totals.add("read", outcome(steps=()))
    figures, _ = totals.figures(1, 1)
    assert (figures["talk"].cost, figures["read"].cost) == (None, Decimal(0))


def test_speed_concurrency_and_path_are_those_of_the_spans():
    totals = totals_of()
    read = totals.begin_span("read", 1, 1)
    for number in range(4):
        totals.add_span("talk", 2 + number, 3 + number, 5 + number, read)
    totals.end_span(read, 5)
    for number in range(10):
        totals.add_span("embed", 1, 2, 3 + number / 10)
    figures, engine = totals.figures(10, 20)
    talk, embed, rest = figures["talk"], figures["embed"], figures["read"]
    assert (talk.items_per_second, talk.busy_seconds) == (0.8, 8)
    assert (talk.most_in_flight, talk.mean_in_flight, talk.concurrency) == (2, 1.6, 20)
    assert (embed.most_in_flight, embed.concurrency, embed.batch) == (1, 2, 10)
    assert embed.items_per_second == pytest.approx(10 / 1.9, abs=0.001)
    assert (talk.critical_seconds, talk.waiting, rest.critical_seconds) == (3, 1, 4)
    assert (talk.critical_share, rest.critical_share, embed.critical_share, engine) == (0.3, 0.4, 0, 0.3)


def test_an_earlier_session_counts_for_no_speed():
    totals = totals_of()
    totals.add("talk", outcome())
    totals.add_span("talk", 3, 3, 3)
    figures, engine = totals.figures(2, 20)
    assert figures["talk"].units == 1
    assert (figures["talk"].items_per_second, figures["talk"].most_in_flight, engine) == (None, 0, 1.0)


def test_a_phase_that_nobody_planned_is_counted_too():
    totals = PhaseTotals()
    totals.add("talk", outcome())
    totals.add_span("talk", 0, 1, 2)
    talk = totals.figures(2, 20)[0]["talk"]
    assert (talk.kind, talk.resource, talk.concurrency, talk.most_in_flight, talk.critical_share) == (
        "",
        "",
        None,
        1,
        1,
    )


def test_plans_are_those_of_the_constellation():
    phases = [
        MapSpec(kind="map", name="clean", step="clean"),
        ExpandSpec(kind="expand", name="read", step="read", uses="vision"),
        EmbedSpec(kind="embed", name="embed", needs=["read"], field="text", batch=32),
        PhaseSpec.model_validate({"name": "talk", "batch": 5, "agents": ["a"], "output": "o", "schema": "s"}),
    ]
    assert plans_of(phases, Resources(vision=3)) == {
        "clean": PhasePlan("map", "cpu", 4, 1),
        "read": PhasePlan("expand", "vision", 3, 1),
        "embed": PhasePlan("embed", "embedding", 4, 32),
        "talk": PhasePlan("converse", "llm", None, 5),
    }


def summary_of_graph(**changed: object) -> Summary:
    totals, phases = Totals(list(PLANS), MODELS), totals_of()
    units = [("read", outcome(0, steps=())), ("talk", outcome(1)), ("talk", outcome(2, "failed"))]
    span = -1
    for at, (phase, unit) in enumerate(units):
        totals.add(unit)
        phases.add(phase, unit)
        span = phases.add_span(phase, at, at, at + 1, span)
    phases.skipped("talk")
    return summarise(totals, facts(wall_seconds=3.0, **changed), totals.outcomes, phases)


def test_a_summary_of_a_graph_adds_up():
    summary = summary_of_graph()
    assert summary.counts == Counts(input=4, done=2, no_match=0, failed=1, not_run=0, skipped=1)
    assert exit_code(summary) == 1
    assert summary.time_shares == {"read": 0.3333, "embed": 0.0, "talk": 0.6667, "engine": 0.0}
    assert summary.bottleneck is not None
    assert (summary.bottleneck.name, summary.bottleneck.share) == ("talk", 0.6667)
    assert summary.phases is not None
    assert sum(phase.units for phase in summary.phases.values()) == summary.counts.input
    assert sum(phase.calls for phase in summary.phases.values()) == summary.calls


def test_a_summary_of_a_graph_is_read_back():
    summary = summary_of_graph()
    content = json.loads(json.dumps(summary.to_json(), allow_nan=False))
    assert content["counts"]["skipped"] == 1
    assert list(content["phases"]) == list(PLANS)
    assert content["phases"]["talk"]["tokens"] == {"input": 2000, "output": 200, "estimated": False}
    again = Summary.from_json(content)
    assert again.phases == summary.phases
    assert again.to_json() == content


def test_a_chain_has_no_phases_and_older_summaries_are_read():
    totals = Totals.of([outcome()], ("match",), MODELS)
    content = summarise(totals, facts(), 1).to_json()
    assert content["phases"] is None
    assert "skipped" not in content["counts"]
    del content["phases"]
    read = Summary.from_json(content)
    assert (read.phases, read.counts.skipped) == (None, 0)


def test_a_skipped_unit_is_no_success():
    totals = Totals([], MODELS)
    phases = totals_of()
    phases.skipped("talk")
    assert exit_code(summarise(totals, facts(), 0, phases)) == 1
    assert exit_code(summarise(totals, facts(), 0, totals_of())) == 0
