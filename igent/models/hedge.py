"""A second call where the first is a straggler: the first good answer counts."""

from __future__ import annotations

__all__ = ["Hedge"]

import asyncio
from collections.abc import Callable
from dataclasses import replace

from igent.clock import Clock
from igent.errors import IgentError, ProviderError
from igent.models.pacing import Pacing
from igent.models.seen import Seen, spent_on
from igent.types import NO_USAGE, ChatRequest, Completion, Model, StopFactory, Usage

_SHARE = 0.05
_SAVED_UP = 5.0
# Where there is no room for a second call, it is looked for again after this share of the patience.
_LOOK_AGAIN = 0.25
_SHORTEST_PATIENCE = 0.02

Spare = Callable[[ChatRequest], bool]
"""Whether there is room for one more call right now; takes it if so."""
Leave = Callable[[ChatRequest], None]
"""That call is over, whatever came of it."""


class Hedge:
    """A Model that asks `model` once more when an answer takes longer than 95 % of the recent ones of the same model
    and agent did (J. Dean, L. A. Barroso: "The Tail at Scale").

    It needs 20 answers to know, makes at most 5 % more calls than it is asked for, and none while more than 10 % of the
    recent answers were slow: that is no straggler then, and more load would not help. The second call is made only
    where `spare` finds room for it at once. The first good answer counts, the other call is cancelled; where the first
    call fails, the second is waited for. `hedged` of the Completion counts second calls, `wasted` has the tokens of the
    loser, and its seconds are measured from the first call.
    """

    def __init__(
        self, model: Model, clock: Clock, spare: Spare = lambda request: True, leave: Leave = lambda request: None
    ) -> None:
        self._model = model
        self._clock = clock
        self._spare, self._leave = spare, leave
        self._pacings: dict[tuple[str, str], Pacing] = {}
        self._allowance = 0.0

    async def complete(self, request: ChatRequest, stop: StopFactory | None = None) -> Completion:
        """See Model.complete."""
        pacing = self._pacings.setdefault((request.model, request.context.agent), Pacing())
        self._allowance = min(_SAVED_UP, self._allowance + _SHARE)
        began, patience = self._clock.now(), pacing.patience
        if patience is None:
            completion = await self._model.complete(request, stop)
        else:
            completion = await self._race(_Race(request, stop), max(patience, _SHORTEST_PATIENCE), pacing)
        # Where the second call was faster, the first one's time is not known, but it was not less than this.
        pacing.add(self._clock.now() - began)
        return completion

    async def _race(self, race: _Race, patience: float, pacing: Pacing) -> Completion:
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(race.first.run(self._model, self._clock, race.check))]
                tasks.append(group.create_task(self._follow(race, patience, pacing)))
                await race.over
                for task in tasks:
                    task.cancel()
        except BaseExceptionGroup as errors:  # a bug's, for ours are results of the race
            raise errors.exceptions[0] from errors.exceptions[0].__cause__
        return race.result()

    async def _follow(self, race: _Race, patience: float, pacing: Pacing) -> None:
        """Make the second call, once the first has taken too long and there is room for another."""
        await self._clock.sleep(patience)
        second = replace(race.first.request)  # another object: it is another call for those who look at it
        while not (self._allowance >= 1.0 and pacing.patience is not None and self._spare(second)):
            await self._clock.sleep(patience * _LOOK_AGAIN)
        if race.over.done():  # the first call failed at this very moment: nobody waits for a second one any more
            self._leave(second)
            return
        self._allowance -= 1.0
        try:
            await race.enter(second).run(self._model, self._clock, race.check)
        finally:
            self._leave(second)

    async def close(self) -> None:
        """See Model.close."""
        await self._model.close()


class _Runner:
    """One of the two calls, and what came of it: a completion, an error, or neither when it was cancelled."""

    def __init__(self, request: ChatRequest, stop: StopFactory | None) -> None:
        self.request = request
        self.seen = Seen(stop)
        self.began = 0.0
        self.completion: Completion | None = None
        self.error: IgentError | None = None

    async def run(self, model: Model, clock: Clock, ended: Callable[[], None]) -> None:
        self.began = clock.now()
        try:
            self.completion = await model.complete(self.request, self.seen.factory)
        except IgentError as error:
            self.error = error
        ended()

    def wasted(self) -> Usage:
        """Its tokens, when another one's answer counts."""
        if self.completion is not None:
            return self.completion.usage + self.completion.wasted
        sofar = self.seen.usage(self.request) if self.seen.begun else NO_USAGE
        if self.error is None:
            return sofar
        return spent_on(self.error, sofar) if isinstance(self.error, ProviderError) else NO_USAGE


class _Race:
    """The two calls; `over` is set when there is an answer, or nothing more to wait for."""

    def __init__(self, request: ChatRequest, stop: StopFactory | None) -> None:
        self._stop = stop
        self.first = _Runner(request, stop)
        self._runners = [self.first]
        self._winner: _Runner | None = None
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def enter(self, request: ChatRequest) -> _Runner:
        """The second call's runner."""
        self._runners.append(_Runner(request, self._stop))
        return self._runners[-1]

    def check(self) -> None:
        """A call has ended."""
        good = [runner for runner in self._runners if runner.completion is not None]
        self._winner = self._winner or next(iter(good), None)
        if (self._winner or all(runner.error for runner in self._runners)) and not self.over.done():
            self.over.set_result(None)

    def result(self) -> Completion:
        """The first good answer; raises where there is none."""
        winner, first = self._winner, self.first
        if winner is None:
            raise self._error()
        before = winner.began - first.began
        wasted = sum((runner.wasted() for runner in self._runners if runner is not winner), NO_USAGE)
        completion = winner.completion
        assert completion is not None  # noqa: S101 - that is what makes it the winner
        if len(self._runners) == 1:
            return completion
        return replace(
            completion,
            first_token_seconds=completion.first_token_seconds + before,
            seconds=completion.seconds + before,
            wasted=completion.wasted + wasted,
            hedged=completion.hedged + 1,
        )

    def _error(self) -> IgentError:
        """What the calls failed of: an error that makes further attempts senseless before one that does not."""
        errors = [runner.error for runner in self._runners if runner.error is not None]
        ours = [error for error in errors if isinstance(error, ProviderError)]
        if not ours or len(self._runners) == 1:
            return errors[0]
        final = next((error for error in ours if not error.retryable), ours[0])
        final.wasted = sum((runner.wasted() for runner in self._runners), NO_USAGE)
        return final
