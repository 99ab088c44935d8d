"""How much two texts have in common, letter by letter: what an embedding smooths over (numbers, names, part codes)."""

from __future__ import annotations

__all__ = ["Wording"]

import math
import re
from array import array
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_WORD = re.compile(r"\w+")
_LETTERS = 3
_FEW = 4096


class Wording:
    """The texts that others are compared with, as bags of the runs of three letters in their words.

    The similarity is the cosine of two such bags, from 0 to 1, each run weighing (1 + ln times) · ln((n + 1) / (texts
    with it + 0.5)): TF-IDF with the logarithm of the frequency (Manning, Raghavan and Schütze, "Introduction to
    Information Retrieval", 6.4.1); n is how many texts there are. Case does not count. What none of the texts holds
    weighs as if half of one did. Nothing depends on what else is asked: each text is added up in one fixed order.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = len(texts)
        self._runs: dict[str, int] = {}
        numbers, times = array("i"), array("i")
        sizes = np.zeros(len(texts), np.int64)
        for place, text in enumerate(texts):
            bag = _bag(text)
            sizes[place] = len(bag)
            times.extend(bag.values())
            for run in bag:
                numbers.append(self._runs.setdefault(run, len(self._runs)))
        self._post(np.array(numbers, np.int32), np.array(times, np.float64), sizes)

    def _post(self, numbers: NDArray[np.int32], times: NDArray[np.float64], sizes: NDArray[np.int64]) -> None:
        """For each run: how rare it is, and which texts hold it, and with what weight."""
        counts = np.bincount(numbers, minlength=len(self._runs))
        self._unknown = self._weight(0)
        self._rarity = [self._weight(count) for count in counts.tolist()]
        weights = (1.0 + np.log(times)) * np.array(self._rarity, np.float64)[numbers]
        holders = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)
        lengths = np.sqrt(np.bincount(holders, weights * weights, minlength=len(sizes)))
        order = np.argsort(numbers, kind="stable")
        self._starts = np.concatenate([[0], np.cumsum(counts)])
        self._holders = holders[order]
        self._weights = (weights / lengths[holders])[order].astype(np.float32)

    def _weight(self, texts: int) -> float:
        return math.log((self._texts + 1) / (texts + 0.5))

    def _weigh(self, bag: Counter[str]) -> dict[int, float]:
        """The weight of each known run, by its number; together with the unknown ones they are of length 1."""
        known: dict[int, float] = {}
        squares = []
        for run, times in bag.items():
            number = self._runs.get(run, -1)
            weight = (1.0 + math.log(times)) * (self._rarity[number] if number >= 0 else self._unknown)
            squares.append(weight * weight)
            if number >= 0:
                known[number] = weight
        length = math.sqrt(math.fsum(squares)) or 1.0
        return {number: known[number] / length for number in sorted(known)}

    def similarities(self, text: str) -> NDArray[np.float64]:
        """The similarity of this text with each of its own."""
        known = self._weigh(_bag(text))
        found = self._sum_at_once(known) if self._texts <= _FEW else self._sum_in_turns(known)
        return np.clip(found, 0.0, 1.0, out=found)

    def _sum_in_turns(self, known: dict[int, float]) -> NDArray[np.float64]:
        found = np.zeros(self._texts, np.float64)
        for number, weight in known.items():
            span = slice(self._starts[number], self._starts[number + 1])
            found[self._holders[span]] += weight * self._weights[span].astype(np.float64)
        return found

    def _sum_at_once(self, known: dict[int, float]) -> NDArray[np.float64]:
        """The same additions in the same order, to the last bit, without a call of numpy for each run: faster where
        few texts hold it, and with more memory."""
        runs, each = np.fromiter(known, np.int64, len(known)), np.fromiter(known.values(), np.float64, len(known))
        counts = self._starts[runs + 1] - self._starts[runs]
        places = np.repeat(self._starts[runs] + counts - np.cumsum(counts), counts) + np.arange(counts.sum())
        products = np.repeat(each, counts) * self._weights[places]
        found = np.zeros(self._texts, np.float64)
        np.add.at(found, self._holders[places], products)
        return found


def _bag(text: str) -> Counter[str]:
    bag: Counter[str] = Counter()
    for word, times in Counter(_WORD.findall(text.lower())).items():
        bounded = f" {word} "
        for start in range(len(bounded) - _LETTERS + 1):
            bag[bounded[start : start + _LETTERS]] += times
    return bag
