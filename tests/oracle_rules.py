"""The rules of the workload `sbus` replayed by themselves: one registration at a time, exact numbers, nothing of igent.

This is the yardstick, so it reads the holes of real exports with code of its own: numbers as strings, nulls, ZIP codes
as integers. What a rule leaves open is named where it is decided.
"""

from __future__ import annotations

__all__ = ["Expectation", "Line", "Wish", "expected", "number", "start_capacity", "suppliers_of", "wish_of", "zip_of"]

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any

from oracle_subsidies import fitting

Row = Mapping[str, Any]
COLUMNS = {"Cash": ("CashPrice", "LMICashPrice"), "Loan": ("LoanInstallment", "LMILoanInstallment")}


@dataclass(frozen=True)
class Line:
    """One line of a purchase order; `price` in dollars for the whole quantity (a month's instalment for a loan)."""

    product_type: str
    product_name: str
    product_capacity: str
    quantity: int
    price: Decimal


@dataclass(frozen=True)
class Wish:
    """What one registration asks for. `problem` says why it cannot be worked on ("" when it can)."""

    registration_id: str
    campaign_name: Any
    zip_code: str
    panels: int
    batteries: int
    payment_type: str
    lmi: bool
    problem: str = ""

    @property
    def kinds(self) -> tuple[tuple[str, int], ...]:
        """(product type, quantity) of all that is asked, Solar first."""
        return tuple((kind, n) for kind, n in (("Solar", self.panels), ("Battery", self.batteries)) if n)


@dataclass(frozen=True)
class Expectation:
    """What the rules say of one registration.

    `status`: "done", "no_match", or "unusable" (a record that nobody can decide: it must not come out as done, and it
    takes no unit). `incentives` are the names of those that fit. `final_without_subsidies` equals `product_price`.
    """

    wish: Wish
    status: str
    reason: str = ""
    supplier_id: str | None = None
    lines: tuple[Line, ...] = ()
    incentives: tuple[str, ...] = ()
    tied: bool = False

    @property
    def product_type(self) -> str:
        return "+".join(kind for kind, _ in self.wish.kinds)

    @property
    def product_price(self) -> Decimal:
        return sum((line.price for line in self.lines), Decimal(0))

    @property
    def final_without_subsidies(self) -> Decimal:
        return self.product_price

    @property
    def loan_installment(self) -> Decimal | None:
        return self.product_price if self.wish.payment_type == "Loan" else None


def number(value: Any) -> Decimal | None:
    """The number in an exported field; None where there is none. Raises ValueError for text that is no number."""
    if value is None or (isinstance(value, str) and value.strip().lower() in {"", "null", "none", "n/a"}):
        return None
    try:
        found = Decimal(str(int(value)) if isinstance(value, bool) else str(value).strip().replace(",", ""))
    except InvalidOperation:
        raise ValueError(f"{value!r} is no number") from None
    if not found.is_finite():
        raise ValueError(f"{value!r} is no number")
    return found


def _count(value: Any) -> int:
    found = number(value)
    if found is None:
        return 0
    if found != int(found) or found < 0:
        raise ValueError(f"{value!r} is no count")
    return int(found)


def zip_of(value: Any) -> str:
    """A ZIP code as five digits, whether exported as text, as an integer, or as ZIP+4; "" when it is none."""
    if isinstance(value, bool) or value is None:
        return ""
    if isinstance(value, (int, float, Decimal)):
        text = str(int(value)) if value == int(value) else ""
    else:
        text = str(value).strip().split("-")[0].removesuffix(".0")
    return text.zfill(5) if text.isascii() and text.isdigit() and 3 <= len(text) <= 5 else ""


def wish_of(row: Row) -> Wish:
    """Read one registration. A count of 0 panels in the proposal counts as none given."""
    problem, panels, batteries, lmi = "", 0, 0, False
    try:
        panels = _count(row.get("Proposal_OptimalAmountOfPanels")) or _count(row.get("Product_AmountOfPanels"))
        batteries = _count(row.get("Proposal_OptimalAmountOfBatteries"))
        lmi = _truth(row.get("Contact_LowMediumIncome"))
    except ValueError as error:
        problem = str(error)
    place = zip_of(row.get("Contact_Zip"))
    if not problem and not place:
        problem = "no ZIP code"
    if not problem and not panels and not batteries:
        problem = "nothing is asked for"
    paid = [str(value) for key, value in row.items() if "payment" in key.lower() and value is not None]
    return Wish(
        registration_id=str(row.get("RegistrationNumber")),
        campaign_name=row.get("CampaignName"),
        zip_code=place,
        panels=panels,
        batteries=batteries,
        payment_type="Loan" if any("loan" in text.lower() for text in paid) else "Cash",
        lmi=lmi,
        problem=problem,
    )


