"""Data folders that the project has never seen: random campaigns with the holes of real exports.

python tests/foreign_data.py FOLDER [--seed N] [--n N] [--suppliers N]
"""

from __future__ import annotations

__all__ = ["make_dataset"]

import argparse
import json
from pathlib import Path
from random import Random
from typing import Any

STATES = ("CA", "AZ", "NV", "TX")
UTILITIES = ("Bear Valley Electric", "Liberty Light", "Sunflower Coop", "N/A")
ROOFS = ("Inclined", "Sharp", "Flat")
SIDES = ("South", "SouthWest", "SouthEast", "West", "East", None)
HOMES = ("SmallerThan1000Ft", "Between1000And1600Ft", "Between1600And2200Ft", "LargerThan2800Ft", None)


def make_dataset(
    folder: Path,
    seed: int,
    n: int,
    suppliers: int = 3,
    *,
    name: str = "foreign",
    tight: float = 0.4,
    unserved: float = 0.06,
    loans: float = 0.15,
    holes: bool = True,
    offer_holes: bool = False,
    unusable: float = 0.0,
) -> str:
    """Write a data folder of `n` registrations and return the scenario's name.

    `tight` is the chance that a supplier's capacity is small enough to run out; `unserved`, `loans` and `unusable` are
    shares of the registrations (ZIP codes nobody serves; paid by loan; no ZIP code, or nothing asked). `holes` puts in
    the faults of exports; `offer_holes` also numbers as strings and ZIP codes as integers in the offers.
    """
    chance = Random(f"foreign/{seed}/{n}/{suppliers}")
    campaign = (
        f"{chance.choice(['Bright', 'Home', 'Clear'])} {chance.choice(['Valley', 'Harbor', 'Mesa'])} {2020 + seed % 9}"
    )
    zips = [f"{chance.randrange(10000, 99999)}" for _ in range(30)] + [
        f"0{chance.randrange(1000, 9999)}" for _ in range(4)
    ]
    offers = [_supplier(chance, i, zips, n, suppliers, tight, offer_holes) for i in range(suppliers)]
    served = sorted({str(z).zfill(5) for o in offers for z in o["ServiceAreas"]})
    shared = [z for z in served if all(z in {str(a).zfill(5) for a in o["ServiceAreas"]} for o in offers)]
    rows = []
    for i in range(n):
        place = chance.choice(shared if shared and chance.random() < 0.5 else served)
        if chance.random() < unserved:
            place = "00501"
        row = _registration(chance, 10000 + seed * 1000 % 80000 + i, campaign, place, loans)
        if holes:
            _dig(chance, row)
        if chance.random() < unusable:
            row.update(chance.choice([{"Contact_Zip": None}, _nothing()]))
        rows.append(row)
    files = {"registrations": rows, "offers": {"CampaignID": f"C-{seed}", "SupplierOffers": offers}}
    if seed % 4:
        files["incentives"] = _incentives(chance, campaign)
    if seed % 2:
        files["capacity"] = _capacity(chance, offers)
    _write(folder, name, files)
    return name


