"""What a cascade and the cache spared, in calls, money and seconds."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from made_outcomes import FACTS, outcome, step, summary_of

from igent.outcome import CheaperUse, StepReport
from igent.reporting.cost import price
from igent.reporting.figures import Tokens, total_cost
from igent.reporting.savings import CacheSavings, CascadeSavings, Savings, SavingsTotals
from igent.reporting.summary import Summary
from igent.reporting.table import render, summary_table
from igent.reporting.totals import Totals
from igent.types import Usage

STRONG, CHEAP = "gpt-4o", "gpt-4o-mini"
MODELS = {"matcher1": STRONG}


def cheap(
    accepted: bool, seconds: float = 1.0, tokens: tuple[int, int] = (1000, 100), model: str = CHEAP
) -> CheaperUse:
    return CheaperUse(model, 1, *tokens, seconds, accepted)


def accepted(seconds: float = 1.0, **changed: Any) -> StepReport:
    return step(model=CHEAP, usage=Usage(1000, 100), cascade=(cheap(True, seconds),), **changed)


def passed_on(own_seconds: float = 4.0, **changed: Any) -> StepReport:
    return step(
        model=STRONG,
        usage=Usage(2000, 200),
        calls=2,
        cascade=(cheap(False),),
        **{"own_drafts": 1, "own_seconds": own_seconds, **changed},
    )


def savings_of(*steps: StepReport, models: Any = MODELS) -> Savings | None:
    totals = SavingsTotals(models)
    for one in steps:
        totals.add(one)
    return totals.savings()


def cascade_of(*steps: StepReport, models: Any = MODELS) -> CascadeSavings:
    savings = savings_of(*steps, models=models)
    assert savings is not None
    assert savings.cascade is not None
    return savings.cascade


def cost_of(model: str, tokens: tuple[int, int] = (1000, 100)) -> Decimal:
    found = price(Usage(*tokens), model)
    assert found
    return found


def test_nothing_is_said_where_there_was_neither():
    assert savings_of(step(), step()) is None
    assert summary_of([outcome(0)], FACTS, 1).savings is None


def test_an_accepted_draft_spares_the_difference_of_the_prices_and_one_passed_on_costs_its_own():
    found = cascade_of(accepted(), accepted(), passed_on())
    assert (found.calls, found.accepted, found.passed_on) == (3, 2, 1)
    assert found.cost == 2 * (cost_of(STRONG) - cost_of(CHEAP)) - cost_of(CHEAP)
    assert found.cost > 0


def test_it_may_cost_more_than_it_spares():
    found = cascade_of(passed_on(own_seconds=0.1), accepted(seconds=3.0))
    assert found.seconds == pytest.approx(0.1 - 1.0 - 3.0)
    assert cascade_of(passed_on()).cost == -cost_of(CHEAP)
    assert cascade_of(passed_on()).seconds == pytest.approx(-1.0)


def test_seconds_are_those_of_the_own_model_in_this_run():
    found = cascade_of(accepted(0.5), passed_on(4.0), passed_on(6.0, own_drafts=3))
    assert found.seconds == pytest.approx(10.0 / 4 - (0.5 + 1.0 + 1.0))
    assert cascade_of(accepted()).seconds is None


def test_each_step_has_its_own_measure():
    other = replace(accepted(), step="prices")
    assert cascade_of(passed_on(), other).seconds is None
    slow = replace(passed_on(10.0), step="prices")
    assert cascade_of(passed_on(2.0), accepted(), slow, other).seconds == pytest.approx(2.0 + 10.0 - 4.0)


@pytest.mark.parametrize(
    ("steps", "models"),
    [
        ([accepted()], None),
        ([accepted()], {"matcher1": "no-such-model"}),
        ([accepted()], {}),
        ([step(cascade=(cheap(False, model="no-such-model"),)), accepted()], MODELS),
    ],
)
def test_an_unknown_price_is_not_zero(steps, models):
    assert cascade_of(*steps, models=models).cost is None


def test_the_cheaper_models_are_paid_at_their_own_prices():
    steps = [accepted(), passed_on(critic_model="gpt-4.1", critic_calls=1, critic_input_tokens=500)]
    expected = 2 * cost_of(CHEAP) + cost_of(STRONG, (500, 100)) + cost_of("gpt-4.1", (500, 0))
    assert total_cost(steps, MODELS, None) == expected
    assert total_cost([step(cascade=(cheap(False, model="no-such-model"),))], MODELS, None) is None


def test_the_cache_spares_calls_and_tokens():
    cached = step(cached=1, calls=0, usage=Usage(0, 0), saved_input_tokens=800, saved_output_tokens=90)
    of_a_batch = step(cached=1, calls=0, usage=Usage(0, 0))
    found = savings_of(cached, of_a_batch, step())
    assert found == Savings(None, CacheSavings(2, Tokens(800, 90, estimated=False)))
    totals = Totals.of([outcome(0, steps=(cached, of_a_batch))], ("match",))
    assert totals.counts["calls"] == 0


def test_the_summary_and_the_table_tell_of_both():
    facts = replace(FACTS, models=MODELS)
    cached = step(cached=1, model=STRONG, usage=Usage(0, 0), saved_input_tokens=800, saved_output_tokens=90)
    summary = summary_of([outcome(n, steps=(s,)) for n, s in enumerate([accepted(), passed_on(), cached])], facts, 3)
    content = json.loads(json.dumps(summary.to_json()))
    assert content["savings"]["cascade"]["accepted"] == 1
    assert content["savings"]["cascade"]["seconds"] == 2.0
    assert content["savings"]["cache"]["tokens"] == {"input": 800, "output": 90, "estimated": False}
    assert Summary.from_json(content).savings.cascade.cost == Decimal(str(content["savings"]["cascade"]["cost"]))
    shown = table_of(summary)
    assert "2 calls of cheaper models: accepted 1, passed on 1" in shown
    assert " saved, 2.00 s saved" in shown
    assert "answered 1, tokens saved: 800 in, 90 out" in shown
    lost = summary_of([outcome(0, steps=(passed_on(),))], facts, 1)
    assert "lost, 1.00 s lost" in table_of(lost)
    assert "cascade" not in table_of(summary_of([outcome(0)], facts, 1))


def table_of(summary: Summary) -> str:
    stream = StringIO()
    render(summary_table(summary), stream)
    return stream.getvalue()
