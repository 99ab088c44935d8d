"""The faults of short answers, for the mock: what is decided wrongly, and what is repeated wrongly without need.

All must be caught by the schema or the rules; a test holds that for each of them.
"""

from __future__ import annotations

__all__ = ["REPEATED", "SHORT_FAULTS", "short_faults_for"]

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

from igent.types import Case, JsonObject
from igent.workloads.sbus.faults import NO_MATCH, PAYMENT_SPELLINGS, Fault, dump
from igent.workloads.sbus.model import Request
from igent.workloads.sbus.numbers import plain
from igent.workloads.sbus.predict import request_of
from igent.workloads.sbus.pricing import closest_product, closest_row

REPEATED: Mapping[str, Callable[[Request, Random], Any]] = {
    "registration_id": lambda request, random: f"{request.id}0",
    "campaign_name": lambda request, random: f"{request.campaign} II",
    "zip_code": lambda request, random: "99999" if request.zip != "99999" else "99998",
    "num_panels": lambda request, random: request.panels + random.choice((1, 12)),
    "num_batteries": lambda request, random: request.batteries + 1,
    "payment_type": lambda request, random: random.choice(PAYMENT_SPELLINGS),
    "product_type": lambda request, random: "Solar" if request.batteries else "Solar+Battery",
    "panel_name": lambda request, random: "Mono 999",
    "panel_capacity": lambda request, random: 999,
}
"""Fields that no short form asks for, each with a wrong value for it."""


def _text(value: Any) -> str:
    return dump(value, short=True)


def _wrong_supplier(right: JsonObject, case: Case, random: Random) -> str:
    others = [s.id for s in case.reference.suppliers if s.id != right["supplier_id"]]
    return _text({**right, "supplier_id": random.choice(others) if others else f"{right['supplier_id']}-2"})


def _broken_json(right: JsonObject, case: Case, random: Random) -> str:
    text = _text(right)
    return text[: int(len(text) * random.uniform(0.3, 0.9))]


def _missing_field(right: JsonObject, case: Case, random: Random) -> str:
    """Without one of the fields that are asked for; of an order, the reasoning may be left out."""
    if "lines" in right and random.random() < 0.3:
        return _text({**right, "lines": [{**right["lines"][0], "price": None}, *right["lines"][1:]]})
    left_out = random.choice([field for field in right if "lines" not in right or field != "reasoning"])
    return _text({field: value for field, value in right.items() if field != left_out})


def _repeated_wrongly(right: JsonObject, case: Case, random: Random) -> str:
    field = random.choice(tuple(REPEATED))
    return _text({field: REPEATED[field](request_of(case), random), **right})


def _false_refusal(right: JsonObject, case: Case, random: Random) -> str:
    return _text([{"registration_id": case.record.id, "message": NO_MATCH}])


def _instalment_as_price(right: JsonObject, case: Case, random: Random) -> str:
    """The monthly instalment in the place of the cash price, or the other way round."""
    request = request_of(case)
    supplier = case.reference.supplier(right.get("supplier_id", "")) or case.reference.suppliers[0]
    lines = []
    for line in right["lines"]:
        asked = request.quantity(line["product_type"])
        product = closest_product(supplier.of(line["product_type"]), asked)
        row = closest_row(product, asked) if product else None
        other = (row.cash if request.payment == "Loan" else row.loan) if row else line["price"] // 60 + 1
        lines.append({**line, "price": plain(other)})
    return _text({**right, "lines": lines})


def _wrong_price(right: JsonObject, case: Case, random: Random) -> str:
    """The price of another quantity."""
    first, *others = right["lines"]
    return _text({**right, "lines": [{**first, "price": first["price"] + random.choice((-1, 742, 10_000))}, *others]})


def _other_lines(right: JsonObject, case: Case, random: Random) -> str:
    """One of two products forgotten, or the only one listed twice."""
    lines = right["lines"]
    return _text({**right, "lines": lines[1:] if len(lines) > 1 else lines * 2})


def _wrong_sum(right: JsonObject, case: Case, random: Random) -> str:
    """A total that nobody asked for, and that is wrong."""
    total = sum(line["price"] for line in right["lines"])
    field = random.choice(("product_price", "final_price", "total_subsidy"))
    return _text({**right, field: total + random.choice((1, 100, 250))})


def _invented_subsidy(right: JsonObject, case: Case, random: Random) -> str:
    invented = {"name": "Federal Residential Clean Energy Bonus", "amount": 500}
    return _text({**right, "eligible_subsidies": [*right["eligible_subsidies"], invented]})


def _invented_match(right: JsonObject, case: Case, random: Random) -> str:
    """A supplier where nobody fits: `right` is the refusal."""
    suppliers = [s.id for s in case.reference.suppliers] or ["Sunmax"]
    lines = [{"product_type": kind, "price": 9990} for kind in request_of(case).kinds]
    priced = {"lines": lines, "eligible_subsidies": []} if case.reference.incentives else {}
    return _text({"supplier_id": random.choice(suppliers), **priced, "reasoning": "It is close to the household."})


_BOTH: dict[str, Fault] = {
    "broken_json": _broken_json,
    "missing_field": _missing_field,
    "repeated_wrongly": _repeated_wrongly,
    "false_refusal": _false_refusal,
}
_ORDER: dict[str, Fault] = {
    **_BOTH,
    "instalment_as_price": _instalment_as_price,
    "wrong_price": _wrong_price,
    "other_lines": _other_lines,
    "wrong_sum": _wrong_sum,
    "invented_subsidy": _invented_subsidy,
}
SHORT_FAULTS: dict[str, dict[str, Fault]] = {
    "match": {**_BOTH, "wrong_supplier": _wrong_supplier},
    "purchase_order": _ORDER,
    "match_and_order": {**_ORDER, "wrong_supplier": _wrong_supplier},
    "refusal": {"invented_match": _invented_match},
}


def short_faults_for(right: JsonObject) -> Sequence[Fault]:
    """The faults that this kind of right short answer can be turned into."""
    if "message" in right:
        kind = "refusal"
    elif "lines" not in right:
        kind = "match"
    else:
        kind = "match_and_order" if "supplier_id" in right else "purchase_order"
    return tuple(SHORT_FAULTS[kind].values())
