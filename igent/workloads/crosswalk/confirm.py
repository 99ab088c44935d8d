"""The step `confirm`: a match of provisions that refer to elections holds only as far as those are mapped as well."""

from __future__ import annotations

__all__ = ["BLOCKED", "PENDING", "confirm"]

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from igent.flow import Item, StepContext, Stream
from igent.types import JsonObject
from igent.workloads.crosswalk.references import references, referred
from igent.workloads.crosswalk.review import reviewed

BLOCKED, PENDING = 0.40, 0.15
"""What a match loses in confidence when none of its elections is mapped; when it is not known which they are."""


@dataclass(slots=True)
class _Elections:
    """The elections that one row refers to: ids by whether they are mapped, and references that lead to none."""

    mapped: list[str] = field(default_factory=list)
    unmapped: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)

    def add(self, text: str, elections: Sequence[Mapping[str, Any]], mapped: set[str]) -> None:
        for reference in references(text):
            if not reference.numbers:
                self._note(self.unknown, text[reference.start : reference.end])
            for number in reference.numbers:
                found = referred(number, elections)
                if not found:
                    self._note(self.unknown, number)
                for election in found:
                    id_ = str(election["id"])
                    self._note(self.mapped if id_ in mapped else self.unmapped, id_)

    @staticmethod
    def _note(names: list[str], name: str) -> None:
        if name not in names:
            names.append(name)

    def to_json(self) -> JsonObject:
        return {"mapped": self.mapped, "unmapped": self.unmapped, "unknown": self.unknown}


async def confirm(streams: Sequence[Stream], context: StepContext) -> list[Item]:
    """The rows of the provisions' crosswalk with the status that the elections' crosswalk gives them.

    Streams: rows of the provisions, rows of the elections, the source's elections, the target's. Source texts refer to
    the source's elections, target texts to the target's. Rows that are no match stay as they are.
    """
    rows, mapped_rows, source, target = streams
    matches = [item.data for item in mapped_rows.items if item.data["is_match"]]
    mapped = {side: {str(row[f"{side}_id"]) for row in matches} for side in ("source", "target")}
    elections = {"source": [item.data for item in source.items], "target": [item.data for item in target.items]}
    confirmed = []
    for item in rows.items:
        found = _Elections()
        if item.data["is_match"]:
            for side, given in elections.items():
                found.add(str(item.data[f"{side}_text"] or ""), given, mapped[side])
        confirmed.append(Item(item.id, _confirmed(item.data, found)))
    return confirmed


def _confirmed(row: Mapping[str, Any], found: _Elections) -> JsonObject:
    if not row["is_match"]:
        return {**row, "model_confidence": row["confidence_score"], "elections": found.to_json()}
    status, less, doubt = _decide(found)
    confidence = round(max(0.0, row["confidence_score"] - less), 4)
    changed = {
        **row,
        "status": status,
        "confidence_score": confidence,
        "model_confidence": row["confidence_score"],
        "elections": found.to_json(),
    }
    return reviewed(changed, [*row["review_reasons"], *doubt], before=row)


def _decide(found: _Elections) -> tuple[str, float, list[str]]:
    """Status, loss of confidence, and doubts."""
    known = len(found.mapped) + len(found.unmapped)
    if not known and not found.unknown:
        return "confirmed", 0.0, []
    unknown = f"no election is known for {', '.join(repr(name) for name in found.unknown)}"
    if not known:
        return "pending", PENDING, [f"it refers to elections, but {unknown}"]
    if not found.unmapped and not found.unknown:
        return "confirmed", 0.0, []
    open_ = [f"{', '.join(found.unmapped)} not mapped"] if found.unmapped else []
    doubt = "; ".join([*open_, *([unknown] if found.unknown else [])])
    if not found.mapped:
        return "blocked", BLOCKED, [f"none of the elections that it refers to is mapped: {doubt}"]
    return "conditional", 0.0, [f"only some of the elections that it refers to are mapped: {doubt}"]
