"""From a family and its subjects and numbers to the words of one vendor."""

from __future__ import annotations

__all__ = ["Instance", "instances", "numbers_for", "option_texts", "other_numbers", "text_of", "title_of"]

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from random import Random

from igent.workloads.crosswalk.generate_catalogue import Family, Wording, in_words, plain
from igent.workloads.crosswalk.generate_subjects import SUBJECTS

_POOLS: Mapping[str, Sequence[int]] = {
    "percent": (1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 50, 75),
    "days": (10, 15, 30, 45, 60, 90, 120, 180),
    "months": (2, 3, 6, 9, 12, 18, 24),
    "years": (2, 3, 4, 5, 6, 7, 8, 10, 12, 15),
    "hours": (250, 500, 750, 1000, 1250, 1500),
    "age": (18, 19, 20, 21, 50, 55, 59, 60, 62, 65, 67, 70),
    "dollars": (250, 500, 1000, 1500, 2000, 2500, 4000, 5000, 7500),
}
_SMALL = {"a", "an", "and", "at", "by", "for", "from", "in", "of", "on", "or", "the", "to", "upon", "with"}


@dataclass(frozen=True, slots=True)
class Instance:
    """One provision or election of both vendors: a family and, by place in SUBJECTS, what it is about."""

    family: Family
    subjects: tuple[int, ...]


def instances(families: Sequence[Family], random: Random) -> Mapping[str, Iterator[Instance]]:
    """By type: every instance of its families, in a random order in which the families take turns."""
    types = dict.fromkeys(family.type for family in families)
    return {type_: _in_turn([f for f in families if f.type == type_], random) for type_ in types}


def _in_turn(families: Sequence[Family], random: Random) -> Iterator[Instance]:
    rows = []
    for family in families:
        combinations = list(product(*(range(len(SUBJECTS[dim])) for dim in family.dims)))
        random.shuffle(combinations)
        rows.append([Instance(family, combination) for combination in combinations])
    for place in range(max(map(len, rows))):
        yield from (row[place] for row in rows if place < len(row))


def numbers_for(family: Family, random: Random) -> tuple[int, ...]:
    """A value for each of its numbers."""
    return tuple(random.choice(_POOLS[kind]) for kind in family.numbers)


def other_numbers(family: Family, numbers: Sequence[int], random: Random, administrative: bool) -> tuple[int, ...]:
    """The same but for one number of the kind asked for: days, or any other. Unchanged where there is none."""
    places = [place for place, kind in enumerate(family.numbers) if (kind == "days") == administrative]
    changed = list(numbers)
    if places:
        place = random.choice(places)
        changed[place] = random.choice([n for n in _POOLS[family.numbers[place]] if n not in numbers])
    return tuple(changed)


def _number(kind: str, value: int, in_full: bool) -> str:
    if kind == "dollars":
        return f"${value:,}"
    if kind == "percent":
        return f"{in_words(value)} percent ({value}%)" if in_full else f"{value}%"
    return f"{in_words(value)} ({value:,})" if in_full else f"{value:,}"


def _filled(template: str, instance: Instance, numbers: Sequence[int], side: str) -> str:
    text = plain(template)
    which = 0 if side == "source" else 1
    for slot, dim, place in zip("st", instance.family.dims, instance.subjects, strict=False):
        text = text.replace(f"{{{slot}}}", SUBJECTS[dim][place][which])
    for at, (kind, value) in enumerate(zip(instance.family.numbers, numbers, strict=True), start=1):
        text = text.replace(f"{{{at}}}", _number(kind, value, in_full=side == "target"))
    return text


def _wording(instance: Instance, side: str) -> Wording:
    return instance.family.source if side == "source" else instance.family.target


def text_of(instance: Instance, numbers: Sequence[int], side: str) -> str:
    """The text in the words of the vendor of this side."""
    return _filled(_wording(instance, side).text, instance, numbers, side)


def title_of(instance: Instance, side: str) -> str:
    """The title, in title case."""
    words = _filled(_wording(instance, side).title, instance, (0,) * len(instance.family.numbers), side).split()
    return " ".join(w if at and w in _SMALL else w[:1].upper() + w[1:] for at, w in enumerate(words))


def option_texts(instance: Instance, numbers: Sequence[int], side: str) -> list[str]:
    """The options of an election."""
    return [_filled(option, instance, numbers, side) for option in _wording(instance, side).options]
