"""The faults that models really make on this job, for the mock. Each turns a right answer into a wrong text.

All but NUMBERS_AS_STRINGS must be caught by the schema or the rules; a test holds that for each of them.
"""

from __future__ import annotations

__all__ = ["FAULTS", "NO_MATCH", "PAYMENT_SPELLINGS", "Fault", "dump", "faults_for", "numbers_as_strings"]

import json
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from igent.types import Case, JsonObject
from igent.workloads.sbus.model import Supplier
from igent.workloads.sbus.numbers import plain
from igent.workloads.sbus.pricing import closest_row

NO_MATCH = "NO MATCH FOUND"
PAYMENT_SPELLINGS: tuple[str | None, ...] = (
    "CashPrice",
    "LMICashPrice",
    "cash",
    "CASH",
    "loan",
    "Cash, Loan",
    "Cash/Loan",
    "LoanInstallment",
    "LoanInstallment: 205",
    "Loan Installment",
    "Upfront",
    None,
)
_REQUIRED = (
    "registration_id",
    "supplier_id",
    "zip_code",
    "num_panels",
    "payment_type",
    "product_type",
)
_REQUIRED_ORDER = ("lines", "product_price", "eligible_subsidies", "total_subsidy", "final_price")

Fault = Callable[[JsonObject, Case, Random], str]


def dump(value: Any, *, short: bool = False) -> str:
    """The JSON text as models write it: indented; a short answer on one line, as its prompt shows it."""
    if short:
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return json.dumps(value, indent=2, ensure_ascii=False)


def _wrong_supplier(right: JsonObject, case: Case, random: Random) -> str:
    others = [s.id for s in case.reference.suppliers if s.id != right.get("supplier_id")]
    return dump({**right, "supplier_id": random.choice(others) if others else f"{right['supplier_id']}-2"})


def _other_product(right: JsonObject, case: Case, random: Random) -> str:
    """A battery for those who asked for panels alone, panels for the others."""
    if right["product_type"] == "Solar":
        return dump({**right, "product_type": "Battery", "num_panels": 0, "num_batteries": 1, "panel_name": None})
    return dump({**right, "product_type": "Solar", "num_panels": right["num_panels"] or 12, "num_batteries": 0})


def _broken_json(right: JsonObject, case: Case, random: Random) -> str:
    text = dump(right)
    return text[: int(len(text) * random.uniform(0.3, 0.9))]


def _payment_spelling(right: JsonObject, case: Case, random: Random) -> str:
    return dump({**right, "payment_type": random.choice(PAYMENT_SPELLINGS)})


def _missing_field(right: JsonObject, case: Case, random: Random) -> str:
    fields = _REQUIRED + (_REQUIRED_ORDER if "lines" in right else ())
    left_out = random.choice(fields)
    return dump({field: value for field, value in right.items() if field != left_out})


def _false_refusal(right: JsonObject, case: Case, random: Random) -> str:
    return dump([{"registration_id": right["registration_id"], "message": NO_MATCH}])


def _other_column(right: JsonObject, case: Case, random: Random) -> str:
    """The monthly instalment in the place of the cash price, or the other way round; the sums follow it."""
    supplier = case.reference.supplier(right["supplier_id"])
    lines = [{**line, "price": _other_price(line, right, supplier)} for line in right["lines"]]
    total = sum(line["price"] for line in lines)
    final = round(total - right["total_subsidy"], 2)
    loan = total if right["payment_type"] == "Loan" else None
    return dump({**right, "lines": lines, "product_price": total, "loan_installment": loan, "final_price": final})


def _other_price(line: JsonObject, right: JsonObject, supplier: Supplier | None) -> int | float:
    for product in supplier.products if supplier else ():
        row = closest_row(product, line["quantity"])
        if product.name == line["product_name"] and row is not None:
            return plain(row.cash if right["payment_type"] == "Loan" else row.loan)
    return int(line["price"]) // 60 + 1


def _wrong_sum(right: JsonObject, case: Case, random: Random) -> str:
    return dump({**right, "final_price": round(right["final_price"] + random.choice((-100, 1, 250)), 2)})


def _invented_subsidy(right: JsonObject, case: Case, random: Random) -> str:
    subsidies = [*right["eligible_subsidies"], {"name": "Federal Residential Clean Energy Bonus", "amount": 500}]
    total, final = round(right["total_subsidy"] + 500, 2), round(right["final_price"] - 500, 2)
    return dump({**right, "eligible_subsidies": subsidies, "total_subsidy": total, "final_price": final})


def _invented_match(right: JsonObject, case: Case, random: Random) -> str:
    """A supplier where nobody fits: `right` is the refusal."""
    suppliers = [s.id for s in case.reference.suppliers] or ["Sunmax"]
    data = case.record.data
    return dump(
        {
            "registration_id": right["registration_id"],
            "campaign_name": data.get("CampaignName"),
            "supplier_id": random.choice(suppliers),
            "zip_code": data.get("Contact_Zip"),
            "num_panels": data.get("Proposal_OptimalAmountOfPanels"),
            "num_batteries": data.get("Proposal_OptimalAmountOfBatteries"),
            "payment_type": "Cash",
            "product_type": "Solar",
            "panel_name": None,
            "panel_capacity": None,
            "reasoning": "This supplier is close to the household.",
        }
    )


_BOTH: dict[str, Fault] = {
    "wrong_supplier": _wrong_supplier,
    "other_product": _other_product,
    "broken_json": _broken_json,
    "payment_spelling": _payment_spelling,
    "missing_field": _missing_field,
}
FAULTS: dict[str, dict[str, Fault]] = {
    "match": {**_BOTH, "false_refusal": _false_refusal},
    "purchase_order": {
        **_BOTH,
        "instalment_as_price": _other_column,
        "wrong_sum": _wrong_sum,
        "invented_subsidy": _invented_subsidy,
    },
    "refusal": {"invented_match": _invented_match},
}


def faults_for(right: JsonObject) -> Sequence[Fault]:
    """The faults that this kind of right answer can be turned into."""
    kind = "refusal" if "message" in right else "purchase_order" if "lines" in right else "match"
    return tuple(FAULTS[kind].values())


def numbers_as_strings(value: Any) -> Any:
    """The harmless one: every number written as a string."""
    if isinstance(value, dict):
        return {key: numbers_as_strings(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [numbers_as_strings(inner) for inner in value]
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value
