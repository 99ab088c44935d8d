"""Rules 1 to 4 of sbus.md, each with cases computed by hand, and what their messages tell a model."""

from __future__ import annotations

from typing import Any

import pytest
from sbus_kit import BATTERY, SOLAR, case_of, match_of, offers_of, row, said, supplier

from igent.types import Case
from igent.workloads.sbus.predict import expected_match
from igent.workloads.sbus.workload import RULES, WORKLOAD

TIE = {"S1": (3, 10), "S2": (6, 20), "S3": (30, 100)}


def violated(rule: str, case: Case, **fields: Any) -> str:
    return said(RULES[rule](match_of(**fields), case))


def test_every_rule_passes_the_right_answer() -> None:
    case = case_of()
    for rule in RULES:
        if rule not in ("line_prices", "totals", "subsidies", "same_match"):
            assert violated(rule, case) == ""


@pytest.mark.parametrize("field", ["registration_id", "campaign_name"])
def test_the_answer_is_about_this_registration(field: str) -> None:
    text = violated("registration", case_of(), **{field: "else"})
    assert text.startswith(f"{field}: is 'else', but the ")
    assert violated("registration", case_of(), zip_code="60602") != ""


def test_zip_forms_agree_after_normalising() -> None:
    case = case_of(Contact_Zip="60601-1234")
    assert violated("registration", case, zip_code="60601") == ""
    assert violated("served_area", case) == ""


def test_without_a_campaign_name_the_campaign_id_counts() -> None:
    assert violated("registration", case_of(CampaignName=None), campaign_name="C1") == ""


def test_rule_1_names_who_serves() -> None:
    text = violated("served_area", case_of(Contact_Zip="60602"), supplier_id="S1")
    assert text == "supplier_id: S1 does not serve ZIP 60602; possible are: S2"
    assert "is no SupplierID of the OFFERS" in violated("served_area", case_of(), supplier_id="S9")


def test_rule_1_says_no_match_when_nobody_serves() -> None:
    text = violated("served_area", case_of(Contact_Zip="99999"), supplier_id="S1")
    assert "NO MATCH FOUND" in text


def test_rule_2_a_full_supplier() -> None:
    case = case_of(used={"S1": (10, 10)})
    text = violated("free_capacity", case)
    assert text == "supplier_id: S1 is full (Used 10 of Capacity 10); possible are: S2, S3"
    assert violated("free_capacity", case_of(used={"S1": (9, 10)})) == ""
    assert violated("free_capacity", case_of(used={"S1": (0, 0)})) != ""


def test_rule_3_what_is_asked_is_offered() -> None:
    both = {"Proposal_OptimalAmountOfBatteries": "1"}
    text = violated("offers_product", case_of(**both), supplier_id="S3")
    assert text == "supplier_id: S3 does not offer Battery, and Solar+Battery is asked; possible are: S1, S2"
    assert violated("offers_product", case_of(), supplier_id="S3") == ""


def test_rule_4_names_the_less_used_one() -> None:
    text = violated("lowest_use", case_of(used={"S1": (7, 20), "S2": (8, 20), "S3": (9, 20)}), supplier_id="S2")
    assert text == (
        "supplier_id: S2 has Used/Capacity 8/20; S1 has only Used/Capacity 7/20 and also serves 60601 with Solar"
    )


def test_rule_4_is_exact_where_rounded_shares_are_equal() -> None:
    # 333/1000 and 334/1000 are both 0.33 to two places.
    case = case_of(used={"S1": (334, 1000), "S2": (333, 1000), "S3": (1, 2)})
    assert WORKLOAD.predict(case) == "S2"
    assert violated("lowest_use", case, supplier_id="S1") != ""
    # A difference that a binary float cannot hold.
    far = 10**17
    assert WORKLOAD.predict(case_of(used={"S1": (far + 1, 3 * far), "S2": (far, 3 * far), "S3": (1, 2)})) == "S2"


def test_rule_4_a_tie_goes_to_the_first_in_the_offers() -> None:
    case = case_of(used=TIE)
    assert WORKLOAD.predict(case) == "S1"
    assert violated("lowest_use", case, supplier_id="S1") == ""
    assert "S3 and S1 are tied" in violated("lowest_use", case, supplier_id="S3")


def test_rule_4_looks_only_at_those_that_pass_rules_1_to_3() -> None:
    asked = {"Proposal_OptimalAmountOfBatteries": "1"}
    case = case_of(used={"S1": (9, 10), "S2": (10, 10), "S3": (0, 10)}, **asked)
    assert WORKLOAD.predict(case) == "S1"
    assert violated("lowest_use", case) == ""
    assert violated("lowest_use", case, supplier_id="S2") == ""  # rule 2 speaks of it


