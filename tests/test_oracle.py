"""The oracle's replay of the rules against cases computed by hand."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from oracle_rules import Expectation, expected, zip_of
from oracle_subsidies import right_amount

TODAY = date(2026, 6, 1)
NOW = "2020-01-01"


def price(quantity: int, cash: int, low: int = 0, loan: int = 0, low_loan: int = 0) -> dict[str, Any]:
    return {
        "Quantity": quantity,
        "CashPrice": cash,
        "LMICashPrice": low,
        "LoanInstallment": loan,
        "LMILoanInstallment": low_loan,
    }


def supplier(name: str, capacity: int, zips: list[Any], battery: bool = True) -> dict[str, Any]:
    solar = [price(8, 8000, 7000, 80, 70), price(10, 10000, 0, 100, 0), price(12, 12000, 9000, 120, 90)]
    offers = [{"ProductType": "Solar", "ProductName": f"P-{name}", "ProductCapacity": "400", "ProductPrices": solar}]
    if battery:
        rows = [price(1, 9000, 0, 90), price(2, 17000, 15000, 170, 150)]
        offers.append(
            {"ProductType": "Battery", "ProductName": f"B-{name}", "ProductCapacity": "13.5", "ProductPrices": rows}
        )
    return {"SupplierID": name, "Capacity": capacity, "ServiceAreas": zips, "Offers": offers}


def household(number: int, **fields: Any) -> dict[str, Any]:
    row = {
        "RegistrationNumber": f"SPUS{number:05d}",
        "CampaignName": "Test",
        "Contact_Zip": "90001",
        "Contact_state": "CA",
        "Product_AmountOfPanels": None,
        "Proposal_OptimalAmountOfPanels": 10,
        "Contact_LowMediumIncome": 0,
        "Proposal_OptimalAmountOfBatteries": "0",
    }
    return {**row, **fields}


OFFERS = {
    "CampaignID": "C",
    "SupplierOffers": [
        supplier("A", 2, ["90001", "90002"]),
        supplier("B", 4, ["90001", 90003]),
        supplier("C", 3, ["90001", "02139"], battery=False),
    ],
}


def one(**fields: Any) -> Expectation:
    return expected([household(1, **fields)], OFFERS, today=TODAY)["SPUS00001"]


def test_lowest_share_wins_and_the_first_of_a_tie() -> None:
    found = expected([household(i) for i in range(10)], OFFERS, today=TODAY).values()
    # Shares before each: 000 A; 1/2,0,0 B; 1/2,1/4,0 C; then 1/2,1/4,1/3 B; 1/2,1/2,1/3 C; A on the tie at 1/2; then
    # A is full: B 1/2, C 2/3: B; B 3/4, C 2/3: C; B 3/4: B; all full.
    assert [e.supplier_id for e in found] == ["A", "B", "C", "B", "C", "A", "B", "C", "B", None]
    last = list(found)[-1]
    assert (last.status, last.reason) == ("no_match", "all are full")


@pytest.mark.parametrize(
    ("place", "want"),
    [("90002", "A"), (90002, "A"), ("90003", "B"), ("02139", "C"), (2139, "C"), ("02139-1234", "C"), ("99999", None)],
)
def test_zip_codes(place: Any, want: str | None) -> None:
    assert one(Contact_Zip=place).supplier_id == want


def test_a_supplier_without_batteries_is_passed_over() -> None:
    rows = [household(i, Proposal_OptimalAmountOfBatteries="1") for i in range(3)]
    assert [e.supplier_id for e in expected(rows, OFFERS, today=TODAY).values()] == ["A", "B", "B"]
    assert one(Contact_Zip="02139", Proposal_OptimalAmountOfBatteries="1").status == "no_match"


@pytest.mark.parametrize(
    ("fields", "lines"),
    [
        ({}, [("Solar", 10, 10000)]),
        ({"Proposal_OptimalAmountOfPanels": "9"}, [("Solar", 10, 10000)]),
        ({"Proposal_OptimalAmountOfPanels": 3}, [("Solar", 8, 8000)]),
        ({"Proposal_OptimalAmountOfPanels": 50}, [("Solar", 12, 12000)]),
        ({"Proposal_OptimalAmountOfPanels": None, "Product_AmountOfPanels": "12"}, [("Solar", 12, 12000)]),
        ({"Contact_LowMediumIncome": "1", "Proposal_OptimalAmountOfPanels": 12}, [("Solar", 12, 9000)]),
        ({"Contact_LowMediumIncome": 1}, [("Solar", 10, 10000)]),
        ({"Pref_PaymentMethod": "Loan"}, [("Solar", 10, 100)]),
        (
            {"Pref_PaymentMethod": "loan", "Contact_LowMediumIncome": 1, "Proposal_OptimalAmountOfPanels": 8},
            [("Solar", 8, 70)],
        ),
        ({"Proposal_OptimalAmountOfPanels": None, "Proposal_OptimalAmountOfBatteries": 1}, [("Battery", 1, 9000)]),
        (
            {"Proposal_OptimalAmountOfBatteries": "2", "Contact_LowMediumIncome": 1},
            [("Solar", 10, 10000), ("Battery", 2, 15000)],
        ),
    ],
)
def test_prices(fields: dict[str, Any], lines: list[tuple[str, int, int]]) -> None:
    found = one(**fields)
    assert [(e.product_type, e.quantity, e.price) for e in found.lines] == lines
    assert found.product_price == found.final_without_subsidies == sum(line[2] for line in lines)
    assert found.loan_installment == (found.product_price if "Pref_PaymentMethod" in fields else None)


@pytest.mark.parametrize(
    "fields",
    [
        {"Contact_Zip": None},
        {"Contact_Zip": "here"},
        {"Proposal_OptimalAmountOfPanels": "many"},
        {"Proposal_OptimalAmountOfPanels": None},
    ],
)
def test_unusable_records_take_nothing(fields: dict[str, Any]) -> None:
    rows = [household(1, **fields), household(2)]
    first, second = expected(rows, OFFERS, today=TODAY).values()
    assert (first.status, second.supplier_id) == ("unusable", "A")


def test_start_capacity_comes_from_the_file() -> None:
    stock = {"A": {"SupplierID": "A", "Capacity": 2, "Used": 2}, "B": {"SupplierID": "B", "Capacity": 4, "Used": 3}}
    found = expected([household(i) for i in range(5)], OFFERS, capacity=stock, today=TODAY).values()
    assert [e.supplier_id for e in found] == ["C", "C", "C", "B", None]
    assert zip_of(True) == ""


def incentive(name: str, specs: str, **fields: str) -> dict[str, str]:
    row = {"Incentive name": name, "Applicable community": "ALL", "LMI": "FALSE", "Incentive specs": specs}
    return {**row, "Start date": NOW, "End date": "No end date", **fields}


def test_incentives_by_date_place_and_income() -> None:
    rows = [
        incentive("on", "30% over the total cost"),
        incentive("past", "30%", **{"End date": "2026-05-31"}),
        incentive("last day", "30%", **{"End date": "06/01/2026"}),
        incentive("future", "30%", **{"Start date": "June 2, 2026"}),
        incentive("low", "30%", LMI="TRUE"),
        incentive("here", "30%", **{"Applicable community": "California"}),
        incentive("there", "30%", **{"Applicable community": "Nevada"}),
    ]
    plain, low = (
        expected([household(1, Contact_LowMediumIncome=i)], OFFERS, rows, today=TODAY)["SPUS00001"] for i in (0, 1)
    )
    assert plain.incentives == ("on", "last day", "here")
    assert low.incentives == ("on", "last day", "low", "here")


@pytest.mark.parametrize(
    ("specs", "amount", "right"),
    [
        ("12.5% over the total cost", "1256.38", True),
        ("12.5% over the total cost", "1256.37", True),
        ("12.5% over the total cost", "1256", True),
        ("12.5% over the total cost", "1257", False),
        ("12.5% over the total cost", "1256.375", False),
        ("12.5% over the total cost", "1256.39", False),
        ("$500 or 10%, up to the cost", "500", True),
        ("10% of the battery", "5", True),
        ("10% of the total", "5", False),
    ],
)
def test_subsidy_amounts(specs: str, amount: str, right: bool) -> None:
    assert right_amount(incentive("i", specs), Decimal(amount), Decimal(10051), [Decimal(50)]) is right
