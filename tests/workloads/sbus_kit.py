"""Small campaigns for the tests of the workload sbus: every number in them can be checked by hand."""

from __future__ import annotations

__all__ = [
    "BATTERY",
    "DATA",
    "SCENARIOS",
    "SOLAR",
    "TODAY",
    "case_of",
    "cases",
    "checker_of",
    "default_offers",
    "documents",
    "household",
    "incentive",
    "match_of",
    "offers_of",
    "order_of",
    "row",
    "said",
    "shipped",
    "supplier",
]

import copy
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from igent.config.load import read_constellation
from igent.config.locate import find_constellation
from igent.types import Case, Stock
from igent.validation.checker import Checker
from igent.workload import Dataset, Document
from igent.workloads.sbus.schema import Match, PurchaseOrder
from igent.workloads.sbus.workload import RULES, WORKLOAD

TODAY = date(2026, 11, 23)
SCENARIOS = ("full_dataset", "overlap_only", "no_battery")
DATA = Path(__file__).parents[2] / "data" / "sbus"


def row(quantity: int, cash: int, lmi: int = 0, loan: int = 0, lmi_loan: int = 0) -> dict[str, Any]:
    return {
        "Quantity": quantity,
        "CashPrice": cash,
        "LMICashPrice": lmi,
        "LoanInstallment": loan or cash // 100,
        "LMILoanInstallment": lmi_loan,
    }


def supplier(
    name: str, zips: list[Any], *, solar: Any = None, battery: Any = None, capacity: int = 10
) -> dict[str, Any]:
    products = []
    if solar is not None:
        products.append(
            {"ProductType": "Solar", "ProductName": f"{name} panel", "ProductCapacity": "400", "ProductPrices": solar}
        )
    if battery is not None:
        products.append(
            {"ProductType": "Battery", "ProductName": f"{name} box", "ProductCapacity": "10", "ProductPrices": battery}
        )
    # Copied, so that a test that spoils its offers spoils nobody else's.
    return {
        "SupplierID": name,
        "Capacity": capacity,
        "InterestRate": 6.5,
        "LoanTermMonths": 120,
        "ServiceAreas": zips,
        "Offers": copy.deepcopy(products),
    }


SOLAR = [row(8, 9000, 8000, 90, 80), row(10, 11000, 0, 110, 0), row(20, 20000, 18500, 200, 185)]
BATTERY = [row(1, 5000, 4500, 50, 45), row(2, 9500, 0, 95, 0)]


def offers_of(*suppliers: dict[str, Any]) -> dict[str, Any]:
    return {"CampaignID": "C1", "SupplierOffers": list(suppliers)}


def default_offers() -> dict[str, Any]:
    """S1 and S2 serve 60601 and sell both; S3 serves it and sells panels only; S2 alone serves 60602."""
    return offers_of(
        supplier("S1", ["60601"], solar=SOLAR, battery=BATTERY),
        supplier("S2", ["60601", "60602"], solar=SOLAR, battery=BATTERY),
        supplier("S3", ["60601", "60603"], solar=SOLAR),
    )


def household(**fields: Any) -> dict[str, Any]:
    return {
        "RegistrationNumber": "SPUS10001",
        "CampaignName": "C1",
        "Contact_Zip": "60601",
        "Contact_state": "IL",
        "Product_AmountOfPanels": None,
        "Proposal_OptimalAmountOfPanels": 10,
        "Contact_LowMediumIncome": 0,
        "Contact_Utility": "Lakeline Electric",
        "Proposal_OptimalAmountOfBatteries": "0",
    } | fields


def documents(registrations: Any, offers: Any = None, **others: Any) -> dict[str, Document]:
    lines = {index: index + 2 for index in range(len(registrations))} if isinstance(registrations, list) else {}
    found = {
        "registrations": Document("registrations.json", registrations, lines),
        "offers": Document("offers.json", offers or default_offers(), {"CampaignID": 2, "SupplierOffers": 3}),
    }
    for key, value in others.items():
        keys = value if isinstance(value, dict) else range(len(value))
        found[key] = Document(f"{key}.json", value, {name: place + 2 for place, name in enumerate(keys)})
    return found


