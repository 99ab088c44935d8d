"""The test oracle of the workload `sbus`: a replay of its rules, and a judge of run folders that reads only files.

    python tests/oracle.py RUN DATA SCENARIO [--max-items N] [--today YYYY-MM-DD] [--complete]

Prints one line a problem and ends 1 when there are any. Imports nothing of igent.
"""

from __future__ import annotations

__all__ = ["Expectation", "Line", "check_run", "expected", "load_scenario"]

import argparse
import csv
import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from oracle_rules import Expectation, Line, expected, number, start_capacity, wish_of
from oracle_subsidies import certain, name_of, right_amount
from ruamel.yaml import YAML

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Scenario:
    """The input files of one case."""

    registrations: list[Row]
    offers: Any
    incentives: list[Row]
    capacity: Any


def _json(path: Path) -> Any:
    return json.loads(path.read_text("utf-8-sig"), parse_float=Decimal)


def _lines_of(path: Path) -> list[Any]:
    return [json.loads(line, parse_float=Decimal) for line in path.read_text("utf-8").splitlines() if line.strip()]


def load_scenario(data: Path, scenario: str) -> Scenario:
    """Read the files that DATA/scenarios/SCENARIO.yaml names."""
    names = YAML(typ="safe", pure=True).load((data / "scenarios" / f"{scenario}.yaml").read_text("utf-8"))
    files = {**names, **names.get("files", {})}
    parts = {
        key: _json(data / files[key]) if files.get(key) and (data / files[key]).exists() else None
        for key in ("registrations", "offers", "incentives", "capacity")
    }
    return Scenario(parts["registrations"], parts["offers"], parts["incentives"] or [], parts["capacity"])


def _money(value: Any) -> Decimal | None:
    try:
        return None if isinstance(value, bool) else number(value)
    except ValueError:
        return None


def _order(ids: Sequence[str], outcomes: Sequence[Row]) -> Iterator[str]:
    got = [str(o.get("record_id")) for o in outcomes]
    for record, times in Counter(got).items():
        if times > ids.count(record):
            yield f"{record}: {times} outcomes for {ids.count(record)} input records"
    for record in ids:
        if record not in got:
            yield f"{record}: no outcome (a lost record)"
    if sorted(got) == sorted(ids) and got != list(ids):
        first = next(i for i, (a, b) in enumerate(zip(got, ids, strict=True)) if a != b)
        yield f"outcomes.jsonl: not in input order from line {first + 1} ({got[first]}, expected {ids[first]})"


def _status(outcome: Row, want: Expectation) -> Iterator[str]:
    record, status = want.wish.registration_id, outcome.get("status")
    if status not in {"done", "no_match", "failed"}:
        yield f"{record}: unknown status {status!r}"
    if status in {"no_match", "failed"} and not outcome.get("reason"):
        yield f"{record}: {status} without a reason"
    if status == "done" and want.status != "done":
        yield f"{record}: done, but the rules say {want.status} ({want.reason})"
    if status == "no_match" and want.status == "done":
        yield f"{record}: no_match, but {want.supplier_id} fits"


def _same(record: str, name: str, got: Any, want: Any) -> Iterator[str]:
    if got != want or isinstance(got, bool):
        yield f"{record}: {name} is {got!r}, expected {want!r}"


def _match(match: Row, want: Expectation, where: str) -> Iterator[str]:
    record = f"{want.wish.registration_id} ({where})"
    plain = {
        "campaign_name": want.wish.campaign_name,
        "zip_code": want.wish.zip_code,
        "num_panels": want.wish.panels,
        "num_batteries": want.wish.batteries,
        "payment_type": want.wish.payment_type,
        "product_type": want.product_type,
    }
    yield from _same(record, "supplier_id", str(match.get("supplier_id")), want.supplier_id)
    for name, value in plain.items():
        yield from _same(record, name, match.get(name), value)
    for name in ("num_panels", "num_batteries"):
        if not isinstance(match.get(name), int):
            yield f"{record}: {name} is not a whole number: {match.get(name)!r}"
    solar = [line for line in want.lines if line.product_type == "Solar"]
    if solar:
        yield from _same(record, "panel_name", match.get("panel_name"), solar[0].product_name)
        yield from _same(
            record, "panel_capacity", _money(match.get("panel_capacity")), _money(solar[0].product_capacity)
        )


