"""Building Python values from text that the grammar has accepted."""

from __future__ import annotations

__all__ = ["build", "build_object"]

import json
import re
from typing import Any

_RAW_SURROGATE = re.compile(r"[\ud800-\udfff]")
# An escaped backslash and a whole pair are passed over; what is left is half a pair.
_HALF = re.compile(r"(\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})|\\u[dD][89a-fA-F][0-9a-fA-F]{2}")
_NONE: frozenset[str] = frozenset()
_decode = json.JSONDecoder().raw_decode


def build(text: str) -> Any:
    """The value of `text`, one valid JSON value. Integers are exact; half a surrogate pair becomes U+FFFD."""
    return _decode(_whole(text))[0]


def build_object(text: str) -> tuple[dict[str, Any], frozenset[str]]:
    """The value of `text`, one valid JSON object, as `build` gives it; and the names that it gives more than once."""
    names: list[str] = []

    def keep(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        names[:] = [name for name, _ in pairs]  # the outermost object comes last
        return dict(pairs)

    value = json.JSONDecoder(object_pairs_hook=keep).raw_decode(_whole(text))[0]
    return value, frozenset(name for name in names if names.count(name) > 1) if len(names) > len(value) else _NONE


def _whole(text: str) -> str:
    if "\\u" in text:
        text = _HALF.sub(lambda match: match[1] or "\ufffd", text)
    if not text.isascii():
        text = _RAW_SURROGATE.sub("\ufffd", text)
    return text
