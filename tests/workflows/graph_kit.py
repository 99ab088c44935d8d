"""A small workload with a step of each kind: entries of a left list are matched with those of a right one; and the
folder that it runs in."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from igent.flow import ExpandStep, Group, Item, Lost, MapStep, ReduceStep, SelectStep, StepContext, Stream
from igent.types import Case, Record, Violation
from igent.workload import Dataset, InputFile

_BLOCK = re.compile(r"PAIR\s*```json\s*(.*?)```", re.DOTALL)


class Verdict(BaseModel):
    id: str
    same: bool
    confidence: float = 0.9


def right_pair(answer: Verdict, case: Case):
    wanted = f"{case.record.data['source']['id']}~{case.record.data['target']['id']}"
    if answer.id != wanted:
        yield Violation("right_pair", "id", f"it is {wanted}")


class Mock:
    def record_id(self, messages) -> str:
        found = _last_pair(messages)
        return f"{found['source']['id']}~{found['target']['id']}" if found else ""

    def answer(self, messages, random, errors) -> str:
        found = _last_pair(messages)
        same = found["source"]["text"].split()[0].lower() == found["target"]["text"].split()[0].lower()
        pair = f"{found['source']['id']}~{found['target']['id']}"
        if errors and random.random() < errors:
            pair = "x~y"
        return "```json\n" + json.dumps({"id": pair, "same": same, "confidence": 0.9}) + "\n```"


def _last_pair(messages) -> Any:
    for message in reversed(messages):
        if message.role == "user" and (found := _BLOCK.search(message.content)):
            return json.loads(found.group(1))
    return None


async def entries(item: Item, context: StepContext) -> AsyncIterator[Item | Lost]:
    for place, entry in enumerate(context.reference[item.id]):
        if "text" not in entry:
            yield Lost(f"{item.id} entry {place}", "", "it has no text", entry)
        else:
            yield Item(entry["id"], entry)


async def clean(item: Item, context: StepContext) -> dict[str, Any]:
    if item.data["text"] == "break the step":
        raise ValueError("a bug")
    return {**item.data, "clean": item.data["text"].lower()}


async def best(group: Group, context: StepContext) -> dict[str, Any]:
    same = [item.data["target"]["id"] for item in group.items if item.data["verdicts"]["same"]]
    return {"id": group.parent.id, "partners": same, "asked": len(group.items), "lost": [one.id for one in group.lost]}


async def table(streams: Sequence[Stream], context: StepContext) -> Sequence[Item]:
    left, chosen = streams
    found = {item.id: item.data["partners"] for item in chosen.items}
    rows = [Item(item.id, {"id": item.id, "partners": found.get(item.id)}) for item in left.items]
    gone = [Item(one.id, {"id": one.id, "partners": None, "why": one.reason}) for one in left.lost]
    return rows + gone


class Toy:
    name = "toy"
    inputs = (InputFile("left"), InputFile("right"))
    schemas: Mapping[str, type[BaseModel]] = {"verdict": Verdict}
    rules: Mapping[str, Any] = {"right_pair": right_pair}
    mock = Mock()
    steps: Mapping[str, Any] = {
        "entries": ExpandStep(entries, "record", "entry"),
        "clean": MapStep(clean, "entry", "entry"),
        "best": SelectStep(best, "verdict", "choice"),
        "table": ReduceStep(table, ("entry", "choice"), "row"),
    }
    compatible: Mapping[str, Any] = {"kinds": lambda a, b: a.get("kind") == b.get("kind")}
    takes: Mapping[str, str] = {"verdict": "pair"}

    def open(self, documents):
        sides = enumerate(("left", "right"))
        records = [Record(side, place, {"side": side}, documents[side].path) for place, side in sides]
        return Dataset(records, {key: document.value for key, document in documents.items()})

    def blocks(self, case: Case, schema: str):
        data = case.record.data
        return {"PAIR": {"source": data["source"], "target": data["target"]}}

    def predict(self, case):
        return None

    def unit(self, value, field):
        return None

    def refusal(self, schema):
        return None

    def confirm_refusal(self, case):
        return ()

    def refusal_reason(self, case):
        return ""

    def capacity_document(self, view):
        return None


WORKLOAD = Toy()


CONSTELLATION = """\
name: toy
description: matches two lists
workload: graph_kit:WORKLOAD
scenario: small
model: gpt-4o
agents:
  judge: {role: matcher, prompt: toy/judge.md}
phases:
  - {name: left, kind: expand, step: entries, where: {side: left}}
  - {name: right, kind: expand, step: entries, where: {side: right}}
  - {name: left_clean, kind: map, step: clean, needs: [left]}
  - {name: right_clean, kind: map, step: clean, needs: [right]}
  - {name: left_vectors, kind: embed, field: clean, needs: [left_clean]}
  - {name: right_vectors, kind: embed, field: clean, needs: [right_clean]}
  - {name: pairs, kind: pair, needs: [left_vectors, right_vectors], k: 2, compatible: kinds}
  - {name: judged, needs: [pairs], agents: [judge], output: verdicts, schema: verdict, rules: [right_pair]}
  - {name: chosen, kind: select, step: best, needs: [judged], of: pairs, output: choices}
  - {name: rows, kind: reduce, step: table, needs: [left, chosen], output: table}
run: {concurrency: 8}
"""
WORDS = ("apple pie", "banana split", "cherry cake", "date bread", "elder wine", "fig jam")


def entries_of(side: str, texts: Sequence[str]) -> list[dict[str, Any]]:
    return [{"id": f"{side}{place}", "text": text} for place, text in enumerate(texts)]


def make_folder(
    root: Path,
    left: Sequence[Any] | None = None,
    right: Sequence[Any] | None = None,
    constellation: str = CONSTELLATION,
) -> Path:
    """A folder with a constellation, its prompt and its data; the path of the constellation."""
    for name in ("data/scenarios", "prompts/toy", "constellations"):
        (root / name).mkdir(parents=True)
    path = root / "constellations" / "toy.yaml"
    path.write_text(constellation, encoding="utf-8")
    (root / "prompts/toy/judge.md").write_text("Are the two the same? Answer with {{ schema }}\n", encoding="utf-8")
    (root / "data/scenarios/small.yaml").write_text("name: small\nleft: left.json\nright: right.json\n")
    left = entries_of("L", WORDS) if left is None else left
    right = entries_of("R", [f"{word.split()[0]} thing" for word in WORDS[1:]]) if right is None else right
    (root / "data/left.json").write_text(json.dumps(left))
    (root / "data/right.json").write_text(json.dumps(right))
    return path
