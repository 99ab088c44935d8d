"""Which provisions a generated pair has: how many of each type, on both sides or on one."""

from __future__ import annotations

__all__ = ["TYPE_SHARES", "Chosen", "choose"]

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from igent.errors import DataError, Problem
from igent.workloads.crosswalk.generate_catalogue import Family
from igent.workloads.crosswalk.generate_words import Instance, instances

TYPE_SHARES: Mapping[str, int] = {
    "definition": 13, "eligibility_rule": 9, "participation_rule": 5, "contribution_formula": 14,
    "allocation_formula": 7, "compensation_definition": 6, "vesting_schedule": 8, "forfeiture_usage": 3,
    "distribution_trigger": 16, "hardship_withdrawal": 3, "loan_provision": 5, "normal_retirement_age": 2,
    "top_heavy": 3, "coverage_testing": 4, "plan_year": 2, "other": 3,
}  # fmt: skip
"""Percent of a document, about as plans have them, in the order of the source's articles."""
_IN_BOTH, _IN_ARTICLE = 0.7, 99


@dataclass(frozen=True, slots=True)
class Chosen:
    """What both plans have, and what only one has."""

    both: Sequence[Instance]
    source: Sequence[Instance]
    target: Sequence[Instance]


def choose(families: Sequence[Family], sizes: tuple[int, int], random: Random, *, headings: bool) -> Chosen:
    """Instances for documents of exactly these sizes; with `headings`, one object of each article is its heading.
    Raises DataError when the catalogue has too few."""
    stream = _weighted(families, random)
    try:
        both = [next(stream) for _ in range(round(_IN_BOTH * min(sizes)))]
        while max(_size(both, headings), 0) > min(sizes):
            both.pop()
        source = _fill(both, stream, sizes[0], headings)
        target = _fill(both, stream, sizes[1], headings)
    except StopIteration as error:
        said = f"{sizes[0]}x{sizes[1]} is more than there is material for"
        raise DataError(Problem("sizes", said, "ask for a smaller pair")) from error
    return Chosen(both, source, target)


def _weighted(families: Sequence[Family], random: Random) -> Iterator[Instance]:
    """All instances, their types in random order but by their shares."""
    left = dict(instances(families, random))
    while left:
        type_ = random.choices(list(left), [TYPE_SHARES[name] for name in left])[0]
        found = next(left[type_], None)
        if found is None:
            del left[type_]
        else:
            yield found


def _size(found: Sequence[Instance], headings: bool) -> int:
    """Objects of a document: the instances, and the headings of the articles that they need."""
    if not headings:
        return len(found)
    counts = Counter(instance.family.type for instance in found)
    return len(found) + sum(-(-count // _IN_ARTICLE) for count in counts.values())


def _fill(both: Sequence[Instance], stream: Iterator[Instance], size: int, headings: bool) -> list[Instance]:
    extra: list[Instance] = []
    while _size([*both, *extra], headings) < size:
        extra.append(next(stream))
        if _size([*both, *extra], headings) > size:
            extra.pop()
    return extra
