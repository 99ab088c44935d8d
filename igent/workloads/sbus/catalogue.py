"""The fictional suppliers and incentives of the example data. No name, price or programme here is a real one."""

from __future__ import annotations

__all__ = ["CAMPAIGN", "INCENTIVES", "SHARED_ZIPS", "SUPPLIERS", "UNSERVED", "area_of", "offers", "shared_by"]

from collections.abc import Sequence
from typing import Any, NamedTuple

CAMPAIGN = "Prairie Sun 2026"
_POOL = [str(60001 + 7 * n) for n in range(135)]
SHARED_ZIPS = _POOL[:3]
UNSERVED = ["61901", "61907", "61913", "61990"]


class Panel(NamedTuple):
    """One panel: name, watts, dollars for the first and for each further one."""

    name: str
    watts: int
    base: int
    each: int


class Bidder(NamedTuple):
    """One supplier: the share of the registrations it can serve, and what it offers; `lmi` is its LMI rebate in %,
    0 when it has no separate price; `battery` is name, kWh, price and the largest listed quantity, or None."""

    id: str
    share: int
    rate: float
    months: int
    lmi: int
    panels: Sequence[Panel]
    battery: tuple[str, str, int, int] | None
    used: int


SUPPLIERS = (
    Bidder(
        "Aldersun",
        50,
        6.5,
        120,
        8,
        [Panel("Helia 400", 400, 3100, 742), Panel("Helia 440 Black", 440, 3350, 836)],
        ("Cellar 10", "10", 8900, 2),
        14,
    ),
    Bidder("Brookvolt", 46, 5.9, 144, 0, [Panel("Orrin 410", 410, 2650, 768)], ("Brookbox 13", "13.5", 10450, 2), 12),
    Bidder("Corvane", 42, 7.2, 96, 12, [Panel("Tern 425", 425, 2900, 789)], ("Nest 9", "9", 7990, 1), 30),
)
_NAMES = tuple(b.id for b in SUPPLIERS)


def shared_by(*suppliers: str) -> list[str]:
    """The ZIP codes that exactly these suppliers serve: 3 for all three, 8 a pair, the rest of the pool alone."""
    places = [_NAMES.index(name) for name in suppliers]
    if len(places) == 3:
        return SHARED_ZIPS
    if len(places) == 2:
        start = 3 + 8 * (sum(places) - 1)
        return _POOL[start : start + 8]
    bounds = ((27, 63), (63, 92), (92, 135))
    return _POOL[slice(*bounds[places[0]])]


def area_of(supplier: str) -> list[str]:
    """All ZIP codes of a supplier, in order."""
    pairs = [zip_ for other in _NAMES if other != supplier for zip_ in shared_by(supplier, other)]
    return sorted([*SHARED_ZIPS, *pairs, *shared_by(supplier)])


def _row(quantity: int, cash: int, bidder: Bidder) -> dict[str, int]:
    low = cash * (100 - bidder.lmi) // 100 if bidder.lmi else 0
    return {
        "Quantity": quantity,
        "CashPrice": cash,
        "LMICashPrice": low,
        "LoanInstallment": _instalment(cash, bidder),
        "LMILoanInstallment": _instalment(low, bidder) if low else 0,
    }


def _instalment(cash: int, bidder: Bidder) -> int:
    """The monthly payment of an annuity over the supplier's term, in whole dollars."""
    monthly = bidder.rate / 1200
    return round(cash * monthly / (1 - (1 + monthly) ** -bidder.months))


def offers(batteries: Sequence[str], registrations: int) -> dict[str, Any]:
    """The offers document; `batteries` names the suppliers that sell one, `registrations` scales the capacities."""
    bids = []
    for bidder in SUPPLIERS:
        products = [
            {
                "ProductType": "Solar",
                "ProductName": panel.name,
                "ProductCapacity": str(panel.watts),
                "ProductPrices": [_row(n, panel.base + n * panel.each, bidder) for n in range(8, 59)],
            }
            for panel in bidder.panels
        ]
        if bidder.battery and bidder.id in batteries:
            name, kwh, cost, most = bidder.battery
            rows = [_row(n, cost * n - 400 * (n - 1), bidder) for n in range(1, most + 1)]
            products.append(
                {"ProductType": "Battery", "ProductName": name, "ProductCapacity": kwh, "ProductPrices": rows}
            )
        bids.append(
            {
                "SupplierID": bidder.id,
                "Capacity": -(-bidder.share * registrations // 100),
                "InterestRate": bidder.rate,
                "LoanTermMonths": bidder.months,
                "ServiceAreas": area_of(bidder.id),
                "Offers": products,
            }
        )
    return {"CampaignID": CAMPAIGN, "SupplierOffers": bids}


_KEYS = (
    "Incentive name",
    "Applicable community",
    "Incentive source",
    "LMI",
    "Incentive specs",
    "Start date",
    "End date",
)
_PROGRAMMES = (
    "Clean Roofs Credit|ALL|Nation|FALSE|30% over the total cost of the installation|2026-01-01|No end date",
    "Early Sun Bonus|ALL|Nation|FALSE|12% over the total cost of the installation|01/01/2023|12/31/2025",
    "Fair Start Grant|IL|State|TRUE|8% over the total cost of the installation|January 1, 2026|No end date",
    "Lakeline Peak Aid|Lakeline Electric|Utility|FALSE|Up to $300 for each kWh of a battery|2026-03-01|No end date",
    f"Town Solar Gift|{SHARED_ZIPS[1]}|Town|FALSE|2.5% of the total price|2026-02-01|No end date",
)
INCENTIVES = [dict(zip(_KEYS, line.split("|"), strict=True)) for line in _PROGRAMMES]
