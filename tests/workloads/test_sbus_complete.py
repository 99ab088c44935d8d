"""What an answer may leave out because it is certain; what it says wrongly stays wrong."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from sbus_kit import case_of, incentive, match_of, order_of

from igent.types import Case
from igent.validation.checker import Checker
from igent.workload import Completes
from igent.workloads.sbus.schema import PurchaseOrder
from igent.workloads.sbus.workload import RULES, WORKLOAD

ORDER = ("same_match", "line_prices", "totals", "subsidies")


def verdict(case: Case, **fields: Any) -> Any:
    value = order_of().model_dump(mode="json") | fields
    checker = Checker(PurchaseOrder, {name: RULES[name] for name in ORDER}, None, None, WORKLOAD.complete)
    return checker.verify({k: v for k, v in value.items() if v is not ...}, case)


def test_the_workload_completes():
    assert isinstance(WORKLOAD, Completes)


@pytest.mark.parametrize(
    ("specs", "amount", "final"), [("30% over the total cost", 3300, 7700), ("$500 rebate", 500, 10500)]
)
def test_a_missing_subsidy_is_added_and_the_totals_with_it(specs, amount, final):
    found = verdict(case_of(incentives=[incentive(specs=specs)]))
    assert found.ok, found.violations
    assert found.value["eligible_subsidies"] == [{"name": "Credit", "amount": amount}]
    assert (found.value["total_subsidy"], found.value["final_price"]) == (amount, final)


def test_one_of_two_is_missing():
    case = case_of(incentives=[incentive(specs="10% of the total cost"), incentive("B", specs="$100")])
    listed = [{"name": "B", "amount": 100}]
    found = verdict(case, eligible_subsidies=listed, total_subsidy=100, final_price=10900)
    assert found.ok
    assert [s["name"] for s in found.value["eligible_subsidies"]] == ["B", "Credit"]
    assert found.value["final_price"] == 9800


def test_nothing_is_added_that_does_not_hold_or_is_not_certain():
    late = incentive(**{"End date": "2025-12-31"})
    vague = incentive("V", specs="up to $2,000, by roof")
    found = verdict(case_of(incentives=[late, vague]))
    assert found.ok
    assert found.value["eligible_subsidies"] == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"total_subsidy": 5},
        {"final_price": 10000},
        {"eligible_subsidies": [{"name": "Credit", "amount": 1}], "total_subsidy": 1, "final_price": 10999},
        {"eligible_subsidies": [{"name": "Gift", "amount": 1}], "total_subsidy": 1, "final_price": 10999},
        {"product_price": 110, "final_price": 110},
    ],
)
def test_what_is_said_wrongly_is_not_mended(wrong):
    assert not verdict(case_of(incentives=[incentive()]), **wrong).ok


def test_the_matchs_reasoning_stands_in():
    match = match_of().model_dump(mode="json") | {"reasoning": "lowest use"}
    found = verdict(case_of(earlier={"match": match}), reasoning=...)
    assert found.ok
    assert found.value["reasoning"] == "lowest use"


def test_instalments_may_be_null_or_0():
    assert verdict(case_of(), loan_installment=0).value["loan_installment"] is None
    loan = case_of(Proposal_PaymentType="Loan")
    line = {**order_of().model_dump(mode="json")["lines"][0], "price": 110}
    fields = {"payment_type": "Loan", "lines": [line], "product_price": 110, "final_price": 110}
    found = verdict(loan, **fields, loan_installment=None)
    assert found.ok, found.violations
    assert found.value["loan_installment"] == 110
    assert not verdict(loan, **fields, loan_installment=90).ok
    assert not verdict(case_of(), loan_installment=90).ok
    assert verdict(case_of(), loan_installment=110).value["loan_installment"] is None  # what the offers list


@pytest.mark.parametrize(
    ("field", "value", "payment"),
    [
        ("Proposal_Financing", "Loan", "Loan"),
        ("Proposal_PaymentType", "loan, 120 months", "Loan"),
        ("Proposal_PaymentType", "Cash or Loan", "Cash"),
        ("Notes", "asked about a loan", "Cash"),
        ("Proposal_Financing", "Cash", "Cash"),
    ],
)
def test_which_registrations_say_loan(field, value, payment):
    from igent.workloads.sbus.predict import request_of

    assert request_of(case_of(**{field: value})).payment == payment


def test_no_panel_of_0_watts_is_no_panel():
    found = order_of(panel_capacity=0)
    assert found.panel_capacity is None
    assert order_of().panel_capacity == Decimal(400)