@pytest.mark.parametrize(
    ("field", "wrong", "message"),
    [
        ("num_panels", 12, "num_panels: is 12, must be 10"),
        ("num_batteries", 1, "num_batteries: is 1, must be 0"),
        ("product_type", "Battery", "product_type: is 'Battery', must be 'Solar'"),
        ("payment_type", "Loan", "payment_type: is 'Loan', must be 'Cash'"),
    ],
)
def test_what_is_matched_is_what_was_asked(field: str, wrong: Any, message: str) -> None:
    assert violated("quantities", case_of(), **{field: wrong}).startswith(message)


def test_a_loan_must_be_answered_as_a_loan() -> None:
    case = case_of(Proposal_PaymentType="Loan")
    assert "must be 'Loan'" in violated("quantities", case)
    assert violated("quantities", case, payment_type="Loan") == ""


def test_the_panel_is_one_of_that_suppliers() -> None:
    assert "'S1 panel'" in violated("product", case_of(), panel_name="S2 panel")
    assert "is null; the ProductCapacity" in violated("product", case_of(), panel_capacity=None)
    assert "is 410; the ProductCapacity of 'S1 panel' is 400" in violated("product", case_of(), panel_capacity="410 W")


def test_no_panels_asked_means_no_panel_named() -> None:
    case = case_of(Proposal_OptimalAmountOfPanels=None, Proposal_OptimalAmountOfBatteries="1")
    assert violated("product", case, panel_name=None, panel_capacity=None) == ""
    assert len(violated("product", case).splitlines()) == 2


def test_any_panel_of_the_supplier_will_do_and_the_closest_listed_is_expected() -> None:
    one = supplier("S1", ["60601"], solar=[row(8, 100), row(30, 300)])
    more = {"ProductType": "Solar", "ProductName": "Other", "ProductCapacity": 430.5, "ProductPrices": [row(40, 400)]}
    one["Offers"].append(more)
    for asked, name in ((36, "Other"), (8, "S1 panel"), (35, "Other"), (34, "S1 panel")):
        expected = expected_match(case_of(offers_of(one), Proposal_OptimalAmountOfPanels=asked))
        assert expected is not None
        assert expected["panel_name"] == name
    case = case_of(offers_of(one))
    assert violated("product", case, panel_name="Other", panel_capacity=430.5) == ""


def test_a_refusal_is_confirmed_only_where_nobody_fits() -> None:
    against = said(WORKLOAD.confirm_refusal(case_of(used={"S1": (10, 10)})))
    assert "S2 has Used/Capacity 0/10; S3 has Used/Capacity 0/10" in against
    assert not list(WORKLOAD.confirm_refusal(case_of(Contact_Zip="12345")))
    assert WORKLOAD.refusal("match") is not None


def test_an_order_is_refused_only_where_nobody_was_matched() -> None:
    assert WORKLOAD.refusal("purchase_order") is WORKLOAD.refusal("match")
    match = match_of().model_dump(mode="json")
    against = said(WORKLOAD.confirm_refusal(case_of(Contact_Zip="12345", earlier={"match": match})))
    assert "S1 has been matched; write the order" in against


def test_the_reason_says_which_rule_left_nobody() -> None:
    full = {"S1": (10, 10), "S2": (10, 10), "S3": (10, 10)}
    assert WORKLOAD.refusal_reason(case_of(Contact_Zip="12345")) == "No supplier serves ZIP 12345."
    assert WORKLOAD.refusal_reason(case_of(used=full)) == "All suppliers that serve ZIP 60601 are full (S1, S2, S3)."
    asked = {"Proposal_OptimalAmountOfBatteries": "1"}
    assert WORKLOAD.refusal_reason(case_of(Contact_Zip="60603", **asked)) == (
        "No supplier that serves ZIP 60603 offers Solar+Battery (S3)."
    )
    assert WORKLOAD.refusal_reason(case_of(used=full, **asked)) == (
        "All suppliers that serve ZIP 60601 and offer Solar+Battery are full (S1, S2)."
    )


def test_the_unit_is_the_reserved_field() -> None:
    assert WORKLOAD.unit({"supplier_id": "S1"}, "supplier_id") == "S1"
    assert WORKLOAD.unit({"message": "NO MATCH FOUND"}, "supplier_id") is None


def test_battery_suppliers_need_no_panels() -> None:
    only = offers_of(supplier("S1", ["60601"], battery=BATTERY), supplier("S2", ["60601"], solar=SOLAR))
    case = case_of(only, Proposal_OptimalAmountOfPanels=None, Proposal_OptimalAmountOfBatteries="1")
    expected = expected_match(case)
    assert expected is not None
    assert (expected["supplier_id"], expected["product_type"], expected["panel_name"]) == ("S1", "Battery", None)
