"""Whose answers they are: a warning, once, when another model says that it answered."""

from __future__ import annotations

import pytest

from igent.models.meter import Meter
from igent.types import CallContext, ChatMessage, ChatRequest, Completion, StopFactory, Usage


class Named:
    def __init__(self, name: str) -> None:
        self._name = name

    async def complete(self, request: ChatRequest, stop: StopFactory | None = None) -> Completion:
        return Completion("x", Usage(), "stop", self._name)

    async def close(self) -> None: ...


async def warnings(asked: str, answered: str, caplog: pytest.LogCaptureFixture) -> list[str]:
    meter = Meter(Named(answered))
    request = ChatRequest(asked, (ChatMessage("user", "x"),), CallContext("r", "s", "a"), {})
    for _ in range(3):
        await meter.complete(request)
    return [record.getMessage() for record in caplog.records]


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ("gpt-4o", "gpt-4o"),
        ("gpt-4o", "gpt-4o-2024-08-06"),
        ("GPT-4o", "openai/gpt-4o"),
        ("azure/gpt-4o", "gpt-4o-2024-11-20"),
        ("llama3", "llama3:latest"),
        ("claude", "claude@20250101"),
    ],
)
async def test_the_same_model_under_a_fuller_name_is_no_other(asked, answered, caplog):
    assert await warnings(asked, answered, caplog) == []


@pytest.mark.parametrize(
    ("asked", "answered"),
    [("gpt-4o", "gpt-4o-mini"), ("gpt-4o-mini", "gpt-4o"), ("m1", "cheap-1"), ("gpt-4o", "gpt-4"), ("a", "\x1b[31m")],
)
async def test_another_model_is_warned_of_once(asked, answered, caplog):
    said = await warnings(asked, answered, caplog)
    assert len(said) == 1
    assert repr(asked) in said[0]
    assert repr(answered) in said[0]
