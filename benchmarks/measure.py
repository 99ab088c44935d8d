"""What the contestants of the baseline benchmark share: their input, and how time and CPU are taken."""

from __future__ import annotations

__all__ = ["Case", "Result", "arguments", "cpu_seconds", "load_case", "report", "row_slice"]

import argparse
import json
import re
import resource
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

Row = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """The input of one scenario."""

    registrations: list[Row]
    offers: Row
    incentives: list[Row]
    capacity: dict[str, Row]


@dataclass(frozen=True)
class Result:
    """One measured run. Seconds: `wall` of the whole, `cpu` of the client process, `seconds` of each registration."""

    name: str
    concurrency: int
    n: int
    done: int
    wall: float
    cpu: float
    seconds: list[float] = field(default_factory=list)


def load_case(data: Path, scenario: str) -> Case:
    """Read the files of a scenario; the YAML is flat, so a line at a time will do."""
    text = (data / "scenarios" / f"{scenario}.yaml").read_text("utf-8")
    names = dict(re.findall(r"^\s*(\w+):\s*(\S+\.json)\s*$", text, re.M))
    parts = {key: json.loads((data / name).read_text("utf-8-sig")) for key, name in names.items()}
    offers = parts["offers"]
    fresh = {str(s["SupplierID"]): {"Capacity": int(s["Capacity"]), "Used": 0} for s in offers["SupplierOffers"]}
    stock = {k: {**fresh[k], **parts.get("capacity", {}).get(k, {})} for k in fresh}
    return Case(parts["registrations"], offers, parts.get("incentives", []), stock)


def row_slice(offers: Row, row: Row, supplier: str | None = None) -> Row:
    """The part of the offers that one registration can use: its ZIP code, its products, its quantity's neighbours.

    `supplier` keeps that one only.
    """
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
    """The closest listed quantity; of two equally close ones both."""
    least = min(abs(int(p["Quantity"]) - asked) for p in prices)
    return [p for p in prices if abs(int(p["Quantity"]) - asked) == least]


def cpu_seconds() -> float:
    """User and system seconds of this process so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def arguments(description: str, argv: Sequence[str] | None = None, **flags: str) -> argparse.Namespace:
    """The options that every contestant has, and its own on/off `flags` with their help."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--base-url", required=True, help="the endpoint, up to /v1")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--scenario", required=True)
    parser.add_argument("--concurrency", type=int, default=1)
    parser.add_argument("--n", type=int, default=5, help="registrations")
    parser.add_argument("--warm", type=int, default=1, help="registrations before the measurement, not counted")
    parser.add_argument("--name", default=Path(sys.argv[0]).stem)
    parser.add_argument("--critic", default="invalid", help="igent's critic policy")
    for flag, text in flags.items():
        parser.add_argument(f"--{flag}", action=argparse.BooleanOptionalAction, default=True, help=text)
    return parser.parse_args(argv)


def report(result: Result) -> None:
    """Hand the result to the benchmark: one JSON line, the last on stdout."""
    print(json.dumps(asdict(result)), flush=True)
