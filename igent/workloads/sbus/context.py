"""The slice of the campaign's data that one registration needs: 36 KB of offers become about one."""

from __future__ import annotations

__all__ = ["match_blocks", "order_blocks"]

from collections.abc import Iterable
from typing import Any

from igent.types import Case, JsonObject
from igent.workloads.sbus.model import Product, Request, Supplier
from igent.workloads.sbus.predict import NO_STOCK, request_of, serving
from igent.workloads.sbus.pricing import closest_row
from igent.workloads.sbus.schema import PROSE
from igent.workloads.sbus.subsidies import applicable


def match_blocks(case: Case) -> dict[str, Any]:
    """OFFERS of the suppliers that serve the ZIP code, REGISTRATION, and CAPACITY as it will be."""
    request = request_of(case)
    near = serving(case.reference, request)
    return {
        "OFFERS": _offers(case, request, near),
        "REGISTRATION": _registration(case, request),
        "CAPACITY": {s.id: case.view.get(s.id, NO_STOCK).to_json() for s in near},
    }


def order_blocks(case: Case) -> dict[str, Any]:
    """OFFERS of the matched supplier, INCENTIVES that hold, REGISTRATION, and the accepted MATCH without its words: an
    order follows from what was decided, not from how it was put.

    Without an accepted match (one prompt that asks for both), OFFERS and CAPACITY are those of the match, and MATCH is
    left out.
    """
    request = request_of(case)
    held = [i.exported for i in applicable(case.reference.incentives, request, case.today)]
    match = case.earlier.get("match")
    if match is None:
        shown = match_blocks(case)
        return {"OFFERS": shown.pop("OFFERS"), "INCENTIVES": held, **shown}
    chosen = [s for s in case.reference.suppliers if s.id == match.get("supplier_id")]
    return {
        "OFFERS": _offers(case, request, chosen, match.get("panel_name")),
        "INCENTIVES": held,
        "REGISTRATION": _registration(case, request),
        "MATCH": {field: value for field, value in match.items() if field not in PROSE},
    }


def _registration(case: Case, request: Request) -> JsonObject:
    """The record as exported; only a ZIP code written otherwise is put as the offers put it."""
    return {**case.record.data, "Contact_Zip": request.zip}


def _offers(case: Case, request: Request, suppliers: Iterable[Supplier], panel: str | None = None) -> JsonObject:
    return {
        "CampaignID": case.reference.campaign_id,
        "SupplierOffers": [_supplier(supplier, request, panel) for supplier in suppliers],
    }


def _supplier(supplier: Supplier, request: Request, panel: str | None) -> JsonObject:
    products = [p for p in supplier.products if p.kind in request.kinds]
    named = [p for p in products if p.kind != "Solar" or p.name == panel]
    if panel is not None and any(p.kind == "Solar" for p in named):
        products = named
    replaced = {
        "SupplierID": supplier.id,
        "ServiceAreas": [request.zip] if request.zip in supplier.areas else [],
        "Offers": [_product(product, request) for product in products],
    }
    return {field: replaced.get(field, value) for field, value in supplier.exported.items()}


def _product(product: Product, request: Request) -> JsonObject:
    row = closest_row(product, request.quantity(product.kind))
    prices = [row.exported] if row else []
    return {**product.exported, "ProductPrices": prices}
