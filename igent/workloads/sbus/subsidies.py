"""Rule 6 of sbus.md: which incentives hold for a household, and what those with a clear text are worth.

The text is free. Only two forms are computed: one percentage over the total cost, and one flat sum. Everything that
hedges ("up to", "per kW", two figures, a product the order does not consist of) is left to the model's judgement.
"""

from __future__ import annotations

__all__ = ["Eligible", "accepts", "applicable", "holding", "worth"]

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from igent.workloads.sbus.model import Incentive, Request

_HEDGE = re.compile(
    r"\b(up to|per|max\w*|min\w*|cap\w*|limit\w*|each|every|between|from|to|or|range\w*|first|after|less|least|most|"
    r"about|approx\w*|vary|varies|remaining|except|excluding|net|month\w*|annual\w*|year\w*|kw|kwh|watts?|w)\b|/|-\s*\$?\d",
    re.IGNORECASE,
)
_PERCENT = re.compile(r"(\d+(?:\.\d+)?)\s*(?:%|percent\b)", re.IGNORECASE)
_TOTAL = re.compile(
    r"\b(?:of|over|on|off)\s+(?:the\s+|your\s+)?(?:(?:total|full|whole|entire|gross|final|purchase|product|project|system|"
    r"installation|installed|solar|battery)\s+)*(?:cost|costs|price|installation|purchase)\b",
    re.IGNORECASE,
)
_DOLLARS = re.compile(r"\$\s*(\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)(?![\d,.]*\d|[kKmM])")
_FIGURE = re.compile(r"\d[\d,.]*")
_ABOUT = {
    "Solar": re.compile(r"\b(solar|panels?|photovoltaic|pv)\b", re.IGNORECASE),
    "Battery": re.compile(r"\b(battery|batteries|storage)\b", re.IGNORECASE),
}


@dataclass(frozen=True, slots=True)
class Eligible:
    """An incentive that holds for a household; `amount` in dollars, not yet rounded, None where its text leaves room
    for judgement."""

    incentive: Incentive
    amount: Decimal | None


def applicable(incentives: Iterable[Incentive], request: Request, today: date) -> list[Incentive]:
    """Those whose dates (both ends included), community and low-income condition hold."""
    return [i for i in incentives if _in_time(i, today) and _for(i, request)]


def _in_time(incentive: Incentive, today: date) -> bool:
    if incentive.note:
        return False
    return (incentive.start is None or incentive.start <= today) and (incentive.end is None or today <= incentive.end)


def _for(incentive: Incentive, request: Request) -> bool:
    here = "all" in incentive.communities or not incentive.communities.isdisjoint(request.places)
    return here and (request.low_income or not incentive.low_income_only)


def holding(
    incentives: Iterable[Incentive], request: Request, today: date, product_price: Decimal
) -> dict[str, list[Eligible]]:
    """The incentives that hold for a household, by name, with their worth at this price."""
    found: dict[str, list[Eligible]] = {}
    for incentive in applicable(incentives, request, today):
        found.setdefault(incentive.name, []).append(Eligible(incentive, worth(incentive.specs, request, product_price)))
    return found


def worth(specs: str, request: Request, product_price: Decimal) -> Decimal | None:
    """What a text is worth in dollars, not yet rounded; a month's part where the price is a month's instalment.

    None where it is not certain: then the model judges. A flat sum is certain for a Cash order only: the text does not
    say how it is set against instalments.
    """
    about = {kind for kind, words in _ABOUT.items() if words.search(specs)}
    percents, dollars = _PERCENT.findall(specs), _DOLLARS.findall(specs)
    one_figure = len(_FIGURE.findall(specs)) == 1
    if not one_figure or _HEDGE.search(specs) or (about and about != set(request.kinds)):
        return None
    if len(percents) == 1 and "$" not in specs and _TOTAL.search(specs) and Decimal(percents[0]) <= 100:
        return product_price * Decimal(percents[0]) / 100
    if len(dollars) == 1 and specs.count("$") == 1 and not percents and request.payment == "Cash":
        amount = Decimal(dollars[0].replace(",", ""))
        return amount if amount <= product_price else None
    return None


def accepts(exact: Decimal, amount: Decimal) -> bool:
    """Whether an amount is the exact one, rounded to the cent or to the dollar; half a cent may go either way."""
    off = abs(amount - exact)
    return off <= Decimal("0.005") or (off <= Decimal("0.5") and amount == amount.to_integral_value())
