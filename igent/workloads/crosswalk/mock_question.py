"""Reading a chat back: the pairs that it asks about, as a model would see them."""

from __future__ import annotations

__all__ = ["Asked", "read_pairs"]

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from igent.types import ChatMessage, JsonObject
from igent.workloads.blocks import read_blocks

_RECORD = re.compile(r"^# RECORD (\d+)[ \t]*$", re.MULTILINE)
_ROUND = re.compile(r"^Round (\d+):", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Asked:
    """One pair that is asked about: its two sides, whether they are instances, its number in a batch (None: it is
    alone), the round from 1, and all blocks shown with it."""

    source: JsonObject
    target: JsonObject
    instances: bool
    number: int | None
    round: int
    blocks: Mapping[str, Any]

    @property
    def critic(self) -> bool:
        """Whether a verdict on a draft is asked for."""
        return "DRAFT" in self.blocks

    @property
    def id(self) -> str:
        """ "source id~target id"."""
        return f"{self.source.get('id', '')}~{self.target.get('id', '')}"


def read_pairs(messages: Sequence[ChatMessage]) -> list[Asked]:
    """The pairs of the last user message that shows any; empty when none does."""
    for place in range(len(messages) - 1, -1, -1):
        message = messages[place]
        if message.role == "user" and (found := list(_pairs(message.content, _round(messages, message.content)))):
            return found
    return []


def _round(messages: Sequence[ChatMessage], text: str) -> int:
    told = _ROUND.search(text)
    return max(int(told[1]) if told else 1, 1 + sum(message.role == "assistant" for message in messages))


def _pairs(text: str, round_: int) -> Iterator[Asked]:
    shared, *records = re.split(_RECORD, text)
    common = read_blocks(shared)
    if not records:
        yield from _asked(common, None, round_)
    for number, part in zip(records[::2], records[1::2], strict=True):
        yield from _asked({**common, **read_blocks(part)}, int(number), round_)


def _asked(blocks: Mapping[str, Any], number: int | None, round_: int) -> Iterator[Asked]:
    for ending in ("", "_INSTANCE"):
        source, target = blocks.get(f"SOURCE{ending}"), blocks.get(f"TARGET{ending}")
        if isinstance(source, dict) and isinstance(target, dict):
            yield Asked(source, target, bool(ending), number, round_, blocks)
            return
