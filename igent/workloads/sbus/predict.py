"""The deterministic expectation: which supplier rules 1 to 4 of sbus.md give, and the answers that follow from it."""

from __future__ import annotations

__all__ = [
    "certain_order",
    "decision",
    "eligible",
    "expected_match",
    "expected_order",
    "less_used",
    "order_for",
    "predict",
    "request_of",
    "right_price",
    "serving",
    "winner",
]  # fmt: skip

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from igent.types import CapacityView, Case, JsonObject, Stock
from igent.workloads.sbus.model import Incentive, Product, Reference, Request, Supplier, parse_request
from igent.workloads.sbus.numbers import cents, plain
from igent.workloads.sbus.pricing import closest_product, closest_row, column, price
from igent.workloads.sbus.schema import PurchaseOrder
from igent.workloads.sbus.subsidies import applicable, worth

NO_STOCK = Stock(0, 0)


# Rules, prompts and predictions ask this some forty times a record: the latest are kept, by the very object that was
# read, which is never changed.
_read: OrderedDict[int, tuple[Mapping[str, Any], Request]] = OrderedDict()
_MOST_READ = 2048


def request_of(case: Case) -> Request:
    """What the case's household asks for."""
    data = case.record.data
    known = _read.get(id(data))
    if known is not None and known[0] is data:
        return known[1]
    request = parse_request(data)[0]
    _read[id(data)] = data, request
    if len(_read) > _MOST_READ:
        _read.popitem(last=False)
    return request


def serving(reference: Reference, request: Request) -> list[Supplier]:
    """Rule 1: the suppliers whose service areas hold the ZIP code, in the order of the offers."""
    return [s for s in reference.suppliers if request.zip in s.areas]


def eligible(reference: Reference, request: Request, view: CapacityView) -> list[Supplier]:
    """Rules 1 to 3: those that serve the ZIP code, have a unit free and offer all that is asked."""
    return [
        s
        for s in serving(reference, request)
        if view.get(s.id, NO_STOCK).free and all(s.of(kind) for kind in request.kinds)
    ]


def less_used(one: Stock, other: Stock) -> bool:
    """Whether `one` has the lower Used / Capacity, exactly: multiplied out, never rounded."""
    return one.used * other.capacity < other.used * one.capacity


def winner(suppliers: Iterable[Supplier], view: CapacityView) -> Supplier | None:
    """Rule 4: the lowest Used / Capacity; a tie goes to the first. None when there are none."""
    best: Supplier | None = None
    for supplier in suppliers:
        if best is None or less_used(view[supplier.id], view[best.id]):
            best = supplier
    return best


def predict(case: Case) -> str | None:
    """The id of the supplier that the rules give; None where nobody fits."""
    best = winner(eligible(case.reference, request_of(case), case.view), case.view)
    return best.id if best else None


def decision(case: Case, supplier_id: str, panel: Product | None) -> JsonObject:
    """The fields that matches and orders share, for this supplier and its panel; all others repeat what is known."""
    request = request_of(case)
    capacity = panel.capacity if panel else None
    return {
        "registration_id": request.id or case.record.id,
        "campaign_name": request.campaign or case.reference.campaign_id,
        "supplier_id": supplier_id,
        "zip_code": request.zip,
        "num_panels": request.panels,
        "num_batteries": request.batteries,
        "payment_type": request.payment,
        "product_type": request.product_type,
        "panel_name": panel.name if panel else None,
        "panel_capacity": None if capacity is None else plain(capacity),
    }


def expected_match(case: Case) -> JsonObject | None:
    """The match that the rules give, as a JSON-ready answer; None where nobody fits."""
    request = request_of(case)
    fit = eligible(case.reference, request, case.view)
    best = winner(fit, case.view)
    if best is None:
        return None
    panel = closest_product(best.of("Solar"), request.panels) if request.panels else None
    used = ", ".join(f"{s.id} {case.view[s.id].used}/{case.view[s.id].capacity}" for s in fit)
    return {
        **decision(case, best.id, panel),
        "reasoning": f"{best.id} serves {request.zip}, offers {request.product_type}, and is the least used of those "
        f"that fit ({used}).",
    }


def expected_order(case: Case) -> JsonObject | None:
    """The purchase order that follows from the accepted match (or from the expected one); None without a match."""
    earlier = case.earlier.get("match")
    match = earlier or expected_match(case)
    supplier = case.reference.supplier(match["supplier_id"]) if match else None
    if match is None or supplier is None:
        return None
    request = request_of(case)
    held = applicable(case.reference.incentives, request, case.today)
    return order_for(match, supplier, request, held, alone=earlier is None)


def certain_order(case: Case) -> JsonObject | None:
    """The same, but None as well where an incentive that holds leaves its worth to judgement."""
    order = expected_order(case)
    if order is None:
        return None
    request, total = request_of(case), Decimal(str(order["product_price"]))
    held = applicable(case.reference.incentives, request, case.today)
    return None if any(worth(i.specs, request, total) is None for i in held) else order


def order_for(
    match: JsonObject, supplier: Supplier, request: Request, incentives: Sequence[Incentive], *, alone: bool = False
) -> JsonObject | None:
    """The order of a match at this supplier, with those of the applicable incentives whose worth is certain.

    `alone`: nobody has answered the match before, so the order gives its reasoning as well. None when the supplier
    lists no price for what is asked.
    """
    lines: list[JsonObject] = []
    total = Decimal(0)
    columns: list[str] = []
    for kind in request.kinds:
        offered = supplier.of(kind)
        named = [p for p in offered if kind == "Solar" and p.name == match.get("panel_name")]
        product = closest_product(named or offered, request.quantity(kind))
        row = closest_row(product, request.quantity(kind)) if product else None
        if product is None or row is None:
            return None
        amount = price(row, request)
        total += amount
        columns.append(f"{column(row, request)} of {row.quantity}")
        lines.append(
            {"product_type": kind, "product_name": product.name, "quantity": row.quantity, "price": plain(amount)}
        )
    known = [(i.name, worth(i.specs, request, total)) for i in incentives]
    subsidies = [(name, cents(amount)) for name, amount in known if amount is not None]
    taken = sum((amount for _, amount in subsidies), Decimal(0))
    chosen = f"{match['reasoning']} " if alone else ""
    return {
        **{field: value for field, value in match.items() if field != "reasoning"},
        "lines": lines,
        "product_price": plain(total),
        "loan_installment": plain(total) if request.payment == "Loan" else None,
        "eligible_subsidies": [{"name": name, "amount": plain(amount)} for name, amount in subsidies],
        "total_subsidy": plain(taken),
        "final_price": plain(total - taken),
        "reasoning": f"{chosen}Priced by {' and '.join(columns)}; {len(subsidies)} of {len(incentives)} incentives "
        "have a certain worth and are taken off.",
    }


def right_price(order: PurchaseOrder, case: Case) -> Decimal:
    """What the products of an order cost by rule 5, so that a wrong price makes no right subsidy wrong; the order's own
    product_price where the offers do not tell."""
    supplier, request = case.reference.supplier(order.supplier_id), request_of(case)
    named = {order.panel_name, *(line.product_name for line in order.lines)}
    total = Decimal(0)
    for kind in request.kinds:
        offered = supplier.of(kind) if supplier else []
        product = closest_product([p for p in offered if p.name in named] or offered, request.quantity(kind))
        row = closest_row(product, request.quantity(kind)) if product else None
        if row is None:
            return order.product_price
        total += price(row, request)
    return total
