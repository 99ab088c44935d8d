"""Dates as incentive lists write them."""

from __future__ import annotations

__all__ = ["parse_date"]

import re
from datetime import date, datetime
from typing import Any

_ORDINAL = re.compile(r"(?<=\d)(st|nd|rd|th)\b", re.IGNORECASE)
_TIME = re.compile(r"[T ]\d{1,2}:\d{2}.*$")
_OPEN = re.compile(r"(no (end|start|expiration|expiry) ?date|none|null|n/?a|open|ongoing|-)?", re.IGNORECASE)
_FORMATS = (
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%m/%d/%Y",
    "%m-%d-%Y",
    "%m/%d/%y",
    "%B %d %Y",
    "%b %d %Y",
    "%d %B %Y",
    "%d %b %Y",
    "%Y%m%d",
)


def parse_date(value: Any) -> date | None:
    """The date; None where it is open ("No end date", null, ""). US order (month first) where figures are ambiguous.

    Raises ValueError for what cannot be read for sure.
    """
    if value is None:
        return None
    if isinstance(value, bool | dict | list):
        raise ValueError(f"{value!r} is no date")
    text = " ".join(str(value).split())
    if _OPEN.fullmatch(text):
        return None
    tidy = " ".join(_ORDINAL.sub("", _TIME.sub("", text)).replace(",", " ").replace(".", " ").split())
    for form in _FORMATS:
        try:
            return datetime.strptime(tidy, form).date()  # noqa: DTZ007 - a calendar date, no time of day
        except ValueError:
            continue
    raise ValueError(f"{value!r} is no date that can be read")
