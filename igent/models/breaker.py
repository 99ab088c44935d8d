"""Notices that an endpoint is down, so that calls need not find out one by one. Pure."""

from __future__ import annotations

__all__ = ["Breaker"]

from collections import deque

_WINDOW = 20
_TRIPS_AT = 0.5
_FIRST_REST, _LONGEST_REST = 1.0, 20.0


class Breaker:
    """Trips when at least half of the last 20 attempts failed because the endpoint is in trouble (5xx, no connection).

    While it is `tripped`, one probe at a time may pass, after a rest of 1, 2, 4 … up to 20 seconds. The first probe
    that is answered, be it with a refusal, sets it right again. An endpoint that was never reached does not trip it:
    its address is wrong, and waiting will not help.
    """

    def __init__(self) -> None:
        self._recent: deque[bool] = deque(maxlen=_WINDOW)
        self._rest = _FIRST_REST
        self._reached = False
        self.tripped = False

    def answered(self, *, probe: bool) -> None:
        """An attempt had an answer."""
        self._reached = True
        if not self.tripped:
            self._recent.append(True)
        elif probe:
            self.tripped, self._rest = False, _FIRST_REST
            self._recent.clear()

    def failed(self, *, probe: bool, reached: bool) -> float:
        """An attempt failed; the endpoint was `reached` if it answered 5xx. Seconds for which nobody may pass; 0 when
        this changes nothing.
        """
        self._reached = self._reached or reached
        if not self.tripped:
            self._recent.append(False)
            failures = self._recent.count(False)
            if not self._reached or len(self._recent) < _WINDOW or failures < _TRIPS_AT * _WINDOW:
                return 0.0
            self.tripped = True
        elif not probe:  # sent before it tripped
            return 0.0
        rest, self._rest = self._rest, min(_LONGEST_REST, 2 * self._rest)
        return rest
