"""The ideal schedule of the calls that a run of igent made: no overhead at all, only the pace of the server.

A call takes what the server takes to say the tokens that were read: `first` + (tokens - 1) * `each` seconds. Within a
phase calls follow each other. A phase that was begun early and whose guess held runs beside the one before it; any
other follows it. Records start in input order as soon as a place is free. Of a given pace, nothing can be faster
without asking for less.
"""

from __future__ import annotations

__all__ = ["Chain", "chain_seconds", "chains_in", "schedule"]

import heapq
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from igent.models.prose import tokens_in

Chain = list[tuple[bool, list[int]]]
"""Of one record, a phase each: whether it ran beside the one before it, and the tokens of its calls."""


def chains_in(folder: Path) -> list[Chain]:
    """The calls of every record that a run folder's journal tells of, in input order."""
    answers: dict[tuple[str, str], list[int]] = defaultdict(list)
    outcomes = []
    for entry in _entries(folder / "journal.jsonl"):
        if entry["kind"] == "answer":
            tokens = len(tokens_in(entry["completion"]["text"]))
            answers[entry["record_id"], entry["step"]].append(tokens)
        elif entry["kind"] == "outcome":
            outcomes.append(entry)
    outcomes.sort(key=lambda outcome: outcome["index"])
    return [
        [(s["speculation"] == "hit", answers[outcome["record_id"], s["step"]]) for s in outcome["steps"]]
        for outcome in outcomes
    ]


def _entries(journal: Path) -> Iterator[dict[str, Any]]:
    with journal.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)["entry"]


def chain_seconds(chain: Chain, first: float, each: float) -> float:
    """The longest chain of calls of one record, in seconds."""
    total = longest = 0.0
    for beside, calls in chain:
        phase = sum(first + max(0, tokens - 1) * each for tokens in calls)
        if not beside:
            total, longest = total + longest, 0.0
        longest = max(longest, phase)
    return total + longest


def schedule(chains: Sequence[Chain], concurrency: int, first: float, each: float) -> float:
    """Seconds until the last record is done when so many run at once."""
    places = [0.0] * concurrency
    for chain in chains:
        heapq.heappush(places, heapq.heappop(places) + chain_seconds(chain, first, each))
    return max(places)
