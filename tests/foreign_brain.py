"""How a foreign team's server decides: it reads the JSON blocks of the prompt and follows the rules of sbus.md.

No igent, no oracle: its own reading of the rules, from nothing but the messages of one chat request.
"""

from __future__ import annotations

__all__ = ["Chat", "critique", "match_answer", "order_answer", "read_chat", "role_of", "spoil"]

import json
import re
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from random import Random
from typing import Any

HEADINGS = ("REGISTRATION", "OFFERS", "CAPACITY", "MATCH", "INCENTIVES", "DRAFT", "VIOLATIONS")
FENCE = re.compile(r"^[ \t]*(`{3,})json[^\n]*\n(.*?)\n[ \t]*\1[ \t]*$", re.M | re.S)
HEADING = re.compile(rf"^\W*({'|'.join(HEADINGS)})\b", re.M)


@dataclass
class Chat:
    """What one request holds: the blocks by heading (the last user message wins), the role prompt, the last JSON
    value that stands under no heading, how many answers were given before, and the violations in the last message
    (older ones may be mended)."""

    blocks: dict[str, Any] = field(default_factory=dict)
    system: str = ""
    loose: Any = None
    answers: int = 0
    violations: Any = None

    @property
    def row(self) -> dict[str, Any]:
        return self.blocks.get("REGISTRATION") or {}

    @property
    def record_id(self) -> str:
        return str(self.row.get("RegistrationNumber", ""))


def _text(content: Any) -> str:
    if isinstance(content, list):
        return "\n".join(str(part.get("text", "")) for part in content)
    return content or ""


def read_chat(messages: list[dict[str, Any]]) -> Chat:
    """Read the messages of a request."""
    chat = Chat()
    for message in messages:
        text = _text(message.get("content"))
        if message["role"] == "system":
            chat.system += text
        elif message["role"] == "assistant":
            chat.answers += 1
        else:
            _read_blocks(text, chat)
            chat.violations = chat.blocks.pop("VIOLATIONS", None)
    return chat


def _read_blocks(text: str, chat: Chat) -> None:
    end = 0
    for block in FENCE.finditer(text):
        above = HEADING.findall(text[end : block.start()])
        end = block.end()
        try:
            value = json.loads(block[2])
        except ValueError:
            continue
        if above:
            chat.blocks[above[-1]] = value
        else:
            chat.loose = value


def role_of(model: str, chat: Chat) -> str:
    """ "match", "order" or "critic": by the model's name, and for other names by the blocks that are there."""
    if model.startswith("critic") or ("DRAFT" in chat.blocks and model not in {"m1", "m2"}):
        return "critic"
    if model == "m2" or (model != "m1" and "MATCH" in chat.blocks):
        return "order"
    return "match"


def _int(value: Any) -> int:
    try:
        return int(float(value or 0))
    except (TypeError, ValueError):
        return 0


def _asked(row: dict[str, Any]) -> tuple[int, int]:
    panels = _int(row.get("Proposal_OptimalAmountOfPanels")) or _int(row.get("Product_AmountOfPanels"))
    return panels, _int(row.get("Proposal_OptimalAmountOfBatteries"))


def _wants_loan(row: dict[str, Any]) -> bool:
    return any("payment" in key.lower() and "loan" in str(value).lower() for key, value in row.items())


def _zip(value: Any) -> str:
    return str(value if value is not None else "").strip().zfill(5)


def _suppliers(offers: Any) -> list[dict[str, Any]]:
    if isinstance(offers, dict) and "SupplierOffers" in offers:
        offers = offers["SupplierOffers"]
    if isinstance(offers, dict):
        offers = [offers] if "SupplierID" in offers else [{"SupplierID": k, **v} for k, v in offers.items()]
    return list(offers or [])


