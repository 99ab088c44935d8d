"""What the tests of the stack's layers share: an event loop whose time is virtual, and an endpoint that lives in it."""

import asyncio
import math
import selectors
from collections import deque
from datetime import date
from random import Random

from igent.errors import RateLimitError
from igent.types import CallContext, ChatMessage, ChatRequest, Completion, Usage


class _Selector(selectors.SelectSelector):
    """Selects nothing, at once: in virtual time there is no network."""

    now = 0.0

    def select(self, timeout=None):
        assert timeout is not None, "everybody waits, and nothing will ever happen"
        self.now += timeout
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """Nobody waits: when nothing is left to do, it is at once the time at which there is."""

    def __init__(self):
        self._virtual = _Selector()
        super().__init__(self._virtual)

    def time(self):
        return self._virtual.now


class LoopClock:
    """The clock that goes with a VirtualLoop."""

    def now(self):
        return asyncio.get_running_loop().time()

    def today(self):
        return date(2025, 1, 1)

    def timestamp(self):
        return "2025-01-01T00:00:00+00:00"

    async def sleep(self, seconds):
        await asyncio.sleep(max(0.0, seconds))


def virtually(main, seconds=100_000):
    """Run a coroutine in virtual time, at most for so long; nothing may be left running."""

    async def bounded():
        async with asyncio.timeout(seconds):
            result = await main
        for _ in range(5):
            await asyncio.sleep(0)
        left = asyncio.all_tasks() - {asyncio.current_task()}
        assert not left, left
        return result

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(bounded())


async def gather(*coroutines):
    """The results, or exceptions, of coroutines that run side by side."""

    async def caught(coroutine):
        try:
            return await coroutine
        except Exception as error:  # noqa: BLE001
            return error

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(caught(coroutine)) for coroutine in coroutines]
    return [task.result() for task in tasks]


def ask(number=0, model="m1", agent="matcher", size=360, **options):
    """A request of size / 4 + 4 tokens."""
    text = f"R{number} ".ljust(size, "x")
    return ChatRequest(model, (ChatMessage("user", text),), CallContext(f"R{number}", "matches", agent), options)


class Quota:
    """What an endpoint allows of one thing in `period` seconds: `kind` is bucket, fixed or sliding."""

    def __init__(self, kind, limit, period=60.0, size=None):
        self.kind, self.limit, self.period = kind, limit, period
        self.size = limit if size is None else size
        self.used = deque()
        self.level, self.at = self.size, 0.0
        self.total = self.counted = 0.0

    def left(self, now):
        if self.kind == "bucket":
            self.level = min(self.size, self.level + (now - self.at) * self.limit / self.period)
            self.at = now
            return self.level
        start = now - self.period if self.kind == "sliding" else now // self.period * self.period - 1e-9
        while self.used and self.used[0][0] <= start:
            self.counted -= self.used.popleft()[1]
        return self.size - self.counted

    def take(self, amount, now):
        self.left(now)
        self.level -= amount
        self.used.append((now, amount))
        self.counted += amount
        self.total += amount

    def reset(self, now):
        left = self.left(now)
        if self.kind == "bucket":
            return (self.size - left) * self.period / self.limit
        if not self.used:
            return 0.0
        return self.used[-1][0] + self.period - now if self.kind == "sliding" else self.period - now % self.period

    def wait(self, amount, now):
        """Seconds until there is room for so much."""
        missing = amount - self.left(now)
        if missing <= 0:
            return 0.0
        if self.kind == "bucket":
            return missing * self.period / self.limit
        if self.kind == "fixed":
            return self.period - now % self.period
        freed = 0.0
        for at, each in self.used:
            freed += each
            if freed >= missing:
                return at + self.period - now
        return math.inf

    def headers(self, name, now):
        return [
            (f"x-ratelimit-limit-{name}", str(int(self.limit))),
            (f"x-ratelimit-remaining-{name}", str(max(0, math.floor(self.left(now))))),
            (f"X-RateLimit-Reset-{name.title()}", f"{math.ceil(self.reset(now) * 1000)}ms"),
        ]


class Endpoint:
    """A Model that lives in virtual time: it takes `seconds(number)` to answer with `output` tokens.

    `quotas` by name ("requests", "tokens"); `fault(now, random)` may give an error to be raised in the place of an
    answer; `cap(now)` is how many calls it takes at once. `tells` says whether it sends headers, with the first of a
    reply ("first") or with its end ("end"); `retry_after` whether a 429 has one; `late` that output tokens are charged
    when they have been made. `way` is the seconds there and back.
    """

    def __init__(self, quotas=None, seconds=lambda number: 1.0, *, output=100, tells=None, fault=None, way=0.02,
                 retry_after=True, late=False, cap=None, seed=0):  # fmt: skip
        self.quotas, self.seconds, self.output, self.tells = quotas or {}, seconds, output, tells
        self.retry_after, self.fault, self.way, self.late, self.cap = retry_after, fault, way, late, cap
        self.random = Random(seed)
        self.on_reply = None
        self.arrivals, self.admitted, self.refused = [], [], []
        self.early = self.cancelled = self.in_flight = 0
        self.opens_at = -math.inf
        self.closed = False

    async def complete(self, request, stop=None):
        number = len(self.arrivals)
        condition = stop() if stop else None
        await self._travel()
        now = self._now()
        self.arrivals.append(now)
        self.early += now < self.opens_at - 1e-6
        if self.fault:
            await self._refuse(request, self.fault(now, self.random))
        tokens = {
            "requests": 1,
            "tokens": len(request.messages[0].content) // 4 + 4 + (0 if self.late else self.output),
        }
        waits = [quota.wait(tokens[name], now) for name, quota in self.quotas.items()]
        if waits and max(waits) > 0:
            await self._refuse(request, RateLimitError("429", retry_after=max(waits) if self.retry_after else None))
        if self.cap is not None and self.in_flight >= self.cap(now):
            await self._refuse(request, RateLimitError("429"))
        for name, quota in self.quotas.items():
            quota.take(tokens[name], now)
        self.admitted.append(now)
        return await self._answer(request, condition, number)

    async def _answer(self, request, condition, number):
        began = self._now()
        headers = self._headers()
        self.in_flight += 1
        try:
            await self._travel()
            if self.tells == "first":
                self.on_reply(request, headers)
            if condition is not None:
                condition.feed("some words ")
            await asyncio.sleep(self.seconds(number))
            if self.late and "tokens" in self.quotas:
                self.quotas["tokens"].take(self.output, self._now())
            if self.tells == "end":
                self.on_reply(request, self._headers())
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.in_flight -= 1
        usage = Usage(len(request.messages[0].content) // 4 + 4, self.output)
        return Completion(f"answer {number}", usage, "stop", request.model, 0.1, self._now() - began + self.way)

    async def _refuse(self, request, error):
        if error is None:
            return
        self.refused.append(self._now())
        headers = self._headers()
        wait = getattr(error, "retry_after", None)
        opens = self._now() + (wait or 0.0)
        # Who is already on the way cannot know.
        asyncio.get_running_loop().call_later(2 * self.way, self._shut, opens)
        await self._travel()
        if self.tells:
            self.on_reply(request, headers)
        raise error

    def _shut(self, opens):
        self.opens_at = max(self.opens_at, opens)

    def _headers(self):
        return [header for name, quota in self.quotas.items() for header in quota.headers(name, self._now())]

    async def _travel(self):
        await asyncio.sleep(self.way * self.random.uniform(0.5, 1.5) / 2)

    def _now(self):
        return asyncio.get_running_loop().time()

    async def close(self):
        self.closed = True
