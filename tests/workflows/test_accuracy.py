"""Records are judged by what the workload expects, whatever their constellation checked."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from e2e_support import DATA

from igent import Outcome, load_constellation, run_workflow
from igent.clock import SYSTEM_CLOCK
from igent.types import Case
from igent.workflows.accuracy import accuracy, run_date
from igent.workflows.constellation import Constellation
from igent.workflows.inputs import find_scenario, read_scenario
from igent.workload import Dataset, Workload
from igent.workloads.sbus.workload import WORKLOAD

EVERY = ("p1m1m2c", "p1m1c1m2c2", "p1m", "p1r_p2r", "p1m1m2c_fast")


def dataset(constellation: Constellation, scenario: str = "overlap_only") -> Dataset:
    files = find_scenario(constellation.places, constellation.workload, DATA, scenario)
    return asyncio.run(read_scenario(constellation.workload, files))


def ran(constellation: Constellation | str, out: Path, **given: Any) -> Sequence[Outcome]:
    options = {"data": DATA, "scenario": "overlap_only", "mock": True, "concurrency": 50, **given}
    return list(asyncio.run(run_workflow(constellation, out=out, **options)).outcomes)


@pytest.mark.parametrize("name", EVERY)
def test_what_follows_the_rules_is_right(tmp_path, name):
    loaded = load_constellation(name)
    outcomes = ran(name, tmp_path / "run", scenario="no_battery")
    assert {outcome.status for outcome in outcomes} == {"done", "no_match"}
    assert accuracy(loaded, dataset(loaded, "no_battery"), outcomes, run_date(tmp_path / "run", date.min)) == 1.0


def test_a_constellation_that_checks_nothing_is_judged_all_the_same(tmp_path):
    loaded = load_constellation("p1m1_p2m2")
    phases = [
        p.model_copy(update={"steps": [s.model_copy(update={"rules": []}) for s in p.steps]})
        for p in loaded.spec.phases
    ]
    lax = replace(loaded, spec=loaded.spec.model_copy(update={"phases": phases}))
    outcomes = ran(lax, tmp_path / "run", mock_errors=0.5, max_items=40)
    assert sum(outcome.status == "done" for outcome in outcomes) > 30
    found = accuracy(lax, dataset(lax), outcomes, SYSTEM_CLOCK.today())
    assert found is not None
    assert 0 < found < 0.9


@pytest.fixture(scope="module")
def right(tmp_path_factory: pytest.TempPathFactory) -> tuple[Constellation, Dataset, list[Outcome]]:
    """Ten records that came out right."""
    loaded = load_constellation("p1m1m2c")
    return loaded, dataset(loaded), list(ran("p1m1m2c", tmp_path_factory.mktemp("right") / "run", max_items=10))


def judged(right: Any, index: int, **changes: Any) -> float | None:
    loaded, data, outcomes = right
    changed = [*outcomes[:index], replace(outcomes[index], **changes), *outcomes[index + 1 :]]
    return accuracy(loaded, data, changed, SYSTEM_CLOCK.today())


def outputs(right: Any, index: int, output: str, **fields: Any) -> dict[str, Any]:
    found = dict(right[2][index].outputs)
    return {**found, output: {**found[output], **fields}}


@pytest.mark.parametrize(
    ("output", "fields"),
    [
        ("matches", {"num_panels": 99}),
        ("pos", {"final_price": 1}),
        ("pos", {"lines": []}),
        ("pos", {"final_price": "x"}),
    ],
)
def test_a_wrong_field_is_a_wrong_record(right, output, fields):
    assert judged(right, 9, outputs=outputs(right, 9, output, **fields)) == 0.9


def test_a_failed_record_is_wrong_and_so_is_one_without_an_output(right):
    assert judged(right, 9, status="failed", outputs={}) == 0.9
    assert judged(right, 9, outputs={"matches": right[2][9].outputs["matches"]}) == 0.9


def test_nobody_fits_is_right_only_where_it_is_expected(right):
    assert judged(right, 9, status="no_match", outputs={}, takes=None) == 0.9


def test_words_and_the_order_of_lists_decide_nothing(right):
    record = next(i for i, o in enumerate(right[2]) if len(o.outputs["pos"]["eligible_subsidies"]) > 1)
    turned = right[2][record].outputs["pos"]["eligible_subsidies"][::-1]
    changed = outputs(right, record, "pos", reasoning="because", eligible_subsidies=turned)
    assert judged(right, record, outputs=changed) == 1.0


def test_later_records_are_judged_by_what_was_taken_before_them(right):
    _, data, outcomes = right
    others = sorted(set(data.capacity) - {outcomes[0].takes})
    found = judged(right, 0, takes=others[0])
    assert found is not None
    assert found < 1.0


def test_records_that_cannot_be_used_do_not_count(right):
    loaded, data, outcomes = right
    records = [replace(data.records[0], problem="no ZIP code"), *data.records[1:]]
    failed = replace(outcomes[0], status="failed", cause="input", outputs={})
    kept = replace(data, records=records)
    assert accuracy(loaded, kept, [failed, *outcomes[1:]], SYSTEM_CLOCK.today()) == 1.0
    assert accuracy(loaded, kept, [failed], SYSTEM_CLOCK.today()) is None


def test_without_expectations_accuracy_is_not_known(right):
    loaded, data, outcomes = right
    members = [*Workload.__annotations__, *(name for name in vars(Workload) if not name.startswith("_"))]
    mute: Any = SimpleNamespace(**{name: getattr(WORKLOAD, name) for name in members})
    assert accuracy(replace(loaded, workload=mute), data, outcomes, SYSTEM_CLOCK.today()) is None


def test_where_the_rules_do_not_decide_every_rule_is_asked(right):
    """Records with an incentive of no certain worth: nothing is expected of their orders."""
    _, data, outcomes = right
    open_ones = [i for i, o in enumerate(outcomes) if undecided(data, o)]
    assert open_ones, "the data decide everything: this test would show nothing"
    price = outcomes[open_ones[-1]].outputs["pos"]["final_price"]
    assert judged(right, open_ones[-1], outputs=outputs(right, open_ones[-1], "pos", final_price=price + 1)) == 0.9


def undecided(data: Dataset, outcome: Outcome) -> bool:
    earlier = {"match": outcome.outputs["matches"]}
    case = Case(data.records[outcome.index], data.reference, data.capacity, SYSTEM_CLOCK.today(), earlier)
    return WORKLOAD.expect(case, "purchase_order") is None
