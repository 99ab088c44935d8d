"""The steps `merge_source`, `merge_target` and `variances`: what the plan really says once its elections are put in.

Each match with elections becomes two instance texts, one a side. They flow as two streams, so that both are embedded
and paired by the phases that do this for provisions; the pair rule "instance" holds the two sides together, and the
model is asked once for each match. Matches without elections have no more to say than their texts did, and are not
asked about again.
"""

from __future__ import annotations

__all__ = ["merge_source", "merge_target", "variances"]

import re
from collections.abc import Mapping, Sequence
from typing import Any

from igent.flow import Item, StepContext, Stream
from igent.types import JsonObject
from igent.workloads.crosswalk.fingerprint import fingerprint
from igent.workloads.crosswalk.references import references, referred
from igent.workloads.crosswalk.review import answer_of, lost_reasons, reviewed

_FILLED = re.compile(r"\[\s+([^\]\[]*?)\s*\]|(?<!_)_+([^_\s][^_]*?)_+(?=\W|$)")
_BLANK = re.compile(r"_{2,}")
_UNCLEAR = {"ambiguous", "conflict", "unknown"}


async def merge_source(streams: Sequence[Stream], context: StepContext) -> list[Item]:
    """The source sides; see _merge."""
    return _merge("source", streams)


async def merge_target(streams: Sequence[Stream], context: StepContext) -> list[Item]:
    """The target sides; see _merge."""
    return _merge("target", streams)


def _merge(side: str, streams: Sequence[Stream]) -> list[Item]:
    """One instance for each match that is confirmed or conditional and refers to a known election on either side.

    Streams: the confirmed rows, and the elections of this side. `instance` is the same on both sides; `unresolved` are
    the references that have no clear value: they say so in the text.
    """
    rows, elections = streams
    known = [item.data for item in elections.items]
    return [Item(item.id, _instance(side, item.data, known)) for item in rows.items if _has_elections(item.data)]


def _has_elections(row: Mapping[str, Any]) -> bool:
    elections = row["elections"]
    return bool(
        row["is_match"]
        and row["status"] in ("confirmed", "conditional")
        and (elections["mapped"] or elections["unmapped"])
    )


def _instance(side: str, row: Mapping[str, Any], elections: Sequence[Mapping[str, Any]]) -> JsonObject:
    text, unresolved = _filled_in(str(row[f"{side}_text"] or ""), elections)
    instance = {
        "instance": row["source_id"],
        "id": row[f"{side}_id"],
        "section_number": row[f"{side}_section"],
        "section_title": row[f"{side}_title"],
        "provision_type": row[f"{side}_type"],
        "provision_text": text,
        "unresolved": unresolved,
    }
    return {**instance, "fingerprint": fingerprint(instance)}


def _filled_in(text: str, elections: Sequence[Mapping[str, Any]]) -> tuple[str, list[str]]:
    """The text with each reference replaced by what was elected, and the references without a clear value."""
    unresolved: list[str] = []
    for reference in reversed(references(text)):
        said = text[reference.start : reference.end]
        found = [election for number in reference.numbers for election in referred(number, elections)]
        values = [_value(election) for election in found]
        if not found or any(not clear for _, clear in values):
            unresolved.insert(0, said)
        several = len(found) > 1
        shown = [f"{_name(e)}: {value}" if several else value for e, (value, _) in zip(found, values, strict=True)]
        value = f"[elected: {'; '.join(shown)}]" if found else f"[elected, but not known: {said}]"
        text = f"{text[: reference.start]}{value}{text[reference.end :]}"
    return text, unresolved


def _name(election: Mapping[str, Any]) -> str:
    return str(election.get("field_label") or election.get("section_title") or election["id"]).rstrip(" .:")


def _value(election: Mapping[str, Any]) -> tuple[str, bool]:
    """What was elected, and whether that is clear."""
    chosen = [_option(option) for option in election.get("options") or () if option.get("is_selected")]
    said = " and ".join(text for text in chosen if text)
    status = election.get("status")
    if status in _UNCLEAR:
        return f"{status}: {said or 'nothing'}", False
    return (said, True) if said else ("nothing", False)


def _option(option: Mapping[str, Any]) -> str:
    """An option as it was ticked: its text, else its label, with what was written into its blanks."""
    text = str(option.get("option_text") or option.get("label") or "")
    text = _FILLED.sub(lambda match: match[1] or match[2] or "", text)
    for fill_in in map(str, option.get("fill_ins") or ()):
        if fill_in and fill_in not in text:
            before, *after = _BLANK.split(text, 1)
            text = f"{before}{fill_in}{after[0]}" if after else f"{text}: {fill_in}".removeprefix(": ")
    return " ".join(text.split()).rstrip(" .;")


async def variances(streams: Sequence[Stream], context: StepContext) -> list[Item]:
    """One row for each instance: how its two sides differ.

    Streams: the source's instances, the target's, and what the model has answered. An instance without an answer has a
    row that says why; its variance and impact are None: not known.
    """
    source, target, answered = streams
    others = {item.id: item.data for item in target.items}
    known = {str(item.data["source"]["instance"]): item.data for item in answered.items}
    lost = lost_reasons([*source.lost, *target.lost, *answered.lost])
    return [Item(item.id, _row(item, others.get(item.id, {}), known.get(item.id), lost)) for item in source.items]


def _row(item: Item, target: Mapping[str, Any], pair: Mapping[str, Any] | None, lost: Mapping[str, str]) -> JsonObject:
    source = item.data
    row = {
        "source_id": source["id"],
        "source_section": source["section_number"],
        "source_instance": source["provision_text"],
        "target_id": target.get("id"),
        "target_section": target.get("section_number"),
        "target_instance": target.get("provision_text"),
        "embedding_similarity": round(float(pair["similarity"]), 4) if pair else None,
    }
    answer = answer_of(pair, "variance_type") if pair else {}
    row |= {field: answer.get(field) for field in _ANSWERED}
    doubts = [f"{side}: the election is not clear: {said}" for side, data in (("source", source), ("target", target))
              for said in data.get("unresolved", ())]  # fmt: skip
    if answer.get("abstain_reason"):
        doubts.append(f"the model left it undecided: {answer['abstain_reason']}")
    if pair is None:
        doubts.insert(0, lost.get(item.id) or lost.get(str(source["id"]), "lost on the way, and nobody said why"))
    return reviewed(row, doubts)


_ANSWERED = (
    "variance_type", "impact_level", "option_compatibility", "llm_similarity", "confidence_score", "evidence",
    "abstain_reason", "regulatory_notes", "reasoning",
)  # fmt: skip
