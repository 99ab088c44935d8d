"""The campaign's reference data and a household's request, as the rules see them; frozen, the exported form kept."""

from __future__ import annotations

__all__ = ["Incentive", "PriceRow", "Product", "ProductType", "Reference", "Request", "Supplier", "parse_request"]

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Literal

from igent.types import JsonObject
from igent.workloads.sbus.numbers import flag, whole, zip_code
from igent.workloads.sbus.places import state_names

ProductType = Literal["Solar", "Battery"]


@dataclass(frozen=True, slots=True)
class PriceRow:
    """Prices of one listed quantity, in dollars for the whole of it; 0 in an LMI column means no separate price."""

    quantity: int
    cash: Decimal
    lmi_cash: Decimal
    loan: Decimal
    lmi_loan: Decimal
    exported: JsonObject


@dataclass(frozen=True, slots=True)
class Product:
    """One product of a supplier; `capacity` in W a panel or kWh a battery, None when not given; `rows` by quantity."""

    kind: ProductType
    name: str
    capacity: Decimal | None
    rows: tuple[PriceRow, ...]
    exported: JsonObject


@dataclass(frozen=True, slots=True)
class Supplier:
    """One supplier's bid; `term_months` is the term of its loan, None when not given."""

    id: str
    capacity: int
    term_months: int | None
    areas: frozenset[str]
    products: tuple[Product, ...]
    exported: JsonObject

    def of(self, kind: str) -> list[Product]:
        """Its products of this type, in the order of the offers."""
        return [p for p in self.products if p.kind == kind]


@dataclass(frozen=True, slots=True)
class Incentive:
    """One incentive. `start` and `end` are None where open; `communities` are casefolded; `note` says why it can never
    apply (an unreadable date), "" when it can."""

    name: str
    communities: frozenset[str]
    low_income_only: bool
    specs: str
    start: date | None
    end: date | None
    note: str
    exported: JsonObject


@dataclass(frozen=True, slots=True)
class Reference:
    """All that does not change in a run: suppliers in the order of the offers, and incentives."""

    campaign_id: str
    suppliers: tuple[Supplier, ...]
    incentives: tuple[Incentive, ...] = ()

    def supplier(self, supplier_id: str) -> Supplier | None:
        """The supplier of this id, if there is one."""
        return next((s for s in self.suppliers if s.id == supplier_id), None)

    @property
    def notes(self) -> tuple[str, ...]:
        """What was read but cannot be used, for people."""
        return tuple(i.note for i in self.incentives if i.note)


@dataclass(frozen=True, slots=True)
class Request:
    """What one household asks for. `places`: the casefolded names by which a community may mean it."""

    id: str
    campaign: str
    zip: str
    panels: int
    batteries: int
    payment: Literal["Cash", "Loan"]
    low_income: bool
    places: frozenset[str]

    @property
    def kinds(self) -> tuple[ProductType, ...]:
        """The asked product types, Solar first."""
        asked: list[ProductType] = []
        if self.panels:
            asked.append("Solar")
        if self.batteries:
            asked.append("Battery")
        return tuple(asked)

    @property
    def product_type(self) -> str:
        """ "Solar", "Battery" or "Solar+Battery"."""
        return "+".join(self.kinds)

    def quantity(self, kind: str) -> int:
        """How many of this type are asked."""
        return self.panels if kind == "Solar" else self.batteries


def parse_request(data: Mapping[str, Any]) -> tuple[Request, list[str]]:
    """Read a registration as exported, and what is wrong with it (each with its remedy); tolerant of sbus.md's holes.

    Panels are `Proposal_OptimalAmountOfPanels`, or `Product_AmountOfPanels` where that is null or 0 (rule 3).
    """
    wrong: list[str] = []
    panels = _amount(data, "Proposal_OptimalAmountOfPanels", wrong) or _amount(data, "Product_AmountOfPanels", wrong)
    batteries = _amount(data, "Proposal_OptimalAmountOfBatteries", wrong)
    zip_ = zip_code(data.get("Contact_Zip"))
    low_income = flag(data.get("Contact_LowMediumIncome"))
    number = _text(data.get("RegistrationNumber"))
    if not number:
        wrong.append("it has no RegistrationNumber: give it one, such as SPUS10001")
    elif any("\ud800" <= character <= "\udfff" for character in number):  # no file and no schema takes it
        wrong.append("its RegistrationNumber has half a character (a lone surrogate): export it again")
        number = ""
    if zip_ is None:
        wrong.append(_zip_problem(data.get("Contact_Zip")))
    if low_income is None:
        wrong.append(f"Contact_LowMediumIncome is {data['Contact_LowMediumIncome']!r}: write 0 or 1")
    if not wrong and not panels and not batteries:
        wrong.append(
            "it asks for neither panels nor batteries: fill Proposal_OptimalAmountOfPanels, Product_AmountOfPanels "
            "or Proposal_OptimalAmountOfBatteries"
        )
    campaign = _text(data.get("CampaignName"))
    places = {zip_ or "", campaign.casefold(), _text(data.get("Contact_Utility")).casefold()}
    places |= state_names(_text(data.get("Contact_state")))
    request = Request(
        number, campaign, zip_ or "", panels, batteries, _payment(data), bool(low_income), frozenset(places - {""})
    )
    return request, wrong


def _text(value: Any) -> str:
    return "" if value is None or isinstance(value, bool | dict | list) else str(value).strip()


def _zip_problem(value: Any) -> str:
    if value is None or value == "":
        return "it has no Contact_Zip: give its ZIP code of five digits"
    return f"Contact_Zip {value!r} is no ZIP code: write five digits"


def _amount(data: Mapping[str, Any], field: str, wrong: list[str]) -> int:
    value = data.get(field)
    if value is None or (isinstance(value, str) and value.strip().casefold() in {"", "null", "none"}):
        return 0
    found = whole(value)
    if found is None or found < 0:
        wrong.append(f"{field} is {value!r}: write a whole number, 0 or more, or null")
        return 0
    return found


def _payment(data: Mapping[str, Any]) -> Literal["Cash", "Loan"]:
    """Cash unless the registration says Loan (rule 5): a payment field that says so and does not say cash, or any field
    whose whole value is Loan."""
    for field, value in data.items():
        said = value.strip().casefold() if isinstance(value, str) else ""
        if said == "loan" or ("payment" in field.casefold() and "loan" in said and "cash" not in said):
            return "Loan"
    return "Cash"
