"""Evidence: whether a quote stands word for word in the texts that a model was shown.

Spaces and line breaks count as one space, letters alike in upper and lower case, typographic quotes and dashes like the
plain ones, and punctuation around the whole quote does not count. Everything inside it must be as in the text, and a
quote begins and ends where words do.
"""

from __future__ import annotations

__all__ = ["is_quoted", "texts_of", "words_in"]

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

_PLAIN = str.maketrans({
    "“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "‘": "'", "’": "'",
    "–": "-", "—": "-", "‑": "-", "−": "-", "\u00a0": " ", "\u00ad": None, "…": "...",
})  # fmt: skip
_AROUND = "\"'.,;:-()[] "


@lru_cache(maxsize=4096)  # a provision is quoted from once for each of its candidates
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
    return any(_holds(_normal(text), wanted) for text in texts)


def _holds(text: str, wanted: str) -> bool:
    """Whether it stands there with no letter, digit or underscore right before or after it."""
    start = text.find(wanted)
    while start >= 0:
        end = start + len(wanted)
        if not (_goes_on(text[start - 1 : start]) or _goes_on(text[end : end + 1])):
            return True
        start = text.find(wanted, start + 1)
    return False


def _goes_on(character: str) -> bool:
    return character.isalnum() or character == "_"


def texts_of(provision: Mapping[str, Any]) -> list[str]:
    """Every text of a provision or election that a model is shown and may quote."""
    texts = [provision.get(field) for field in ("section_title", "provision_text", "field_label")]
    for option in provision.get("options") or ():
        texts += [option.get("label"), option.get("option_text"), *(option.get("fill_ins") or ())]
    return [text for text in texts if isinstance(text, str) and text]
