"""Names that people type: which are safe, and which valid one is nearest to a wrong one."""

from __future__ import annotations

__all__ = ["did_you_mean", "is_safe_name"]

import re
from collections.abc import Iterable
from difflib import get_close_matches

_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def is_safe_name(name: str) -> bool:
    """Whether the name may become part of a path: letters, digits, '.', '_', '-', at most 64, not a leading dot."""
    return bool(_SAFE.fullmatch(name)) and ".." not in name


def did_you_mean(wrong: str, valid: Iterable[str], noun: str = "valid") -> str:
    """The remedy for a wrong name: the nearest valid one, else the list of them."""
    names = sorted(valid)
    near = get_close_matches(wrong, names, n=1, cutoff=0.5)
    if near:
        return f"did you mean {near[0]!r}?"
    return f"{noun}: {', '.join(names)}" if names else ""
