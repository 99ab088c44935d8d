"""What the agents answer: a match (phase 1), a purchase order (phase 2), or "nobody fits".

Lenient in form (numbers as strings, a ZIP as a number), strict in meaning: a payment type outside the two words is
refused. Fields stream in as they stand here: those that decide first, the reasoning last. Money is Decimal inside,
a JSON number outside.
"""

from __future__ import annotations

__all__ = ["PROSE", "Decision", "Line", "Match", "Money", "NoMatch", "PurchaseOrder", "Subsidy", "Text"]

import re
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field, PlainSerializer, WithJsonSchema

from igent.workloads.sbus.numbers import cents, number, plain, whole, zip_code

PROSE = frozenset({"reasoning"})
"""The fields that are words for people: they decide nothing."""
_NOTHING = {"", "null", "none", "n/a"}
_WATTS = re.compile(r"\s*(?:w|wp|watts?)\.?\s*$", re.IGNORECASE)


def _text(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value.strip() if isinstance(value, str) else value


def _optional_text(value: Any) -> Any:
    text = _text(value)
    return None if isinstance(text, str) and text.casefold() in _NOTHING else text


def _zip(value: Any) -> str:
    found = zip_code(value)
    if found is None:
        raise ValueError('must be a ZIP code of five digits, such as "60601"')
    return found


def _count(value: Any) -> int:
    found = 0 if value is None else whole(value)
    if found is None:
        raise ValueError("must be a whole number")
    return found


def _money(value: Any) -> Decimal:
    found = number(value)
    if found is None:
        raise ValueError("must be an amount in dollars, as a plain number such as 1234 or 1234.5")
    return cents(found)


def _optional_money(value: Any) -> Decimal | None:
    return None if value is None or value == "" else _money(value)


def _watts(value: Any) -> Decimal | None:
    if value is None or (isinstance(value, str) and value.strip().casefold() in _NOTHING):
        return None
    found = number(_WATTS.sub("", value) if isinstance(value, str) else value)
    if found is None:
        raise ValueError("must be the watts of one panel, as a number such as 400, or null")
    return found or None  # 0 W is how some say that there is no panel


def _kind(value: Any) -> Any:
    return re.sub(r"\s", "", value) if isinstance(value, str) else value


def _plain(value: Decimal | None) -> int | float | None:
    return None if value is None else plain(value)


_AS_NUMBER = PlainSerializer(_plain, when_used="json")
_NUMBER = WithJsonSchema({"type": "number"})
_NUMBER_OR_NULL = WithJsonSchema({"anyOf": [{"type": "number"}, {"type": "null"}]})

Text = Annotated[str, Field(min_length=1), BeforeValidator(_text)]
OptionalText = Annotated[str | None, BeforeValidator(_optional_text)]
Zip = Annotated[str, BeforeValidator(_zip)]
Count = Annotated[int, Field(ge=0), BeforeValidator(_count)]
Money = Annotated[Decimal, BeforeValidator(_money), _AS_NUMBER, _NUMBER]
OptionalMoney = Annotated[Decimal | None, BeforeValidator(_optional_money), _AS_NUMBER, _NUMBER_OR_NULL]
Watts = Annotated[Decimal | None, BeforeValidator(_watts), _AS_NUMBER, _NUMBER_OR_NULL]
Kind = Annotated[Literal["Solar", "Battery", "Solar+Battery"], BeforeValidator(_kind)]


class Decision(BaseModel):
    """Who serves a registration, and what it asked for: the part that a match and a purchase order share."""

    registration_id: Text
    campaign_name: Text
    supplier_id: Text
    zip_code: Zip
    num_panels: Count
    num_batteries: Count
    payment_type: Literal["Cash", "Loan"]
    product_type: Kind
    panel_name: OptionalText = Field(default=None, description="ProductName of the panels; null when none are asked")
    panel_capacity: Watts = Field(default=None, description="watts of one panel; null when none are asked")


class Match(Decision):
    """One registration and the supplier that serves it."""

    reasoning: Text


class Line(BaseModel):
    """One product of a purchase order, priced."""

    product_type: Literal["Solar", "Battery"]
    product_name: Text
    quantity: Count = Field(description="the listed quantity that was priced")
    price: Money = Field(description="for the whole quantity; a month's instalment when payment_type is Loan")


class Subsidy(BaseModel):
    """One incentive and what it takes off the price."""

    name: Text
    amount: Money


class PurchaseOrder(Decision):
    """The priced order of one match."""

    lines: list[Line] = Field(min_length=1)
    product_price: Money
    loan_installment: OptionalMoney = Field(default=None, description="equal to product_price for Loan; null for Cash")
    eligible_subsidies: list[Subsidy]
    total_subsidy: Money
    final_price: Money
    reasoning: str = Field(default="", description="how the price came about; the match's where it is left out")


class NoMatch(BaseModel):
    """The answer where no supplier fits."""

    registration_id: Text
    message: Literal["NO MATCH FOUND"]
