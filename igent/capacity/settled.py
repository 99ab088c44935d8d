"""Which records are settled: a set of ids that takes some 20 bytes for each, whatever their length."""

from __future__ import annotations

__all__ = ["SettledIds"]

from array import array

_EMPTY = 0
_FULL = 2 / 3
_MASK = (1 << 64) - 1


class SettledIds:
    """Ids that were added; none is ever taken out.

    It keeps 64 bits of each (open addressing, at most two thirds full), not the id. That two ids of a million have the
    same is less likely than 1 in 30 million: good enough to find misuse, not to decide anything.
    """

    def __init__(self) -> None:
        self._slots = array("Q", bytes(8 * 64))
        self._count = 0

    def add(self, record_id: str) -> None:
        """Take one more."""
        if self._count + 1 > _FULL * len(self._slots):
            old, self._slots = self._slots, array("Q", bytes(16 * len(self._slots)))
            for code in old:
                if code != _EMPTY:
                    self._slots[self._find(code)] = code
        code = _code(record_id)
        place = self._find(code)
        self._count += self._slots[place] == _EMPTY
        self._slots[place] = code

    def __contains__(self, record_id: str) -> bool:
        return self._slots[self._find(_code(record_id))] != _EMPTY

    def __len__(self) -> int:
        return self._count

    def _find(self, code: int) -> int:
        """The slot of this code, or the empty one where it would be."""
        size = len(self._slots)
        place = code % size
        while self._slots[place] not in {_EMPTY, code}:
            place = (place + 1) % size
        return place


def _code(record_id: str) -> int:
    return hash(record_id) & _MASK or 1
