"""Many paced streams on one timer: the part of the mock server that must not cost what it is there to measure."""

from __future__ import annotations

__all__ = ["Speech", "Ticker"]

import asyncio
import heapq
from collections.abc import Sequence

from igent.models.pace import Timing

# All that falls due within one tick is written in one go; at 1,000 streams a timer for each would be the bottleneck.
_TICK_SECONDS = 0.002
# What is due by the middle of the next tick goes out with this one.
_SLACK_SECONDS = _TICK_SECONDS * 0.6
_NEVER_STALL_FOR = 600.0


class Speech:
    """One stream being spoken: `events` (bytes, framed as they go out), one of them for each token, then the rest.

    `tokens` of the events are paced by `timing` from the loop time `start` on, what follows goes out with the last.
    `stall` waits after the last event until the client leaves. `sent` counts events written. `spoken` is done when all
    is written (True), or the client has left (False).
    """

    __slots__ = ("_each", "_events", "_first", "_stall", "_tokens", "_transport", "sent", "spoken")

    def __init__(
        self,
        transport: asyncio.Transport,
        events: Sequence[bytes],
        tokens: int,
        timing: Timing,
        start: float,
        *,
        stall: bool = False,
    ) -> None:
        self._transport = transport
        self._events = events
        self._tokens = tokens
        self._first = start + timing.first
        self._each = timing.each
        self._stall = stall
        self.sent = 0
        self.spoken: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    def speak(self, now: float) -> float | None:
        """Write what is due at this loop time; when to come back, or None when it is over."""
        if self.spoken.done():
            return None
        if self._transport.is_closing():
            self.spoken.set_result(False)
            return None
        sent, due = self.sent, self._due(now)
        if due > sent:
            self._transport.write(self._events[sent] if due == sent + 1 else b"".join(self._events[sent:due]))
            self.sent = due
        if due < len(self._events):
            return self._first + due * self._each
        if self._stall and now - self._first < _NEVER_STALL_FOR:
            return now + 0.05
        self.spoken.set_result(True)
        return None

    def _due(self, now: float) -> int:
        """How many events are to be out by now."""
        late = now + _SLACK_SECONDS - self._first
        if late < 0:
            return self.sent
        spoken = 1 + int(late / self._each) if self._each else self._tokens
        return len(self._events) if spoken >= self._tokens else spoken

    def leave(self) -> None:
        """End it now."""
        if not self.spoken.done():
            self.spoken.set_result(False)


class Ticker:
    """Speaks any number of streams from one timer of the event loop: a wheel of ticks, each with the streams that are
    due then."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._wheel: dict[int, list[Speech]] = {}
        self._ticks: list[int] = []
        self._timer: asyncio.TimerHandle | None = None
        self._armed_for = 0

    def add(self, speech: Speech) -> None:
        """Begin to speak; see Speech.spoken for its end."""
        self._speak((speech,), self._loop.time())
        self._arm()

    def _speak(self, speeches: Sequence[Speech], now: float) -> None:
        for speech in speeches:
            due = speech.speak(now)
            if due is None:
                continue
            tick = round(due / _TICK_SECONDS)
            waiting = self._wheel.get(tick)
            if waiting is None:
                self._wheel[tick] = [speech]
                heapq.heappush(self._ticks, tick)
            else:
                waiting.append(speech)

    def _arm(self) -> None:
        if not self._ticks or (self._timer and self._armed_for <= self._ticks[0]):
            return
        if self._timer:
            self._timer.cancel()
        self._armed_for = self._ticks[0]
        self._timer = self._loop.call_at(self._armed_for * _TICK_SECONDS, self._tick)

    def _tick(self) -> None:
        self._timer = None
        now = self._loop.time()
        last = int(now / _TICK_SECONDS + 0.05)  # a timer may come a trifle early
        while self._ticks and self._ticks[0] <= last:
            self._speak(self._wheel.pop(heapq.heappop(self._ticks)), now)
        self._arm()

    def close(self) -> None:
        """End every stream now."""
        if self._timer:
            self._timer.cancel()
            self._timer = None
        for speeches in self._wheel.values():
            for speech in speeches:
                speech.leave()
        self._wheel.clear()
        self._ticks.clear()
