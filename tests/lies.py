"""Wrong answers about pairs of provisions: each is one that must never count. HARMLESS are odd ones that may."""

from __future__ import annotations

__all__ = ["BATCH_HARMLESS", "BATCH_LIES", "HARMLESS", "LIES", "Asked", "quote_of", "right_answer"]

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

Value = dict[str, Any]
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Asked:
    """One pair that is asked about, and its number in a batch (None: alone). `instances`: how do the two differ?"""

    source: Row
    target: Row
    instances: bool = False
    number: int | None = None

    @property
    def pair(self) -> str:
        return f"{self.source['id']}~{self.target['id']}{'~instances' if self.instances else ''}"


def quote_of(provision: Row) -> str:
    """Its first words."""
    return " ".join(provision["provision_text"].split()[:8])


def right_answer(asked: Asked, truth: Mapping[str, Row]) -> Value:
    """What is true; `truth` has the entries of both parts by the source's id."""
    known = truth.get(asked.source["id"], {})
    match = asked.instances or known.get("target_id") == asked.target["id"]
    fields = ("match_type", "variance_type", "impact_level")
    said = {field: known[field] for field in fields} if match and not asked.instances else {}
    notes = "the number is set by law" if said.get("variance_type") == "regulatory" else ""
    return {
        "source_id": asked.source["id"],
        "target_id": asked.target["id"] if match else None,
        "is_match": match,
        "match_type": "no_match",
        "variance_type": "none",
        "impact_level": "none",
        **said,
        "llm_similarity": 0.9 if match else 0.1,
        "confidence_score": 0.95,
        "evidence": [{"side": "source", "quote": quote_of(asked.source)},
                     {"side": "target", "quote": quote_of(asked.target)}],
        "regulatory_notes": notes,
        "reasoning": "Both were read.",
    }  # fmt: skip


def _a_match(asked: Asked, right: Value) -> Value:
    """The answer that says that they are the same."""
    kind = right["match_type"] if right["is_match"] and not asked.instances else "exact"
    return {**right, "is_match": True, "match_type": kind, "target_id": asked.target["id"]}


def _with(**fields: Any) -> Callable[[Asked, Value, Random], Value]:
    return lambda asked, right, _: {**_a_match(asked, right), **fields}


def _quoting(*quotes: tuple[str, Callable[[Asked], str]]) -> Callable[[Asked, Value, Random], Value]:
    def lie(asked: Asked, right: Value, _: Random) -> Value:
        return {**_a_match(asked, right), "evidence": [{"side": s, "quote": make(asked)} for s, make in quotes]}

    return lie


def _long(side: str) -> Callable[[Asked], str]:
    return lambda asked: " ".join((getattr(asked, side)["provision_text"].split() * 13)[:13])


def _source(asked: Asked) -> str:
    return quote_of(asked.source)


def _target(asked: Asked) -> str:
    return quote_of(asked.target)


def _other_id(asked: Asked, right: Value, random: Random) -> Value:
    side = random.choice(("source", "target"))
    number = asked.target["id"].rsplit("-", 1)[1]
    others = [id_ for id_ in ("1.01", "1.02", "2.01") if id_ != number and not asked.source["id"].endswith(id_)]
    part = "aa" if "-aa-" in asked.source["id"] else "bpd"
    return {**_a_match(asked, right), f"{side}_id": f"{side}-{part}-{random.choice(others)}"}


def _swapped(asked: Asked, right: Value, _: Random) -> Value:
    return {**_a_match(asked, right), "source_id": asked.target["id"], "target_id": asked.source["id"]}


def _no_quotes(asked: Asked, right: Value, _: Random) -> Value:
    return {**_a_match(asked, right), "evidence": []}


def _low(asked: Asked, right: Value, _: Random) -> Value:
    return {**_a_match(asked, right), "confidence_score": 0.4, "abstain_reason": ""}


def _confident_no_match(asked: Asked, right: Value, _: Random) -> Value:
    if asked.instances:  # nobody is asked there whether it is a match
        return {**right, "variance_type": "no_match"}
    return {**_a_match(asked, right), "match_type": "no_match", "confidence_score": 0.99}


def _two_ids(asked: Asked, right: Value, _: Random) -> Value:
    return {**_a_match(asked, right), "target_id": [asked.target["id"], "target-bpd-1.01"]}


def _example(asked: Asked, right: Value, _: Random) -> str:
    """An example about another pair, and then nothing about this one."""
    other = {**_a_match(asked, right), "source_id": "source-bpd-9.99", "target_id": "target-bpd-9.99"}
    return f"For example:\n```json\n{json.dumps(other)}\n```\nbut about this one I shall not say {{anything}}."


def _decoy(asked: Asked, right: Value, _: Random) -> str:
    """An example about another pair, and then the answer."""
    other = {**_a_match(asked, right), "source_id": "source-bpd-9.99", "target_id": "target-bpd-9.99"}
    return f"An example: {json.dumps(other)}\nNow the answer [1]: {json.dumps(right)} }} and that is all."


