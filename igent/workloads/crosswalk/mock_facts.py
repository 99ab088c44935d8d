"""The facts in a text: numbers with what they count, how often something happens, and what an election chose."""

from __future__ import annotations

__all__ = ["ADMINISTRATIVE", "Fact", "chosen", "facts", "instance_facts"]

import re
from collections.abc import Mapping
from typing import Any

from igent.workloads.crosswalk.mock_vocabulary import VALUES
from igent.workloads.crosswalk.references import references

Fact = tuple[str, str]
"""What is counted, such as "days" or "%", and the value."""
ADMINISTRATIVE = frozenset({"days", "often"})
"""What a difference only changes for those who administer the plan."""

_NUMBERS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
    " eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand half"
)
_WORD = rf"(?:{'|'.join(_NUMBERS.split())})"
_WRITTEN = re.compile(
    rf"\b{_WORD}(?:(?:[- ]|\sand\sa\s|\sand\s){_WORD})*(?: percent)?\s*\((\d[\d,.]*(?: 1/2)?%?)\)", re.IGNORECASE
)
_CITATION = re.compile(
    r"(?:\bSection|§|\bForm|\bbox)s?\s*[A-Z]?-?\d[\w.-]*(?:\(\w+\))*(?:,? (?:and|or) \d[\w.]*)*"
    r"|\b\d{3}[a-z]?\(\w+\)(?:\(\w+\))*|401\(k\)"
)
_NUMBER = re.compile(
    r"(?P<money>\$)?(?P<value>\d[\d,]*(?:\.\d+)?(?: 1/2)?)(?:\s*(?P<percent>%|percent\b))?"
    r"(?:[\s-]+(?:\w+[\s-]+){0,1}?(?P<unit>days?|months?|years?|hours?)\b)?"
)
_AGE = re.compile(r"\baged?\s+(?:of\s+)?(?:at least\s+)?(\d+(?: 1/2)?)", re.IGNORECASE)
_OFTEN = re.compile(r"\b(daily|weekly|monthly|quarterly|semiannually)\b", re.IGNORECASE)
_ELECTED = re.compile(r"\[elected: (.*?)\]")
_AMOUNTS = ("$", "%")
_YES_NO = re.compile(r"^(yes|no)$", re.IGNORECASE)


def facts(text: str) -> frozenset[Fact]:
    """The facts of a text; references to elections and citations of the law are none."""
    for reference in reversed(references(text)):
        text = f"{text[: reference.start]} {text[reference.end :]}"
    text = _CITATION.sub(" ", _WRITTEN.sub(r"\1", text))
    found = {("age", match[1]) for match in _AGE.finditer(text)}
    text = _AGE.sub(" ", text)
    found |= {_fact(match) for match in _NUMBER.finditer(text)}
    found |= {("often", match[1].lower()) for match in _OFTEN.finditer(text)}
    return frozenset(found)


def _fact(match: re.Match[str]) -> Fact:
    value = match["value"].replace(",", "")
    if match["money"]:
        return "$", value
    if match["percent"]:
        return "%", value
    unit = (match["unit"] or "").lower()
    return (f"{unit.removesuffix('s')}s" if unit else "number"), value


def chosen(election: Mapping[str, Any]) -> frozenset[Fact] | None:
    """The facts of what was ticked or written in an election; None when nothing was."""
    ticked = [option for option in election.get("options") or () if option.get("is_selected")]
    if not ticked:
        return None
    texts = [str(option.get("option_text") or "") for option in ticked]
    if election.get("kind") == "text":
        return frozenset(("words", " ".join(text.lower().split())) for text in texts)
    return frozenset(fact for text in texts for fact in _choice(text))


def _choice(text: str) -> frozenset[Fact]:
    """What an option stands for: yes or no, a known choice, or its numbers."""
    answer = _YES_NO.match(text.strip())
    if answer:
        return frozenset({("choice", answer[1].lower())})
    known = {("choice", key) for key, phrases in VALUES.items() if any(p in text.lower() for p in phrases)}
    counted = facts(text)
    return frozenset(known | {fact for fact in counted if fact[0] in _AMOUNTS}) if known else counted


def instance_facts(text: str) -> frozenset[Fact]:
    """The facts of a text in which elected values stand as "[elected: …]"."""
    values = [value for match in _ELECTED.finditer(text) for value in re.split(r"; | and ", match[1])]
    unnamed = [value.partition(": ")[2] for value in values]  # of several elections, each has its name before it
    return facts(_ELECTED.sub(" ", text)) | {fact for value in (*values, *unnamed) for fact in _choice(value)}
