"""A fictional pair of plans with its true crosswalk, of any size that the catalogue has material for."""

from __future__ import annotations

__all__ = ["Pair", "Sizes", "make_pair"]

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from igent.types import JsonObject
from igent.workloads.crosswalk.generate_catalogue import ELECTIONS, PROVISIONS
from igent.workloads.crosswalk.generate_fill import TYPE_SHARES, Chosen, choose
from igent.workloads.crosswalk.generate_truth import differing, truth_of
from igent.workloads.crosswalk.generate_words import (
    Instance,
    numbers_for,
    option_texts,
    other_numbers,
    text_of,
    title_of,
)

Sizes = tuple[int, int]
"""How many objects the source and the target have."""

_ARTICLES = {"source": list(TYPE_SHARES), "target": list(TYPE_SHARES)[::-1]}
_NOWHERE = "98.01"  # a question that no agreement has
_SAME_TITLES, _UNCLEAR = 0.08, 0.04
_RELATIONS = {"exact": 40, "conditional": 18, "design": 30, "administrative": 35}


@dataclass(slots=True)
class Pair:
    """The four documents, by scenario key ("source_bpd" …), and the truth as truth.json has it."""

    documents: dict[str, list[JsonObject]] = field(default_factory=dict)
    truth: JsonObject = field(default_factory=dict)


@dataclass(slots=True)
class _Made:
    """One instance on its way into the documents."""

    instance: Instance
    numbers: dict[str, tuple[int, ...]]
    relation: str = "exact"
    ids: dict[str, str] = field(default_factory=dict)
    titles: dict[str, str] = field(default_factory=dict)
    suffix: dict[str, str] = field(default_factory=dict)
    elections: list[str] = field(default_factory=list)
    status: str = "confirmed"
    alone: bool = True
    picks: dict[str, int] = field(default_factory=dict)


def make_pair(bpd: Sizes, aa: Sizes, seed: int) -> Pair:
    """The pair of this seed. Raises DataError when the catalogue has less material than the sizes ask for."""
    random = Random(f"crosswalk {seed}")
    pair = Pair()
    questions = _make(choose(ELECTIONS, aa, random, headings=False), random)
    for side in ("source", "target"):
        pair.documents[f"{side}_aa"] = _elections(_on(questions, side), side, random)
    provisions = _make(choose(PROVISIONS, bpd, random, headings=True), random)
    _refer(provisions["both"], questions, random)
    _same_titles(provisions, random)
    for side in ("source", "target"):
        pair.documents[f"{side}_bpd"] = _provisions(_on(provisions, side), side)
    pair.truth = {"bpd": _truth(provisions), "aa": _truth(questions), "new_in_target": {}}
    for part, made in (("bpd", provisions), ("aa", questions)):
        pair.truth["new_in_target"][part] = [one.ids["target"] for one in made["target"]]
    return pair


def _make(chosen: Chosen, random: Random) -> dict[str, list[_Made]]:
    made: dict[str, list[_Made]] = {}
    for where, found in (("both", chosen.both), ("source", chosen.source), ("target", chosen.target)):
        made[where] = [_instance(instance, random, where) for instance in found]
    return made


def _instance(instance: Instance, random: Random, where: str) -> _Made:
    numbers = numbers_for(instance.family, random)
    made = _Made(instance, {"source": numbers, "target": numbers})
    pick = 1 if instance.family.numbers and random.random() < 0.8 else random.randrange(2)
    made.picks = {"source": pick, "target": pick}
    made.titles = {side: title_of(instance, side) for side in ("source", "target")}
    if where == "both":
        made.alone = False
        _relate(made, random)
    return made


def _relate(made: _Made, random: Random) -> None:
    """Make the two sides relate in one of the ways that the family allows."""
    family, numbers = made.instance.family, made.numbers["source"]
    possible = _possible(made)
    made.relation = random.choices(possible, [_RELATIONS[name] for name in possible])[0]
    if made.relation in ("design", "administrative"):
        if family.numbers:
            administrative = made.relation == "administrative"
            made.numbers["target"] = other_numbers(family, numbers, random, administrative=administrative)
        else:
            made.picks["target"] = 1 - made.picks["source"]
        made.relation = differing(family, made.relation)


def _possible(made: _Made) -> list[str]:
    family = made.instance.family
    if family.source.options and made.picks["source"] == 0 and family.numbers:
        return ["exact"]  # "none" on both sides
    kinds = {"administrative" if kind == "days" else "design" for kind in family.numbers}
    answers = {"design"} if family.source.options and not family.numbers else set()
    return ["exact", *(["conditional"] if not family.source.options else []), *sorted(kinds | answers)]


def _on(made: dict[str, list[_Made]], side: str) -> list[_Made]:
    """What one document has, its articles in the order of its vendor."""
    order = _ARTICLES[side]
    return sorted([*made["both"], *made[side]], key=lambda one: order.index(one.instance.family.type))


