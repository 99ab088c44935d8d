"""Small provisions, elections, answers and streams for the tests of the workload crosswalk."""

from __future__ import annotations

__all__ = [
    "CONTEXT", "SOURCE", "TARGET", "answer", "case_of", "election", "entry_item", "group_of", "mapping", "option",
    "provision", "stream", "variance",
]  # fmt: skip

from collections.abc import AsyncIterator, Iterable
from datetime import date
from typing import Any

from igent.flow import Group, Item, Lost, Page, PdfFile, StepContext, Stream
from igent.types import Case, Record
from igent.workloads.crosswalk.schema import MappingAnswer, VarianceAnswer


async def no_pages(file: PdfFile) -> AsyncIterator[Page]:
    raise AssertionError("no step here reads a PDF")
    yield


CONTEXT = StepContext(None, date(2026, 11, 25), 7, no_pages)


def provision(id_: str, text: str = "An Employee must attain age 21.", **fields: Any) -> dict[str, Any]:
    return {
        "id": id_,
        "document": f"{id_.partition('-')[0]}.pdf",
        "section_number": "2.01",
        "section_title": "Age",
        "provision_text": text,
        "provision_type": "eligibility_rule",
        "provision_classification": "substantive",
        "pdf_page": 1,
        "page_sequence": 1,
    } | fields


def option(label: str, text: str, selected: bool = False, *fill_ins: str) -> dict[str, Any]:
    return {
        "option_id": label.strip("()"),
        "label": label,
        "option_text": text,
        "is_selected": selected,
        "fill_ins": list(fill_ins),
    }


def election(id_: str, number: str, *options: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return (
        provision(id_, "Minimum age (check one):", section_number=number, section_title="Minimum Age")
        | {
            "field_label": "Minimum Age",
            "parent_section": "PART 2 ELIGIBILITY",
            "local_ordinal": 1,
            "status": "answered",
            "kind": "single_select",
            "options": list(options),
        }
        | fields
    )


SOURCE = provision("source-1", "An Employee must attain age 21, as elected in AA Q 2.01.")
TARGET = provision("target-1", "Each Employee who has reached “age twenty-one” may\n join the Plan.")


def answer(**fields: Any) -> dict[str, Any]:
    return {
        "source_id": "source-1",
        "target_id": "target-1",
        "is_match": True,
        "match_type": "compatible",
        "variance_type": "administrative",
        "impact_level": "low",
        "option_compatibility": "none",
        "llm_similarity": 0.9,
        "confidence_score": 0.92,
        "evidence": [
            {"side": "source", "quote": "must attain age 21"},
            {"side": "target", "quote": "age twenty-one"},
        ],
        "abstain_reason": "",
        "regulatory_notes": "",
        "reasoning": "Both set the same age.",
    } | fields


def mapping(**fields: Any) -> MappingAnswer:
    return MappingAnswer.model_validate(answer(**fields))


def variance(**fields: Any) -> VarianceAnswer:
    return VarianceAnswer.model_validate(answer(**fields))


def case_of(source: Any = SOURCE, target: Any = TARGET) -> Case:
    record = Record("p", 0, {"source": source, "target": target, "similarity": 0.8}, "here")
    return Case(record, None, {}, date(2026, 11, 25))


def stream(data: Iterable[Any], lost: Iterable[Lost] = (), phase: str = "x") -> Stream:
    items = [one if isinstance(one, Item) else Item(str(one["id"]), one) for one in data]
    return Stream(phase, items, list(lost))


def pair_item(target: dict[str, Any], said: dict[str, Any], similarity: float = 0.8, output: str = "m") -> Item:
    pair = {"source": SOURCE, "target": target, "similarity": similarity, output: said}
    return Item(f"source-1→{target['id']}", pair)


def group_of(*candidates: tuple[str, str, float], lost: Iterable[str] = (), source: Any = SOURCE) -> Group:
    """Candidates as (target id, match type, confidence); `lost` the ids of targets whose pairs were lost."""
    items = []
    for id_, match_type, confidence in candidates:
        is_match = match_type in ("exact", "compatible", "conditional")
        said = answer(
            target_id=id_ if is_match else None,
            is_match=is_match,
            match_type=match_type,
            confidence_score=confidence,
            abstain_reason="the schedule is not shown" if match_type == "abstain" else "",
        )
        items.append(pair_item(provision(id_), said))
    losses = [Lost(f"source-1→{id_}", "verify", "HTTP 500", {"target": provision(id_)}) for id_ in lost]
    return Group(Item(source["id"], source), items, losses)


def entry_item(source: str, target: str | None = None, **fields: Any) -> Item:
    """What `best` gives for a source, in short."""
    return Item(
        source,
        {
            **answer(source_id=source, target_id=target, is_match=target is not None),
            "match_type": "exact" if target else "no_match",
            "embedding_similarity": 0.81,
            "status": "confirmed",
            "needs_review": False,
            "review_reasons": [],
            "candidates": [],
        }
        | fields,
    )
