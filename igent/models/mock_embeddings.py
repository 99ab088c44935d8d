"""Embeddings without a model: texts that share words, or parts of them, are near each other."""

from __future__ import annotations

__all__ = ["MOCK_SIZE", "MockEmbedder", "mock_embedding"]

import math
from array import array
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from random import Random
from zlib import crc32

from igent.clock import SYSTEM_CLOCK, Clock
from igent.flow import Vector
from igent.models.pace import Pace

MOCK_SIZE = 256
"""Numbers of an embedding."""
# A word counts as much as two runs of three letters in it.
_WORD, _LETTERS = 2.0, 1.0


def mock_embedding(text: str) -> Vector[float]:
    """The embedding of a text: its words and their runs of three letters, each hashed to one of 256 places and a sign,
    with the root of how often they come; of length 1. All zeros for a text without words."""
    values = [0.0] * MOCK_SIZE
    for word, times in Counter(text.lower().split()).items():
        for place, weight in _places(word):
            values[place] += weight * math.sqrt(times)
    length = math.sqrt(math.fsum(value * value for value in values)) or 1.0
    return array("f", [value / length for value in values])


@lru_cache(maxsize=1 << 14)
def _places(word: str) -> tuple[tuple[int, float], ...]:
    bounded = f"<{word}>"
    runs = [bounded[start : start + 3] for start in range(len(bounded) - 2)]
    weighed = [(bounded, _WORD), *((run, _LETTERS) for run in runs)]
    found = []
    for part, weight in weighed:
        number = crc32(part.encode("utf-8", "replace"))
        found.append((number % MOCK_SIZE, weight if number & (1 << 20) else -weight))
    return tuple(found)


class MockEmbedder:
    """An Embed (see igent.flow) that makes mock_embedding in the process, after the first-token time of the `pace`
    (None: at once). `calls` and `texts` count what it was asked for; `name` is for cache keys."""

    name = "mock:256"

    def __init__(self, pace: Pace | None = None, seed: int = 0, clock: Clock = SYSTEM_CLOCK) -> None:
        self._pace, self._seed, self._clock = pace, seed, clock
        self.calls = self.texts = 0

    async def __call__(self, texts: Sequence[str]) -> list[Vector[float]]:
        """The embedding of each text, in their order; never fails."""
        self.calls += 1
        self.texts += len(texts)
        wait = self._pace.draw(Random(f"{self._seed} embeddings {self.calls}")).first if self._pace else 0.0
        await self._clock.sleep(wait)
        return [mock_embedding(text) for text in texts]
