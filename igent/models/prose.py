"""The text of an answer as tokens: where its JSON stands, and how much prose stands around it."""

from __future__ import annotations

__all__ = ["padded", "tokens_in", "value_span"]

import json
import re
from functools import lru_cache
from itertools import cycle, islice
from typing import Any

# About what a model's tokens are: up to 4 characters, with the space before them; indentation is one.
_TOKEN = re.compile(r"\s?\S{1,4}|\s+(?=\s)|\s+")
_FENCE = re.compile(r"```json\s*")
_CLOSING = re.compile(r"\s*(```|\Z)")
_OPENING = re.compile(r"[{\[]")
_DECODER = json.JSONDecoder()
# What ends a team's talk: APPROVED, REJECTED, TERMINATE.
_SIGNAL = re.compile(r"\b[A-Z]{6,}\b")
# Each word, with its full stop, is one token; none of them is an approval, a refusal or a part of JSON.
_PROSE = (
    "Here is how I got to it. I read the rows you gave me, one by one, and kept the ones that fit. "
    "Then I took each sum from the list as it is set out in the data so that they all add up."
)
_OPENING_TOKENS, _CLOSING_TOKENS = 2, 1


def tokens_in(text: str) -> list[str]:
    """The mock's tokens of a text; joined, they are the text."""
    return _TOKEN.findall(text)


def value_span(text: str) -> tuple[int, int] | None:
    """Where the answer's JSON begins and ends; None where there is no complete one.

    That is the value in the first ```json fence that holds one, else the first object, or array of objects.
    """
    for places in (_FENCE.finditer(text), _OPENING.finditer(text)):
        for place in places:
            start = place.end() if place.group().startswith("`") else place.start()
            value, end = _decode(text, start)
            if isinstance(value, dict) or (isinstance(value, list) and value and isinstance(value[0], dict)):
                return start, end
    return None


def _decode(text: str, start: int) -> tuple[Any, int]:
    try:
        return _DECODER.raw_decode(text, start)
    except (json.JSONDecodeError, RecursionError):
        return None, start


def padded(text: str, before: int | None, after: int | None) -> str:
    """The answer with so many tokens before its JSON, and so many after it; None leaves that side as it is.

    The JSON is fenced, and words in capitals after it (APPROVED) stay: that is the least that stands there. What has
    neither a value nor a fence stays as it is; of a broken value all that is in the fence counts as the value.
    """
    place = _fenced_span(text) or value_span(text)
    if place is None:
        return text
    opening, value, closing = text[: place[0]], text[slice(*place)], text[place[1] :]
    if not _FENCE.search(opening):
        opening, closing = f"{opening}```json\n", f"\n```{closing}"
    if before is not None:
        opening = f"{_prose(before - _OPENING_TOKENS)}\n```json\n".lstrip()
    if after is not None:
        words = "".join(f"\n{word}." for word in _SIGNAL.findall(closing))
        rest = _prose(after - _CLOSING_TOKENS - len(tokens_in(words)))
        closing = f"\n```{words}" + (f"{' ' if words else chr(10)}{rest}" if rest else "")
    return opening + value + closing


def _fenced_span(text: str) -> tuple[int, int] | None:
    fence = _FENCE.search(text)
    if fence is None:
        return None
    value, end = _decode(text, fence.end())
    if value is None and (closing := _CLOSING.search(text, fence.end())):
        end = closing.start()
    return fence.end(), end


@lru_cache(maxsize=64)
def _prose(tokens: int) -> str:
    return " ".join(islice(cycle(_PROSE.split()), max(0, tokens)))
