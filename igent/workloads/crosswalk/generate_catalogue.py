"""The catalogue of what plans provide: families of provisions and elections, each in the words of two vendors.

A block of the catalogue gives the type, the kinds of its subjects (one or two) and the kinds of its numbers, then for
each vendor a title, a text and, for elections, the options. {s} and {t} stand for the subjects, {1} and {2} for the
numbers; words between asterisks are those by which a reader knows the family again.
"""

from __future__ import annotations

__all__ = ["ELECTIONS", "PROVISIONS", "Family", "Wording", "in_words", "plain"]

import re
from collections.abc import Sequence
from dataclasses import dataclass

from igent.workloads.crosswalk.generate_exits import EXITS
from igent.workloads.crosswalk.generate_questions import QUESTIONS
from igent.workloads.crosswalk.generate_rules import RULES
from igent.workloads.crosswalk.generate_subjects import SUBJECTS

_BELOW_20 = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
    " eighteen nineteen"
)
_BY_TEN = "zero ten twenty thirty forty fifty sixty seventy eighty ninety"
_ONES, _TENS = _BELOW_20.split(), _BY_TEN.split()
_CUE = re.compile(r"\*([^*]+)\*")


@dataclass(frozen=True, slots=True)
class Wording:
    """How one vendor says it."""

    title: str
    text: str
    options: tuple[str, ...] = ()

    @property
    def cues(self) -> tuple[str, ...]:
        """The words between asterisks, without numbers and subjects."""
        parts = (part.strip(" ,") for cue in _CUE.findall(self.text) for part in re.split(r"\{\w\}", cue))
        return tuple(part for part in parts if len(part.split()) > 1)


@dataclass(frozen=True, slots=True)
class Family:
    """One kind of provision or election: `dims` are keys of SUBJECTS, `numbers` kinds such as "percent" or "days"."""

    key: str
    type: str
    dims: tuple[str, ...]
    numbers: tuple[str, ...]
    source: Wording
    target: Wording


def plain(text: str) -> str:
    """A text without its asterisks."""
    return text.replace("*", "")


def in_words(number: int) -> str:
    """A number from 0 to 999,999 in English words, as contracts write it before the digits."""
    if number < 20:
        return _ONES[number]
    if number < 100:
        return _TENS[number // 10] + (f"-{_ONES[number % 10]}" if number % 10 else "")
    size, name = (1000, "thousand") if number >= 1000 else (100, "hundred")
    rest = f" {in_words(number % size)}" if number % size else ""
    return f"{in_words(number // size)} {name}{rest}"


def _wording(line: str) -> Wording:
    title, text, *options = (part.strip() for part in line.split(" | "))
    return Wording(title, text, tuple(part.strip() for part in options[0].split(";")) if options else ())


def _families(text: str) -> tuple[Family, ...]:
    found = []
    for number, block in enumerate(re.split(r"\n\s*\n", text.strip())):
        head, first, second = re.split(r"\n[AB]: ", block)
        type_, *words = head.split()
        dims = tuple(word for word in words if word in SUBJECTS)
        wordings = (_wording(" ".join(part.split())) for part in (first, second))
        found.append(Family(f"{type_}/{number}", type_, dims, _numbers(words), *wordings))
    return tuple(found)


def _numbers(words: Sequence[str]) -> tuple[str, ...]:
    return tuple(word for word in words if word not in SUBJECTS)


PROVISIONS = _families(f"{RULES.strip()}\n\n{EXITS.strip()}")
"""The families of provisions of basic plan documents."""
ELECTIONS = _families(QUESTIONS)
"""The families of elections of adoption agreements."""
