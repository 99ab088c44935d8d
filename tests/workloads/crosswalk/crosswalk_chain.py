"""The graph of the crosswalk by hand, step by step, without the engine: on the shipped documents, with the mock's
answers and the local embeddings."""

from __future__ import annotations

__all__ = ["Chain", "run_chain"]

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from crosswalk_kit import CONTEXT

from igent.embedding.local import LocalEmbedder
from igent.flow import Group, Item, Stream
from igent.types import Case, Record
from igent.validation.checker import Checker
from igent.workload import Document
from igent.workloads.crosswalk.mock_judge import mapping, variance
from igent.workloads.crosswalk.workload import WORKLOAD

DATA = Path(__file__).parents[3] / "data" / "crosswalk"
KEYS = ("source_bpd", "target_bpd", "source_aa", "target_aa")


@dataclass
class Chain:
    """What each phase gave, by name; how many answers the rules refused."""

    streams: dict[str, Stream] = field(default_factory=dict)
    refused: list[Any] = field(default_factory=list)
    pairs: int = 0

    def rows(self, phase: str) -> list[dict[str, Any]]:
        return [dict(item.data) for item in self.streams[phase].items]


async def run_chain(folder: Path = DATA, *, k: int = 5, threshold: float = 0.2) -> Chain:
    documents = {key: Document(f"{key}.json", json.loads((folder / f"{key}.json").read_text())) for key in KEYS}
    dataset = WORKLOAD.open(documents)
    context = replace(CONTEXT, reference=dataset.reference)
    chain, embed = Chain(), LocalEmbedder()

    async def reduce(name: str, step: str, *needs: str) -> None:
        made = await WORKLOAD.steps[step].run([chain.streams[need] for need in needs], context)
        chain.streams[name] = Stream(name, made, [])

    for record in dataset.records:
        part = record.data["part"]
        made = [one async for one in WORKLOAD.steps[f"extract_{part}"].run(Item(record.id, record.data), context)]
        chain.streams[record.id] = Stream(record.id, made, [])
        prints = [p for one in made async for p in WORKLOAD.steps[f"fingerprint_{part}"].run(one, context)]
        vectors = await embed([p.data["fingerprint"] for p in prints])
        embedded = [replace(p, vector=v) for p, v in zip(prints, vectors, strict=True)]
        chain.streams[f"{record.id}_vectors"] = Stream(record.id, embedded, [])
    for part in ("bpd", "aa"):
        source, target = (chain.streams[f"{side}_{part}_vectors"].items for side in ("source", "target"))
        groups = [_asked(chain, one, _near(one, target, k, threshold, "types"), "mapping") for one in source]
        best = [Item(g.parent.id, await WORKLOAD.steps["best"].run(g, context)) for g in groups]
        chain.streams[f"best_{part}"] = Stream("best", best, [])
        step = "crosswalk" if part == "bpd" else "crosswalk_aa"
        needs = (f"source_{part}", f"best_{part}", f"target_{part}", f"target_{part}_vectors")
        await reduce(f"crosswalk_{part}", step, *needs)
    await reduce("confirm", "confirm", "crosswalk_bpd", "crosswalk_aa", "source_aa", "target_aa")
    for side in ("source", "target"):
        await reduce(f"merge_{side}", f"merge_{side}", "confirm", f"{side}_aa")
        instances = chain.streams[f"merge_{side}"].items
        vectors = await embed([one.data["fingerprint"] for one in instances])
        chain.streams[f"{side}_instances"] = Stream(
            side, [replace(i, vector=v) for i, v in zip(instances, vectors, strict=True)], []
        )
    others = chain.streams["target_instances"].items
    verified = [
        item
        for one in chain.streams["source_instances"].items
        for item in _asked(chain, one, _near(one, others, 1, -1.0, "instance"), "variance").items
    ]
    chain.streams["verify_instances"] = Stream("verify_instances", verified, [])
    await reduce("variances", "variances", "merge_source", "merge_target", "verify_instances")
    await reduce("red_team", "red_team", "confirm", "crosswalk_aa")
    await reduce("statistics", "statistics", *KEYS, "confirm", "crosswalk_aa", "variances")
    return chain


def _near(one: Item, others: Any, k: int, threshold: float, rule: str) -> list[Item]:
    able = [o for o in others if WORKLOAD.compatible[rule](one.data, o.data)]
    scored = sorted(((sum(a * b for a, b in zip(one.vector, o.vector, strict=True)), o) for o in able),
                    key=lambda pair: -pair[0])  # fmt: skip
    return [
        Item(f"{one.id}→{o.id}", {"source": one.data, "target": o.data, "similarity": s})
        for s, o in scored[:k]
        if s >= threshold
    ]


def _asked(chain: Chain, parent: Item, pairs: list[Item], schema: str) -> Group:
    judge = mapping if schema == "mapping" else variance
    left_out = () if schema == "mapping" else ("types", "match_type", "abstain")
    rules = {name: rule for name, rule in WORKLOAD.rules.items() if name not in left_out}
    checker, answered = Checker(WORKLOAD.schemas[schema], rules), []
    for pair in pairs:
        case = Case(Record(pair.id, 0, pair.data, ""), None, {}, CONTEXT.today)
        shown = list(WORKLOAD.blocks(case, schema).values())
        verdict = checker.verify(judge(*shown), case)
        chain.pairs += 1
        chain.refused += verdict.violations
        answered.append(Item(pair.id, {**pair.data, "answers": verdict.value}))
    return Group(parent, answered, [])