def _write(folder: Path, name: str, files: dict[str, Any]) -> None:
    (folder / "scenarios").mkdir(parents=True, exist_ok=True)
    lines = [f"name: {name}", "description: A campaign from elsewhere"]
    for key, value in files.items():
        (folder / f"{name}_{key}.json").write_text(json.dumps(value, indent=1), encoding="utf-8")
        lines.append(f"{key}: {name}_{key}.json")
    (folder / "scenarios" / f"{name}.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _supplier(
    chance: Random, i: int, zips: list[str], n: int, suppliers: int, tight: float, loose: bool
) -> dict[str, Any]:
    share = max(1, n // suppliers)
    few = chance.random() < tight
    capacity = chance.randint(1, max(1, share // 2)) if few else chance.randint(share, 2 * n + 1)
    solar = chance.random() < 0.9 or i == 0
    battery = chance.random() < 0.75 or not solar
    near = chance.sample(zips, chance.randint(8, len(zips) - 4))
    near += [z for z in zips[:3] if z not in near]
    kinds = [k for k, there in (("Solar", solar), ("Battery", battery)) if there]
    offer = {
        "SupplierID": f"{chance.choice(['SUP', 'V', 'Energy '])}{i + 1}-{chance.randrange(100)}",
        "Capacity": str(capacity) if loose else capacity,
        "InterestRate": chance.randint(400, 900) / 100,
        "LoanTermMonths": chance.choice([60, 120, 180, 240]),
        "ServiceAreas": [int(z) if loose and z[0] != "0" and chance.random() < 0.5 else z for z in near],
        "Offers": [_offer(chance, kind, i, loose) for kind in kinds],
    }
    chance.shuffle(offer["Offers"])
    return offer


def _offer(chance: Random, kind: str, i: int, loose: bool) -> dict[str, Any]:
    solar = kind == "Solar"
    quantities = list(range(8, 59)) if solar else chance.choice([[1], [1, 2], [1, 3]])
    if solar and chance.random() < 0.5:
        quantities = quantities[:: chance.choice([2, 4])]
    unit = chance.randint(450, 900) if solar else chance.randint(8000, 14000)
    discount = chance.choice([0, 0, 5, 10])
    rows = []
    for quantity in quantities:
        cash = unit * quantity + chance.randint(0, 99)
        loan = cash // chance.randint(90, 130)
        low = (0, 0) if not discount or chance.random() < 0.2 else (cash * (100 - discount) // 100, loan * 9 // 10)
        row = {
            "Quantity": quantity,
            "CashPrice": cash,
            "LMICashPrice": low[0],
            "LoanInstallment": loan,
            "LMILoanInstallment": low[1],
        }
        rows.append({k: str(v) for k, v in row.items()} if loose and chance.random() < 0.3 else row)
    size = str(chance.randint(350, 460)) if solar else chance.choice(["13.5", "10", "16"])
    label = f"{'Panel' if solar else 'Store'} {'ABCDEFGH'[i % 8]}{chance.randrange(100, 999)}"
    return {"ProductType": kind, "ProductName": label, "ProductCapacity": size, "ProductPrices": rows}


def _registration(chance: Random, number: int, campaign: str, place: str, loans: float) -> dict[str, Any]:
    row = {
        "RegistrationNumber": f"SPUS{number:05d}",
        "CampaignName": campaign,
        "RegistrationStatus": chance.choice(["Undecided", "Accepted", "Declined", "Cancelled", "Confirmed"]),
        "Contact_Zip": place,
        "Contact_state": chance.choice(STATES),
        "Product_RoofPitch": chance.choice(ROOFS),
        "Product_RoofOrientation": chance.choice(SIDES),
        "Product_KnowsAmountOfPanels": "0",
        "Product_AmountOfPanels": None,
        "Product_CanEstimateRoofSurface": chance.choice(["0", "1", None]),
        "Product_EstimatedRoofSizeFt": chance.choice([None, chance.randint(400, 3000)]),
        "Product_HomeSize": chance.choice(HOMES),
        "Proposal_OptimalAmountOfPanels": chance.randint(8, 58),
        "Contact_LowMediumIncome": int(chance.random() < 0.3),
        "Contact_Utility": chance.choice(UTILITIES),
        "Product_NumberOfStories": chance.randint(1, 3),
        "Proposal_OptimalAmountOfBatteries": chance.choice(["0", "0", "0", "1", "1", "2"]),
    }
    if chance.random() < loans:
        row["Product_PaymentType"] = "Loan"
    elif chance.random() < loans:
        row["Product_PaymentType"] = "Cash"
    return row


def _dig(chance: Random, row: dict[str, Any]) -> None:
    """One of the holes that sbus.md names, into every third row."""
    holes: list[dict[str, Any]] = [
        {"Contact_state": "84"},
        {"Proposal_OptimalAmountOfPanels": str(row["Proposal_OptimalAmountOfPanels"])},
        {"Contact_LowMediumIncome": str(row["Contact_LowMediumIncome"])},
        {"Proposal_OptimalAmountOfPanels": None, "Product_AmountOfPanels": chance.randint(3, 70)},
        {"Proposal_OptimalAmountOfPanels": None, "Product_AmountOfPanels": str(chance.randint(8, 58))},
        {"Proposal_OptimalAmountOfPanels": None, "Proposal_OptimalAmountOfBatteries": "1"},
        {"Proposal_OptimalAmountOfPanels": None, "Proposal_OptimalAmountOfBatteries": 2},
        {"Proposal_OptimalAmountOfBatteries": None},
        {"Product_RoofPitch": None, "Contact_Utility": None},
    ]
    if row["Contact_Zip"][0] != "0":
        holes.append({"Contact_Zip": int(row["Contact_Zip"])})
    if chance.random() < 0.35:
        row.update(chance.choice(holes))


def _nothing() -> dict[str, Any]:
    return {
        "Proposal_OptimalAmountOfPanels": None,
        "Product_AmountOfPanels": None,
        "Proposal_OptimalAmountOfBatteries": "0",
    }


def _incentives(chance: Random, campaign: str) -> list[dict[str, Any]]:
    percent = chance.choice(["30", "22", "12.5"])
    rows = [
        (
            f"Federal credit {percent}",
            "ALL",
            "FALSE",
            f"{percent}% over the total cost of the installation",
            "2022-01-01",
            "No end date",
        ),
        ("Past rebate", "ALL", "FALSE", "10% over the total cost of the installation", "2018-01-01", "12/31/2021"),
        ("Future rebate", "ALL", "FALSE", "15% over the total cost of the installation", "2095-01-01", "No end date"),
        ("Household help", "ALL", "TRUE", "5% over the total cost of the installation", "1/1/2020", "2099-12-31"),
        (
            "State grant",
            chance.choice(STATES),
            "FALSE",
            "4% over the total cost of the installation",
            "2021-06-01",
            "No end date",
        ),
        (
            "Elsewhere grant",
            "Atlantis",
            "FALSE",
            "50% over the total cost of the installation",
            "2021-06-01",
            "No end date",
        ),
        ("Storage rebate", "ALL", "FALSE", "$150 per kWh of battery, up to $2,000", "2021-06-01", "No end date"),
    ]
    keys = ("Incentive name", "Applicable community", "LMI", "Incentive specs", "Start date", "End date")
    return [{**dict(zip(keys, row, strict=True)), "Incentive source": f"Office of {campaign}"} for row in rows]


def _capacity(chance: Random, offers: list[dict[str, Any]]) -> dict[str, Any]:
    stock = {}
    for offer in offers:
        limit = int(offer["Capacity"])
        used = chance.choice([0, 0, chance.randint(0, limit), limit // 3])
        entry = {"SupplierID": offer["SupplierID"], "Capacity": limit, "Used": used, "UsedPct": round(used / limit, 2)}
        stock[offer["SupplierID"]] = entry
    return stock


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Write a random data folder of the workload sbus.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--n", type=int, default=100)
    parser.add_argument("--suppliers", type=int, default=3)
    args = parser.parse_args()
    print(make_dataset(args.folder, args.seed, args.n, args.suppliers))


if __name__ == "__main__":
    main()