def _truth(value: Any) -> bool:
    if isinstance(value, str) and value.strip().lower() in {"true", "yes", "false", "no"}:
        return value.strip().lower() in {"true", "yes"}
    return number(value) == 1


def suppliers_of(offers: Any) -> list[Row]:
    """The suppliers of an offers file, in its order."""
    return list(offers["SupplierOffers"] if isinstance(offers, Mapping) else offers)


def start_capacity(offers: Any, capacity: Any = None) -> dict[str, tuple[int, int]]:
    """(Used, Capacity) by supplier before the run: the capacity file, and the offers where it says nothing."""
    stock = {str(s["SupplierID"]): (0, _count(s.get("Capacity"))) for s in suppliers_of(offers)}
    for supplier, entry in (capacity or {}).items():
        limit = entry.get("Capacity")
        known = stock.get(str(supplier), (0, 0))[1]
        stock[str(supplier)] = (_count(entry.get("Used")), known if limit is None else _count(limit))
    return stock


def _price(supplier: Row, kind: str, asked: int, wish: Wish) -> Line | None:
    """Rule 5. Several products of one type: the closest quantity over all of them, then the product listed first."""
    rows = [
        (abs(_count(price["Quantity"]) - asked), -_count(price["Quantity"]), place, offer, price)
        for place, offer in enumerate(supplier.get("Offers") or [])
        if str(offer.get("ProductType")).strip().lower() == kind.lower()
        for price in offer.get("ProductPrices") or []
    ]
    if not rows:
        return None
    _, negative, _, offer, price = min(rows, key=lambda row: row[:3])
    plain, low = COLUMNS[wish.payment_type]
    money = (number(price.get(low)) or Decimal(0)) if wish.lmi else Decimal(0)
    if money == 0:
        money = number(price.get(plain)) or Decimal(0)
    return Line(kind, offer.get("ProductName", ""), str(offer.get("ProductCapacity", "")), -negative, money)


def _lines(supplier: Row, wish: Wish) -> tuple[Line, ...] | None:
    """The priced lines of one supplier; None when it does not offer all that is asked (rule 3)."""
    lines = [_price(supplier, kind, asked, wish) for kind, asked in wish.kinds]
    return None if None in lines else tuple(line for line in lines if line is not None)


def _decide(wish: Wish, suppliers: Sequence[Row], used: dict[str, int], limit: Mapping[str, int]) -> Expectation:
    """Rules 1 to 4; takes the unit (rule 7)."""
    if wish.problem:
        return Expectation(wish, "unusable", wish.problem)
    near = [s for s in suppliers if wish.zip_code in {zip_of(z) for z in s.get("ServiceAreas") or []}]
    if not near:
        return Expectation(wish, "no_match", "nobody serves the ZIP code")
    able = [(s, lines) for s in near if (lines := _lines(s, wish)) is not None]
    if not able:
        return Expectation(wish, "no_match", "nobody there offers what is asked")
    free = [(s, lines) for s, lines in able if used[str(s["SupplierID"])] < limit[str(s["SupplierID"])]]
    if not free:
        return Expectation(wish, "no_match", "all are full")
    shares = [Fraction(used[str(s["SupplierID"])], limit[str(s["SupplierID"])]) for s, _ in free]
    chosen, lines = free[shares.index(min(shares))]
    supplier = str(chosen["SupplierID"])
    used[supplier] += 1
    return Expectation(wish, "done", "", supplier, lines, tied=shares.count(min(shares)) > 1)


def expected(
    registrations: Sequence[Row],
    offers: Any,
    incentives: Sequence[Row] | None = None,
    capacity: Any = None,
    today: date | None = None,
) -> dict[str, Expectation]:
    """Replay all registrations in input order, each match taking one unit; by registration id (the first, if doubled).

    `today` is the run's date, for the incentives; None means the machine's date. A registration whose run failed for
    other reasons keeps its place, so this replay holds for runs with failures too.
    """
    day = today or date.today()  # noqa: DTZ011 -- the run's date is the local one
    suppliers = suppliers_of(offers)
    stock = start_capacity(offers, capacity)
    used = {supplier: pair[0] for supplier, pair in stock.items()}
    limit = {supplier: pair[1] for supplier, pair in stock.items()}
    found: dict[str, Expectation] = {}
    for row in registrations:
        wish = wish_of(row)
        if wish.registration_id in found:
            continue
        result = _decide(wish, suppliers, used, limit)
        names = tuple(fitting(incentives or [], row, wish.lmi, day)) if result.status == "done" else ()
        found[wish.registration_id] = Expectation(
            result.wish, result.status, result.reason, result.supplier_id, result.lines, names, result.tied
        )
    return found
