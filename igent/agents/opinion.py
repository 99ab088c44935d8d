"""What a critic said: a JSON verdict, or the plain word."""

from __future__ import annotations

__all__ = ["Opinion", "is_opinion", "read_opinion"]

import re
from dataclasses import dataclass
from typing import Any

_WORDS = {
    "approved": True,
    "approve": True,
    "accepted": True,
    "valid": True,
    "rejected": False,
    "reject": False,
    "invalid": False,
}
_PLAIN = re.compile(r"\b(not\s+approved?|approved?|reject(?:ed)?)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Opinion:
    """`approved` is None when the critic gave no verdict that can be read: that never counts as approval."""

    approved: bool | None
    feedback: str


def is_opinion(value: Any) -> bool:
    """Whether a JSON value is a verdict: {"verdict": "approved" | "rejected", "feedback": …} or {"approved": …}."""
    return _verdict(_unwrap(value)) is not None


def read_opinion(text: str, value: Any) -> Opinion:
    """The opinion in a critic's answer: its JSON value, if that is a verdict, else the plain word APPROVED or REJECTED,
    where only one of them occurs."""
    value = _unwrap(value)
    approved = _verdict(value)
    if approved is not None:
        said = value.get("feedback") or value.get("issues") or value.get("reason") or ""
        return Opinion(approved, said if isinstance(said, str) else str(said))
    words = {match.group(1).lower().startswith("approve") for match in _PLAIN.finditer(text)}
    return Opinion(words.pop() if len(words) == 1 else None, text.strip())


def _unwrap(value: Any) -> Any:
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _verdict(value: Any) -> bool | None:
    if not isinstance(value, dict):
        return None
    if isinstance(value.get("approved"), bool):
        return bool(value["approved"])
    word = value.get("verdict")
    return _WORDS.get(word.strip().lower()) if isinstance(word, str) else None
