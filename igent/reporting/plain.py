"""Text from outside, made harmless before it is shown to people or put into a spreadsheet."""

from __future__ import annotations

__all__ = ["csv_cell", "one_line"]

import re
import unicodedata

# CSI and OSC sequences as in ECMA-48, the other escapes of two characters, and their 8-bit forms.
_ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?|(?:\x1b\]|\x9d)[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?|\x1b[ -/]*[0-~]?"
)
_SPACE = re.compile(r"\s+")
# With the wide forms that a spreadsheet of an East Asian locale takes for the same.
_FORMULA = frozenset("=+-@＝＋－＠")


def one_line(text: str, limit: int = 300) -> str:
    """The text as one line of at most `limit` characters for a terminal: without escape sequences, control, format
    (bidirectional overrides, zero width) and unpaired surrogate characters; what is cut off ends in "…"."""
    head = _SPACE.sub(" ", _ESCAPES.sub("", text[: 4 * limit + 100]))
    shown = "".join(c for c in head if unicodedata.category(c) not in {"Cc", "Cf", "Cs"})
    kept = _SPACE.sub(" ", shown).strip()  # once more: what stood between two spaces may be gone
    return kept if len(kept) <= limit else kept[: limit - 1] + "…"


def csv_cell(text: str) -> str:
    """The text as a cell that no spreadsheet runs as a formula: what begins with = + - @ (also after spaces, also in
    their wide forms), a tab or a line break gets an apostrophe in front (OWASP, "CSV Injection")."""
    return f"'{text}" if text[:1] in {"\t", "\r", "\n"} or text.lstrip()[:1] in _FORMULA else text
