"""Short answers: only what a model has to decide. The rest of the full answer is put in from what is known.

A model that answers with more, up to the whole object, is taken at its word: what it gives is never touched, and the
rules judge all of it.
"""

from __future__ import annotations

__all__ = ["SHORT", "ShortLine", "ShortMatch", "ShortOrder", "expand", "shorten"]

from collections.abc import Mapping
from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from igent.types import Case, JsonObject
from igent.workloads.sbus.model import Product, Request, Supplier
from igent.workloads.sbus.numbers import plain
from igent.workloads.sbus.predict import decision, request_of
from igent.workloads.sbus.pricing import closest_product, closest_row
from igent.workloads.sbus.schema import Decision, Money, Subsidy, Text

_NOBODYS = "unknown"
"""The name of a product that the chosen supplier does not have; the rules say so."""


class _Short(BaseModel):
    model_config = ConfigDict(extra="allow")


class ShortMatch(_Short):
    """The supplier, and why."""

    supplier_id: Text
    reasoning: Text = Field(description="one short sentence: the ratios that decided")


class ShortLine(_Short):
    """One product of a purchase order, priced."""

    product_type: Literal["Solar", "Battery"]
    price: Money = Field(description="for the whole quantity; a month's instalment when payment_type is Loan")


class ShortOrder(_Short):
    """The prices and the subsidies, and why."""

    supplier_id: Text = Field(default="", description="only where no MATCH is shown")
    lines: list[ShortLine] = Field(min_length=1)
    eligible_subsidies: list[Subsidy]
    reasoning: str = Field(default="", description="one short sentence: the columns, and how the incentives count")


SHORT: Mapping[str, type[BaseModel]] = {"match": ShortMatch, "purchase_order": ShortOrder}


def expand(value: JsonObject, case: Case, schema: str) -> JsonObject:
    """The full answer: `value`, which has the short form of the schema, with the fields put in that it leaves out.

    What cannot be known stays out (an order without a match that names no supplier), for the schema to miss.
    """
    request = request_of(case)
    if schema == "match":
        return {**_decision(value, case, request), **value}
    match = case.earlier.get("match")
    known = {f: match[f] for f in Decision.model_fields if f in match} if match else _decision(value, case, request)
    supplier = _supplier({**known, **value}, case)
    short = ShortOrder.model_validate(value)
    given = zip(short.lines, value["lines"], strict=True)
    lines = [{**_line(line, said, supplier, request, {**known, **value}), **said} for line, said in given]
    price = sum((line.price for line in short.lines), Decimal(0))
    taken = sum((subsidy.amount for subsidy in short.eligible_subsidies), Decimal(0))
    sums = {
        "product_price": plain(price),
        "loan_installment": plain(price) if request.payment == "Loan" else None,
        "total_subsidy": plain(taken),
        "final_price": plain(price - taken),
    }
    return {**known, **sums, **value, "lines": lines}


def shorten(answer: JsonObject, *, matched: bool) -> JsonObject:
    """What the short form asks for, of an answer that the rules give; `matched`: an order for an accepted match. A
    refusal is as short as it can be."""
    if "message" in answer:
        return answer
    reasoning = {"reasoning": answer["reasoning"]} if "reasoning" in answer else {}
    supplier = {} if matched else {"supplier_id": answer["supplier_id"]}
    if "lines" not in answer:
        return {**supplier, **reasoning}
    lines = [{"product_type": line["product_type"], "price": line["price"]} for line in answer["lines"]]
    return {**supplier, "lines": lines, "eligible_subsidies": answer["eligible_subsidies"], **reasoning}


def _supplier(value: JsonObject, case: Case) -> Supplier | None:
    return case.reference.supplier(str(value.get("supplier_id", "")).strip())  # type: ignore[no-any-return]


def _decision(value: JsonObject, case: Case, request: Request) -> JsonObject:
    supplier = _supplier(value, case)
    panels = supplier.of("Solar") if supplier and request.panels else []
    known = decision(case, "", _of(panels, value, "panel_name", request.panels))
    del known["supplier_id"]
    return known


def _of(products: list[Product], value: JsonObject, field: str, quantity: int) -> Product | None:
    """The product that the field names; the one that lists the closest quantity where the value leaves it out."""
    if field not in value:
        return closest_product(products, quantity)
    return next((p for p in products if p.name == str(value[field]).strip()), None)


def _line(
    line: ShortLine, said: JsonObject, supplier: Supplier | None, request: Request, order: JsonObject
) -> JsonObject:
    """The name and quantity of a line: the match's panel, and what the supplier lists closest to what is asked."""
    asked, offered = request.quantity(line.product_type), supplier.of(line.product_type) if supplier else []
    panel = order.get("panel_name") if line.product_type == "Solar" else None
    product = _of(offered, {"product_name": panel, **said} if panel else said, "product_name", asked)
    row = closest_row(product, asked) if product else None
    return {"product_name": product.name if product else _NOBODYS, "quantity": row.quantity if row else asked}
