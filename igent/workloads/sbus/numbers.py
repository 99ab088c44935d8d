"""Numbers and ZIP codes as people and spreadsheets write them, made exact. Nothing here knows a file or a rule."""

from __future__ import annotations

__all__ = ["cents", "flag", "number", "plain", "whole", "zip_code"]

import re
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

_NUMBER = re.compile(r"([+-]?)\$?\s*((?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?|\.\d+)")
_ZIP = re.compile(r"(\d{5})(?:-?\d{4})?", re.ASCII)
_LIMIT = Decimal(10) ** 12
_FLAGS = {"0": 0, "1": 1, "false": 0, "true": 1, "no": 0, "yes": 1, "": 0}


def number(value: Any) -> Decimal | None:
    """The exact number, or None when it is none: "1,234", "$1234" and " 18.0 " are some, true and "18 panels" are not.

    A float counts as what it prints as (0.1 is one tenth). Beyond ±10^12 nothing is a number of this business.
    """
    if isinstance(value, bool):
        return None
    text = repr(value) if isinstance(value, float) else str(value) if isinstance(value, int | Decimal) else value
    if not isinstance(text, str) or len(text) > 40:
        return None
    match = _NUMBER.fullmatch(text.strip())
    found = Decimal(match[1] + match[2].replace(",", "")) if match else _written_small(value)
    return found if found is not None and abs(found) < _LIMIT else None


def _written_small(value: Any) -> Decimal | None:
    """A float that prints with an exponent (1e-07), or a Decimal."""
    if not isinstance(value, float | Decimal):
        return None
    found = Decimal(repr(value)) if isinstance(value, float) else value
    return found if found.is_finite() else None


def whole(value: Any) -> int | None:
    """The whole number, or None: 18, 18.0 and "18" are 18; 18.5 is None."""
    found = number(value)
    return int(found) if found is not None and found == found.to_integral_value() else None


def cents(value: Decimal) -> Decimal:
    """The amount in dollars, rounded to the cent, half up."""
    return value.quantize(Decimal("0.01"), ROUND_HALF_UP)


def plain(value: Decimal) -> int | float:
    """The number for JSON: an int when it is whole."""
    return int(value) if value == value.to_integral_value() else float(value)


def zip_code(value: Any) -> str | None:
    """Five digits, or None: 60601, "60601", "60601-1234" and 60601.0 are "60601"; the number 2139 is "02139"."""
    if isinstance(value, str):
        match = _ZIP.fullmatch(value.strip().removesuffix(".0"))
        return match[1] if match else None
    found = whole(value)
    return f"{found:05d}" if found is not None and 500 < found < 100_000 else None


def flag(value: Any) -> bool | None:
    """A yes or no as exports write it: 0, 1, "0", "1", true, "TRUE", null (no); None for anything else."""
    if value is None:
        return False
    found = _FLAGS.get(str(value).strip().casefold().removesuffix(".0"))
    return None if found is None else bool(found)
