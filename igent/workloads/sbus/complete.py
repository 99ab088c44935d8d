"""What an answer may leave out, because it is certain: put in before the rules look. What it says wrongly stays.

A right order that forgets a subsidy is not sent back to the model for it: the subsidy is added, and the totals with it.
"""

from __future__ import annotations

__all__ = ["complete"]

from dataclasses import replace
from decimal import Decimal
from typing import Any

from igent.types import Case
from igent.workloads.sbus.model import Request
from igent.workloads.sbus.numbers import cents
from igent.workloads.sbus.predict import request_of, right_price
from igent.workloads.sbus.pricing import closest_row, price
from igent.workloads.sbus.schema import PurchaseOrder, Subsidy
from igent.workloads.sbus.subsidies import holding


def complete(answer: Any, case: Case) -> Any:
    """The answer with what is certain put in; other answers than orders are returned as they are."""
    if not isinstance(answer, PurchaseOrder):
        return answer
    changes: dict[str, Any] = _subsidies(answer, case)
    if not answer.reasoning:
        changes["reasoning"] = str(case.earlier.get("match", {}).get("reasoning", ""))
    request = request_of(case)
    if request.payment == "Loan" and answer.loan_installment is None:
        changes["loan_installment"] = answer.product_price
    if request.payment == "Cash" and answer.loan_installment in (0, _listed_instalment(answer, case, request)):
        changes["loan_installment"] = None  # said, and true, but not what is paid
    return answer.model_copy(update=changes) if changes else answer


def _listed_instalment(answer: PurchaseOrder, case: Case, request: Request) -> Decimal | None:
    """What the lines of a Cash order would cost a month as a loan; None when the offers do not tell."""
    supplier = case.reference.supplier(answer.supplier_id)
    total = Decimal(0)
    for line in answer.lines:
        product = (
            next((p for p in supplier.of(line.product_type) if p.name == line.product_name), None) if supplier else None
        )
        row = closest_row(product, line.quantity) if product else None
        if row is None:
            return None
        total += price(row, replace(request, payment="Loan"))
    return total


def _subsidies(answer: PurchaseOrder, case: Case) -> dict[str, Any]:
    """The certain subsidies that are missing, where the answer's own sums agree with each other."""
    listed = sum((s.amount for s in answer.eligible_subsidies), Decimal(0))
    if answer.total_subsidy != listed or answer.final_price != answer.product_price - listed:
        return {}
    left = holding(case.reference.incentives, request_of(case), case.today, right_price(answer, case))
    for subsidy in answer.eligible_subsidies:
        if left.get(subsidy.name):
            left[subsidy.name].pop(0)
    missing = [
        Subsidy(name=name, amount=cents(known.amount))
        for name, rest in left.items()
        for known in rest
        if known.amount is not None
    ]
    if not missing:
        return {}
    total = listed + sum((s.amount for s in missing), Decimal(0))
    return {
        "eligible_subsidies": [*answer.eligible_subsidies, *missing],
        "total_subsidy": total,
        "final_price": answer.product_price - total,
    }
