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
_SENTENCE = re.compile(r"[^.!?;\n]+")
_REJECTION = re.compile(r"\b(reject(?:ed)?|not\s+approved?)\b", re.IGNORECASE)
_APPROVAL = re.compile(
    r"\W*(?:i\s+|(?:the\s+|this\s+)?(?:draft|answer|verdict)\W+(?:is\s+)?)?approved?\b", re.IGNORECASE
)
_SIGNAL = re.compile(r"\bAPPROVED?\b")  # as AutoGen's text terminations look for it
_BUT = re.compile(
    r"\b(not|no|never|cannot|can|could|would|should|if|once|until|unless|after|when|but|except)\b|n['’]t\b", re.I
)


@dataclass(frozen=True, slots=True)
class Opinion:
    """`approved` is None when the critic gave no verdict that can be read: that never counts as approval."""

    approved: bool | None
    feedback: str


def is_opinion(value: Any) -> bool:
    """Whether a JSON value is a verdict: {"verdict": "approved" | "rejected", "feedback": …} or {"approved": …}."""
    return _verdict(_unwrap(value)) is not None


def read_opinion(text: str, value: Any) -> Opinion:
    """The opinion in a critic's answer: its JSON value, if that is a verdict, else the plain word.

    REJECTED may stand anywhere. APPROVED has to begin a sentence, or stand in capitals, and the sentence has no "but",
    "if" or "not" in it, in an answer without a rejection and without a brace: what was meant as JSON and cannot be read
    is no approval.
    """
    value = _unwrap(value)
    approved = _verdict(value)
    if approved is not None:
        said = value.get("feedback") or value.get("issues") or value.get("reason") or ""
        return Opinion(approved, said if isinstance(said, str) else str(said))
    approves = "{" not in text and any(_is_approval(s.group()) for s in _SENTENCE.finditer(text))
    rejects = _REJECTION.search(text) is not None
    return Opinion(approves if approves != rejects else None, text.strip())


def _is_approval(sentence: str) -> bool:
    said = _APPROVAL.match(sentence) or _SIGNAL.search(sentence)
    return said is not None and _BUT.search(sentence) is None


def _unwrap(value: Any) -> Any:
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _verdict(value: Any) -> bool | None:
    if not isinstance(value, dict):
        return None
    if isinstance(value.get("approved"), bool):
        return bool(value["approved"])
    word = value.get("verdict")
    return _WORDS.get(word.strip().lower()) if isinstance(word, str) else None
