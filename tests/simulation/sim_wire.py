"""A model with faults in the place of an endpoint: under igent's own limiter, retries, journal and conversations."""

from __future__ import annotations

__all__ = ["FaultyModel"]

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from random import Random

from igent.clock import Clock
from igent.errors import ConnectError, DeadlineError, IncompleteError, Problem, RateLimitError, ServerError
from igent.models.mock import MockModel
from igent.types import NO_USAGE, ChatRequest, Completion, StopFactory
from igent.workloads.sbus.mock import SbusMock

KINDS = ("429", "500", "cut", "stall", "reset", "nonsense", "no usage")
NONSENSE = "I would rather talk about {the weather} and [other things]."


class FaultyModel:
    """Answers as the mock does, after a while, with so many wrong answers (`errors`); `rate` of the calls have a fault.
    Counts calls, those in flight, and faults; `said` is told what happens. `expected` is how many calls there may be,
    None for any number."""

    def __init__(self, random: Random, rate: float, errors: float, clock: Clock, said: Callable[[str], None]) -> None:
        self._mock = MockModel(SbusMock(), errors=errors)
        self._random, self._rate, self._clock, self._said = random, rate, clock, said
        self.calls = self.in_flight = 0
        self.expected: int | None = None
        self.faults: Counter[str] = Counter()
        self.dead = False

    async def complete(self, request: ChatRequest, stop: StopFactory | None = None) -> Completion:
        if self.dead:
            raise DeadlineError("the process is dead")
        fault = self._random.choice(KINDS) if self._random.random() < self._rate else ""
        call = request.context
        self._said(f"call {call.record_id} {call.step} {call.agent} {request.round} {fault}")
        self.calls += 1
        self.faults[fault] += bool(fault)
        self.in_flight += 1
        try:
            await self._clock.sleep(self._random.choice((0.0, 0.05, 0.3, 2.0)))
            self._fail(fault)
            if fault == "stall":
                await self._clock.sleep(60)
                raise DeadlineError(Problem("call", "the deadline passed"))
            completion = await self._mock.complete(request, stop)
        finally:
            self.in_flight -= 1
        if fault == "nonsense":
            return replace(completion, text=NONSENSE, value=None, finish="stop")
        return replace(completion, usage=NO_USAGE) if fault == "no usage" else completion

    def _fail(self, fault: str) -> None:
        if fault == "429":
            raise RateLimitError(Problem("call", "slow down"), retry_after=self._random.choice((None, 0.0, 1.0, 7.0)))
        if fault == "500":
            raise ServerError(Problem("call", "down"), retry_after=None)
        if fault == "cut":
            raise IncompleteError(Problem("call", "cut off"))
        if fault == "reset":
            raise ConnectError(Problem("call", "reset"))

    async def close(self) -> None: ...
