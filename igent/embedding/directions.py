"""Cosines that are the same to the last bit, however they are computed."""

from __future__ import annotations

__all__ = ["Directions"]

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from igent.errors import InternalError, Problem
from igent.flow import Vector

# A vector's numbers become whole multiples of 2^-24. The sum of the products of two such vectors of length 1 is a whole
# number below 2^53 at every step: float64 holds it exactly, so that neither the order of the additions nor the number
# of rows in a block can change it.
_STEPS = float(1 << 24)
_UNIT = _STEPS * _STEPS
_ROWS = 1024  # as many as are held as float64 at a time: 2 MB of 256 numbers, which a cache holds
_TOLERANCE = 1e-3


class Directions:
    """Many vectors of length 1 (or 0), to be compared with others; about 4 bytes a number are held.

    Raises InternalError for a vector that is not of length 1 or 0, holds numbers that are none, or has not as many of
    them as the others. A vector without any numbers is one of length 0.
    """

    def __init__(self, vectors: Sequence[Vector[float]]) -> None:
        self.size = max((len(vector) for vector in vectors), default=0)
        self._rows = np.zeros((len(vectors), self.size), np.float32)
        for row, vector in zip(self._rows, vectors, strict=True):
            self._fill(row, vector)

    def __len__(self) -> int:
        return len(self._rows)

    def cosines(self, vectors: Sequence[Vector[float]]) -> NDArray[np.float64]:
        """The cosine of each of these with each of its own, as rows; 0 with a vector of length 0. Raises as above."""
        left = np.zeros((len(vectors), self.size), np.float64)
        for row, vector in zip(left, vectors, strict=True):
            self._fill(row, vector)
        found = np.empty((len(vectors), len(self._rows)), np.float64)
        for start in range(0, len(self._rows), _ROWS):
            block = self._rows[start : start + _ROWS].astype(np.float64)
            # Not matmul: its threads, one for each core, wait for each other where the cores are busy with other work.
            np.vecdot(left[:, None, :], block[None, :, :], out=found[:, start : start + _ROWS])
        found /= _UNIT
        return np.clip(found, -1.0, 1.0, out=found)

    def _fill(self, row: NDArray[np.floating], vector: Vector[float]) -> None:
        if not len(vector) or not self.size:
            return
        values = np.asarray(vector, np.float64)
        length = float(values @ values)
        if len(values) != self.size or not (length == 0.0 or abs(length - 1.0) < _TOLERANCE):
            what = f"an embedding of {len(values)} numbers and length {length**0.5:g} among those of {self.size}"
            raise InternalError(Problem("", what, "embeddings are compared only with those of the same model"))
        row[:] = np.rint(values * _STEPS)
