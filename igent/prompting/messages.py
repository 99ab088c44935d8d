"""From blocks of data to the text of a message: each block one complete JSON value, as a code block under a heading,
all of them in a fence (see igent.fence).

Text from records is data and may say anything. It cannot close its code block, because every backtick inside the JSON
is written as an escape, which a JSON reader turns back; nor the fence, which nobody knows before the message is made.
"""

from __future__ import annotations

__all__ = ["critic_question", "feedback", "matcher_question"]

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


def _violations(violations: Sequence[Violation]) -> list[dict[str, str]]:
    return [{"rule": v.rule, "field": v.field, "message": v.message} for v in violations]


def _blocks(blocks: Blocks) -> str:
    return fenced("\n".join(f"## {heading}\n```json\n{_json(value)}\n```\n" for heading, value in blocks.items()))


def _json(value: Any) -> str:
    try:
        text = orjson.dumps(value).decode()
    except TypeError:  # a lone surrogate, or an integer of over 64 bits: rare, and legal in JSON
        text = json.dumps(value)
    # A backtick can stand only inside a string of the JSON, where the escape means the same.
    return text.replace("`", "\\u0060")
