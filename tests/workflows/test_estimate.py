"""What a run is expected to need, against what it then does need."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from e2e_support import DATA

from igent import ConfigError, load_constellation, run_workflow
from igent.config.settings import load_settings
from igent.models.pace import Pace
from igent.reporting.cost import price
from igent.reporting.forecast import Forecast, Range
from igent.types import Usage
from igent.workflows.api import estimate_workflow
from igent.workflows.estimate import estimate
from igent.workflows.pathway import Talk, seconds_of, talk
from igent.workflows.phase import Phase
from igent.workflows.size import StepSize, short_of
from igent.workflows.wiring import build_phases
from igent.workload import Workload
from igent.workloads.sbus.short import ShortOrder
from igent.workloads.sbus.workload import WORKLOAD

EVERY = ("p1m1m2c", "p1m1_p2m2", "p1m1c1_p2m2c2", "p1m1c1m2c2", "p1m", "p1r_p2r", "p1m1m2c_fast")


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "IGENT_BASE_URL", "IGENT_API_KEY", "IGENT_MODEL"):
        monkeypatch.delenv(name, raising=False)


def forecast(constellation: Any = "p1m1m2c", **given: Any) -> Forecast:
    loaded = load_constellation(constellation) if isinstance(constellation, str) else constellation
    return asyncio.run(estimate(loaded, load_settings(data=DATA, **{"scenario": "overlap_only", **given})))


def ran(constellation: str = "p1m1m2c", **given: Any) -> Any:
    options = {"data": DATA, "mock": True, "out": "ran", "scenario": "overlap_only", **given}
    return asyncio.run(run_workflow(constellation, **options))


@pytest.mark.parametrize("scenario", ["overlap_only", "no_battery"])
@pytest.mark.parametrize("constellation", EVERY)
def test_a_run_without_repairs_is_foretold(constellation, scenario):
    told = forecast(constellation, scenario=scenario, mock=True)
    report = ran(constellation, scenario=scenario)
    assert told.calls.low == report.summary.calls
    assert told.input_tokens.low == pytest.approx(report.summary.tokens.input, rel=0.01)
    # The mock's words are fewer than a model's, and answers that the rules leave open are guessed.
    assert 0.9 < told.output_tokens.low / report.summary.tokens.output < 1.6
    assert (told.records, told.no_match) == (report.summary.counts.input, report.no_match)


@pytest.mark.parametrize("policy", ["always", "invalid", "never", "sample:0.3"])
def test_critics_are_asked_by_their_policy(policy):
    told = forecast(critic=policy, max_items=40, mock=True)
    report = ran(critic=policy, max_items=40)
    critic = next(agent for agent in told.agents if agent.agent == "critic")
    assert critic.calls.low == report.summary.critic_calls
    assert critic.input_tokens.low == sum(step.critic_input_tokens for o in report.outcomes for step in o.steps)
    assert critic.calls.high == {"always": 80, "invalid": 40, "never": 0}.get(policy, critic.calls.low + 40)


def test_each_draft_refused_once_takes_one_more_round():
    told = forecast(max_items=10)
    assert told.calls == Range(20, 50)  # of each of 10 records: 2 matchers twice, and the critic on the first draft
    assert told.calls.expected == 23
    for agent in told.agents:
        assert agent.calls.low <= agent.calls.expected <= agent.calls.high
    assert told.input_tokens.high > 2 * told.input_tokens.low


def test_of_a_step_with_one_round_none_more_is_expected():
    loaded = load_constellation("p1m1_p2m2")
    phases = [
        p.model_copy(update={"steps": [s.model_copy(update={"max_rounds": 1}) for s in p.steps]})
        for p in loaded.spec.phases
    ]
    told = forecast(replace(loaded, spec=loaded.spec.model_copy(update={"phases": phases})), max_items=5)
    assert told.calls == Range(10, 10)


def test_the_rules_cost_nothing_where_they_decide():
    told = forecast("p1r_p2r")
    assert 0 < told.calls.low < 100
    assert next(agent for agent in told.agents if agent.agent == "matcher1").calls == Range(0, 0)
    assert told.record_seconds == Range(0.0, 0.0)  # the median record needs no model


def test_cost_is_that_of_the_tokens_at_the_models_prices():
    told = forecast(load_constellation("p1m1m2c", ["critic=gpt-4o-mini"]), max_items=3)
    assert told.cost is not None
    own = [price(Usage(a.input_tokens.high, a.output_tokens.high), a.model) for a in told.agents]
    assert told.cost.high == sum(own, Decimal(0))  # type: ignore[arg-type]
    assert [agent.model for agent in told.agents] == ["gpt-4o", "gpt-4o-mini", "gpt-4o"]


def test_an_unknown_price_is_no_price():
    told = forecast(load_constellation("p1m1m2c", ["matcher2=zork-1"]), max_items=3)
    assert told.cost is None
    assert [agent.cost is None for agent in told.agents] == [False, False, True]
    assert any("zork-1 is not known" in note for note in told.notes)
    with pytest.raises(ConfigError, match="--max-cost 2: the price of zork-1 is not known"):
        forecast(load_constellation("p1m1m2c", ["matcher2=zork-1"]), max_items=3, max_cost="2")


def test_limits_that_will_not_do_are_told():
    assert forecast(max_items=10, max_calls=50).notes == forecast(max_items=10).notes
    assert "--max-calls 30 may end" in forecast(max_items=10, max_calls=30).notes[-1]
    assert "--max-calls 19 will end" in forecast(max_items=10, max_calls=19).notes[-1]
    assert "--max-cost 0.01 will end" in forecast(max_items=10, max_cost="0.01").notes[-1]


@pytest.mark.parametrize(
    ("constellation", "speculate", "calls_in_a_row"),
    [("p1m1_p2m2", "auto", 1), ("p1m1_p2m2", "off", 2), ("p1m1c1m2c2", "auto", 2), ("p1m", "auto", 1)],
)
def test_seconds_are_those_of_the_longest_chain(constellation, speculate, calls_in_a_row):
    told = forecast(constellation, mock=True, mock_latency="ttft=1,itl=0", speculate=speculate, concurrency=10)
    assert told.record_seconds.low == calls_in_a_row
    assert told.seconds.low == calls_in_a_row * 100 / 10


def test_the_providers_limits_stretch_a_run():
    loaded = load_constellation("p1m1_p2m2")
    limits = loaded.spec.run.limits.model_copy(update={"requests_per_minute": 60.0})
    run = loaded.spec.run.model_copy(update={"limits": limits})
    told = forecast(replace(loaded, spec=loaded.spec.model_copy(update={"run": run})), concurrency=100)
    assert told.seconds.low == 200


def test_instant_answers_take_no_time():
    told = forecast(mock=True)
    assert told.seconds == Range(0.0, 0.0)
    assert told.cost is None


def mute() -> Any:
    """The workload sbus as one that expects nothing and shortens nothing."""
    members = [*Workload.__annotations__, *(name for name in vars(Workload) if not name.startswith("_"))]
    return SimpleNamespace(**{name: getattr(WORKLOAD, name) for name in members})


def test_without_expected_answers_their_length_is_guessed():
    told = forecast(replace(load_constellation("p1m1m2c"), workload=mute()), mock=True)
    report = ran()
    assert told.calls.low == report.summary.calls
    assert 0.5 < told.input_tokens.low / report.summary.tokens.input < 1.5
    assert 0.4 < told.output_tokens.low / report.summary.tokens.output < 2
    assert any("expects no answers" in note for note in told.notes)


def test_what_is_settled_is_not_counted_again():
    ran(max_items=30, scenario="no_battery")
    told = forecast(scenario="no_battery", out="ran", mock=True)
    rest = ran(scenario="no_battery")
    assert (told.settled, told.records) == (30, 11)
    assert told.calls.low == sum(step.calls for o in list(rest.outcomes)[30:] for step in o.steps)
    assert forecast(scenario="no_battery", out="ran", mock=True).records == 0
    assert forecast(scenario="no_battery", out="ran", mock=True, fresh=True).records == 41


def phase(start: Any) -> Phase:
    return Phase("p", start, [])


@pytest.mark.parametrize(
    ("start", "known", "early", "seconds"),
    [
        ("settled", True, True, 5 + 4),
        ("streamed", True, True, 3 + 4),
        ("predicted", True, True, 5),
        ("predicted", False, True, 3 + 4),
        ("predicted", True, False, 5 + 4),
    ],
)
def test_phases_that_start_early_run_beside_the_one_before(start, known, early, seconds):
    """The first phase has its draft after 3 s, and a critic until 5 s; the second one takes 4 s."""
    talks = [(phase("settled"), [Talk([], 3.0, 5.0)]), (phase(start), [Talk([], 4.0, 4.0)])]
    assert seconds_of(talks, [known, True], early=early) == seconds


def test_a_phase_after_one_that_started_early_waits_for_it():
    talks = [(phase(start), [Talk([], 2.0, 2.0)]) for start in ("settled", "predicted", "predicted")]
    assert seconds_of(talks, [True, True, True], early=True) == 4.0


def test_a_second_round_is_told_what_was_said_before():
    step = build_phases(load_constellation("p1m1m2c"), load_settings())[0].steps[0]
    size = StepSize(step, 100, 10, (30, 40), (200, 210), 5, ruled=False, known=True)
    pace = Pace(1.0, 0.1)
    once = talk(size, 1, "R1", 0, pace)
    assert once.calls == [("matcher1", 100, 10)]
    assert once.drafted == once.seconds == pytest.approx(1.9)
    twice = talk(size, 2, "R1", 0, pace)
    assert twice.calls == [("matcher1", 100, 10), ("critic", 210, 5), ("matcher1", 100 + 10 + 40, 10)]
    assert twice.seconds == pytest.approx(1.9 + 1.4 + 1.9)


def test_a_short_answer_holds_what_its_model_names():
    full = {"lines": [{"product_type": "Solar", "price": 5, "quantity": 3}], "final_price": 5, "reasoning": "so"}
    assert short_of(full, ShortOrder) == {"lines": [{"product_type": "Solar", "price": 5}], "reasoning": "so"}


def test_an_expected_number_is_rounded_up_and_money_is_not():
    assert Range(0, 1).expected == 1
    assert Range(Decimal(0), Decimal(1)).expected == Decimal("0.1")
    assert Range(1, 1).shown(str) == "1"
    assert Range(10, 20).shown(str) == "11 (10 to 20)"


async def test_the_python_interface_takes_the_options_of_a_run():
    told = await estimate_workflow("p1m1m2c", data=str(DATA), max_items=4, mock=True, model="gpt-4o-mini", out="run")
    assert (told.calls.low, told.out, told.mock) == (8, "run", True)
    assert {agent.model for agent in told.agents} == {"gpt-4o-mini"}
    with pytest.raises(ConfigError, match="--concurency"):
        await estimate_workflow("p1m1m2c", concurency=4)
