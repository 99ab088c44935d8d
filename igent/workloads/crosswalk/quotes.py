"""Evidence: whether a quote stands word for word in the texts that a model was shown.

Spaces and line breaks count as one space, letters alike in upper and lower case, typographic quotes and dashes like the
plain ones, and punctuation around the whole quote does not count. Everything inside it must be as in the text, and a
quote begins and ends where words do.
"""

from __future__ import annotations

__all__ = ["is_quoted", "texts_of", "words_in"]

import re
from collections.abc import Iterable, Mapping
from typing import Any

_PLAIN = str.maketrans({
    "“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "‘": "'", "’": "'",
    "–": "-", "—": "-", "‑": "-", "−": "-", "\u00a0": " ", "\u00ad": None, "…": "...",
})  # fmt: skip
_AROUND = "\"'.,;:-()[] "


def _normal(text: str) -> str:
    return " ".join(text.translate(_PLAIN).casefold().split())


def words_in(quote: str) -> int:
    """How many words a quote has: runs of characters between spaces."""
    return len(quote.split())


def is_quoted(quote: str, texts: Iterable[str]) -> bool:
    """Whether one of the texts holds the quote; an empty one is in none."""
    wanted = _normal(quote).strip(_AROUND)
    if not wanted:
        return False
    pattern = re.compile(rf"(?<!\w){re.escape(wanted)}(?!\w)")
    return any(pattern.search(_normal(text)) for text in texts)


def texts_of(provision: Mapping[str, Any]) -> list[str]:
    """Every text of a provision or election that a model is shown and may quote."""
    texts = [provision.get(field) for field in ("section_title", "provision_text", "field_label")]
    for option in provision.get("options") or ():
        texts += [option.get("label"), option.get("option_text"), *(option.get("fill_ins") or ())]
    return [text for text in texts if isinstance(text, str) and text]
