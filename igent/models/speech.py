"""Many paced streams on one timer: the part of the mock server that must not cost what it is there to measure."""

from __future__ import annotations

__all__ = ["Speech", "Ticker"]

import asyncio
import heapq
from collections.abc import Sequence
from itertools import count

from igent.models.pace import Timing

# All that falls due within one tick is written in one go; at 1,000 streams a timer for each would be the bottleneck.
_TICK_SECONDS = 0.002
_NEVER_STALL_FOR = 600.0


class Speech:
    """One stream being spoken: `events` (bytes, framed as they go out), one of them for each token, then the rest.

    `tokens` of the events are paced by `timing` (None: all at once), what follows goes out with the last. `stall`
    waits after the last event until the client leaves. `sent` counts events written. `spoken` is done when all is
    written (True), or the client has left (False).
    """

    def __init__(
        self, transport: asyncio.Transport, events: Sequence[bytes], tokens: int, timing: Timing, *, stall: bool
    ) -> None:
        loop = asyncio.get_running_loop()
        self._transport = transport
        self._events = events
        self._tokens = tokens
        self._timing = timing
        self._stall = stall
        self._start = loop.time()
        self.sent = 0
        self.spoken: asyncio.Future[bool] = loop.create_future()

    def speak(self, now: float) -> float | None:
        """Write what is due at this loop time; when to come back, or None when it is over."""
        if self.spoken.done():
            return None
        if self._transport.is_closing():
            self.spoken.set_result(False)
            return None
        due = self._due(now - self._start)
        if due > self.sent:
            self._transport.write(b"".join(self._events[self.sent : due]))
            self.sent = due
        if self.sent < len(self._events):
            return self._start + self._timing.due(self.sent + 1)
        if self._stall and now - self._start < _NEVER_STALL_FOR:
            return now + 0.05
        self.spoken.set_result(True)
        return None

    def _due(self, elapsed: float) -> int:
        """How many events are to be out after this many seconds."""
        late = elapsed + _TICK_SECONDS / 2 - self._timing.first
        if late < 0:
            return self.sent
        spoken = 1 + int(late / self._timing.each) if self._timing.each else self._tokens
        return len(self._events) if spoken >= self._tokens else max(spoken, self.sent)

    def leave(self) -> None:
        """End it now."""
        if not self.spoken.done():
            self.spoken.set_result(False)


class Ticker:
    """Speaks any number of streams from one timer of the event loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._heap: list[tuple[float, int, Speech]] = []
        self._order = count()
        self._timer: asyncio.TimerHandle | None = None
        self._armed_for = 0.0

    def add(self, speech: Speech) -> None:
        """Begin to speak; see Speech.spoken for its end."""
        self._put(speech, self._loop.time())
        self._arm()

    def _put(self, speech: Speech, now: float) -> None:
        due = speech.speak(now)
        if due is not None:
            heapq.heappush(self._heap, (due, next(self._order), speech))

    def _arm(self) -> None:
        if not self._heap or (self._timer and self._armed_for <= self._heap[0][0]):
            return
        if self._timer:
            self._timer.cancel()
        self._armed_for = max(self._heap[0][0], self._loop.time() + _TICK_SECONDS)
        self._timer = self._loop.call_at(self._armed_for, self._tick)

    def _tick(self) -> None:
        self._timer = None
        now = self._loop.time()
        until = now + _TICK_SECONDS / 2
        due: list[Speech] = []
        while self._heap and self._heap[0][0] <= until:
            due.append(heapq.heappop(self._heap)[2])
        for speech in due:
            self._put(speech, now)
        self._arm()

    def close(self) -> None:
        """End every stream now."""
        if self._timer:
            self._timer.cancel()
            self._timer = None
        for _, _, speech in self._heap:
            speech.leave()
        self._heap.clear()