Lie = Callable[[Asked, Value, Random], Value | str]
LIES: Mapping[str, Lie] = {
    "other id": _other_id,
    "ghost id": lambda asked, right, _: {**_a_match(asked, right), "target_id": "target-bpd-99.99"},
    "ghost source": lambda asked, right, _: {**_a_match(asked, right), "source_id": "source-bpd-99.99"},
    "swapped": _swapped,
    "two ids": _two_ids,
    "invented quote": _quoting(("source", lambda _: "the moon is made of green cheese"), ("target", _target)),
    "changed quote": _quoting(("source", lambda asked: _source(asked)[:-1] + "zzz"), ("target", _target)),
    "crossed quotes": _quoting(("source", _target), ("target", _source)),
    "one side": _quoting(("source", _source)),
    "long quote": _quoting(("source", _long("source")), ("target", _long("target"))),
    "no quotes": _no_quotes,
    "empty quotes": _quoting(("source", lambda _: ""), ("target", lambda _: " . ")),
    "confident no_match": _confident_no_match,
    "exact and high": _with(match_type="exact", variance_type="none", impact_level="high"),
    "confidence in words": _with(confidence_score="very high"),
    "confidence NaN": _with(confidence_score=float("nan")),
    "confidence infinite": _with(confidence_score=float("inf")),
    "confidence 1.7": _with(confidence_score=1.7),
    "confidence -1": _with(confidence_score=-1),
    "confidence null": _with(confidence_score=None),
    "unsure match": _low,
    "other words": _with(match_type="identical", variance_type="tiny"),
    "regulatory without notes": _with(
        variance_type="regulatory", match_type="compatible", impact_level="high", regulatory_notes=" "
    ),
    "incompatible and low": _with(option_compatibility="incompatible", match_type="compatible", impact_level="low"),
    "no reasoning": _with(reasoning=""),
    "nothing": lambda *_: "",
    "a refusal": lambda *_: "I am sorry, but I cannot help with {plan documents} or [anything] like them.",
    "only an example": _example,
    "broken off": lambda asked, right, _: json.dumps(_a_match(asked, right))[:-30],
    "words": lambda *_: '"exact"',
    "a list of ids": lambda asked, *_: json.dumps([asked.source["id"], asked.target["id"]]),
}
"""By name; each makes a wrong answer out of the right one."""
HARMLESS: Mapping[str, Lie] = {
    "a decoy first": _decoy,
    "in a list": lambda _, right, __: f"Here: [{json.dumps(right)}] as asked.",
    "prose around": lambda _, right, __: f"As [rule 3] says {{sic}}, ```json\n{json.dumps(right)}\n``` is my answer!",
}


def _shifted(numbered: Sequence[Value], wrong: Sequence[bool], random: Random) -> Any:
    """Every answer at the number of the next."""
    chosen = [place for place, is_wrong in enumerate(wrong) if is_wrong]
    moved = [dict(value) for value in numbered]
    for place, other in zip(chosen, [*chosen[1:], *chosen[:1]], strict=True):
        moved[place] = {**numbered[place], "number": numbered[other]["number"]}
    return moved if len(chosen) > 1 else [v for v, is_wrong in zip(numbered, wrong, strict=True) if not is_wrong]


def _each(change: Callable[[Value], Sequence[Value]]) -> Callable[[Sequence[Value], Sequence[bool], Random], Any]:
    def lie(numbered: Sequence[Value], wrong: Sequence[bool], random: Random) -> Any:
        return [new for value, bad in zip(numbered, wrong, strict=True) for new in (change(value) if bad else [value])]

    return lie


def _cut(numbered: Sequence[Value], wrong: Sequence[bool], random: Random) -> Any:
    """The wrong ones at the end, and the first of them is where it breaks off."""
    good = [v for v, bad in zip(numbered, wrong, strict=True) if not bad]
    bad = [v for v, bad in zip(numbered, wrong, strict=True) if bad]
    text = json.dumps([*good, *bad[:1]])
    return text[:-40] if bad else text


def _by_number(numbered: Sequence[Value], wrong: Sequence[bool], random: Random) -> Any:
    """One object for all, with the numbers as names, where any is to be wrong."""
    plain = {str(v["number"]): {k: x for k, x in v.items() if k != "number"} for v in numbered}
    return plain if any(wrong) else list(numbered)


def _one_too_many(numbered: Sequence[Value], wrong: Sequence[bool], random: Random) -> Any:
    return [{**numbered[0], "number": 99}, *numbered] if any(wrong) else list(numbered)


BatchLie = Callable[[Sequence[Value], Sequence[bool], Random], Any]
BATCH_LIES: Mapping[str, BatchLie] = {
    "missing numbers": _each(lambda _: []),
    "doubled, the same": _each(lambda value: [value, value]),
    "doubled, different": _each(lambda value: [value, {**value, "is_match": not value["is_match"]}]),
    "foreign numbers": _each(lambda value: [{**value, "number": value["number"] + 100}]),
    "no numbers": _each(lambda value: [{k: v for k, v in value.items() if k != "number"}]),
    "numbers with a fraction": _each(lambda value: [{**value, "number": value["number"] + 0.5}]),
    "negative numbers": _each(lambda value: [{**value, "number": -value["number"]}]),
    "numbers in words": _each(lambda value: [{**value, "number": f"no. {value['number']}"}]),
    "a number that is true": _each(lambda value: [{**value, "number": True}] if value["number"] != 1 else []),
    "shifted": _shifted,
    "one cut off": _cut,
    "lists in a list": _each(lambda value: [[value]]),  # type: ignore[list-item]
    "an object by number": _by_number,
}
"""By name; each makes a text, or the list to be said, of the numbered right answers; `wrong` says which shall be."""

BATCH_HARMLESS: Mapping[str, BatchLie] = {
    "numbers as strings": _each(lambda value: [{**value, "number": str(value["number"])}]),
    "in an object": lambda numbered, *_: {"answers": list(numbered)},
    "one too many": _one_too_many,
    "one by one": lambda numbered, *_: "\n".join(f"Record {v['number']}: {json.dumps(v)}" for v in numbered),
    "backwards": lambda numbered, *_: list(numbered)[::-1],
}
"""As BATCH_LIES, but right."""
