"""Answers of models as bytes and back. What is read is not believed: anything odd about it is no answer."""

from __future__ import annotations

__all__ = ["answer_from_bytes", "answer_to_bytes"]

from typing import Any

import orjson

from igent.types import Completion, Finish, Usage

_FORM = 1
_WHOLE: frozenset[Finish] = frozenset({"stop", "cut"})
_KEYS = {"form", "text", "finish", "model", "input_tokens", "output_tokens", "estimated"}


def answer_to_bytes(answer: Completion) -> bytes | None:
    """Text, usage, finish and model of an answer; None for one that is not to be kept: it was not finished, or its text
    is none that can be written."""
    if answer.finish not in _WHOLE:
        return None
    usage = answer.usage.to_json()
    content = {"form": _FORM, "text": answer.text, "finish": answer.finish, "model": answer.model, **usage}
    try:
        return orjson.dumps(content)
    except TypeError:  # half a character of UTF-16, or a number beyond 64 bits
        return None


def answer_from_bytes(data: bytes) -> Completion | None:
    """The answer, marked `cached`; None for bytes that are not exactly what `answer_to_bytes` writes."""
    try:
        content = orjson.loads(data)
    except ValueError:
        return None
    if not isinstance(content, dict) or content.keys() != _KEYS or content["form"] != _FORM:
        return None
    tokens = content["input_tokens"], content["output_tokens"]
    if not (_are(str, content["text"], content["finish"], content["model"]) and _are(int, *tokens)):
        return None
    if content["finish"] not in _WHOLE or min(tokens) < 0 or type(content["estimated"]) is not bool:
        return None
    usage = Usage(*tokens, content["estimated"])
    return Completion(content["text"], usage, content["finish"], content["model"], cached=True)


def _are(kind: type, *values: Any) -> bool:
    return all(type(value) is kind for value in values)  # True is no number of tokens
