"""The sums of a run: the same in any order, and no outcome is kept."""

from __future__ import annotations

import gc
import tracemalloc
import weakref
from decimal import Decimal
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_outcomes import FACTS, facts, outcome, step, summary_of, timings

from igent.reporting.figures import SHARES
from igent.reporting.totals import Totals
from igent.types import Usage


def shares(made):
    return dict(summary_of(made, FACTS, len(made)).time_shares)


def test_a_refused_input_took_no_time_and_is_left_out():
    totals = Totals.of([outcome(1), outcome(timings={}, total_seconds=0.0)], ["match"])
    assert list(totals.seconds) == [2.0]
    assert totals.outcomes == 2


def test_shares_divide_the_whole_time():
    made = outcome(timings=timings(match=(10, 6, 2, 1, 1), price=(5, 4, 0, 0, 0)), total_seconds=20)
    assert shares([made]) == {"models": 0.4, "critic": 0.1, "ledger": 0.05, "disk": 0.05, "engine": 0.4}


def test_phases_side_by_side_do_not_make_negative_shares():
    made = outcome(timings=timings(match=(10, 10, 0, 0, 0), price=(10, 10, 0, 0, 0)), total_seconds=10)
    assert shares([made])["models"] == 1.0


@given(st.lists(st.tuples(*[st.floats(0, 100)] * 6), max_size=8))
def test_shares_are_fractions_that_sum_to_1(rows):
    found = shares([outcome(timings=timings(match=row[:5]), total_seconds=row[5]) for row in rows])
    assert tuple(found) == SHARES
    assert all(0 <= value <= 1 for value in found.values())
    assert sum(found.values()) == pytest.approx(1.0, abs=0.001) or not any(found.values())


def test_shares_of_nothing_are_0():
    assert set(shares([]).values()) == {0.0}


def test_the_order_of_the_outcomes_does_not_matter():
    random = Random(3)
    made = [
        outcome(
            index,
            random.choice(["done", "no_match", "failed"]),
            steps=tuple(
                step(
                    step=name,
                    critic=random.choice(["skipped", "approved", "rejected"]),
                    usage=Usage(random.randrange(2000), random.randrange(300)),
                    speculation=random.choice(["hit", "miss", "none"]),
                    wasted=Usage(random.randrange(99), 1),
                )
                for name in ("matches", "pos")
            ),
            timings=timings(match=tuple(random.random() for _ in range(5)), price=(0.5, 0.4, 0.1, 0, 0)),
            total_seconds=random.random() * 9,
        )
        for index in range(200)
    ]
    first = summary_of(made, FACTS, 200).to_json()
    random.shuffle(made)
    assert summary_of(made, FACTS, 200).to_json() == first


def test_a_phase_that_the_constellation_does_not_name_is_counted_too():
    totals = Totals.of([outcome(timings=timings(later=(3, 1, 0, 0, 0)))], ["match"])
    assert {phase: list(seconds) for phase, seconds in totals.phase_seconds.items()} == {"match": [], "later": [3.0]}


def test_the_mock_is_not_priced_and_one_unknown_price_ends_the_pricing():
    known, unknown = outcome(), outcome(1, steps=(step(model="m1"),))
    models = {"a": "gpt-4o-mini"}
    assert Totals.of([known, known], ["match"], models).cost == 2 * Decimal("0.00021")
    assert Totals.of([known, unknown, known], ["match"], models).cost is None
    assert Totals.of([known], ["match"]).cost is None
    assert summary_of([known], facts(mock=True), 1).cost is None


def test_what_was_spent_in_vain_is_told_by_why():
    steps = (
        step(speculation="hit", wasted=Usage(1, 2)),
        step(speculation="miss", wasted=Usage(30, 40, estimated=True)),
        step(hedged=2, wasted=Usage(500, 600)),
    )
    totals = Totals.of([outcome(steps=steps)], ["match"])
    assert totals.wasted == Usage(531, 642, estimated=True)
    assert totals.missed == Usage(30, 40, estimated=True)
    assert totals.counts["hedged"] == 2


def test_no_outcome_is_kept_and_a_record_takes_some_bytes():
    class Watched(str):
        __slots__ = ("__weakref__",)

    totals = Totals(["match"])
    made = outcome(record_id=Watched("REG-0000"))
    gone = weakref.ref(made.record_id)
    totals.add(made)
    tracemalloc.start()
    try:
        for _ in range(3_000):
            totals.add(made)
        assert tracemalloc.get_traced_memory()[0] < 40 * 3_000
    finally:
        tracemalloc.stop()
    del made
    gc.collect()
    assert gone() is None
