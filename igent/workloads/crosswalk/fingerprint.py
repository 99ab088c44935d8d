"""Fingerprints: what a provision says, without what only its vendor's document adds to it.

"Q 1.04 Age" once matched "1.04 State" at a similarity of 1.0: the number had outweighed the words.
"""

from __future__ import annotations

__all__ = ["VENDORS", "fingerprint"]

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from igent.workloads.crosswalk.references import references

VENDORS: tuple[str, ...] = ("Northgate Plan Services", "Calloway Retirement Trust Company", "Northgate", "Calloway")
"""Names of vendors that are stripped wherever they stand (these are invented, those of the example data), the longer
ones first; others are known by their form: "… Inc.", "… Retirement Services"."""
ELECTED = "[elected]"

_SPACES, _BREAKS = re.compile(r"[^\S\n]+"), re.compile(r" ?\n[ \n]*")
_LINES = re.compile(
    r"^[ \t]*(?:"
    r".{0,60}(?:©|\(c\)[ \t]*(?:copyright|\d{4})|\bcopyright\b).*"
    r"|.{0,40}\ball rights reserved\b.*"
    r"|[^\w\n]*(?:sample|draft|specimen|confidential|proprietary)(?:[^\w\n]+(?:document|copy|only|and|confidential|draft|"
    r"proprietary|sample|specimen|do[ \t]+not[ \t]+copy|not[ \t]+for[ \t]+(?:use|execution|distribution)))*[^\w\n]*"
    r"|[-–—\s]*page[ \t]+\d+(?:[ \t]*(?:of|/)[ \t]*\d+)?[-–—\s]*"
    r"|[-–—]?[ \t]*\d{1,4}[ \t]*[-–—]?"
    r"|(?:instructions?|note(?:[ \t]+to[ \t]+(?:the[ \t]+)?\w+(?:[ \t]+\w+)?)?|drafting note)[ \t]*:.*"
    r")[ \t]*$",
    re.IGNORECASE | re.MULTILINE,
)
_INSTRUCTIONS = re.compile(
    r"[(\[](?:please\s+)?(?:check|select|choose|complete|mark|enter|fill\s+in|insert|skip|see\s+instructions?|attach|"
    r"if\s+(?:no|none)\s[^()\[\]]{0,60}(?:check|select)|note\s+to|instructions?|note)\b[^()\[\]]{0,300}[)\]]"
    r"|\bnote\s+to\s+(?:the\s+)?\w+(?:\s+\w+)?:[^.\n]{0,400}(?:\.|$)"
    r"|\binstructions?:[^.\n]{0,400}(?:\.|$)"
    r"|\b(?:check|select|choose)\s+(?:only\s+)?(?:one|all\s+that\s+apply)\b[.:]?",
    re.IGNORECASE,
)
_COMPANY = re.compile(
    r"\b(?!(?:The|A|An|Each|Any|Such|This)\b)(?:[A-Z][\w&'’-]*[ \t]+){0,4}[A-Z][\w&'’-]*,?[ \t]+(?:"
    r"Inc\b\.?|LLC\b|L\.L\.C\.|LLP\b|L\.P\.|Ltd\b\.?|Corp\b\.?|Corporation\b|&[ \t]+Co\b\.?|"
    r"(?:Plan|Retirement|Benefits?|Pension|Trust)[ \t]+(?:Services|Solutions|Company|Group|Advisors)\b)"
)
_CITATION = re.compile(
    r"(?:\b(?:Internal\s+Revenue\s+Code|Code|IRC|ERISA|Treas(?:ury|\.)?\s+Reg(?:ulations?|s?\.)?|Reg(?:ulations?|s?\.)|"
    r"DOL\s+Reg(?:ulations?|s?\.)?|U\.?S\.?C\.?|C\.?F\.?R\.?|Act|Rev(?:enue|\.)?\s+(?:Proc(?:edure|\.)?|Rul(?:ing|\.)?)|"
    r"Notice)\s*(?:§+|sections?|secs?\.)?\s*)"
    r"\d[\w.\-]*(?:\([A-Za-z0-9]{1,4}\))*"
    r"|(?:§+|\bsections?)\s*\d[\w.\-]*(?:\([A-Za-z0-9]{1,4}\))*\s+of\s+(?:the\s+)?(?:Internal\s+Revenue\s+Code|Code|ERISA|"
    r"Act)\b"
    r"|\b(?:40[1-9]|41[0-9]|457|72|125|132|3401|3121|6041|6051)\([a-zA-Z0-9]{1,3}\)(?:\([A-Za-z0-9]{1,4}\))*",
    re.IGNORECASE,
)
_UNITS = r"(?!\s*(?:%|percent|years?|months?|days?|hours|times|dollars))"
_NUMBERS = re.compile(
    r"\bpage\s*\d{1,4}(?:\s*(?:of|/)\s*\d{1,4})?"
    r"|(?:\b(?:sections?|secs?\.|questions?|q\.?|items?|articles?|paragraphs?|parts?|pp?\.|no\.)|§+|\#)\s*"
    r"(?:\d{1,4}[a-z]?(?:[.\-]\d{1,4}[a-z]?)*|[ivx]{1,6}\b)(?:\([a-z0-9]{1,4}\))*[.:)]?"
    + _UNITS
    + r"|\A\s*(?:\d{1,4}(?:[.\-]\d{1,4}[a-z]?)+|\d{1,3}[.)](?=\s))(?:\([a-z0-9]{1,4}\))*[.:)]?"
    + _UNITS
    + r"|^[ \t]*(?:\([a-z0-9]{1,4}\)\s*)+",
    re.IGNORECASE | re.MULTILINE,
)
_BLANKS = re.compile(r"_{2,}|\.{4,}|[☐☑☒□■✓✔✗]|\[\s?[xX]?\s?\]")
_HELD = "\ue000{}\ue001"
_HOLD = re.compile("\ue000(\\d+)\ue001")


