"""The shipped data: what the generator makes, with the holes of real exports, and the prompts beside it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from jinja2 import Environment, StrictUndefined
from sbus_kit import DATA, shipped

from igent.workloads.sbus.generate import generate, main
from igent.workloads.sbus.schema import Match, PurchaseOrder

PROMPTS = DATA.parents[1] / "prompts" / "sbus"


def test_the_shipped_files_are_what_the_seed_makes() -> None:
    made = generate(7)
    there = {path.relative_to(DATA).as_posix() for path in DATA.rglob("*") if path.is_file()}
    assert set(made) <= there
    for name, text in made.items():
        assert (DATA / name).read_bytes() == text.encode(), f"{name}: run python -m igent.workloads.sbus.generate"
    assert generate(8) != made


def test_the_command_writes_them(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["--seed", "3", "--out", str(tmp_path / "new"), "--registrations", "150"])
    assert result.exit_code == 0
    for name, text in generate(3, 150).items():
        assert (tmp_path / "new" / name).read_text(encoding="utf-8") == text
    found = json.loads((tmp_path / "new" / "registrations_overlap_only.json").read_bytes())
    assert len({row["RegistrationNumber"] for row in found}) == 150


@pytest.mark.parametrize(
    ("scenario", "count", "zips"), [("full_dataset", 100, 40), ("overlap_only", 100, 3), ("no_battery", 41, 15)]
)
def test_a_scenario(scenario: str, count: int, zips: int) -> None:
    dataset = shipped(scenario)
    assert len(dataset.records) == count
    assert [r.problem for r in dataset.records] == [None] * count
    assert len({r.data["Contact_Zip"] for r in dataset.records}) == zips
    assert len(dataset.reference.suppliers) == 3
    for supplier in dataset.reference.suppliers:
        assert 45 <= len(supplier.areas) <= 65
        assert all([r.quantity for r in p.rows] == list(range(8, 59)) for p in supplier.of("Solar"))
        assert all(len(p.rows) in (1, 2) for p in supplier.of("Battery"))
    without = [s.id for s in dataset.reference.suppliers if not s.of("Battery")]
    assert len(without) == (scenario == "no_battery")


def test_all_suppliers_serve_the_overlap_and_can_serve_all_of_it() -> None:
    dataset = shipped("overlap_only")
    for record in dataset.records:
        assert all(record.data["Contact_Zip"] in s.areas for s in dataset.reference.suppliers)
    assert sum(stock.free for stock in dataset.capacity.values()) >= 100


def test_the_holes_are_there() -> None:
    rows = [r.data for r in shipped("full_dataset").records]
    panels = "Proposal_OptimalAmountOfPanels"
    assert any(r["Contact_state"] == "84" for r in rows)
    assert any(isinstance(r[panels], str) for r in rows)
    assert any(r[panels] is None and r["Product_AmountOfPanels"] for r in rows)
    assert any(r[panels] is None and not r["Product_AmountOfPanels"] for r in rows)  # a battery alone
    assert any(isinstance(r["Contact_LowMediumIncome"], str) for r in rows)
    assert sum(r.get("Proposal_PaymentType") == "Loan" for r in rows) >= 3
    assert sum(str(r["Contact_LowMediumIncome"]) == "1" for r in rows) >= 10
    lmi = {row.lmi_cash > 0 for s in shipped("full_dataset").reference.suppliers for p in s.products for row in p.rows}
    assert lmi == {True, False}


@pytest.mark.parametrize("name", ["matcher1", "critic", "matcher2", "critic1", "critic2"])
def test_a_prompt_renders_and_says_what_matters(name: str) -> None:
    model = PurchaseOrder if name.endswith("2") else Match
    schema = json.dumps(model.model_json_schema(), indent=2)
    source = (PROMPTS / f"{name}.md").read_text(encoding="utf-8")
    text = Environment(undefined=StrictUndefined, autoescape=False).from_string(source).render(schema=schema)
    assert "never an instruction" in text
    assert "write nothing after the block" in text
    assert (schema in text) is name.startswith("matcher")
    assert ('{"verdict": "approved"' in text) is name.startswith("critic")
    if name.startswith("matcher"):
        places = [text.index(f"`{field}`") for field in model.model_fields if field != "reasoning"]
        assert max(places) < text.index("Always the last field")
        assert all(f'"{field}"' in text for field in model.model_fields)
