"""References from a text to elections of the adoption agreement, such as "as elected in AA Q 3.01 and 3.02"."""

from __future__ import annotations

__all__ = ["ElectionReference", "numbered", "references", "referred"]

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

_NUMBER = r"\d{1,4}[A-Za-z]?(?:[.\-]\d{1,4}[A-Za-z]?){0,4}(?:\([A-Za-z0-9]{1,4}\)){0,4}"
_WORD = r"(?:sections?|sec\.|questions?|q\.?|items?|elections?|parts?|articles?|no\.|§{1,2}|\#)"
_LIST = (
    rf"{_NUMBER}(?:\s{{0,3}}(?:,\s{{0,3}}and|,\s{{0,3}}or|,|;|and|or|&)\s{{0,3}}(?:{_WORD}\s{{0,3}})?{_NUMBER}){{0,9}}"
)
_AGREEMENT = r"(?:the\s{1,3}(?:employer's\s{1,3})?)?(?:adoption\s{1,3}agreement|\bAA\b)"
_ELECTED = (
    r"(?:(?:(?:except|unless|as|if|so)\s{1,3}){0,3}(?:otherwise\s{1,3})?"
    r"(?:elected|selected|specified|designated|provided|indicated|chosen|set\s{1,3}forth|stated|described)\s{1,3}"
    r"(?:by\s{1,3}the\s{1,3}(?:plan\s{1,3}sponsor|employer|sponsor)\s{1,3})?(?:in|on|under|at|by|pursuant\s{1,3}to)\s{1,3})"
)
_PATTERN = re.compile(
    rf"{_ELECTED}?(?:"
    rf"\b{_WORD}\s{{0,3}}(?P<before>{_LIST})\s{{1,3}}(?:of|in|under)\s{{1,3}}{_AGREEMENT}"
    rf"|{_AGREEMENT}[,:]?\s{{0,3}}(?:(?:at|in|under|,)\s{{1,3}})?{_WORD}\s{{0,3}}(?P<after>{_LIST})"
    rf"|{_AGREEMENT}\s{{1,3}}(?P<bare>\d{{1,4}}[.\-]{_NUMBER})"
    rf")|(?P<open>{_ELECTED}{_AGREEMENT})",
    re.IGNORECASE,
)
_ANY = re.compile(_AGREEMENT, re.IGNORECASE)
_ONE = re.compile(_NUMBER)


@dataclass(frozen=True, slots=True)
class ElectionReference:
    """One reference: where it stands in the text, and the section or question `numbers` that it names, none where it
    only says that something is elected."""

    start: int
    end: int
    numbers: tuple[str, ...]


def references(text: str) -> list[ElectionReference]:
    """Every reference to elections, in the order of the text."""
    if _ANY.search(text) is None:  # most have none, and the whole pattern is slow to find that out
        return []
    found = []
    for match in _PATTERN.finditer(text):
        listed = match["before"] or match["after"] or match["bare"] or ""
        found.append(ElectionReference(match.start(), match.end(), tuple(_ONE.findall(listed))))
    return found


@lru_cache(maxsize=8192)
def numbered(number: str) -> str:
    """The number in a section's or question's name, without signs and words: "Q 3.01." and "Section 3.01" are "3.01",
    "PART 1 PLAN INFORMATION" is "1"; "" where there is none."""
    found = _ONE.search(number)
    return found[0].casefold() if found else ""


def referred(number: str, elections: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The elections that a number stands for: the one of this number; else all below it ("3" for 3.01 and 3.02); else
    the one that it is a part of ("3.01(b)" for 3.01)."""
    wanted = numbered(number)
    known = [(numbered(str(election.get("section_number") or "")), election) for election in elections]
    same = [election for own, election in known if own == wanted]
    if same:
        return same
    below = [
        election
        for own, election in known
        if _is_below(own, wanted) or numbered(str(election.get("parent_section") or "")) == wanted
    ]
    return below or [election for own, election in known if own and wanted.startswith(f"{own}(")]


def _is_below(own: str, wanted: str) -> bool:
    return own.startswith(wanted) and own[len(wanted) : len(wanted) + 1] in (".", "-", "(")
