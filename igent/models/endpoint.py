"""Where and how the models are reached."""

from __future__ import annotations

__all__ = ["Endpoint", "OnReply"]

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pydantic import SecretStr

from igent.errors import ConfigError, Problem
from igent.types import ChatRequest

OnReply = Callable[[ChatRequest, Sequence[tuple[str, str]]], None]
"""Is told the headers of each reply, in order, as soon as they come, whatever its status."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An OpenAI-compatible endpoint and the bounds of a call there. All times are in seconds.

    `base_url` ends before "/chat/completions" ("http://localhost:8000/v1"); None is OpenAI's own. `api_key` None sends
    no Authorization header, for endpoints that ask for none. `stream` False asks for the whole answer at once: no call
    can be ended early then.

    Deadlines: `connect` for TCP and TLS; `first_token` from the start of the call to the first piece of the answer
    (a stream's only); `between_tokens` from one piece to the next, comments not counted (checked to within 5 %);
    `total` for the whole call.

    `max_attempts` counts calls that failed for another reason than 429; `max_retry_seconds` bounds a call with all its
    retries and waits, 429 included; `max_answer_bytes` is the longest answer accepted, in UTF-8.

    Raises ConfigError when a bound is not positive.
    """

    base_url: str | None = None
    api_key: SecretStr | None = None
    stream: bool = True
    connect: float = 10.0
    first_token: float = 60.0
    between_tokens: float = 30.0
    total: float = 120.0
    max_attempts: int = 5
    max_retry_seconds: float = 120.0
    max_answer_bytes: int = 1 << 20

    def __post_init__(self) -> None:
        bounds = ("connect", "first_token", "between_tokens", "total", "max_attempts", "max_answer_bytes")
        wrong = [name for name in bounds if not getattr(self, name) > 0]
        if not self.max_retry_seconds >= 0:
            wrong.append("max_retry_seconds")
        if wrong:
            raise ConfigError(
                *(Problem("endpoint", f"{name} is {getattr(self, name)}", "give more than 0") for name in wrong)
            )