def _products(supplier: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [o for o in supplier.get("Offers", []) if o.get("ProductType") == kind and o.get("ProductPrices")]


def _room(capacity: dict[str, Any], supplier: dict[str, Any]) -> tuple[int, int]:
    entry = capacity.get(str(supplier["SupplierID"])) or {"Used": 0, "Capacity": supplier.get("Capacity", 1)}
    return _int(entry["Used"]), _int(entry["Capacity"])


def _winner(chat: Chat) -> dict[str, Any] | None:
    """The supplier by rules 1 to 4, with the capacity exactly as the prompt shows it."""
    panels, batteries = _asked(chat.row)
    capacity, best, lowest = chat.blocks.get("CAPACITY") or {}, None, None
    for supplier in _suppliers(chat.blocks.get("OFFERS")):
        areas = supplier.get("ServiceAreas")
        if areas is not None and _zip(chat.row.get("Contact_Zip")) not in map(_zip, areas):
            continue
        if (panels and not _products(supplier, "Solar")) or (batteries and not _products(supplier, "Battery")):
            continue
        used, limit = _room(capacity, supplier)
        if used < limit and (lowest is None or Fraction(used, limit) < lowest):
            best, lowest = supplier, Fraction(used, limit)
    return best


def match_answer(chat: Chat) -> dict[str, Any]:
    """The answer of the first phase: a match, or "NO MATCH FOUND"."""
    row, supplier = chat.row, _winner(chat)
    if supplier is None:
        return {"registration_id": row.get("RegistrationNumber"), "message": "NO MATCH FOUND"}
    panels, batteries = _asked(row)
    solar = _products(supplier, "Solar")[0] if panels else {}
    used, limit = _room(chat.blocks.get("CAPACITY") or {}, supplier)
    return {
        "registration_id": row.get("RegistrationNumber"),
        "campaign_name": row.get("CampaignName"),
        "supplier_id": supplier["SupplierID"],
        "zip_code": _zip(row.get("Contact_Zip")),
        "num_panels": panels,
        "num_batteries": batteries,
        "payment_type": "Loan" if _wants_loan(row) else "Cash",
        "product_type": "+".join(n for n, asked in (("Solar", panels), ("Battery", batteries)) if asked),
        "panel_name": solar.get("ProductName"),
        "panel_capacity": solar.get("ProductCapacity"),
        "reasoning": f"{supplier['SupplierID']} serves this ZIP code, offers what is asked and has the lowest "
        f"utilisation of those that do ({used} of {limit} units).",
    }


def _closest(product: dict[str, Any], asked: int) -> dict[str, Any]:
    rows = product["ProductPrices"]
    near = min(abs(_int(r["Quantity"]) - asked) for r in rows)
    return max((r for r in rows if abs(_int(r["Quantity"]) - asked) == near), key=lambda r: _int(r["Quantity"]))


def _line(product: dict[str, Any], kind: str, asked: int, loan: bool, lmi: bool) -> dict[str, Any]:
    price = _closest(product, asked)
    column = "LoanInstallment" if loan else "CashPrice"
    money = _int(price.get("LMI" + column)) if lmi else 0
    return {
        "product_type": kind,
        "product_name": product.get("ProductName"),
        "quantity": _int(price["Quantity"]),
        "price": money or _int(price.get(column)),
    }


def _when(text: Any) -> date | None:
    text = str(text or "")
    if found := re.fullmatch(r"(\d{4})-(\d\d)-(\d\d).*", text):
        return date(int(found[1]), int(found[2]), int(found[3]))
    if found := re.fullmatch(r"(\d{1,2})/(\d{1,2})/(\d{4})", text):
        return date(int(found[3]), int(found[1]), int(found[2]))
    return None


def _fits(incentive: dict[str, Any], row: dict[str, Any], lmi: bool, today: date) -> bool:
    start, end = _when(incentive.get("Start date")), _when(incentive.get("End date"))
    place = str(incentive.get("Applicable community", "ALL")).lower()
    here = {str(row.get(key)).lower() for key in ("Contact_state", "Contact_Utility", "Contact_Zip", "CampaignName")}
    in_time = (start is None or start <= today) and (end is None or today <= end)
    return in_time and (place == "all" or place in here) and (lmi or str(incentive.get("LMI")).upper() != "TRUE")


def _subsidy(incentive: dict[str, Any], price: int) -> float | None:
    """The amount of a plain percentage, in dollars; None for any other text, which this server leaves alone."""
    text = str(incentive.get("Incentive specs"))
    found = re.fullmatch(r"(\d+(?:\.\d+)?)% [^\d$%]*", text)
    if not found or re.search(r"\b(up to|per|after)\b|batter", text):
        return None
    return round(Fraction(found[1]) * price) / 100


def order_answer(chat: Chat) -> dict[str, Any]:
    """The answer of the second phase: all of the match, and the priced order."""
    row, match = chat.row, chat.blocks.get("MATCH") or match_answer(chat)
    match = match[0] if isinstance(match, list) else match
    suppliers = _suppliers(chat.blocks.get("OFFERS"))
    supplier = next(s for s in suppliers if str(s["SupplierID"]) == str(match["supplier_id"]))
    loan, lmi = match["payment_type"] == "Loan", _int(row.get("Contact_LowMediumIncome")) == 1
    lines = [
        _line(_products(supplier, kind)[0], kind, _int(asked), loan, lmi)
        for kind, asked in (("Solar", match["num_panels"]), ("Battery", match["num_batteries"]))
        if _int(asked)
    ]
    price = sum(line["price"] for line in lines)
    today = date.today()  # noqa: DTZ011 -- the run's date is the local one
    subsidies = [
        {"name": i["Incentive name"], "amount": amount}
        for i in chat.blocks.get("INCENTIVES") or []
        if _fits(i, row, lmi, today) and (amount := _subsidy(i, price)) is not None
    ]
    total = round(sum(s["amount"] for s in subsidies), 2)
    return {
        **match,
        "lines": lines,
        "product_price": price,
        "loan_installment": price if loan else None,
        "eligible_subsidies": subsidies,
        "total_subsidy": total,
        "final_price": round(price - total, 2),
    }


def critique(chat: Chat) -> list[str]:
    """What is wrong with the draft, as a careful colleague sees it; empty when it may pass."""
    problems = [v.get("message", str(v)) if isinstance(v, dict) else str(v) for v in _listed(chat.violations)]
    draft = chat.blocks.get("DRAFT", chat.loose)
    draft = draft[0] if isinstance(draft, list) and draft else draft
    if not isinstance(draft, dict):
        return problems or ["there is no JSON object in the draft"]
    right = order_answer(chat) if "lines" in draft else match_answer(chat)
    same = {"supplier_id", "message", "num_panels", "num_batteries", "payment_type", "product_type", "product_price"}
    return problems + [
        f"{key} should be {json.dumps(right.get(key))}, the draft says {json.dumps(draft.get(key))}"
        for key in sorted(same & (draft.keys() | right.keys()))
        if draft.get(key) != right.get(key)
    ]


def _listed(found: Any) -> list[Any]:
    return found if isinstance(found, list) else [found] if found else []


def spoil(answer: dict[str, Any], chance: Random) -> dict[str, Any]:
    """A plausible wrong answer: what the models of the real job got wrong."""
    bad = dict(answer)
    if "message" in bad:
        return {**bad, "supplier_id": "SUP-UNKNOWN", "num_panels": 10, "message": "MATCHED"}
    if "lines" in bad:
        kind = chance.choice(["instalment", "quantity", "final", "empty"])
        if kind == "instalment":
            bad["lines"] = [{**line, "price": max(1, line["price"] // 137)} for line in bad["lines"]]
            bad["product_price"] = sum(line["price"] for line in bad["lines"])
        elif kind == "quantity":
            bad["lines"] = [{**line, "quantity": line["quantity"] + 1} for line in bad["lines"]]
        elif kind == "final":
            bad["final_price"] = bad["final_price"] + 100
        else:
            bad["lines"] = []
        return bad
    kind = chance.choice(["supplier", "product", "payment", "panels"])
    if kind == "supplier":
        bad["supplier_id"] = "SUP-UNKNOWN"
    elif kind == "product":
        bad["product_type"] = "Battery" if bad["product_type"] == "Solar" else "Solar"
    elif kind == "payment":
        bad["payment_type"] = chance.choice(["CashPrice", "Cash, Loan", "LoanInstallment: 205", None])
    else:
        bad["num_panels"] = bad["num_panels"] + 3
    return bad
