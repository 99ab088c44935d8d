"""What the rules expect: the answer in the form of an accepted one, and nothing where judgement is asked for."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from sbus_kit import SCENARIOS, case_of, cases, checker_of, incentive, match_of, offers_of, order_of, said, supplier

from igent.types import Case, JsonObject
from igent.workload import Expects
from igent.workloads.sbus.workload import WORKLOAD

REFUSAL = {"registration_id": "SPUS10001", "message": "NO MATCH FOUND"}
VAGUE = incentive("Vague", specs="up to $300 for each kWh")


def decided(answer: JsonObject | None) -> JsonObject:
    return {field: value for field, value in (answer or {}).items() if field not in WORKLOAD.prose}


def order(case: Case) -> JsonObject | None:
    match = WORKLOAD.expect(case, "match")
    assert match is not None
    return WORKLOAD.expect(replace(case, earlier={"match": match}), "purchase_order")


def test_the_workload_expects() -> None:
    assert isinstance(WORKLOAD, Expects)
    assert WORKLOAD.prose == {"reasoning"}


def test_a_match_is_expected_in_the_form_of_an_accepted_one() -> None:
    assert decided(WORKLOAD.expect(case_of(), "match")) == decided(match_of().model_dump(mode="json"))


def test_an_order_is_expected_in_the_form_of_an_accepted_one() -> None:
    assert decided(order(case_of())) == decided(order_of().model_dump(mode="json"))


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_what_is_expected_passes_the_checks_as_it_stands(scenario: str) -> None:
    checkers = {"match": checker_of("p1r_p2r", "matches"), "purchase_order": checker_of("p1r_p2r", "pos")}
    seen: Counter[str] = Counter()
    for case, schema in cases(scenario):
        answer = WORKLOAD.expect(case, schema)
        if answer is None:
            assert schema == "purchase_order"
            seen["left to the agent"] += 1
            continue
        verdict = checkers[schema].verify(answer, case)
        assert verdict.ok, said(verdict.violations)
        assert verdict.value == answer
        assert verdict.no_match == ("message" in answer)
        seen[schema] += 1
    assert seen["purchase_order"] > seen["left to the agent"] > 0


@pytest.mark.parametrize(
    "fields",
    [{"Contact_Zip": "12345"}, {"used": {"S1": (10, 10), "S2": (10, 10), "S3": (10, 10)}}],
    ids=["nobody serves", "all are full"],
)
def test_where_nobody_fits_the_refusal_is_expected(fields: dict[str, Any]) -> None:
    case = case_of(**fields)
    assert WORKLOAD.expect(case, "match") == REFUSAL
    assert WORKLOAD.expect(case, "purchase_order") == REFUSAL


@pytest.mark.parametrize(
    ("specs", "fields", "known"),
    [
        ("30% over the total cost", {}, True),
        ("$500 rebate", {}, True),
        ("$500 rebate", {"Proposal_PaymentType": "Loan"}, False),
        ("up to $300 for each kWh", {}, False),
        ("10% of the battery", {}, False),
    ],
)
def test_an_incentive_whose_worth_is_judged_leaves_the_order_to_the_agent(
    specs: str, fields: dict[str, Any], known: bool
) -> None:
    case = case_of(incentives=[incentive(), incentive("Other", specs=specs)], **fields)
    assert (order(case) is not None) == known
    assert (WORKLOAD.expect(case, "purchase_order") is not None) == known


def test_an_incentive_that_does_not_hold_leaves_nothing_open() -> None:
    late = {**VAGUE, "End date": "2025-12-31"}
    assert order(case_of(incentives=[late, {**VAGUE, "LMI": "TRUE"}])) is not None
    assert order(case_of(incentives=[VAGUE])) is None


def test_the_order_of_another_accepted_match_is_expected_for_that_one() -> None:
    match = match_of(supplier_id="S2", panel_name="S2 panel").model_dump(mode="json")
    found = WORKLOAD.expect(case_of(earlier={"match": match}), "purchase_order") or {}
    assert (found["supplier_id"], found["lines"][0]["product_name"]) == ("S2", "S2 panel")


def test_an_order_without_a_match_says_why_it_is_this_supplier() -> None:
    found = WORKLOAD.expect(case_of(), "purchase_order") or {}
    match = WORKLOAD.expect(case_of(), "match") or {}
    assert found["reasoning"].startswith(match["reasoning"])


def test_without_a_price_nothing_is_expected() -> None:
    case = case_of(earlier={"match": match_of().model_dump(mode="json")})
    empty = replace(case.reference.suppliers[0].products[0], rows=())
    bare = replace(case.reference.suppliers[0], products=(empty,))
    assert (
        WORKLOAD.expect(replace(case, reference=replace(case.reference, suppliers=(bare,))), "purchase_order") is None
    )
    gone = case_of(offers_of(supplier("S9", ["60601"])), earlier=dict(case.earlier))
    assert WORKLOAD.expect(gone, "purchase_order") is None


def test_of_a_schema_that_it_does_not_have_it_knows_nothing() -> None:
    assert WORKLOAD.expect(case_of(), "invoice") is None
