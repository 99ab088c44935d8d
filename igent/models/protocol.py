"""The words of the OpenAI chat protocol: what a request says, and what the parts of an answer mean."""

from __future__ import annotations

__all__ = ["finish_of", "request_body", "text_of", "usage_of"]

from collections.abc import Container, Mapping
from typing import Any

import orjson

from igent.types import ChatRequest, Finish, Usage

_FINISHES: dict[str, Finish] = {
    "stop": "stop",
    "eos": "stop",
    "end_turn": "stop",
    "length": "length",
    "max_tokens": "length",
    "content_filter": "content_filter",
}


def request_body(request: ChatRequest, *, stream: bool, without: Container[str] = ()) -> bytes:
    """The JSON body of a chat.completions call, `without` the parameters that the endpoint is known not to take.

    Raises TypeError when an option or a text cannot be sent as JSON.
    """
    body: dict[str, Any] = {
        **request.options,
        "model": request.model,
        "messages": [{"role": message.role, "content": message.content} for message in request.messages],
        "stream": stream,
    }
    if stream:
        body["stream_options"] = {"include_usage": True}
    sent = {name: value for name, value in body.items() if name not in without} if without else body
    return orjson.dumps(sent, option=orjson.OPT_NON_STR_KEYS)


def text_of(content: Any) -> str:
    """The text of a message's content: a string, or a list of parts of which some are text."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "".join(part["text"] for part in content if isinstance(part, dict) and isinstance(part.get("text"), str))
    return ""


def finish_of(choice: Mapping[str, Any]) -> Finish | None:
    """Why a choice is over; None while it is not."""
    reason = choice.get("finish_reason")
    return _FINISHES.get(str(reason), "unknown") if reason else None


def usage_of(usage: Any) -> Usage | None:
    """The endpoint's usage; None where it gave none, or one that cannot be (nothing is free)."""
    if not isinstance(usage, dict):
        return None
    given, made = usage.get("prompt_tokens"), usage.get("completion_tokens")
    if isinstance(given, int) and isinstance(made, int) and min(given, made) >= 0 and given + made > 0:
        return Usage(given, made)
    return None
