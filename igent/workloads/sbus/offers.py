"""Reading the offers and capacity files. Whatever is wrong in one of them is reported together, with file and line."""

from __future__ import annotations

__all__ = ["read_capacity", "read_offers", "read_supplier"]

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from difflib import get_close_matches
from typing import Any

from igent.types import Stock
from igent.workload import Document
from igent.workloads.sbus.model import PriceRow, Product, ProductType, Supplier
from igent.workloads.sbus.numbers import number, zip_code
from igent.workloads.sbus.problems import Fields, Problems

_KINDS: dict[str, ProductType] = {"solar": "Solar", "battery": "Battery"}
_LIST = "SupplierOffers"
_UNIT = re.compile(r"\s*(wp?|watts?|kwh?)\s*$", re.IGNORECASE)


def read_offers(document: Document) -> tuple[str, tuple[Supplier, ...]]:
    """The campaign's id and the suppliers, in the order of the file. Raises DataError with every problem found."""
    problems = Problems(document)
    top = problems.fields(None, "the offers", document.value)
    problems.raise_if_any()
    assert top is not None  # noqa: S101 - raise_if_any has just said so
    campaign = top.text("CampaignID")
    bids = top.list(_LIST)
    suppliers: dict[str, Supplier] = {}
    for place, bid in enumerate(bids):
        fields = problems.fields(_LIST, f"{_LIST}[{place}]", bid)
        if fields is None:
            continue
        supplier = read_supplier(fields)
        if supplier.id in suppliers:
            fields.add(f"SupplierID {supplier.id!r} is there twice", "give each supplier its own")
        suppliers[supplier.id] = supplier
    if _LIST in top.data and not bids and isinstance(top.data[_LIST], list):
        problems.add(_LIST, f"{_LIST} is empty", "there must be one supplier at least")
    problems.raise_if_any()
    return campaign, tuple(suppliers.values())


def read_supplier(fields: Fields) -> Supplier:
    """One element of `SupplierOffers`; what is wrong is noted in `fields`."""
    supplier_id = fields.text("SupplierID")
    if supplier_id:
        fields.name = f"{fields.name} ({supplier_id})"
    fields.number("InterestRate", required=False)
    months = fields.number("LoanTermMonths", required=False)
    products = []
    for place, offer in enumerate(fields.list("Offers")):
        product = _product(fields, place, offer)
        if product is not None:
            products.append(product)
    return Supplier(
        supplier_id,
        fields.whole("Capacity"),
        int(months) if months else None,
        frozenset(_areas(fields)),
        tuple(products),
        dict(fields.data),
    )


def _areas(fields: Fields) -> list[str]:
    areas = []
    for place, value in enumerate(fields.list("ServiceAreas")):
        found = zip_code(value)
        if found is None:
            fields.add(f"ServiceAreas[{place}] is {value!r}", "write a ZIP code of five digits")
        else:
            areas.append(found)
    return areas


def _inner(fields: Fields, name: str, value: Any) -> Fields | None:
    if isinstance(value, Mapping):
        return fields.inner(name, value)
    fields.add(f"{name} is not an object")
    return None


def _product(supplier: Fields, place: int, offer: Any) -> Product | None:
    fields = _inner(supplier, f"Offers[{place}]", offer)
    if fields is None:
        return None
    said = fields.text("ProductType")
    kind = _KINDS.get(said.casefold())
    if said and kind is None:
        fields.add(f"ProductType is {said!r}", 'it must be "Solar" or "Battery"')
    name = fields.text("ProductName")
    rows: dict[int, PriceRow] = {}
    prices = fields.list("ProductPrices")
    for at, price in enumerate(prices):
        row = _row(fields, at, price)
        if row is not None and row.quantity in rows:
            fields.add(f"ProductPrices[{at}]: Quantity {row.quantity} is there twice", "keep one of them")
        elif row is not None:
            rows[row.quantity] = row
    if isinstance(fields.data.get("ProductPrices"), list) and not prices:
        fields.add("ProductPrices is empty", "list one quantity at least, or take the product out")
    capacity = _capacity(fields, kind)
    ordered = tuple(rows[quantity] for quantity in sorted(rows))
    return Product(kind or "Solar", name, capacity, ordered, dict(fields.data))


def _capacity(product: Fields, kind: ProductType | None) -> Decimal | None:
    """W a panel or kWh a battery, with or without the unit; no rule reads a battery's, so it may be anything."""
    value = product.data.get("ProductCapacity")
    found = number(_UNIT.sub("", value) if isinstance(value, str) else value)
    if found is None and value not in (None, "") and kind == "Solar":
        product.add(f"ProductCapacity is {value!r}", 'write the watts of one panel, such as "400"')
    return found


def _row(product: Fields, place: int, price: Any) -> PriceRow | None:
    fields = _inner(product, f"ProductPrices[{place}]", price)
    if fields is None:
        return None
    quantity = fields.whole("Quantity")
    if quantity == 0 and "Quantity" in fields.data:
        fields.add("Quantity is 0", "list quantities from 1")
    zero = Decimal(0)
    return PriceRow(
        quantity,
        fields.number("CashPrice") or zero,
        fields.number("LMICashPrice", required=False) or zero,
        fields.number("LoanInstallment") or zero,
        fields.number("LMILoanInstallment", required=False) or zero,
        dict(fields.data),
    )


def read_capacity(document: Document | None, suppliers: Sequence[Supplier]) -> dict[str, Stock]:
    """The capacity at the start, by supplier in the order of the offers; made from the offers without a document.

    Raises DataError with every problem found: an unknown supplier, one left out, Used above Capacity, no numbers.
    """
    if document is None:
        return {s.id: Stock(s.capacity, 0) for s in suppliers}
    problems = Problems(document)
    top = problems.fields(None, "the capacity", document.value)
    problems.raise_if_any()
    assert top is not None  # noqa: S101 - raise_if_any has just said so
    known = [s.id for s in suppliers]
    found: dict[str, Stock] = {}
    for key, entry in top.data.items():
        name = key.strip()
        if name not in known:
            problems.add(key, f"supplier {name!r} is not in the offers", _nearest(name, known))
            continue
        stock = _stock(problems, key, name, entry)
        if stock is not None:
            found[name] = stock
    for name in known:
        if name not in found and name not in {key.strip() for key in top.data}:
            remedy = f'add {{"{name}": {{"SupplierID": "{name}", "Capacity": …, "Used": 0, "UsedPct": 0.0}}}}'
            problems.add(None, f"supplier {name!r} of the offers is missing", f"{remedy}, or name no capacity file")
    problems.raise_if_any()
    return {name: found[name] for name in known}


def _stock(problems: Problems, key: str, name: str, entry: Any) -> Stock | None:
    fields = problems.fields(key, f"supplier {name!r}", entry)
    if fields is None:
        return None
    said = fields.text("SupplierID", required=False)
    if said and said != name:
        fields.add(f"SupplierID is {said!r}", "it must be the name under which the entry stands")
    stock = Stock(fields.whole("Capacity"), fields.whole("Used"))
    if stock.used > stock.capacity:
        fields.add(f"Used {stock.used} is more than Capacity {stock.capacity}", "raise Capacity, or correct Used")
    return stock


def _nearest(name: str, known: Sequence[str]) -> str:
    near = get_close_matches(name, known, n=1, cutoff=0.5)
    listed = ", ".join(known)
    return f"did you mean {near[0]!r}?" if near else f"the offers have {listed}"
