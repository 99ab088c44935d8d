"""Counting tokens without a vocabulary: an estimate, for where the endpoint does not say."""

from __future__ import annotations

__all__ = ["BYTES_PER_TOKEN", "count_messages", "count_text", "estimate_usage"]

from collections.abc import Iterable

from igent.types import ChatMessage, Usage

# OpenAI's own rule of thumb: a token is about 4 bytes of English; each message is framed by about 4 tokens.
BYTES_PER_TOKEN = 4
_TOKENS_PER_MESSAGE = 4
# A page at full detail is 765 tokens for gpt-4o, and at most 1,536 for models that count patches of 32 x 32 pixels. An
# estimate that is too high waits a little for the rate limit, one that is too low is refused.
_TOKENS_PER_IMAGE = 1_536


def count_text(text: str) -> int:
    """Estimated tokens of a text: its UTF-8 bytes / 4, rounded up."""
    return -(-len(text.encode("utf-8", "replace")) // BYTES_PER_TOKEN)


def count_messages(messages: Iterable[ChatMessage]) -> int:
    """Estimated tokens of a chat as input: its texts, plus 4 for each message, and 1,536 for each image."""
    return sum(
        count_text(message.content) + _TOKENS_PER_MESSAGE + _TOKENS_PER_IMAGE * len(message.images)
        for message in messages
    )


def estimate_usage(messages: Iterable[ChatMessage], text: str) -> Usage:
    """The usage of a call whose endpoint gave none; marked as estimated."""
    return Usage(count_messages(messages), count_text(text), estimated=True)
