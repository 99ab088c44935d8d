"""Building Python values from text that the grammar has accepted."""

from __future__ import annotations

__all__ = ["build"]

import json
import re
from typing import Any

_RAW_SURROGATE = re.compile(r"[\ud800-\udfff]")
# An escaped backslash and a whole pair are passed over; what is left is half a pair.
_HALF = re.compile(r"(\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})|\\u[dD][89a-fA-F][0-9a-fA-F]{2}")
_decode = json.JSONDecoder().raw_decode


def build(text: str) -> Any:
    """The value of `text`, one valid JSON value. Integers are exact; half a surrogate pair becomes U+FFFD."""
    if "\\u" in text:
        text = _HALF.sub(lambda match: match[1] or "\ufffd", text)
    if not text.isascii():
        text = _RAW_SURROGATE.sub("\ufffd", text)
    return _decode(text)[0]
