"""How long the answers of one model and agent take, and which are slow. Pure."""

from __future__ import annotations

__all__ = ["Pacing"]

from bisect import bisect_left, insort
from collections import deque

_WINDOW = 200
_ENOUGH = 20
_PERCENT = 95
_RECENT = 100
_TOO_MANY_SLOW = 0.1
# Of answers that all take the same, noise makes half a little slower than the others.
_SLOWER = 1.05


class Pacing:
    """The seconds that the last 200 answers took."""

    def __init__(self) -> None:
        self._window: deque[float] = deque()
        self._sorted: list[float] = []
        self._slow: deque[bool] = deque(maxlen=_RECENT)

    @property
    def patience(self) -> float | None:
        """The seconds within which 95 % of them came (nearest rank); None while they are fewer than 20, and while more
        than 10 % of the last 100 were slower than this was when they came.
        """
        longest = self._p95()
        if longest is None or sum(self._slow) > _TOO_MANY_SLOW * max(len(self._slow), _ENOUGH):
            return None
        return longest

    def add(self, seconds: float) -> None:
        """An answer took so long."""
        longest = self._p95()
        if longest is not None:
            self._slow.append(seconds > _SLOWER * longest)
        self._window.append(seconds)
        insort(self._sorted, seconds)
        if len(self._window) > _WINDOW:
            del self._sorted[bisect_left(self._sorted, self._window.popleft())]

    def _p95(self) -> float | None:
        count = len(self._sorted)
        return self._sorted[-(-count * _PERCENT // 100) - 1] if count >= _ENOUGH else None
