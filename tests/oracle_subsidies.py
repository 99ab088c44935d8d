"""Which incentives fit a registration, and which amounts a plain percentage allows; part of the oracle."""

from __future__ import annotations

__all__ = ["certain", "fitting", "name_of", "percentage", "right_amount"]

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

Row = Mapping[str, Any]
FORMATS = ("%Y-%m-%d", "%m/%d/%Y", "%m/%d/%y", "%B %d, %Y", "%b %d, %Y", "%Y/%m/%d", "%d %B %Y")
PERCENT = re.compile(r"(\d+(?:\.\d+)?)\s*(?:%|percent\b)")
# With one of these words or signs the amount is not simply percent x price.
CONDITIONS = re.compile(
    r"\$|\b(up to|max|maximum|cap|capped|limit|per|after|remaining|first|minus|less|kwh?|watts?)\b", re.I
)
ONE_PRODUCT = re.compile(r"\b(batter(y|ies)|storage|solar|panels?|pv)\b", re.I)
STATES = {
    "arizona": "az", "california": "ca", "colorado": "co", "florida": "fl", "georgia": "ga", "illinois": "il",
    "maryland": "md", "massachusetts": "ma", "michigan": "mi", "minnesota": "mn", "nevada": "nv", "new jersey": "nj",
    "new mexico": "nm", "new york": "ny", "north carolina": "nc", "ohio": "oh", "oregon": "or", "pennsylvania": "pa",
    "texas": "tx", "utah": "ut", "virginia": "va", "washington": "wa", "wisconsin": "wi",
}  # fmt: skip


def name_of(incentive: Row) -> str:
    return str(incentive.get("Incentive name"))


def _day(value: Any) -> date | None:
    """The date in a field; None when it names none ("No end date", null) or cannot be read."""
    text = str(value or "").strip()
    for form in FORMATS:
        try:
            return datetime.strptime(text[:10] if form == "%Y-%m-%d" else text, form).date()  # noqa: DTZ007
        except ValueError:
            continue
    return None


def _in_time(incentive: Row, day: date) -> bool:
    start, end = _day(incentive.get("Start date")), _day(incentive.get("End date"))
    return (start is None or start <= day) and (end is None or day <= end)


def _place(text: Any) -> str:
    plain = " ".join(re.findall(r"[a-z0-9]+", str(text or "").lower()))
    return STATES.get(plain, plain)


def _everywhere(incentive: Row) -> bool:
    return _place(incentive.get("Applicable community")) in {"all", ""}


def _near(incentive: Row, row: Row) -> bool:
    """Whether the community is everywhere, or named by any contact or campaign field of the registration."""
    wanted = _place(incentive.get("Applicable community"))
    here = {_place(v) for k, v in row.items() if k.startswith("Contact_") or "Campaign" in k} - {"", "0", "1"}
    return _everywhere(incentive) or any(wanted == p or f" {wanted} " in f" {p} " for p in here)


def _for_lmi(incentive: Row) -> bool:
    return str(incentive.get("LMI")).strip().lower() in {"true", "1", "yes"}


def fitting(incentives: Sequence[Row], row: Row, lmi: bool, day: date) -> Iterator[str]:
    """The names of the incentives whose dates, community and LMI condition fit (rule 6). "FALSE" restricts nobody."""
    for incentive in incentives:
        if _in_time(incentive, day) and _near(incentive, row) and (lmi or not _for_lmi(incentive)):
            yield name_of(incentive)


def percentage(incentive: Row) -> Fraction | None:
    """The one plain percentage of an incentive; None when its text says more, or something else."""
    text = str(incentive.get("Incentive specs") or "")
    found = PERCENT.findall(text)
    return Fraction(found[0]) if len(found) == 1 and not CONDITIONS.search(text) else None


def certain(incentive: Row) -> bool:
    """Whether nobody could doubt that it applies to the whole order, once it fits: everywhere, one plain percentage."""
    specs = str(incentive.get("Incentive specs") or "")
    return _everywhere(incentive) and percentage(incentive) is not None and not ONE_PRODUCT.search(specs)


def right_amount(incentive: Row, amount: Decimal, price: Decimal, lines: Iterable[Decimal]) -> bool:
    """Whether an amount is right: percent x price, to the cent or to the dollar. True where the text is not plain.

    Where the text names a product, that line's price is as good a base as the whole order's.
    """
    percent = percentage(incentive)
    if percent is None:
        return amount >= 0
    bases = [price]
    if ONE_PRODUCT.search(str(incentive.get("Incentive specs"))):
        bases += list(lines)
    return any(_close(Fraction(amount), percent * Fraction(base) / 100) for base in bases)


def _close(amount: Fraction, exact: Fraction) -> bool:
    off = abs(amount - exact)
    to_the_cent = off <= Fraction(1, 200) and (amount * 100).denominator == 1
    return to_the_cent or (off <= Fraction(1, 2) and amount.denominator == 1)
