"""The conversation that every reference has, whatever it is written with: matcher and critic, then a matcher.

The prompts are those that igent ships, with the words that end an AutoGen team; the data blocks are the original's.
Standard library only.
"""

from __future__ import annotations

__all__ = ["MAX_ROUNDS", "MODELS", "Dialogue"]

import json
import re
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from measure import Case, Row

PROMPTS = Path(__file__).parents[1] / "prompts" / "sbus"
MAX_ROUNDS = 3
MODELS = {"matcher1": "m1", "critic": "critic", "matcher2": "m2"}
ENDINGS = {
    "matcher1": "",
    "critic": "\nWhen the draft may go out, answer with the one word APPROVE; else say what to correct.",
    "matcher2": "\nAfter the JSON write TERMINATE on a line of its own.",
}
_JSON = re.compile(r"```json\n(.*?)\n```", re.S)

Message = dict[str, str]
Ask = Callable[[str, Sequence[Message]], Awaitable[str]]
"""Asks an agent by name; the messages are the user's and the assistant's, without the system prompt."""


class Dialogue:
    """The prompts, and the capacity in memory; nothing is checked. `sliced` shows only what a registration can use,
    which is kinder than the original: that shows all offers, every time."""

    def __init__(self, case: Case, *, sliced: bool) -> None:
        self.case, self.sliced = case, sliced
        self.stock = {key: {"Capacity": s["Capacity"], "Used": s["Used"]} for key, s in case.capacity.items()}
        self.prompts = {agent: _role_prompt(agent) for agent in ENDINGS}

    def match_task(self, row: Row) -> str:
        """What the first team is given."""
        return _blocks(OFFERS=self._offers(row), REGISTRATION=row, CAPACITY=self.stock)

    def order_task(self, row: Row, match: Row) -> str:
        """What the second team is given."""
        offers = self._offers(row, match["supplier_id"])
        return _blocks(OFFERS=offers, INCENTIVES=self.case.incentives, REGISTRATION=row, MATCH=match)

    def take(self, text: str) -> Row | None:
        """The match in an answer, its unit taken; None when nobody fits."""
        match = self.answer(text)
        if "message" in match:
            return None
        self.stock[str(match["supplier_id"])]["Used"] += 1
        return match

    def answer(self, text: str) -> Row:
        """The last JSON block of an answer."""
        value = json.loads(_JSON.findall(text)[-1])
        return value[0] if isinstance(value, list) else value

    def approved(self, text: str) -> bool:
        """Whether the critic lets the draft go out."""
        return "APPROVE" in text

    async def register(self, row: Row, ask: Ask) -> Row | None:
        """Both phases of one registration."""
        task = {"role": "user", "content": self.match_task(row)}
        history, draft = [task], ""
        for _ in range(MAX_ROUNDS):
            draft = await ask("matcher1", history)
            verdict = await ask("critic", [task, {"role": "user", "content": draft}])
            if self.approved(verdict):
                break
            history += [{"role": "assistant", "content": draft}, {"role": "user", "content": verdict}]
        match = self.take(draft)
        if match is None:
            return None
        return self.answer(await ask("matcher2", [{"role": "user", "content": self.order_task(row, match)}]))

    def _offers(self, row: Row, supplier: str | None = None) -> Row:
        return _row_slice(self.case.offers, row, supplier) if self.sliced else self.case.offers


def _role_prompt(agent: str) -> str:
    text = (PROMPTS / f"{agent}.md").read_text("utf-8")
    return re.sub(r"```json\n\{\{ schema \}\}\n```", "(the fields above)", text) + ENDINGS[agent]


def _blocks(**values: object) -> str:
    return "\n\n".join(f"## {name}\n```json\n{json.dumps(value, indent=2)}\n```" for name, value in values.items())


def _row_slice(offers: Row, row: Row, supplier: str | None) -> Row:
    """The part of the offers that one registration can use: its ZIP code, its products, its quantity's neighbours."""
    place = str(row.get("Contact_Zip")).zfill(5)
    panels = int(row.get("Proposal_OptimalAmountOfPanels") or row.get("Product_AmountOfPanels") or 0)
    asked = {"Solar": panels, "Battery": int(row.get("Proposal_OptimalAmountOfBatteries") or 0)}
    found = []
    for entry in offers["SupplierOffers"]:
        if place not in (str(z).zfill(5) for z in entry["ServiceAreas"]) or supplier not in {None, entry["SupplierID"]}:
            continue
        products = [
            {**p, "ProductPrices": _near(p["ProductPrices"], asked[p["ProductType"]])}
            for p in entry["Offers"]
            if asked[p["ProductType"]]
        ]
        found.append({**entry, "ServiceAreas": [place], "Offers": products})
    return {"CampaignID": offers["CampaignID"], "SupplierOffers": found}


def _near(prices: Sequence[Row], asked: int) -> list[Row]:
    least = min(abs(int(p["Quantity"]) - asked) for p in prices)
    return [p for p in prices if abs(int(p["Quantity"]) - asked) == least]