def _numbered(made: Sequence[_Made], side: str, part: str) -> list[tuple[_Made, int, int]]:
    """Each with its article and its place in it, and with its id."""
    found, article, place, last = [], 0, 0, ""
    for one in made:
        type_ = one.instance.family.type
        article, place = (article + 1, 1) if type_ != last or place == 99 else (article, place + 1)
        last = type_
        one.ids[side] = f"{side}-{part}-{article}.{place:02d}"
        found.append((one, article, place))
    return found


def _provisions(made: Sequence[_Made], side: str) -> list[JsonObject]:
    objects: list[JsonObject] = []
    for one, article, place in _numbered(made, side, "bpd"):
        if place == 1:
            objects.append(_heading(side, article, one.instance.family.type))
        text = text_of(one.instance, one.numbers[side], side) + one.suffix.get(side, "")
        objects.append(_object(one, side, "bpd", f"{article}.{place:02d}", text[:1].upper() + text[1:]))
    return _paged(objects, 9)


def _heading(side: str, article: int, type_: str) -> JsonObject:
    name = type_.replace("_", " ").upper()
    return {
        "id": f"{side}-bpd-article-{article}",
        "document": f"{side}_bpd.json",
        "section_number": f"Article {article}",
        "section_title": name,
        "provision_text": f"ARTICLE {article} {name}",
        "provision_type": "other",
        "provision_classification": "heading",
    }


def _object(one: _Made, side: str, part: str, number: str, text: str) -> JsonObject:
    return {
        "id": one.ids[side],
        "document": f"{side}_{part}.json",
        "section_number": number,
        "section_title": one.titles[side],
        "provision_text": text,
        "provision_type": one.instance.family.type,
        "provision_classification": "substantive",
    }


def _elections(made: Sequence[_Made], side: str, random: Random) -> list[JsonObject]:
    objects = []
    for one, article, place in _numbered(made, side, "aa"):
        text = text_of(one.instance, one.numbers[side], side)
        entry = _object(one, side, "aa", f"{article}.{place:02d}", text[:1].upper() + text[1:])
        ticked = {one.picks[side]}
        status = "answered"
        if one.alone and side == "source" and random.random() < _UNCLEAR:
            status = random.choice(("unanswered", "ambiguous"))
            ticked = set() if status == "unanswered" else {0, 1}
        options = [
            {
                "option_id": (label := "ab12"[at + 2 * (side == "target")]),
                "label": f"({label})",
                "option_text": option,
                "is_selected": at in ticked,
                "fill_ins": [],
            }
            for at, option in enumerate(option_texts(one.instance, one.numbers[side], side))
        ]
        parent = f"PART {article} {one.instance.family.type.replace('_', ' ').upper()}"
        entry |= {"field_label": one.titles[side], "parent_section": parent, "local_ordinal": place}
        objects.append(entry | {"status": status, "kind": "single_select", "options": options})
    return _paged(objects, 8)


def _paged(objects: list[JsonObject], on_page: int) -> list[JsonObject]:
    for place, entry in enumerate(objects):
        entry["pdf_page"], entry["page_sequence"] = 1 + place // on_page, 1 + place % on_page
    return objects


def _refer(both: Sequence[_Made], questions: dict[str, list[_Made]], random: Random) -> None:
    """Let conditional provisions refer to elections: all of them mapped, some, none, or one that is not there."""
    mapped, unmapped = questions["both"], questions["source"]
    for one in both:
        if one.relation != "conditional":
            continue
        status = random.choices(("confirmed", "conditional", "blocked", "pending"), (60, 15, 15, 10))[0]
        if not mapped or not unmapped:
            status = "pending"
        known = {"confirmed": 1, "conditional": 1}.get(status, 0)
        asked = [
            *random.sample(mapped, known),
            *(random.sample(unmapped, 1) if status in ("conditional", "blocked") else ()),
        ]
        one.status, one.elections = status, [question.ids["source"] for question in asked]
        numbers = [id_.removeprefix("source-aa-") for id_ in one.elections] or [_NOWHERE]
        one.elections = one.elections or [f"source-aa-{_NOWHERE}"]
        one.suffix["source"] = f" This holds as elected in {' and '.join(f'AA Q {number}' for number in numbers)}."
        if known:
            number = asked[0].ids["target"].removeprefix("target-aa-")
            one.suffix["target"] = f" All of this as specified in Section {number} of the Adoption Agreement."


def _same_titles(made: dict[str, list[_Made]], random: Random) -> None:
    """Traps: some provisions that only one side has, of one type, get the same title on both sides."""
    for one in made["source"]:
        others = [other for other in made["target"] if other.instance.family.type == one.instance.family.type]
        if others and random.random() < _SAME_TITLES:
            random.choice(others).titles["target"] = one.titles["source"]


def _truth(made: dict[str, list[_Made]]) -> JsonObject:
    found = {
        one.ids["source"]: truth_of(
            one.relation, one.instance.family.type, one.ids["target"], one.status, one.elections
        )
        for one in made["both"]
    }
    found |= {
        one.ids["source"]: truth_of("none", one.instance.family.type, None, "pending", []) for one in made["source"]
    }
    return dict(sorted(found.items()))