def case_of(
    offers: Any = None,
    incentives: list[Any] | None = None,
    used: dict[str, tuple[int, int]] | None = None,
    earlier: dict[str, Any] | None = None,
    **fields: Any,
) -> Case:
    """A case of one household; `used` is (used, capacity) by supplier."""
    dataset = WORKLOAD.open(documents([household(**fields)], offers, incentives=incentives or []))
    view = dict(dataset.capacity)
    view |= {name: Stock(capacity, taken) for name, (taken, capacity) in (used or {}).items()}
    return Case(dataset.records[0], dataset.reference, view, TODAY, earlier or {})


def match_of(**fields: Any) -> Match:
    return Match.model_validate(
        {
            "registration_id": "SPUS10001",
            "campaign_name": "C1",
            "supplier_id": "S1",
            "zip_code": "60601",
            "num_panels": 10,
            "num_batteries": 0,
            "payment_type": "Cash",
            "product_type": "Solar",
            "panel_name": "S1 panel",
            "panel_capacity": 400,
            "reasoning": "because",
        }
        | fields
    )


def order_of(**fields: Any) -> PurchaseOrder:
    """The right order of the default household at S1: 10 panels, 11,000 dollars, no subsidy."""
    return PurchaseOrder.model_validate(
        match_of().model_dump(mode="json")
        | {
            "lines": [{"product_type": "Solar", "product_name": "S1 panel", "quantity": 10, "price": 11000}],
            "product_price": 11000,
            "loan_installment": None,
            "eligible_subsidies": [],
            "total_subsidy": 0,
            "final_price": 11000,
        }
        | fields
    )


def incentive(name: str = "Credit", place: str = "ALL", specs: str = "30% over the total cost", **more: Any) -> Any:
    return {
        "Incentive name": name,
        "Applicable community": place,
        "Incentive source": "State",
        "LMI": "FALSE",
        "Incentive specs": specs,
        "Start date": "2026-01-01",
        "End date": "No end date",
    } | more


def shipped(scenario: str) -> Dataset:
    """A shipped scenario, opened."""
    named = YAML(typ="safe", pure=True).load(DATA / "scenarios" / f"{scenario}.yaml")
    return WORKLOAD.open(
        {
            key: Document(path, json.loads((DATA / path).read_text(encoding="utf-8")))
            for key, path in named.items()
            if key not in ("name", "description")
        }
    )


def cases(scenario: str) -> Iterator[tuple[Case, str]]:
    """Every case of a scenario in order, one record at a time, each match taking its unit: (case, schema)."""
    dataset = shipped(scenario)
    view = dict(dataset.capacity)
    for record in dataset.records:
        case = Case(record, dataset.reference, view, TODAY)
        yield case, "match"
        answer = WORKLOAD.expect(case, "match")
        if answer is not None and "message" not in answer:
            yield replace(case, earlier={"match": answer}), "purchase_order"
            stock = view[answer["supplier_id"]]
            view = {**view, answer["supplier_id"]: Stock(stock.capacity, stock.used + 1)}


def checker_of(constellation: str, output: str) -> Checker:
    """The checks of one step of a shipped constellation, as the engine makes them."""
    steps = read_constellation(find_constellation(constellation)).spec.steps()
    step = next(step for _, step in steps if step.output == output)
    schema = step.schema_name
    return Checker(
        WORKLOAD.schemas[schema],
        {name: RULES[name] for name in step.rules},
        WORKLOAD.refusal(schema),
        WORKLOAD.confirm_refusal,
        WORKLOAD.complete,
        WORKLOAD.short[schema] if step.answer == "short" else None,
        partial(WORKLOAD.expand, schema=schema),
    )


def said(violations: Any) -> str:
    return "\n".join(str(v) for v in violations)
