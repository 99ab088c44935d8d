"""Lenient in form, strict in meaning: what the schema of a match and of an order takes and refuses."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError
from sbus_kit import match_of, order_of

from igent.workloads.sbus.dates import parse_date
from igent.workloads.sbus.faults import PAYMENT_SPELLINGS
from igent.workloads.sbus.numbers import flag, number, whole, zip_code
from igent.workloads.sbus.schema import Decision, Match, NoMatch, PurchaseOrder


def test_the_fields_that_decide_come_first_and_the_reasoning_last() -> None:
    shared = [
        "registration_id",
        "campaign_name",
        "supplier_id",
        "zip_code",
        "num_panels",
        "num_batteries",
        "payment_type",
        "product_type",
        "panel_name",
        "panel_capacity",
    ]
    money = [
        "lines",
        "product_price",
        "loan_installment",
        "eligible_subsidies",
        "total_subsidy",
        "final_price",
        "reasoning",
    ]
    assert list(match_of().model_dump(mode="json")) == [*shared, "reasoning"]
    assert list(order_of().model_dump(mode="json")) == [*shared, *money]
    assert list(Decision.model_fields) == shared


def test_numbers_as_strings_become_numbers() -> None:
    value = match_of(num_panels="18.0", num_batteries="2", panel_capacity="400 W", zip_code=60601).model_dump(
        mode="json"
    )
    assert (value["num_panels"], value["num_batteries"], value["panel_capacity"]) == (18, 2, 400)
    assert value["zip_code"] == "60601"
    assert isinstance(value["panel_capacity"], int)


def test_money_is_exact_inside_and_plain_outside() -> None:
    line = {"product_type": "Solar", "product_name": "S1 panel", "quantity": "10", "price": "$11,000"}
    order = order_of(lines=[line], product_price=11000.10, total_subsidy=0.1 + 0.2, final_price="10,999.80")
    assert order.lines[0].price == 11000
    assert order.product_price == Decimal("11000.10")
    assert order.total_subsidy == Decimal("0.30")
    out = order.model_dump(mode="json")
    assert out["final_price"] == 10999.8
    assert isinstance(out["lines"][0]["price"], int)


@pytest.mark.parametrize("spelling", PAYMENT_SPELLINGS)
def test_a_payment_type_outside_the_two_words_is_refused(spelling: str | None) -> None:
    with pytest.raises(ValidationError, match="payment_type"):
        match_of(payment_type=spelling)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("num_panels", -1),
        ("num_panels", 18.5),
        ("num_panels", "many"),
        ("num_panels", True),
        ("zip_code", "606"),
        ("product_type", "Panels"),
        ("reasoning", " "),
        ("panel_capacity", "strong"),
        ("registration_id", None),
    ],
)
def test_what_means_nothing_is_refused(field: str, value: Any) -> None:
    with pytest.raises(ValidationError, match=field):
        match_of(**{field: value})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "1e9999", "12 dollars", None, True, "1,23"])
def test_money_that_is_none_is_refused(value: Any) -> None:
    with pytest.raises(ValidationError, match="product_price"):
        order_of(product_price=value)


def test_harmless_forms_are_taken() -> None:
    match = match_of(product_type="Solar + Battery", num_batteries=None, panel_name="null", extra="ignored")
    assert (match.product_type, match.num_batteries, match.panel_name) == ("Solar+Battery", 0, None)
    assert "extra" not in match.model_dump()
    assert match_of(registration_id=123).registration_id == "123"


def test_an_order_without_lines_is_refused() -> None:
    with pytest.raises(ValidationError, match="lines"):
        order_of(lines=[])


def test_nobody_fits_has_one_message() -> None:
    assert NoMatch.model_validate({"registration_id": "X", "message": "NO MATCH FOUND"}).registration_id == "X"
    with pytest.raises(ValidationError):
        NoMatch.model_validate({"registration_id": "X", "message": "no match"})


@pytest.mark.parametrize("model", [Match, PurchaseOrder])
def test_the_json_schema_names_numbers_as_numbers(model: Any) -> None:
    fields = model.model_json_schema()["properties"]
    assert fields["num_panels"] == {"minimum": 0, "title": "Num Panels", "type": "integer"}
    assert fields["panel_capacity"]["anyOf"] == [{"type": "number"}, {"type": "null"}]
    assert list(fields)[-1] == "reasoning"


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("1,234", "1234"),
        ("$1234", "1234"),
        (" -3.50 ", "-3.50"),
        (0.1, "0.1"),
        (1e-07, "1e-07"),
        (18.0, "18.0"),
        ("1,23", None),
        ("--1", None),
        (True, None),
        ([1], None),
        (10**30, None),
        (float("nan"), None),
        ("", None),
    ],
)
def test_number(value: Any, found: str | None) -> None:
    assert number(value) == (None if found is None else Decimal(found))


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (60601, "60601"),
        (60601.0, "60601"),
        (2139, "02139"),
        ("02139", "02139"),
        ("60601-1234", "60601"),
        ("606011234", "60601"),
        (" 60601 ", "60601"),
        ("6060", None),
        ("6o601", None),
        (0, None),
        (None, None),
        (-60601, None),
        (606011, None),
        (True, None),
    ],
)
def test_zip_code(value: Any, found: str | None) -> None:
    assert zip_code(value) == found


def test_whole_and_flag() -> None:
    assert (whole("18.0"), whole(18.5), whole("-2")) == (18, None, -2)
    assert [flag(v) for v in ("0", "1", 0, 1, True, "TRUE", None, 1.0)] == [
        False,
        True,
        False,
        True,
        True,
        True,
        False,
        True,
    ]
    assert flag("maybe") is None


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-05",
        "2026-01-05T00:00:00Z",
        "01/05/2026",
        "1/5/2026",
        "1/5/26",
        "January 5, 2026",
        "Jan 5 2026",
        "Jan. 5th, 2026",
        "5 January 2026",
        "20260105",
        20260105,
    ],
)
def test_dates_as_lists_write_them(text: Any) -> None:
    found = parse_date(text)
    assert found is not None
    assert found.isoformat() == "2026-01-05"


def test_open_and_unreadable_dates() -> None:
    assert [parse_date(v) for v in ("No end date", "no End Date", "", None, "n/a")] == [None] * 5
    for wrong in ("soon", "2026-13-01", "Q3 2026", ["2026-01-01"], True):
        with pytest.raises(ValueError, match="no date"):
            parse_date(wrong)
