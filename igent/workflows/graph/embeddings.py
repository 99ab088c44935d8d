"""Embeddings for a phase: those that the cache has, and the others from whoever makes them."""

from __future__ import annotations

__all__ = ["CachedEmbeddings", "PhaseIndex", "billed", "unbilled"]

from array import array
from collections.abc import Awaitable, Callable, Sequence

from igent.caching.cache import Cache
from igent.config.phases import PairSpec
from igent.embedding.pairing import PairIndex
from igent.flow import Compatible, Embed, Item, Vector
from igent.models.embeddings import EmbeddingFigures, EndpointEmbedder
from igent.outcome import StepReport
from igent.types import Usage
from igent.workflows.graph.kinds.embedding import Embedded

_FLOAT_BYTES = 4

Make = Callable[[Sequence[str]], Awaitable["tuple[Sequence[Vector[float]], StepReport | None]"]]
"""Makes the embeddings of texts, and tells what the calls were; None where there are none to tell of."""


class CachedEmbeddings:
    """Embeds texts: what the cache has under `key_of` a text, and what `make` makes, which is kept there."""

    def __init__(self, make: Make, key_of: Callable[[str], bytes], cache: Cache | None) -> None:
        self._make, self._key_of, self._cache = make, key_of, cache

    async def __call__(self, texts: Sequence[str]) -> Embedded:
        """See Embedded. A text that stands there twice is embedded once."""
        keys = {text: self._key_of(text) for text in dict.fromkeys(texts)}
        kept = await self._cache.get_many("embedding", keys.values()) if self._cache is not None else {}
        vectors = {text: vector for text, key in keys.items() if (vector := _vector(kept.get(key))) is not None}
        found, missing, report = len(vectors), [text for text in keys if text not in vectors], None
        if missing:
            made, report = await self._make(missing)
            for text, vector in zip(missing, made, strict=True):
                vectors[text] = vector
                if self._cache is not None:
                    self._cache.put_soon("embedding", keys[text], vector.tobytes())
        return Embedded([vectors[text] for text in texts], found, report)


def unbilled(embed: Embed) -> Make:
    """Makes embeddings that cost nothing."""

    async def make(texts: Sequence[str]) -> tuple[Sequence[Vector[float]], StepReport | None]:
        return await embed(texts), None

    return make


def billed(embedder: EndpointEmbedder, phase: str, model: str) -> Make:
    """Makes embeddings at an endpoint, and tells what of its calls was not told of yet: whoever asks at the same time,
    each is told of once."""
    told = EmbeddingFigures()

    async def make(texts: Sequence[str]) -> tuple[Sequence[Vector[float]], StepReport | None]:
        nonlocal told
        vectors = await embedder(texts)
        before, now = told, embedder.figures
        told = now
        report = StepReport(
            phase=phase,
            step=phase,
            agent="embedding",
            model=model,
            critic="none",
            rounds=0,
            usage=Usage(now.tokens - before.tokens, 0, now.estimated),
            prompt_checksum="",
            calls=now.calls - before.calls,
            retries=now.retries - before.retries,
            rate_limited=now.rate_limited - before.rate_limited,
        )
        return vectors, report

    return make


class PhaseIndex:
    """The right side of a pair phase; see kinds/pairing.py. `fields` are those of the texts on the left and right."""

    def __init__(
        self,
        items: Sequence[Item],
        fields: tuple[str, str],
        spec: PairSpec,
        compatible: Compatible | None,
    ) -> None:
        self._items, self._left, self._spec, self._compatible = items, fields[0], spec, compatible
        vectors = [item.vector if item.vector is not None else array("f") for item in items]
        self._index = PairIndex(vectors, [str(item.data.get(fields[1], "")) for item in items], spec.similarity)

    def nearest(self, item: Item) -> Sequence[tuple[int, float]]:
        """See Index."""
        rule = self._compatible
        allowed = None if rule is None else lambda place: rule(item.data, self._items[place].data)
        vector = item.vector if item.vector is not None else array("f")
        spec = self._spec
        found = self._index.nearest(vector, str(item.data.get(self._left, "")), spec.k, spec.threshold, allowed)
        if spec.within is None or not found:
            return found
        return [near for near in found if near.similarity >= found[0].similarity - spec.within]


def _vector(data: bytes | None) -> Vector[float] | None:
    if data is None or len(data) % _FLOAT_BYTES:
        return None
    vector = array("f")
    vector.frombytes(data)
    return vector
