"""The nearest of many: candidates for pairs, by embedding and by wording."""

from __future__ import annotations

__all__ = ["Near", "PairIndex", "Similarity"]

from collections.abc import Callable, Iterator, Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from igent.embedding.directions import Directions
from igent.embedding.wording import Wording
from igent.errors import InternalError
from igent.flow import Vector

Similarity = Literal["cosine", "hybrid", "wording"]
_MILLION = 1_000_000
# Similarities that are held at a time when many are asked for at once: 8 MB.
_CELLS = 1 << 20
# As many candidates as are put in order first; should they not do, as many times more.
_FIRST, _MORE = 64, 8


class Near(NamedTuple):
    """A neighbour: its `position` among those that the index was built of, and its `similarity`, of 6 decimals."""

    position: int
    similarity: float


class PairIndex:
    """The items that others are paired with, built once when all of them are there: their embeddings and texts.

    `similarity` is the measure:
    - `cosine`: of the two embeddings, from -1 to 1;
    - `wording`: of the two texts, from 0 to 1, see Wording;
    - `hybrid`: 1 - (1 - cosine) · (1 - √wording), a cosine below 0 counting as 0: two texts are as near as their
      meaning makes them, and nearer for each word that they share. From 0 to 1, never below the cosine.

    It is rounded to 6 decimals, and among equals the earlier position comes first: whether one item is asked about or
    many, and in how many threads, changes nothing. Texts are not looked at for `cosine`, nor embeddings for `wording`;
    they may be empty then. Raises InternalError when there are not as many of the one as of the other, and what
    Directions does.
    """

    def __init__(
        self, vectors: Sequence[Vector[float]], texts: Sequence[str], similarity: Similarity = "hybrid"
    ) -> None:
        if similarity == "hybrid" and len(vectors) != len(texts):
            raise InternalError(f"{len(vectors)} embeddings for {len(texts)} texts")
        self._directions = None if similarity == "wording" else Directions(vectors)
        self._wording = None if similarity == "cosine" else Wording(texts)
        self._size = len(texts) if similarity == "wording" else len(vectors)

    def __len__(self) -> int:
        return self._size

    def nearest(
        self,
        vector: Vector[float],
        text: str,
        k: int,
        threshold: float = -1.0,
        allowed: Callable[[int], bool] | None = None,
    ) -> list[Near]:
        """The `k` nearest of this item that are `allowed` and of at least the similarity `threshold`, in descending
        order; fewer where there are no more.

        `allowed` is asked about positions in that order, and only until k are found; None: all are. Raises what it
        raises, and what Directions does.
        """
        judge = None if allowed is None else lambda _, position: allowed(position)
        (found,) = self.nearest_each([vector], [text], k, threshold, judge)
        return found

    def nearest_each(
        self,
        vectors: Sequence[Vector[float]],
        texts: Sequence[str],
        k: int,
        threshold: float = -1.0,
        allowed: Callable[[int, int], bool] | None = None,
    ) -> Iterator[list[Near]]:
        """The same for many items, one after the other, faster and in bounded memory; `allowed` is told the place of
        the item among these first."""
        step = max(1, _CELLS // max(1, self._size))
        count = len(texts if self._directions is None else vectors)
        for start in range(0, count, step):
            block = range(start, min(start + step, count))
            cosines = None if self._directions is None else self._directions.cosines([vectors[i] for i in block])
            for i in block:
                row = None if cosines is None else cosines[i - start]
                millionths = self._similarity(row, "" if self._wording is None else texts[i])
                yield _first(millionths, k, threshold, None if allowed is None else _asked(allowed, i))

    def _similarity(self, cosines: NDArray[np.float64] | None, text: str) -> NDArray[np.int64]:
        """In millionths, with each item of the index."""
        shared = None if self._wording is None else self._wording.similarities(text)
        if cosines is None or shared is None:
            found = shared if cosines is None else cosines
            assert found is not None  # noqa: S101 one of the two always is
        else:
            found = 1.0 - (1.0 - np.maximum(cosines, 0.0)) * (1.0 - np.sqrt(shared))
        return np.rint(found * _MILLION).astype(np.int64)


def _asked(allowed: Callable[[int, int], bool], item: int) -> Callable[[int], bool]:
    return lambda position: allowed(item, position)


def _first(
    millionths: NDArray[np.int64], k: int, threshold: float, allowed: Callable[[int], bool] | None
) -> list[Near]:
    found: list[Near] = []
    if k > 0:
        for position in _descending(millionths, threshold):
            if allowed is None or allowed(position):
                found.append(Near(position, int(millionths[position]) / _MILLION))
                if len(found) == k:
                    break
    return found


def _descending(millionths: NDArray[np.int64], threshold: float) -> Iterator[int]:
    """The positions of at least that similarity, the nearest first, the earlier first among equals; put in order only
    as far as they are asked for."""
    (left,) = np.nonzero(millionths / _MILLION >= threshold)
    # No two of these are equal: similarity first, then position.
    keys = millionths[left] * len(millionths) - left
    wanted = _FIRST
    while len(left):
        if len(left) > wanted:
            parted = np.argpartition(-keys, wanted)
            best, rest = parted[:wanted], parted[wanted:]
        else:
            best, rest = np.arange(len(left)), np.arange(0)
        yield from left[best[np.argsort(-keys[best])]].tolist()
        left, keys = left[rest], keys[rest]
        wanted *= _MORE
