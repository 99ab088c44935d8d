"""Rule 5 of sbus.md: the price of the closest listed quantity, in the column of the payment type.

Where a supplier has several products of a type, any of them is right; the expected one lists the closest quantity."""

from __future__ import annotations

__all__ = ["closest_product", "closest_row", "column", "price"]

from bisect import bisect_left
from collections.abc import Sequence
from decimal import Decimal

from igent.workloads.sbus.model import PriceRow, Product, Request


def closest_row(product: Product, quantity: int) -> PriceRow | None:
    """The row of the closest listed quantity; a tie goes to the larger. None when the product lists none."""
    rows = product.rows
    at = bisect_left(rows, quantity, key=lambda row: row.quantity)
    near = rows[max(0, at - 1) : at + 1]
    return min(near, key=lambda row: (abs(row.quantity - quantity), -row.quantity), default=None)


def closest_product(products: Sequence[Product], quantity: int) -> Product | None:
    """The product that lists the closest quantity (of equally close ones the larger); the first of several."""
    priced = [(row, product) for product in products if (row := closest_row(product, quantity))]
    best = min(priced, key=lambda pair: (abs(pair[0].quantity - quantity), -pair[0].quantity), default=None)
    return best[1] if best else None


def column(row: PriceRow, request: Request) -> str:
    """The exported name of the price column that holds for this household."""
    if request.payment == "Cash":
        return "LMICashPrice" if request.low_income and row.lmi_cash else "CashPrice"
    return "LMILoanInstallment" if request.low_income and row.lmi_loan else "LoanInstallment"


def price(row: PriceRow, request: Request) -> Decimal:
    """Dollars for the whole quantity: once for Cash, each month for Loan."""
    prices = {
        "CashPrice": row.cash,
        "LMICashPrice": row.lmi_cash,
        "LoanInstallment": row.loan,
        "LMILoanInstallment": row.lmi_loan,
    }
    return prices[column(row, request)]
