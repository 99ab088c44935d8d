"""The example data: `python -m igent.workloads.sbus.generate --seed 7 --out DIR`; the same seed, the same bytes."""

from __future__ import annotations

__all__ = ["generate", "main"]

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

import click

from igent.files import replace_file
from igent.workloads.sbus.catalogue import CAMPAIGN, INCENTIVES, SHARED_ZIPS, SUPPLIERS, UNSERVED, offers, shared_by

_UTILITIES = ("Lakeline Electric", "Millbrook Power", "Prairie Co-op")
_SIZES = (
    "SmallerThan1000Ft",
    "Between1000And1600Ft",
    "Between1600And2200Ft",
    "Between2200And2800Ft",
    "LargerThan2800Ft",
)
_SIDES = ("South", "SouthWest", "SouthEast", "West", "East", None)
_STATUS = ("Undecided", "Accepted", "Declined", "Cancelled", "Confirmed")
_SCENARIOS = {
    "full_dataset": "registrations over about 40 ZIP codes, some of which nobody serves; capacity is partly used.",
    "overlap_only": "registrations in the 3 ZIP codes that all suppliers serve: every pick changes the next one.",
    "no_battery": "registrations; one of the three suppliers sells no battery.",
}


def _registration(random: Random, number: int, zip_: str) -> dict[str, Any]:
    """A household without holes."""
    panels = random.randint(8, 58) if random.random() < 0.25 else random.randint(10, 32)
    knows = random.random() < 0.3
    roof = random.randrange(300, 2600, 50) if random.random() < 0.4 else None
    return {
        "RegistrationNumber": f"SPUS{number:05d}",
        "CampaignName": CAMPAIGN,
        "RegistrationStatus": random.choice(_STATUS),
        "Contact_Zip": zip_,
        "Contact_state": "IL",
        "Product_RoofPitch": random.choice(("Inclined", "Sharp", "Flat")),
        "Product_RoofOrientation": random.choice(_SIDES),
        "Product_KnowsAmountOfPanels": "1" if knows else "0",
        "Product_AmountOfPanels": max(1, panels + random.randint(-4, 4)) if knows else None,
        "Product_CanEstimateRoofSurface": None if knows else "1" if roof else "0",
        "Product_EstimatedRoofSizeFt": roof,
        "Product_HomeSize": random.choice((*_SIZES, None)),
        "Proposal_OptimalAmountOfPanels": panels,
        "Contact_LowMediumIncome": int(random.random() < 0.2),
        "Contact_Utility": random.choice(_UTILITIES),
        "Product_NumberOfStories": random.randint(1, 3),
        "Proposal_OptimalAmountOfBatteries": random.choices("012", (65, 25, 10))[0],
    }


def _with_holes(random: Random, data: dict[str, Any], *, loans: bool) -> dict[str, Any]:
    """What real exports do to one in three: battery alone, nulls, strings for numbers, a state of "84"."""
    hole = random.randrange(24)
    if hole == 0:
        alone = {"Product_KnowsAmountOfPanels": "0", "Product_AmountOfPanels": None}
        data |= {**alone, "Proposal_OptimalAmountOfPanels": None, "Proposal_OptimalAmountOfBatteries": "1"}
    elif hole == 1:
        asked = random.choice((5, 12, 20, 27, 64))
        data |= {"Product_KnowsAmountOfPanels": "1", "Product_AmountOfPanels": asked}
        data["Proposal_OptimalAmountOfPanels"] = None
    elif hole == 2:
        data["Proposal_OptimalAmountOfPanels"] = str(data["Proposal_OptimalAmountOfPanels"])
    elif hole == 3:
        data["Contact_state"] = "84"
    elif hole == 4:
        data |= {"Product_EstimatedRoofSizeFt": "1200", "Product_NumberOfStories": "2", "Product_AmountOfPanels": None}
    elif hole == 5:
        data |= {"Product_RoofOrientation": None, "Product_HomeSize": None, "Product_CanEstimateRoofSurface": None}
    elif hole == 6 and loans:
        data["Contact_LowMediumIncome"] = str(data["Contact_LowMediumIncome"])
    elif hole in (7, 8) and loans:
        data["Proposal_PaymentType"] = "Loan"
    return data


def _registrations(seed: int, name: str, first: int, count: int, zips: Sequence[str]) -> list[dict[str, Any]]:
    """`count` households in these ZIP codes, each of which gets one at least while there are enough of them."""
    random = Random(f"{seed}:{name}")
    places = [*zips, *random.choices(zips, k=max(0, count - len(zips)))]
    random.shuffle(places)
    loans = name != "overlap_only"
    return [
        _with_holes(random, _registration(random, first + place, zip_), loans=loans)
        for place, zip_ in enumerate(places[:count])
    ]