def _order_lines(po: Row, want: Expectation) -> Iterator[str]:
    record = want.wish.registration_id
    lines = po.get("lines")
    if not isinstance(lines, list) or not all(isinstance(line, dict) for line in lines):
        yield f"{record}: lines is no list of objects: {lines!r}"
        return
    keys = ("product_type", "product_name", "quantity")
    got = sorted([str(line.get(k)) for k in keys] + [str(_money(line.get("price")))] for line in lines)
    right = sorted([e.product_type, e.product_name, str(e.quantity), str(e.price)] for e in want.lines)
    exact = [[*g[:3], _money(g[3])] for g in got] == [[*r[:3], _money(r[3])] for r in right]
    if not exact:
        yield f"{record}: lines are {got}, expected {right}"


def _subsidies(po: Row, want: Expectation, incentives: Sequence[Row], complete: bool) -> Iterator[str]:
    record = want.wish.registration_id
    listed = po.get("eligible_subsidies")
    if not isinstance(listed, list):
        yield f"{record}: eligible_subsidies is no list: {listed!r}"
        return
    by_name = {name_of(i): i for i in incentives}
    names = [str(s.get("name")) for s in listed]
    total = Decimal(0)
    for subsidy, name in zip(listed, names, strict=True):
        amount = _money(subsidy.get("amount"))
        if amount is None:
            yield f"{record}: the amount of {name!r} is {subsidy.get('amount')!r}"
            continue
        total += amount
        if name not in want.incentives:
            yield f"{record}: subsidy {name!r} does not fit (fitting: {list(want.incentives)})"
        elif not right_amount(by_name[name], amount, want.product_price, [line.price for line in want.lines]):
            yield f"{record}: subsidy {name!r} is {amount} of {want.product_price}, not what its text says"
    for name in {n for n in names if names.count(n) > 1}:
        yield f"{record}: subsidy {name!r} is listed twice"
    if complete:
        missing = [n for n in want.incentives if certain(by_name[n]) and n not in names]
        yield from (f"{record}: subsidy {name!r} is missing" for name in missing)
    if _money(po.get("total_subsidy")) != total:
        yield f"{record}: total_subsidy is {po.get('total_subsidy')!r}, the subsidies sum to {total}"


def _po(po: Row, match: Row | None, want: Expectation) -> Iterator[str]:
    record = want.wish.registration_id
    yield from _order_lines(po, want)
    price, subsidy = _money(po.get("product_price")), _money(po.get("total_subsidy"))
    if price != want.product_price:
        yield f"{record}: product_price is {po.get('product_price')!r}, expected {want.product_price}"
    if price is None or subsidy is None or _money(po.get("final_price")) != price - subsidy:
        yield f"{record}: final_price {po.get('final_price')!r} is not product_price - total_subsidy"
    if _money(po.get("loan_installment")) != want.loan_installment:
        yield f"{record}: loan_installment is {po.get('loan_installment')!r}, expected {want.loan_installment}"
    for key, value in (match or {}).items():
        if key != "reasoning" and po.get(key) != value:
            yield f"{record}: {key} is {po.get(key)!r} in pos.json, {value!r} in matches.json"


def _members(name: str, rows: Any, done: Sequence[str]) -> Iterator[str]:
    got = [str(row.get("registration_id")) for row in rows]
    for record in sorted(set(done) - set(got)):
        yield f"{record}: done, but not in {name}"
    for record in sorted(set(got) - set(done)):
        yield f"{record}: in {name}, but not done"
    for record in sorted({r for r in got if got.count(r) > 1}):
        yield f"{record}: {got.count(record)} times in {name}"
    if sorted(got) == sorted(done) and got != list(done):
        yield f"{name}: not in input order"


def _capacity(after: Any, start: Mapping[str, tuple[int, int]], taken: Mapping[str, int]) -> Iterator[str]:
    for supplier in sorted(set(start) ^ {str(s) for s in after}):
        yield f"capacity.json: supplier {supplier} is {'missing' if supplier in start else 'unknown'}"
    for supplier, (used, limit) in start.items():
        want, entry = used + taken.get(supplier, 0), after.get(supplier, {})
        if want > max(limit, used):
            yield f"supplier {supplier} is oversold: {want} of {limit}"
        if entry.get("Used") != want or entry.get("Capacity") != limit:
            yield f"capacity.json: {supplier} is {entry.get('Used')}/{entry.get('Capacity')}, expected {want}/{limit}"
        if str(entry.get("SupplierID")) != supplier:
            yield f"capacity.json: {supplier} has SupplierID {entry.get('SupplierID')!r}"
        share = _money(entry.get("UsedPct"))
        if share is None or (limit and (abs(share * limit - want) * 200 > limit or share != round(share, 2))):
            yield f"capacity.json: {supplier} has UsedPct {entry.get('UsedPct')!r} for {want}/{limit}"