def fingerprint(provision: Mapping[str, Any], vendors: Sequence[str] = VENDORS) -> str:
    """The text by which a provision or an election is compared: title, label, text and options, stripped and in lower
    case. What would be stripped to nothing is kept whole; "" only where there is no text."""
    parts = [provision.get(field) for field in ("section_title", "field_label", "provision_text")]
    for option in provision.get("options") or ():
        parts += [option.get("label"), option.get("option_text")]
    texts = list(dict.fromkeys(str(part) for part in parts if part))  # a label is often the text as well
    stripped = dict.fromkeys(text for part in texts if (text := _stripped(part, vendors)))
    return ". ".join(stripped) or " ".join(" ".join(texts).casefold().split())


def _stripped(text: str, vendors: Sequence[str]) -> str:
    text = text.replace("\ue000", "").replace("\ue001", "")
    text = _BREAKS.sub("\n", _SPACES.sub(" ", text))  # long runs of spaces would take the patterns long
    text = _LINES.sub(" ", text)
    text = _INSTRUCTIONS.sub(" ", text)
    for pattern in _patterns(tuple(vendors)):
        text = pattern.sub(" ", text)
    text = _COMPANY.sub(" ", text)
    for reference in reversed(references(text)):
        text = f"{text[: reference.start]}{ELECTED}{text[reference.end :]}"
    text = _BLANKS.sub(" ", text)
    held: list[str] = []
    text = _CITATION.sub(lambda match: _hold(match[0], held), text)
    text = _NUMBERS.sub(" ", text)
    text = _HOLD.sub(lambda match: held[int(match[1])], text)
    return " ".join(text.casefold().split()).strip(" .,;:-–—")


@lru_cache(maxsize=16)
def _patterns(vendors: tuple[str, ...]) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(rf"\b{re.escape(vendor)}(?:['’]s)?(?!\w)", re.IGNORECASE) for vendor in vendors)


def _hold(citation: str, held: list[str]) -> str:
    """A citation is put aside, so that its numbers stay."""
    held.append(citation)
    return _HELD.format(len(held) - 1)
