"""The mock's answer to a chat about several records: what it would answer about each alone, put together.

The last message shows the records in sections, "# RECORD 3" above each, behind what is shown for all of them, all in
one fence (see prompting/messages.py). Of a later round it begins with "Round 2:", and a section may show VIOLATIONS and
the LAST ANSWER: they become the turns of a chat about that record.
"""

from __future__ import annotations

__all__ = ["BatchChat", "compose", "read_batch"]

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from igent.fence import fenced
from igent.models.prose import value_span
from igent.types import ChatMessage, JsonObject

_SIGN = "\n# RECORD "
_RECORD = re.compile(r"^# RECORD (\d+)\n", re.MULTILINE)
_FENCE = re.compile(r"^<(data-[0-9a-f]{16})>\n(.*)^</\1>$", re.MULTILINE | re.DOTALL)
_ROUND = re.compile(r"Round (\d+):")
_FINDINGS = re.compile(r"^## (VIOLATIONS|LAST ANSWER)\n```json\n(.*)\n```\n", re.MULTILINE)
_OPENING = "Here is one object for each record."
# Of the wrong answers, how many are wrong in their number; the workload's own are wrong in what they say.
_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class BatchChat:
    """A chat about several records: a chat about each of them alone, by number, and the `round` it is in."""

    chats: Mapping[int, Sequence[ChatMessage]]
    round: int


def read_batch(messages: Sequence[ChatMessage]) -> BatchChat | None:
    """The chat as chats about single records; None when it is about one."""
    last = messages[-1] if messages else None
    if last is None or last.role != "user" or _SIGN not in last.content:
        return None
    fence = _FENCE.search(last.content)
    if fence is None:
        return None
    told = _ROUND.match(last.content)
    round_ = int(told[1]) if told else 1
    shared, *sections = _RECORD.split(fence[2])
    numbers = map(int, sections[::2])
    before = list(messages[:-1])
    chats = {
        number: [*before, *_turns(shared, section, round_)]
        for number, section in zip(numbers, sections[1::2], strict=True)
    }
    return BatchChat(chats, round_)


def _turns(shared: str, section: str, round_: int) -> list[ChatMessage]:
    findings = {found[1]: found[2] for found in _FINDINGS.finditer(section)}
    asked = shared + _FINDINGS.sub("", section)
    turns = [ChatMessage("user", f"{fenced(asked)}\nAnswer now.\n")]
    said = f"```json\n{findings.get('LAST ANSWER', 'null')}\n```"
    wrong = f"## VIOLATIONS\n```json\n{findings.get('VIOLATIONS', '[]')}\n```\n"
    again = f"Your last answer was not accepted.\n\n{fenced(wrong + asked)}\nAnswer now.\n"
    for _ in range(1, round_):
        turns += [ChatMessage("assistant", said), ChatMessage("user", again)]
    return turns


def compose(batch: BatchChat, answer: Callable[[Sequence[ChatMessage]], str], random: Random, errors: float) -> str:
    """One array of the answers about each record, with their numbers; an answer without any JSON is left out.

    With the chance of errors ** round, and half of it, an element is dropped, comes twice, or has a number that was not
    asked for.
    """
    elements: list[JsonObject] = []
    strange = max(batch.chats) + 1
    for number, chat in batch.chats.items():
        value = _object(answer(chat))
        wrong = random.random() < _SHARE * errors**batch.round
        kind = random.choice(("dropped", "doubled", "misnumbered"))
        if value is None or (wrong and kind == "dropped"):
            continue
        element = {"number": strange if wrong and kind == "misnumbered" else number, **value}
        elements += [element, element] if wrong and kind == "doubled" else [element]
    lines = ",\n".join(json.dumps(element, ensure_ascii=False) for element in elements)
    return f"{_OPENING}\n\n```json\n[\n{lines}\n]\n```\n"


def _object(text: str) -> JsonObject | None:
    span = value_span(text)
    value: Any = json.loads(text[slice(*span)]) if span else None
    value = value[0] if isinstance(value, list) and value else value
    return value if isinstance(value, dict) else None
