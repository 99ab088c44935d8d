"""The slice of the data that a prompt shows."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from sbus_kit import SOLAR, TODAY, case_of, incentive, match_of, offers_of, shipped, supplier

from igent.errors import ConfigError
from igent.types import Case, Stock
from igent.workloads.sbus.predict import expected_match
from igent.workloads.sbus.workload import WORKLOAD


def test_a_match_sees_only_who_serves_what_is_asked_at_the_closest_quantity() -> None:
    case = case_of(Contact_Zip="60602", used={"S2": (1, 3)})
    blocks = WORKLOAD.blocks(case, "match")
    assert list(blocks) == ["OFFERS", "REGISTRATION", "CAPACITY"]
    assert blocks["OFFERS"] == {
        "CampaignID": "C1",
        "SupplierOffers": [
            {
                "SupplierID": "S2",
                "Capacity": 10,
                "InterestRate": 6.5,
                "LoanTermMonths": 120,
                "ServiceAreas": ["60602"],
                "Offers": [
                    {
                        "ProductType": "Solar",
                        "ProductName": "S2 panel",
                        "ProductCapacity": "400",
                        "ProductPrices": [SOLAR[1]],
                    }
                ],
            }
        ],
    }
    assert blocks["REGISTRATION"] == case.record.data
    assert blocks["CAPACITY"] == {"S2": {"Capacity": 3, "Used": 1, "UsedPct": 0.33}}


def test_capacity_is_shown_as_it_will_be() -> None:
    case = replace(case_of(), view={"S1": Stock(4, 3), "S2": Stock(4, 4), "S3": Stock(0, 0)})
    shown = WORKLOAD.blocks(case, "match")["CAPACITY"]
    assert shown["S1"] == {"Capacity": 4, "Used": 3, "UsedPct": 0.75}
    assert list(shown) == ["S1", "S2", "S3"]


def test_the_zip_code_is_written_as_the_offers_write_it() -> None:
    shown = WORKLOAD.blocks(case_of(Contact_Zip=60601), "match")
    assert shown["REGISTRATION"]["Contact_Zip"] == "60601"
    assert all(s["ServiceAreas"] == ["60601"] for s in shown["OFFERS"]["SupplierOffers"])


def test_nobody_serves_and_the_slice_says_so() -> None:
    shown = WORKLOAD.blocks(case_of(Contact_Zip="12345"), "match")
    assert shown["OFFERS"]["SupplierOffers"] == []
    assert shown["CAPACITY"] == {}


def test_an_order_sees_the_matched_supplier_and_the_incentives_that_hold() -> None:
    match = match_of(supplier_id="S2", panel_name="S2 panel").model_dump(mode="json")
    incentives = [incentive(), incentive("Late", **{"End date": "2025-01-01"}), incentive("Poor", LMI="TRUE")]
    case = case_of(incentives=incentives, earlier={"match": match})
    blocks = WORKLOAD.blocks(case, "purchase_order")
    assert list(blocks) == ["OFFERS", "INCENTIVES", "REGISTRATION", "MATCH"]
    assert [s["SupplierID"] for s in blocks["OFFERS"]["SupplierOffers"]] == ["S2"]
    assert blocks["INCENTIVES"] == incentives[:1]
    assert blocks["MATCH"] == {field: value for field, value in match.items() if field != "reasoning"}


def test_what_an_order_sees_does_not_depend_on_how_the_match_was_put() -> None:
    match = match_of().model_dump(mode="json")
    cases = [case_of(earlier={"match": match | {"reasoning": words}}) for words in ("as predicted", "as answered")]
    assert WORKLOAD.blocks(cases[0], "purchase_order") == WORKLOAD.blocks(cases[1], "purchase_order")
    other = case_of(earlier={"match": match | {"supplier_id": "S2", "panel_name": "S2 panel"}})
    assert WORKLOAD.blocks(other, "purchase_order") != WORKLOAD.blocks(cases[0], "purchase_order")


def test_an_order_without_a_match_sees_what_both_need() -> None:
    case = case_of(incentives=[incentive(), incentive("Poor", LMI="TRUE")], used={"S2": (1, 3)})
    blocks = WORKLOAD.blocks(case, "purchase_order")
    assert list(blocks) == ["OFFERS", "INCENTIVES", "REGISTRATION", "CAPACITY"]
    assert blocks["INCENTIVES"] == [incentive()]
    assert {name: blocks[name] for name in ("OFFERS", "REGISTRATION", "CAPACITY")} == WORKLOAD.blocks(case, "match")


def test_an_order_sees_only_the_matched_panel() -> None:
    one = supplier("S1", ["60601"], solar=SOLAR)
    one["Offers"].append({**one["Offers"][0], "ProductName": "Other"})
    match = match_of(panel_name="Other").model_dump(mode="json")
    shown = WORKLOAD.blocks(case_of(offers_of(one), earlier={"match": match}), "purchase_order")
    assert [p["ProductName"] for p in shown["OFFERS"]["SupplierOffers"][0]["Offers"]] == ["Other"]


def test_an_unknown_schema_is_named() -> None:
    with pytest.raises(ConfigError, match="match, purchase_order"):
        WORKLOAD.blocks(case_of(), "invoice")


@pytest.mark.parametrize("scenario", ["full_dataset", "overlap_only", "no_battery"])
def test_the_slice_of_36_kb_of_offers_is_under_2_kb(scenario: str) -> None:
    dataset = shipped(scenario)
    sizes = []
    for record in dataset.records:
        case = Case(record, dataset.reference, dataset.capacity, TODAY)
        match = expected_match(case)
        asked = {"match": case}
        if match is not None:
            asked["purchase_order"] = replace(case, earlier={"match": match})
        for schema, shown in asked.items():
            blocks = WORKLOAD.blocks(shown, schema)
            assert _size(blocks["OFFERS"]) < 2048
            sizes.append(_size(blocks))
    assert sum(sizes) / len(sizes) < 2048
    assert max(sizes) < 2600


def _size(value: object) -> int:
    return len(json.dumps(value, separators=(",", ":")).encode())
