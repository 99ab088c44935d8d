"""Text from outside in the cells of a table: no spreadsheet program is to run it as a formula."""

from __future__ import annotations

__all__ = ["csv_cell", "is_hidden"]

import unicodedata

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})  # categories of Unicode that steer a terminal, or cannot be seen
# With the wide forms that a spreadsheet of an East Asian locale takes for the same.
_FORMULA = frozenset("=+-@＝＋－＠")


def csv_cell(text: str) -> str:
    """The text as a cell that no spreadsheet runs as a formula: what begins with = + - @ (also behind spaces and what
    cannot be seen, also in their wide forms), a tab or a line break gets an apostrophe in front (OWASP, "CSV
    Injection")."""
    first = next((c for c in text if not c.isspace() and not is_hidden(c)), "")
    return f"'{text}" if text[:1] in {"\t", "\r", "\n"} or first in _FORMULA else text


def is_hidden(character: str) -> bool:
    """Whether it steers a terminal or cannot be seen: control, format, surrogate, line and paragraph separators."""
    return unicodedata.category(character) in _HIDDEN
