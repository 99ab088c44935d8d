"""The words of the OpenAI chat protocol: what a request says, and what the parts of an answer mean."""

from __future__ import annotations

__all__ = ["BOUNDS", "MOST_OUTPUT", "finish_of", "request_body", "text_of", "usage_of"]

from base64 import b64encode
from collections.abc import Container, Mapping
from typing import Any

import orjson

from igent.types import ChatMessage, ChatRequest, Finish, Usage

BOUNDS = frozenset(("max_tokens", "max_completion_tokens"))
"""The parameters that bound an answer; endpoints know the one, the other or both."""

MOST_OUTPUT = 4096
"""The tokens that an answer may have where the request does not say: no answer is without bound."""

_FINISHES: dict[str, Finish] = {
    "stop": "stop",
    "eos": "stop",
    "end_turn": "stop",
    "length": "length",
    "max_tokens": "length",
    "content_filter": "content_filter",
}


def request_body(request: ChatRequest, *, stream: bool, without: Container[str] = ()) -> bytes:
    """The JSON body of a chat.completions call, `without` the parameters that the endpoint is known not to take; but a
    bound that the request itself sets is always sent.

    Where the request names neither `max_tokens` nor `max_completion_tokens`, the first is sent with MOST_OUTPUT, or the
    second if the first is not taken.

    Raises TypeError when an option or a text cannot be sent as JSON.
    """
    body: dict[str, Any] = {
        **request.options,
        "model": request.model,
        "messages": [
            {"role": message.role, "content": _parts(message) if message.images else message.content}
            for message in request.messages
        ],
        "stream": stream,
    }
    if stream:
        body["stream_options"] = {"include_usage": True}
    own = BOUNDS & request.options.keys()
    if not own:
        body["max_completion_tokens" if "max_tokens" in without else "max_tokens"] = MOST_OUTPUT
    sent = {name: value for name, value in body.items() if name not in without or name in own} if without else body
    return orjson.dumps(sent, option=orjson.OPT_NON_STR_KEYS)


def _parts(message: ChatMessage) -> list[dict[str, Any]]:
    """The content of a message with images: a part for the text, and one for each image, in full detail."""
    urls = ("data:image/png;base64," + b64encode(image).decode() for image in message.images)
    images = ({"type": "image_url", "image_url": {"url": url, "detail": "high"}} for url in urls)
    return [{"type": "text", "text": message.content}, *images]


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
