"""Short answers: what they leave out is put in, what they give is judged, and nothing of it is ever mended."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sbus_kit import BATTERY, SCENARIOS, SOLAR, case_of, cases, checker_of, incentive, offers_of, said, supplier

from igent.models.tokens import count_text
from igent.types import Case, JsonObject
from igent.workload import Shortens
from igent.workloads.sbus.faults import numbers_as_strings
from igent.workloads.sbus.short import SHORT, shorten
from igent.workloads.sbus.workload import WORKLOAD

PROMPTS = Path(__file__).parents[2] / "prompts" / "sbus"
MATCH = checker_of("p1m1m2c_fast", "matches")
ORDER = checker_of("p1m1m2c_fast", "pos")
ALONE = checker_of("p1m", "pos")
BOTH = {"Proposal_OptimalAmountOfBatteries": 1, "Contact_LowMediumIncome": 1}


def expected(case: Case, schema: str) -> JsonObject:
    answer = WORKLOAD.expect(case, schema)
    assert answer is not None
    return answer


def matched(**fields: Any) -> Case:
    """A household with its match, at the right supplier."""
    case = case_of(incentives=[incentive()], **fields)
    return replace(case, earlier={"match": expected(case, "match")})


def families() -> Iterator[tuple[Any, Case, str, JsonObject]]:
    """(checker, case, schema, right full answer) for each kind of household and each kind of short answer."""
    households: list[dict[str, Any]] = [
        {},
        BOTH,
        {"Proposal_OptimalAmountOfPanels": None, "Proposal_OptimalAmountOfBatteries": "2"},
        {"Proposal_PaymentType": "Loan"},
    ]
    for fields in households:
        case = matched(**fields)
        alone = replace(case, earlier={})
        for checker, shown, schema in (
            (MATCH, alone, "match"),
            (ORDER, case, "purchase_order"),
            (ALONE, alone, "purchase_order"),
        ):
            yield checker, shown, schema, expected(shown, schema)


def wrong(value: Any) -> Any:
    """Another value of the same kind."""
    known = {"Cash": "Loan", "Loan": "Cash", "Solar": "Battery", "Battery": "Solar", "Solar+Battery": "Solar"}
    if value is None:
        return 7
    return known.get(value, f"{value}7") if isinstance(value, str) else value + 1


def test_the_workload_shortens() -> None:
    assert isinstance(WORKLOAD, Shortens)
    assert set(WORKLOAD.short) == set(WORKLOAD.schemas)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_short_answer_becomes_the_full_one_for_every_shipped_record(scenario: str) -> None:
    for case, schema in cases(scenario):
        full = WORKLOAD.expect(case, schema)
        if full is None or "message" in full:
            continue
        short = shorten(full, matched="match" in case.earlier)
        assert WORKLOAD.expand(short, case, schema) == full
        assert WORKLOAD.expand(full, case, schema) == full
        checker = ORDER if schema == "purchase_order" else MATCH
        for said_as in (short, full, numbers_as_strings(short), [short]):
            verdict = checker.verify(said_as, case)
            assert verdict.ok, (case.record.id, said(verdict.violations))
            assert verdict.value == full


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_one_call_for_both_gives_the_same_as_two(scenario: str) -> None:
    for case, schema in cases(scenario):
        if schema == "match":
            continue
        alone, two = replace(case, earlier={}), WORKLOAD.expect(case, schema)
        full = WORKLOAD.expect(alone, schema)
        assert (full is None) == (two is None)
        if full is None or two is None:
            continue
        verdict = ALONE.verify(shorten(full, matched=False), alone)
        assert verdict.ok
        assert verdict.value == full
        assert full | {"reasoning": two["reasoning"]} == two
        assert WORKLOAD.schemas["match"].model_validate(full).model_dump(mode="json") == case.earlier["match"] | {
            "reasoning": full["reasoning"]
        }


def test_short_is_what_it_says() -> None:
    case = matched(**BOTH)
    assert shorten(expected(replace(case, earlier={}), "match"), matched=False).keys() == {"supplier_id", "reasoning"}
    order = shorten(expected(case, "purchase_order"), matched=True)
    assert order.keys() == {"lines", "eligible_subsidies", "reasoning"}
    assert [line.keys() for line in order["lines"]] == [{"product_type", "price"}] * 2
    refusal = {"registration_id": "SPUS10001", "message": "NO MATCH FOUND"}
    assert shorten(refusal, matched=False) == refusal


def test_every_field_that_is_repeated_wrongly_is_a_violation() -> None:
    judged = set()
    for checker, case, schema, full in families():
        short = shorten(full, matched="match" in case.earlier)
        for field in full.keys() - {"reasoning", "lines", "eligible_subsidies"}:
            for answer in (short, full):
                found = checker.verify({**answer, field: wrong(full[field])}, case)
                assert found.violations, (schema, field, case.record.data)
            judged.add(field)
    assert judged == set(WORKLOAD.schemas["purchase_order"].model_fields) - {
        "reasoning",
        "lines",
        "eligible_subsidies",
    }


def test_every_part_of_a_line_or_a_subsidy_that_is_wrong_is_a_violation() -> None:
    for checker, case, schema, full in families():
        if schema == "match":
            continue
        short = shorten(full, matched="match" in case.earlier)
        for name in ("lines", "eligible_subsidies"):
            for place, part in enumerate(full[name]):
                for field, value in part.items():
                    parts = [dict(p) for p in short[name]]
                    parts[place][field] = wrong(value)
                    assert checker.verify({**short, name: parts}, case).violations, (name, field)


@pytest.mark.parametrize("field", ["num_panels", "panel_name", "zip_code", "supplier_id"])
def test_what_is_given_as_null_is_not_left_out(field: str) -> None:
    case = case_of()
    short = shorten(expected(case, "match"), matched=False)
    assert MATCH.verify({**short, field: None}, case).violations


@pytest.mark.parametrize(
    ("left_out", "checker"),
    [
        ("supplier_id", MATCH),
        ("reasoning", MATCH),
        ("lines", ORDER),
        ("eligible_subsidies", ORDER),
        ("supplier_id", ALONE),
        ("lines", ALONE),
    ],
)
def test_what_has_to_be_decided_cannot_be_left_out(left_out: str, checker: Any) -> None:
    case = matched() if checker is ORDER else case_of(incentives=[incentive()])
    schema = "match" if checker is MATCH else "purchase_order"
    short = shorten(expected(case, schema), matched=checker is ORDER)
    found = checker.verify({k: v for k, v in short.items() if k != left_out}, case)
    assert f"{left_out}: is missing" in said(found.violations)


def test_another_panel_may_be_chosen_and_is_priced() -> None:
    one = supplier("S1", ["60601"], solar=SOLAR)
    black = {**one["Offers"][0], "ProductName": "Black", "ProductCapacity": "440"}
    one["Offers"].append({**black, "ProductPrices": [{**SOLAR[1], "CashPrice": 12000}]})
    case = case_of(offers_of(one))
    short = {"supplier_id": "S1", "reasoning": "the only one"}
    assert (MATCH.verify(short, case).value or {})["panel_name"] == "S1 panel"
    match = MATCH.verify({**short, "panel_name": "Black"}, case).value or {}
    assert match["panel_capacity"] == 440
    priced = {"lines": [{"product_type": "Solar", "price": 12000}], "eligible_subsidies": []}
    order = ORDER.verify(priced, replace(case, earlier={"match": match}))
    assert order.ok, said(order.violations)
    assert (order.value or {})["lines"][0]["product_name"] == "Black"
    named = {**short, "lines": [{"product_type": "Solar", "product_name": "Black", "price": 12000}]}
    both = ALONE.verify({**named, "panel_name": "Black", "eligible_subsidies": []}, case)
    assert both.ok, said(both.violations)


def test_another_supplier_at_its_own_right_prices_is_a_violation() -> None:
    short = {**shorten(expected(case_of(), "purchase_order"), matched=False), "supplier_id": "S2"}
    assert [v.rule for v in ALONE.verify(short, case_of()).violations] == ["lowest_use"]
    assert ALONE.verify(short, case_of(used={"S1": (5, 10)})).ok


def test_a_supplier_that_does_not_exist_is_what_the_model_is_told_of() -> None:
    short = shorten(expected(case_of(), "purchase_order"), matched=False)
    found = said(ALONE.verify({**short, "supplier_id": "S9"}, case_of()).violations)
    assert "S9 is no SupplierID of the OFFERS" in found
    assert "product_name" not in found


def test_a_supplier_without_the_product_is_what_the_model_is_told_of() -> None:
    case = case_of(offers_of(supplier("S1", ["60601"], solar=SOLAR), supplier("S2", ["60601"], battery=BATTERY)))
    short = shorten(expected(case, "purchase_order"), matched=False)
    found = said(ALONE.verify({**short, "supplier_id": "S2"}, case).violations)
    assert "S2 does not offer Solar" in found


def test_a_battery_that_nobody_asked_for_is_a_violation() -> None:
    lines = [{"product_type": "Solar", "price": 11000}, {"product_type": "Battery", "price": 5000}]
    found = ORDER.verify({"lines": lines, "eligible_subsidies": [{"name": "Credit", "amount": 4800}]}, matched())
    assert "has a Battery line" in said(found.violations)


def test_a_subsidy_that_a_short_order_forgets_is_put_in() -> None:
    case = matched()
    short = shorten(expected(case, "purchase_order"), matched=True)
    verdict = ORDER.verify({**short, "eligible_subsidies": []}, case)
    assert verdict.ok
    assert verdict.value == expected(case, "purchase_order")


def test_a_wrong_price_does_not_make_a_right_subsidy_wrong() -> None:
    case = matched()
    short = shorten(expected(case, "purchase_order"), matched=True)
    line = {**short["lines"][0], "price": 110}
    for subsidies in (short["eligible_subsidies"], []):
        found = ORDER.verify({**short, "lines": [line], "eligible_subsidies": subsidies}, case)
        assert {v.rule for v in found.violations} == {"line_prices"}, said(found.violations)


def test_one_call_may_refuse_where_nobody_fits_and_only_there() -> None:
    refusal = [{"registration_id": "SPUS10001", "message": "NO MATCH FOUND"}]
    nobody = ALONE.verify(refusal, case_of(Contact_Zip="12345"))
    assert nobody.ok
    assert nobody.no_match
    assert "NO MATCH FOUND is wrong" in said(ALONE.verify(refusal, case_of()).violations)
    assert "NO MATCH FOUND is wrong" in said(ORDER.verify(refusal, matched()).violations)


@pytest.mark.parametrize(
    ("prompt", "schema", "more"),
    [("fast_matcher1", "match", set()), ("fast_matcher2", "purchase_order", set()),
     ("matcher", "purchase_order", {"supplier_id"})],
)  # fmt: skip
def test_the_short_prompts_show_the_form_that_is_asked_for(prompt: str, schema: str, more: set[str]) -> None:
    text = (PROMPTS / f"{prompt}.md").read_text(encoding="utf-8")
    form = json.loads(re.findall(r"^```json\n(.*?)\n```$", text, re.DOTALL | re.MULTILINE)[-1])
    needed = {name for name, field in SHORT[schema].model_fields.items() if field.is_required()}
    assert form.keys() == needed | more | {"reasoning"}
    assert SHORT[schema].model_validate(form)


@pytest.mark.parametrize(("prompt", "limit"), [("fast_matcher1", 400), ("fast_matcher2", 500), ("matcher", 700)])
def test_the_short_prompts_are_short(prompt: str, limit: int) -> None:
    assert count_text((PROMPTS / f"{prompt}.md").read_text(encoding="utf-8")) < limit