def _zips(name: str) -> list[str]:
    one, two, three = (bidder.id for bidder in SUPPLIERS)
    pairs = [*shared_by(one, two), *shared_by(one, three), *shared_by(two, three)]
    alone = [zip_ for bidder in SUPPLIERS for zip_ in shared_by(bidder.id)[:3]]
    if name == "overlap_only":
        return SHARED_ZIPS
    if name == "no_battery":
        return [*SHARED_ZIPS, *shared_by(one, three)[:3], *shared_by(three)[:6], *shared_by(two)[:2], UNSERVED[0]]
    return [*SHARED_ZIPS, *pairs, *alone, *UNSERVED]


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _lines(values: Sequence[Any], indent: str = "") -> str:
    """A list with one element a line."""
    inner = ",\n".join(f"{indent}  {_compact(value)}" for value in values)
    return f"[\n{inner}\n{indent}]"


def _pretty_offers(document: Mapping[str, Any]) -> str:
    """The offers, indented, with one line a price and ten ZIP codes a line."""
    bids = []
    for bid in document["SupplierOffers"]:
        areas = bid["ServiceAreas"]
        tens = [_compact(areas[at : at + 10])[1:-1] for at in range(0, len(areas), 10)]
        products = []
        for product in bid["Offers"]:
            head = _members({k: v for k, v in product.items() if k != "ProductPrices"}, " " * 10)
            prices = _lines(product["ProductPrices"], " " * 10)
            products.append(f'        {{\n{head},\n          "ProductPrices": {prices}\n        }}')
        head = _members({k: v for k, v in bid.items() if k not in ("ServiceAreas", "Offers")}, " " * 6)
        listed = (",\n" + " " * 8).join(tens)
        offered = ",\n".join(products)
        bids.append(
            f'    {{\n{head},\n      "ServiceAreas": [\n        {listed}\n      ],\n'
            f'      "Offers": [\n{offered}\n      ]\n    }}'
        )
    campaign, joined = _compact(document["CampaignID"]), ",\n".join(bids)
    return f'{{\n  "CampaignID": {campaign},\n  "SupplierOffers": [\n{joined}\n  ]\n}}\n'


def _members(data: Mapping[str, Any], indent: str) -> str:
    return ",\n".join(f"{indent}{_compact(key)}: {_compact(value)}" for key, value in data.items())


def _capacity(document: Mapping[str, Any], count: int) -> str:
    """A capacity file in which each supplier has some units used already."""
    entries = {}
    for bidder, bid in zip(SUPPLIERS, document["SupplierOffers"], strict=True):
        used = min(bidder.used * count // 100, bid["Capacity"])
        share = round(used / bid["Capacity"], 2)
        entries[bidder.id] = {"SupplierID": bidder.id, "Capacity": bid["Capacity"], "Used": used, "UsedPct": share}
    return f"{{\n{_members(entries, '  ')}\n}}\n"


def _scenario(name: str, count: int, files: Mapping[str, str]) -> str:
    named = "".join(f"{key}: {path}\n" for key, path in files.items())
    return f"name: {name}\ndescription: '{count} {_SCENARIOS[name]}'\n{named}"


def generate(seed: int, registrations: int | None = None) -> dict[str, str]:
    """The files of the data folder, by relative path. `registrations` is the number for each scenario (capacities grow
    with it); None means 100, and 41 for no_battery."""
    full, few = registrations or 100, registrations or 41
    names = [bidder.id for bidder in SUPPLIERS]
    everything, reduced = offers(names, full), offers(names[:2], few + 20)
    files = {
        "offers.json": _pretty_offers(everything),
        "offers_no_battery.json": _pretty_offers(reduced),
        "incentives.json": _lines(INCENTIVES) + "\n",
        "capacity_full.json": _capacity(everything, full),
    }
    for place, name in enumerate(_SCENARIOS):
        count = few if name == "no_battery" else full
        households = _registrations(seed, name, 10_001 + 30_000 * place, count, _zips(name))
        path = f"registrations_{name}.json"
        files[path] = _lines(households) + "\n"
        bids = "offers_no_battery.json" if name == "no_battery" else "offers.json"
        named = {"registrations": path, "offers": bids, "incentives": "incentives.json"}
        if name == "full_dataset":
            named["capacity"] = "capacity_full.json"
        files[f"scenarios/{name}.yaml"] = _scenario(name, count, named)
    return files


@click.command()
@click.option("--seed", type=int, default=7, show_default=True, help="The same seed gives the same bytes.")
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="The data folder to write."
)
@click.option("--registrations", type=click.IntRange(1), help="How many for each scenario, instead of 100, 100 and 41.")
def main(seed: int, out: Path, registrations: int | None) -> None:
    """Write the example data of the workload sbus."""
    files = generate(seed, registrations)
    (out / "scenarios").mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        replace_file(out / name, [text.encode()], durable=False)
    click.echo(f"{len(files)} files in {out}", err=True)


if __name__ == "__main__":
    main()
