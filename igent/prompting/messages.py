"""From blocks of data to the text of a message: each block one complete JSON value, as a code block under a heading,
all of them in a fence (see igent.fence).

Text from records is data and may say anything. It cannot close its code block, because every backtick inside the JSON
is written as an escape, which a JSON reader turns back; nor the fence, which nobody knows before the message is made.
"""

from __future__ import annotations

__all__ = ["batch_question", "critic_question", "feedback", "matcher_question"]

import json
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from igent.fence import fenced
from igent.types import Violation

Blocks = Mapping[str, Any]


def matcher_question(blocks: Blocks) -> str:
    """The user message of a matcher: the record and its slice of context."""
    return f"{_blocks(blocks)}\nAnswer now.\n"


def critic_question(blocks: Blocks, draft: Any, violations: Sequence[Violation]) -> str:
    """The user message of a critic: what the matcher saw, its draft (the JSON value, or the text where there is none),
    and what the checks found."""
    findings = {"DRAFT": draft, "VIOLATIONS": _violations(violations)}
    return f"{_blocks({**blocks, **findings})}\nGive your verdict now.\n"


def feedback(blocks: Blocks, violations: Sequence[Violation], critic: str | None) -> str:
    """The user message that sends a matcher into the next round: what was wrong, what the critic says (None: it was not
    asked), and the data once more, with the capacity as it is now."""
    said: dict[str, Any] = {"VIOLATIONS": _violations(violations)}
    if critic is not None:
        said["CRITIC"] = critic
    opening = "Your last answer was not accepted. Correct what is listed and answer again, in the form asked for."
    return f"{opening}\n\n{_blocks({**said, **blocks})}\nAnswer now.\n"


def batch_question(records: Sequence[tuple[int, Blocks, Sequence[Violation], Any]], round_: int = 1) -> str:
    """The user message of a matcher about several records: of each its number, its blocks, what was wrong with its last
    answer, and that answer (None: there is none to show).

    Blocks that are the same for all of them stand once, before the first record.
    """
    known: dict[int, str] = {}  # most blocks that are the same are one object

    def text_of(value: Any) -> str:
        text = known.get(id(value))
        if text is None:
            text = known[id(value)] = _json(value)
        return text

    texts = [{head: text_of(value) for head, value in blocks.items()} for _, blocks, _, _ in records]
    first, *rest = texts
    shared = {head: text for head, text in first.items() if rest and all(own.get(head) == text for own in rest)}
    if shared and len(shared) == len(first):  # of records that are the same, each has still something of its own
        shared.popitem()
    parts = [_block(head, text) for head, text in shared.items()]
    for (number, _, wrong, last), own in zip(records, texts, strict=True):
        findings = _findings(wrong, last)
        parts.append(f"# RECORD {number}\n")
        parts += [_block(head, text) for head, text in {**findings, **own}.items() if head not in shared]
    numbers = ", ".join(str(number) for number, *_ in records)
    again = f"{_AGAIN_BATCH.format(round_)}\n\n" if round_ > 1 else ""
    return f"{again}{fenced(chr(10).join(parts))}\n{_BATCH.format(numbers)}\n"


_AGAIN_BATCH = (
    "Round {}: your last answers about these records were not accepted. For each, correct what its VIOLATIONS list, "
    "and answer again, in the form asked for."
)
_BATCH = (
    "Answer now for each record by itself, in the form asked for, with one more member before all others: "
    '"number", the number of its record. Put these objects into one JSON array: exactly one for each of the records '
    "{}, and nothing for any other."
)


def _findings(wrong: Sequence[Violation], last: Any) -> dict[str, str]:
    shown: dict[str, Any] = {"VIOLATIONS": _violations(wrong), "LAST ANSWER": last}
    return {head: _json(value) for head, value in shown.items() if value}


def _violations(violations: Sequence[Violation]) -> list[dict[str, str]]:
    return [{"rule": v.rule, "field": v.field, "message": v.message} for v in violations]


def _blocks(blocks: Blocks) -> str:
    return fenced("\n".join(_block(heading, _json(value)) for heading, value in blocks.items()))


def _block(heading: str, text: str) -> str:
    return f"## {heading}\n```json\n{text}\n```\n"


def _json(value: Any) -> str:
    try:
        text = orjson.dumps(value).decode()
    except TypeError:  # a lone surrogate, or an integer of over 64 bits: rare, and legal in JSON
        text = json.dumps(value)
    # A backtick can stand only inside a string of the JSON, where the escape means the same.
    return text.replace("`", "\\u0060")
