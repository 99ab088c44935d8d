"""The step `statistics`: how many of what, for the report."""

from __future__ import annotations

__all__ = ["histogram", "statistics"]

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from igent.flow import Item, StepContext, Stream
from igent.types import JsonObject
from igent.workloads.crosswalk.rows import is_substantive

_BINS = 10


async def statistics(streams: Sequence[Stream], context: StepContext) -> list[Item]:
    """One item. Streams: provisions of source and target, elections of source and target, the confirmed rows, the rows
    of the elections, the rows of the variances."""
    source_bpd, target_bpd, source_aa, target_aa, confirmed, aa, variances = streams
    data = {
        "documents": {
            "source_bpd": _document(source_bpd),
            "target_bpd": _document(target_bpd),
            "source_aa": _document(source_aa),
            "target_aa": _document(target_aa),
        },
        "bpd": _rows([item.data for item in confirmed.items]),
        "aa": _rows([item.data for item in aa.items]),
        "variances": _counts([item.data for item in variances.items]),
    }
    return [Item("statistics", data)]


def _document(stream: Stream) -> JsonObject:
    substantive = sum(1 for item in stream.items if is_substantive(item.data))
    return {"substantive": substantive, "headings": len(stream.items) - substantive, "lost": len(stream.lost)}


def _rows(rows: Sequence[Mapping[str, Any]]) -> JsonObject:
    sources = [row for row in rows if row["row"] == "source"]
    matches = [row for row in sources if row["is_match"]]
    return {
        "sources": len(sources),
        "matches": len(matches),
        "new_in_target": len(rows) - len(sources),
        "by_status": _by(sources, "status"),
        "by_match_type": _by(sources, "match_type"),
        "by_type": _by(sources, "source_type"),
        **_counts(sources),
    }


def _counts(rows: Sequence[Mapping[str, Any]]) -> JsonObject:
    return {
        "rows": len(rows),
        "needs_review": sum(1 for row in rows if row["needs_review"]),
        "by_impact": _by(rows, "impact_level"),
        "by_variance": _by(rows, "variance_type"),
        "similarity": histogram(row["embedding_similarity"] for row in rows),
        "confidence": histogram(row["confidence_score"] for row in rows),
    }


def _by(rows: Iterable[Mapping[str, Any]], field: str) -> dict[str, int]:
    counts = Counter(str(row[field]) if row[field] is not None else "unknown" for row in rows)
    return dict(sorted(counts.items()))


def histogram(values: Iterable[float | None]) -> JsonObject:
    """How many values lie in each tenth from 0 to 1 (the last one with 1 in it; a negative one counts as 0), and how
    many are not known."""
    bins, unknown = [0] * _BINS, 0
    for value in values:
        if value is None:
            unknown += 1
        else:
            bins[min(_BINS - 1, max(0, int(round(value * _BINS, 9))))] += 1
    return {"bins": bins, "unknown": unknown}
