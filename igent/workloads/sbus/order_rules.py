"""The rules of sbus.md for a purchase order, by the names that constellations list."""

from __future__ import annotations

__all__ = ["order_rules"]

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from igent.types import Case, Violation
from igent.workload import Rule
from igent.workloads.sbus.model import Product, Request
from igent.workloads.sbus.numbers import cents, plain
from igent.workloads.sbus.predict import request_of, right_price
from igent.workloads.sbus.pricing import closest_row, column, price
from igent.workloads.sbus.schema import Decision, Line, PurchaseOrder
from igent.workloads.sbus.subsidies import Eligible, accepts, holding

_SHARED = tuple(Decision.model_fields)


def same_match(answer: PurchaseOrder, case: Case) -> Iterator[Violation]:
    """The order repeats the accepted match in every field that they share, but for the reasoning."""
    match = case.earlier.get("match")
    if match is None:
        return
    said = answer.model_dump(mode="json", include=set(_SHARED))
    for field in _SHARED:
        if field in match and said[field] != match[field]:
            what = f"is {said[field]!r}, but the MATCH says {match[field]!r}: copy it"
            yield Violation("same_match", field, what)


def line_prices(answer: PurchaseOrder, case: Case) -> Iterator[Violation]:
    """Rule 5: one line for each asked product type, at the closest listed quantity, in the column that holds."""
    supplier, request = case.reference.supplier(answer.supplier_id), request_of(case)
    if supplier is None:
        return
    for line in answer.lines:
        if line.product_type not in request.kinds:
            what = f"has a {line.product_type} line, but the registration asks for {request.product_type} only"
            yield Violation("line_prices", "lines", what)
    for kind in request.kinds:
        lines = [line for line in answer.lines if line.product_type == kind]
        if len(lines) == 1:
            yield from _line(lines[0], supplier.of(kind), request, answer)
        else:
            yield Violation("line_prices", "lines", f"has {len(lines)} {kind} lines; there must be exactly one")


def _line(line: Line, products: Sequence[Product], request: Request, answer: PurchaseOrder) -> Iterator[Violation]:
    field = f"lines[{line.product_type}]"
    named = [p for p in products if p.name == line.product_name]
    if not named:
        names = ", ".join(repr(p.name) for p in products) or "none"
        what = f"{answer.supplier_id} offers the {line.product_type} ProductName {names}"
        yield Violation("line_prices", f"{field}.product_name", f"is {line.product_name!r}; {what}")
        return
    if line.product_type == "Solar" and line.product_name != answer.panel_name:
        what = f"is {line.product_name!r}, but panel_name is {answer.panel_name!r}"
        yield Violation("line_prices", f"{field}.product_name", what)
    asked = request.quantity(line.product_type)
    row = closest_row(named[0], asked)
    if row is None:
        return
    if line.quantity != row.quantity:
        what = f"is {line.quantity}; {asked} are asked, and the closest listed Quantity is {row.quantity}"
        yield Violation("line_prices", f"{field}.quantity", f"{what} (a tie goes to the larger)")
    right = price(row, request)
    if line.price != right:
        where = f"{column(row, request)} of Quantity {row.quantity}"
        what = f"is {plain(line.price)}, must be {plain(right)}: the {where}, as payment_type is {request.payment}"
        yield Violation("line_prices", f"{field}.price", what)


def totals(answer: PurchaseOrder, case: Case) -> Iterator[Violation]:
    """The sums are right: product_price, loan_installment, total_subsidy, final_price."""
    request = request_of(case)
    product_price = sum((line.price for line in answer.lines), Decimal(0))
    subsidy = sum((s.amount for s in answer.eligible_subsidies), Decimal(0))
    installment = answer.product_price if request.payment == "Loan" else None
    wanted: dict[str, tuple[Decimal | None, str]] = {
        "product_price": (product_price, "the sum of the prices of the lines"),
        "loan_installment": (installment, "product_price for Loan, null for Cash"),
        "total_subsidy": (subsidy, "the sum of the amounts of eligible_subsidies"),
        "final_price": (answer.product_price - answer.total_subsidy, "product_price minus total_subsidy"),
    }
    for field, (right, source) in wanted.items():
        said = getattr(answer, field)
        if said != right:
            yield Violation("totals", field, f"is {_show(said)}, must be {_show(right)}: {source}")


def _show(value: Decimal | None) -> str:
    return "null" if value is None else str(plain(value))


def subsidies(answer: PurchaseOrder, case: Case) -> Iterator[Violation]:
    """Rule 6: only incentives that hold, each once, with the right worth; none missing whose worth is certain."""
    base = right_price(answer, case)
    left = holding(case.reference.incentives, request_of(case), case.today, base)
    judged = False
    names = ", ".join(repr(name) for name in left) or "none"
    for place, subsidy in enumerate(answer.eligible_subsidies):
        field = f"eligible_subsidies[{place}]"
        if subsidy.name not in left:
            what = f"{subsidy.name!r} is no incentive that holds here; those that do: {names}"
            yield Violation("subsidies", f"{field}.name", what)
        elif not left[subsidy.name]:
            yield Violation("subsidies", f"{field}.name", f"{subsidy.name!r} is listed once too often")
        else:
            known = left[subsidy.name].pop(0)
            judged = judged or known.amount is None
            yield from _amount(field, subsidy.amount, known, answer, base, case)
    for known in (known for rest in left.values() for known in rest if known.amount is not None):
        what = f"lacks {known.incentive.name!r} with {_worth(known, answer, base)}"
        yield Violation("subsidies", "eligible_subsidies", what)
    if judged and answer.payment_type == "Cash" and answer.total_subsidy > base:
        yield Violation(
            "subsidies", "total_subsidy", "is more than product_price: lower the amounts that you estimated"
        )


def _amount(
    field: str, said: Decimal, known: Eligible, answer: PurchaseOrder, base: Decimal, case: Case
) -> Iterator[Violation]:
    specs = known.incentive.specs
    if known.amount is not None:
        if not accepts(known.amount, said):
            what = f"is {plain(said)}, must be {_worth(known, answer, base)}"
            yield Violation("subsidies", f"{field}.amount", what)
        return
    # Of a loan, at most the price of its whole term: whether a sum is meant once or a month is not said.
    supplier = case.reference.supplier(answer.supplier_id)
    term = supplier.term_months if supplier and answer.payment_type == "Loan" else None
    most = base * (term or 1)
    if not 0 <= said <= most:
        what = f"is {plain(said)}; an amount judged from {specs!r} lies between 0 and {plain(most)}"
        yield Violation("subsidies", f"{field}.amount", what)


def _worth(known: Eligible, answer: PurchaseOrder, base: Decimal) -> str:
    month = ", a month" if answer.payment_type == "Loan" else ""
    amount = plain(cents(known.amount or Decimal(0)))
    return f"{amount}: {known.incentive.specs!r} of product_price ({plain(base)}{month})"


def order_rules() -> dict[str, Rule]:
    """The rules by name."""
    rules: list[Any] = [same_match, line_prices, totals, subsidies]
    return {rule.__name__: rule for rule in rules}
