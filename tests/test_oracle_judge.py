"""The oracle's judgement of run folders: planted faults that it must find, and the foreign server against it."""

from __future__ import annotations

import copy
import json
from collections import Counter
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from foreign_brain import match_answer, order_answer, read_chat
from foreign_data import make_dataset
from oracle import check_run, expected, load_scenario, main
from oracle_rules import Expectation, start_capacity, wish_of


def money(value: Decimal | None) -> Any:
    return None if value is None else int(value)


def documents(want: Expectation, rows: list[dict[str, Any]]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The match and the purchase order as a right run writes them."""
    match = {
        "registration_id": want.wish.registration_id,
        "campaign_name": want.wish.campaign_name,
        "supplier_id": want.supplier_id,
        "zip_code": want.wish.zip_code,
        "num_panels": want.wish.panels,
        "num_batteries": want.wish.batteries,
        "payment_type": want.wish.payment_type,
        "product_type": want.product_type,
        "panel_name": next((e.product_name for e in want.lines if e.product_type == "Solar"), None),
        "panel_capacity": next((e.product_capacity for e in want.lines if e.product_type == "Solar"), None),
        "reasoning": "by the rules",
    }
    subsidies = [
        {
            "name": r["Incentive name"],
            "amount": round(float(want.product_price) * float(r["Incentive specs"].split("%")[0])) / 100,
        }
        for r in rows
        if r["Incentive name"] in want.incentives and "% over" in r["Incentive specs"]
    ]
    total = round(sum(s["amount"] for s in subsidies), 2)
    lines = [
        {
            "product_type": e.product_type,
            "product_name": e.product_name,
            "quantity": e.quantity,
            "price": money(e.price),
        }
        for e in want.lines
    ]
    order = {
        **match,
        "lines": lines,
        "product_price": money(want.product_price),
        "loan_installment": money(want.loan_installment),
        "eligible_subsidies": subsidies,
        "total_subsidy": total,
        "final_price": round(float(want.product_price) - total, 2),
    }
    return match, order


class Run:
    """A run folder in memory that is right until a test spoils it."""

    def __init__(self, data: Path) -> None:
        case = load_scenario(data, "foreign")
        want = expected(case.registrations, case.offers, case.incentives, case.capacity)
        self.want = want
        self.outcomes = [
            {"record_id": k, "status": "failed" if e.status == "unusable" else e.status, "reason": e.reason}
            for k, e in want.items()
        ]
        pairs = [documents(e, case.incentives) for e in want.values() if e.status == "done"]
        self.matches, self.pos = [list(x) for x in zip(*pairs, strict=True)]
        taken = Counter(m["supplier_id"] for m in self.matches)
        self.capacity = {
            s: {
                "SupplierID": s,
                "Capacity": limit,
                "Used": used + taken[s],
                "UsedPct": round((used + taken[s]) / limit, 2),
            }
            for s, (used, limit) in start_capacity(case.offers, case.capacity).items()
        }
        real = Counter(o["status"] for o in self.outcomes)
        self.summary = {"counts": {s: real[s] for s in ("done", "no_match", "failed")}}

    def write(self, folder: Path) -> Path:
        folder.mkdir(exist_ok=True)
        lines = "".join(json.dumps(o) + "\n" for o in self.outcomes)
        (folder / "outcomes.jsonl").write_text(lines, encoding="utf-8")
        for name in ("matches", "pos", "capacity", "summary"):
            (folder / f"{name}.json").write_text(json.dumps(getattr(self, name)), encoding="utf-8")
        return folder


@pytest.fixture
def data(tmp_path: Path) -> Path:
    make_dataset(tmp_path / "data", seed=3, n=30, unusable=0.05)
    return tmp_path / "data"


@pytest.fixture
def run(data: Path) -> Run:
    return Run(data)


def judge(run: Run, data: Path) -> list[str]:
    return check_run(run.write(data.parent / "run"), data, "foreign", complete=True)


def test_a_right_run_passes(run: Run, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert judge(run, data) == []
    assert main([str(data.parent / "run"), str(data), "foreign"]) == 0
    assert main([str(data.parent / "run"), str(data), "foreign", "--max-items", "29"]) == 1
    assert "no problem found" in capsys.readouterr().out


def test_a_failed_record_keeps_its_place(run: Run, data: Path) -> None:
    place = next(i for i, o in enumerate(run.outcomes) if o["status"] == "done")
    lost = run.outcomes[place]["record_id"]
    run.outcomes[place] |= {"status": "failed", "reason": "no answer"}
    entry = run.capacity[run.want[lost].supplier_id]
    entry["Used"] -= 1
    entry["UsedPct"] = round(entry["Used"] / entry["Capacity"], 2)
    run.matches, run.pos = ([x for x in rows if x["registration_id"] != lost] for rows in (run.matches, run.pos))
    run.summary["counts"]["done"] -= 1
    run.summary["counts"]["failed"] += 1
    assert judge(run, data) == []


def other_supplier(run: Run) -> None:
    right = run.matches[0]["supplier_id"]
    run.matches[0]["supplier_id"] = run.pos[0]["supplier_id"] = next(s for s in run.capacity if s != right)


def oversold(run: Run) -> None:
    full = min(run.capacity.values(), key=lambda e: e["Capacity"] - e["Used"])["SupplierID"]
    for match, order in zip(run.matches, run.pos, strict=True):
        match["supplier_id"] = order["supplier_id"] = full


def lost(run: Run) -> None:
    del run.outcomes[5]


def doubled(run: Run) -> None:
    run.outcomes.insert(9, run.outcomes[5])


def unordered(run: Run) -> None:
    run.outcomes[3], run.outcomes[4] = run.outcomes[4], run.outcomes[3]


def wrong_price(run: Run) -> None:
    run.pos[2]["lines"][0]["price"] += 1
    run.pos[2]["product_price"] += 1
    run.pos[2]["final_price"] += 1


def instalment(run: Run) -> None:
    order = next(o for o in run.pos if o["payment_type"] == "Cash")
    order["payment_type"] = "Loan"


def false_no_match(run: Run) -> None:
    outcome = next(o for o in run.outcomes if o["status"] == "done")
    outcome |= {"status": "no_match", "reason": "nobody"}


def false_done(run: Run) -> None:
    outcome = next(o for o in run.outcomes if o["status"] == "no_match")
    outcome["status"] = "done"


SPOILS: list[tuple[Callable[[Run], Any], str]] = [
    (other_supplier, "supplier_id is"),
    (oversold, "is oversold"),
    (lost, "no outcome (a lost record)"),
    (doubled, "2 outcomes for 1"),
    (unordered, "not in input order"),
    (wrong_price, "product_price is"),
    (instalment, "payment_type is 'Loan'"),
    (false_no_match, "no_match, but"),
    (false_done, "done, but the rules say no_match"),
    (lambda r: r.matches.pop(0), "done, but not in matches.json"),
    (lambda r: r.pos.append(r.pos[0]), "2 times in pos.json"),
    (lambda r: r.matches.reverse(), "matches.json: not in input order"),
    (lambda r: r.pos[1].update(num_panels=str(r.pos[1]["num_panels"])), "num_panels is not a whole number"),
    (lambda r: r.pos[1].update(final_price=r.pos[1]["final_price"] + 0.01), "final_price"),
    (lambda r: r.pos[1].update(total_subsidy=r.pos[1]["total_subsidy"] + 1), "total_subsidy is"),
    (lambda r: r.pos[1]["eligible_subsidies"][0].update(amount=1), "not what its text says"),
    (lambda r: r.pos[1]["eligible_subsidies"].append({"name": "Past rebate", "amount": 1}), "does not fit"),
    (lambda r: r.pos[1]["eligible_subsidies"].clear(), "is missing"),
    (lambda r: r.pos[1].update(product_price=r.pos[1]["product_price"] + 1e-9), "product_price is"),
    (lambda r: r.pos[1].update(loan_installment=5), "loan_installment is"),
    (lambda r: next(iter(r.capacity.values())).update(Used=0), "capacity.json"),
    (lambda r: next(iter(r.capacity.values())).update(UsedPct=0.333), "UsedPct"),
    (lambda r: r.capacity.popitem(), "is missing"),
    (lambda r: r.summary["counts"].update(done=1), "summary.json: done is 1"),
    (lambda r: r.summary.clear(), "no counts"),
]


@pytest.mark.parametrize(("spoil", "message"), SPOILS, ids=[f"{m}-{i}" for i, (_, m) in enumerate(SPOILS)])
def test_planted_faults_are_found(spoil: Callable[[Run], Any], message: str, run: Run, data: Path) -> None:
    before = copy.deepcopy(vars(run))
    spoil(run)
    assert vars(run) != before
    assert any(message in problem for problem in judge(run, data))


def test_a_missing_file_is_named(run: Run, data: Path) -> None:
    folder = run.write(data.parent / "run")
    (folder / "pos.json").unlink()
    assert [p.split(":")[0] for p in check_run(folder, data, "foreign")] == ["pos.json"]


def test_timings_have_one_row_a_record(run: Run, data: Path) -> None:
    folder = run.write(data.parent / "run")
    ids = [o["record_id"] for o in run.outcomes]
    (folder / "timings.csv").write_text("registration_id,total_seconds\n" + "".join(f"{i},1\n" for i in ids[1:]))
    assert any("timings.csv" in p for p in check_run(folder, data, "foreign"))


def ask(**blocks: Any) -> Any:
    text = "\n\n".join(f"## {name}\n```json\n{json.dumps(value, default=str)}\n```" for name, value in blocks.items())
    return read_chat([{"role": "system", "content": "Answer."}, {"role": "user", "content": text}])


def replay_by_the_foreign_brain(data: Path) -> Iterator[tuple[str, dict[str, Any], dict[str, Any] | None]]:
    case = load_scenario(data, "foreign")
    stock = {s: {"Used": u, "Capacity": c} for s, (u, c) in start_capacity(case.offers, case.capacity).items()}
    for row in case.registrations:
        match = match_answer(ask(REGISTRATION=row, OFFERS=case.offers, CAPACITY=stock))
        if "message" in match:
            yield wish_of(row).registration_id, match, None
            continue
        stock[match["supplier_id"]]["Used"] += 1
        rows = case.incentives
        yield (
            match["registration_id"],
            match,
            order_answer(ask(REGISTRATION=row, OFFERS=case.offers, MATCH=match, INCENTIVES=rows)),
        )


@pytest.mark.parametrize("seed", range(1, 13))
def test_the_foreign_server_and_the_oracle_agree(seed: int, tmp_path: Path) -> None:
    make_dataset(tmp_path, seed, 25, 1 + seed % 5, offer_holes=bool(seed % 3 == 0))
    run = Run(tmp_path)
    found = list(replay_by_the_foreign_brain(tmp_path))
    run.matches = [match for _, match, order in found if order]
    run.pos = [order for _, _, order in found if order]
    assert check_run(run.write(tmp_path / "run"), tmp_path, "foreign", complete=True) == []


def test_the_datasets_hold_every_kind_of_case(tmp_path: Path) -> None:
    seen: Counter[str] = Counter()
    for seed in range(1, 9):
        make_dataset(tmp_path / str(seed), seed, 50)
        case = load_scenario(tmp_path / str(seed), "foreign")
        for want in expected(case.registrations, case.offers, case.incentives, case.capacity).values():
            seen[want.status] += 1
            seen[want.reason] += 1
            seen[want.product_type] += want.status == "done"
            seen[want.wish.payment_type] += want.status == "done"
            seen["tied"] += want.tied
            seen["lmi"] += want.wish.lmi
    kinds = ("done", "all are full", "nobody serves the ZIP code", "nobody there offers what is asked")
    assert all(
        seen[kind] >= 5 for kind in (*kinds, "Solar", "Battery", "Solar+Battery", "Loan", "Cash", "tied", "lmi")
    ), seen
