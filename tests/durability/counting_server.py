"""A mock server in a thread of the test, which remembers what it was asked: each question about each record."""

from __future__ import annotations

__all__ = ["Asked", "CountingServer"]

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from random import Random
from typing import NamedTuple, Self

from igent.fence import without_fence
from igent.models.pace import Pace
from igent.models.server import MockServer
from igent.types import ChatMessage
from igent.workload import MockAnswers


class Asked(NamedTuple):
    """One question: about which record, in which round, the digest of all that was said, and when."""

    record: str
    round: int
    chat: int
    at: float

    @property
    def key(self) -> tuple[str, int, int]:
        return self[:3]


Name = Callable[[Sequence[ChatMessage]], str]
"""What a chat is about."""


class _Remembering:
    """Answers as another does. The first question about each of `refused` records is refused with a 400."""

    def __init__(self, answers: MockAnswers, name: Name, refused: Iterable[str]) -> None:
        self._answers, self._name, self.refused = answers, name, set(refused)
        self.asked: list[Asked] = []
        self.refusals: list[str] = []

    def record_id(self, messages: Sequence[ChatMessage]) -> str:
        name = self._name(messages)
        if name in self.refused:
            self.refused.discard(name)
            self.refusals.append(name)
            return ""  # the server finds no record, and says so with a 400
        return self._answers.record_id(messages)

    def answer(self, messages: Sequence[ChatMessage], random: Random, errors: float) -> str:
        chat = hash(tuple((message.role, without_fence(message.content)) for message in messages))
        round_ = 1 + sum(message.role == "assistant" for message in messages)
        self.asked.append(Asked(self._name(messages), round_, chat, time.monotonic()))
        return self._answers.answer(messages, random, errors)


class CountingServer:
    """A context manager. `ttft` in seconds; a batch is counted as a question about each of its records. `name` tells
    what a chat is about: it must tell apart what may be asked about one record in two phases."""

    def __init__(
        self,
        answers: MockAnswers,
        name: Name | None = None,
        *,
        ttft: float = 0.02,
        refused: Iterable[str] = (),
        errors: float = 0.0,
    ) -> None:
        self._answers = _Remembering(answers, name or answers.record_id, refused)
        self._server = MockServer(self._answers, pace=Pace(ttft, 0.0), errors=errors)
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        async with self._server:
            self._ready.set()
            await self._stop.wait()

    @property
    def url(self) -> str:
        return self._server.base_url

    @property
    def asked(self) -> Sequence[Asked]:
        return tuple(self._answers.asked)

    @property
    def refusals(self) -> Sequence[str]:
        return tuple(self._answers.refusals)

    def refuse(self, records: Iterable[str]) -> None:
        """Refuse the next question about each of these."""
        self._answers.refused |= set(records)

    def counts(self) -> Counter[tuple[str, int, int]]:
        """How often each question was asked."""
        return Counter(asked.key for asked in self.asked)

    def stats(self) -> dict[str, int]:
        return self._server.stats()
