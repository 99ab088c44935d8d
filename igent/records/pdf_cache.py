"""Pages of a PDF as bytes and back, exactly: what is kept of a PDF that was read."""

from __future__ import annotations

__all__ = ["decode_pages", "encode_pages"]

from collections.abc import Sequence
from typing import Any

import orjson

from igent.flow import Page

_FORMAT = 1
_HOWS = frozenset(("text", "ocr", "vision"))
_KEYS = frozenset(("number", "text", "how"))


def encode_pages(pages: Sequence[Page]) -> bytes:
    """All pages of a PDF, in order, none with a problem: what could not be read may be read the next time.

    Raises ValueError for other pages.
    """
    for place, page in enumerate(pages, 1):
        if page.problem:
            raise ValueError(f"page {page.number} has a problem, and is not kept")
        if page.number != place:
            raise ValueError(f"page {page.number} stands where page {place} should")
    kept = [{"number": page.number, "text": page.text, "how": page.how} for page in pages]
    return orjson.dumps({"format": _FORMAT, "pages": kept})


def decode_pages(data: bytes) -> list[Page] | None:
    """What `encode_pages` was given; None for bytes that this version of it cannot have made."""
    try:
        found = orjson.loads(data)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(found, dict) or found.keys() != {"format", "pages"} or found["format"] != _FORMAT:
        return None
    entries = found["pages"]
    if not isinstance(entries, list) or not entries:
        return None
    if not all(_is_page(entry, place) for place, entry in enumerate(entries, 1)):
        return None
    return [Page(entry["number"], entry["text"], entry["how"]) for entry in entries]


def _is_page(entry: Any, place: int) -> bool:
    return (
        isinstance(entry, dict)
        and entry.keys() == _KEYS
        and type(entry["number"]) is int
        and entry["number"] == place
        and isinstance(entry["text"], str)
        and isinstance(entry["how"], str)
        and entry["how"] in _HOWS
    )