def _counts(node: Any) -> Row | None:
    """The object in summary.json that holds the three counts, wherever it is."""
    if not isinstance(node, dict):
        return None
    if {"done", "no_match", "failed"} <= node.keys() and all(isinstance(node[k], int) for k in ("done", "no_match")):
        return node
    return next((found for value in node.values() if (found := _counts(value)) is not None), None)


def _summary(summary: Any, outcomes: Sequence[Row], size: int) -> Iterator[str]:
    counts = _counts(summary)
    if counts is None:
        yield "summary.json: no counts of done, no_match and failed"
        return
    real = Counter(o.get("status") for o in outcomes)
    for status in ("done", "no_match", "failed"):
        if counts[status] != real[status]:
            yield f"summary.json: {status} is {counts[status]}, outcomes.jsonl has {real[status]}"
    if sum(counts[s] for s in ("done", "no_match", "failed")) != size:
        yield f"summary.json: the counts do not sum to the {size} input records"


def _timings(run: Path, ids: Sequence[str]) -> Iterator[str]:
    if not (run / "timings.csv").exists():
        return
    with (run / "timings.csv").open(encoding="utf-8", newline="") as file:
        rows = [row.get("registration_id") for row in csv.DictReader(file)]
    if Counter(rows) != Counter(ids):
        yield f"timings.csv: {len(rows)} rows, not one a record"


def check_run(
    run_dir: Path,
    data_dir: Path,
    scenario: str,
    *,
    max_items: int | None = None,
    today: date | None = None,
    complete: bool = False,
) -> list[str]:
    """Every way in which a run folder contradicts its inputs and the rules; empty when it is right.

    `today` is the run's date (None: the machine's); `complete` also demands every subsidy that nobody could doubt.
    """
    case = load_scenario(data_dir, scenario)
    rows = case.registrations[:max_items]
    missing = [n for n in ("outcomes.jsonl", "matches.json", "pos.json", "capacity.json", "summary.json")
               if not (run_dir / n).exists()]  # fmt: skip
    if missing:
        return [f"{name}: missing in {run_dir}" for name in missing]
    want = expected(rows, case.offers, case.incentives, case.capacity, today)
    ids = [wish_of(row).registration_id for row in rows]
    outcomes = _lines_of(run_dir / "outcomes.jsonl")
    matches, pos = _json(run_dir / "matches.json"), _json(run_dir / "pos.json")
    problems = list(_order(ids, outcomes))
    for outcome in outcomes:
        if str(outcome.get("record_id")) in want:
            problems += _status(outcome, want[str(outcome["record_id"])])
    done = [str(o["record_id"]) for o in outcomes if o.get("status") == "done"]
    problems += [*_members("matches.json", matches, done), *_members("pos.json", pos, done)]
    first = {str(m.get("registration_id")): m for m in matches}
    for match in matches:
        if (rule := want.get(str(match.get("registration_id")))) and rule.status == "done":
            problems += _match(match, rule, "matches.json")
    for po in pos:
        if (rule := want.get(record := str(po.get("registration_id")))) and rule.status == "done":
            problems += [*_match(po, rule, "pos.json"), *_po(po, first.get(record), rule)]
            problems += _subsidies(po, rule, case.incentives, complete)
    taken = Counter(str(m.get("supplier_id")) for m in matches)
    problems += _capacity(_json(run_dir / "capacity.json"), start_capacity(case.offers, case.capacity), taken)
    return [*problems, *_summary(_json(run_dir / "summary.json"), outcomes, len(ids)), *_timings(run_dir, ids)]


def main(argv: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description="Judge a run folder by the rules of the workload sbus.")
    parser.add_argument("run", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("scenario")
    parser.add_argument("--max-items", type=int)
    parser.add_argument("--today", type=date.fromisoformat)
    parser.add_argument("--complete", action="store_true")
    args = parser.parse_args(argv)
    found = check_run(
        args.run, args.data, args.scenario, max_items=args.max_items, today=args.today, complete=args.complete
    )
    print("\n".join(found) if found else "no problem found")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
