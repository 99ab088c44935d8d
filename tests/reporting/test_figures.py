from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st
from made_outcomes import step

from igent.reporting.figures import Spread, rate, spread, total_cost
from igent.types import Usage


def test_percentiles_are_by_the_nearest_rank():
    assert spread(range(1, 101)) == Spread(50, 95, 100)
    assert spread([3, 1, 2]) == Spread(2, 3, 3)
    assert spread([1, 2]) == Spread(1, 2, 2)
    assert spread([0.12345678]) == Spread(0.123457, 0.123457, 0.123457)
    assert spread([]) == Spread(None, None, None)


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=60))
def test_a_percentile_is_a_measured_value_that_p_percent_do_not_exceed(values):
    found = spread(values)
    for percent, value in ((50, found.p50), (95, found.p95)):
        assert value in values
        assert sum(v <= value for v in values) * 100 >= percent * len(values)
        assert sum(v < value for v in values) * 100 < percent * len(values)
    assert found.max == max(values)


def test_a_rate_of_nothing_is_none():
    assert rate(0, 0) is None
    assert rate(1, 3) == 0.3333


MINI, FULL = Decimal("0.15"), Decimal("2.5")


def test_the_cost_of_one_model():
    assert total_cost([step(usage=Usage(1_000_000, 0))] * 2, {}, None) == 2 * MINI
    assert total_cost([], {}, None) == 0


def test_the_critic_has_its_own_price():
    made = step(
        usage=Usage(2_000_000, 0), critic="approved", critic_calls=1, critic_model="gpt-4o", critic_input_tokens=10**6
    )
    assert total_cost([made], {"a": "gpt-4o-mini", "b": "gpt-4o"}, None) == MINI + FULL


def test_an_untold_critic_among_several_models_has_no_known_price():
    made = step(critic="approved", critic_calls=1)
    assert total_cost([made], {"a": "gpt-4o-mini", "b": "gpt-4o"}, None) is None
    assert total_cost([made], {"a": "gpt-4o-mini", "b": "gpt-4o-mini"}, None) is not None


def test_one_unknown_price_makes_the_whole_unknown():
    assert total_cost([step(), step(model="m1")], {}, None) is None
    assert total_cost([step(), step(model="m1", usage=Usage())], {}, None) is not None
    assert total_cost([step()], {}, "http://127.0.0.1:1/v1") is None


def test_what_was_wasted_has_the_price_of_its_model():
    wasted = Usage(1_000_000, 0)
    assert total_cost([step(usage=Usage(1_000_000, 0), wasted=wasted)], {}, None) == 2 * MINI
    assert total_cost([step(usage=Usage(), wasted=wasted, model="m1")], {}, None) is None


def test_what_was_wasted_before_a_rule_answered_has_the_price_of_the_agents_if_they_share_one():
    made = step(model="", usage=Usage(), wasted=Usage(1_000_000, 0))
    assert total_cost([made], {"a": "gpt-4o", "b": "gpt-4o"}, None) == FULL
    assert total_cost([made], {"a": "gpt-4o", "b": "gpt-4o-mini"}, None) is None
    assert total_cost([step(model="", usage=Usage())], {"a": "gpt-4o", "b": "gpt-4o-mini"}, None) == 0
