"""The one place where the layers between an agent and its endpoint are put together."""

from __future__ import annotations

__all__ = ["Stack", "build_stack"]

from collections.abc import Callable, Sequence
from random import Random
from typing import Protocol, runtime_checkable

from igent.clock import Clock
from igent.config.constellation import Limits
from igent.models.adaptive import AdaptiveLimit
from igent.models.budget import Budget, Budgeted
from igent.models.cached import Cached, CachedFind, CachedKeep
from igent.models.endpoint import Endpoint, OnReply
from igent.models.hedge import Hedge
from igent.models.limited import Limited, Observed
from igent.models.limiter import Limiter
from igent.models.meter import Meter, StackFigures
from igent.models.recall import Find, Keep, Recall
from igent.models.retry import OnRetry, Retry
from igent.models.turns import Turns
from igent.models.valve import Inflow, Outflow, Valve
from igent.types import ChatRequest, Completion, Model, StopFactory

_Layer = Callable[[Model], Model]


@runtime_checkable
class _TellsReplies(Protocol):
    """A client that hands on the headers of each reply as soon as they have come."""

    on_reply: OnReply | None


class Stack:
    """The Model that the agents of a run share; `figures` tells what went through it."""

    def __init__(self, layers: Sequence[_Layer], client: Model, limiter: Limiter) -> None:
        model = client
        for layer in reversed(layers):
            model = layer(model)
        self._meter = Meter(model)
        self._turns = Turns()
        self._limiter = limiter

    async def complete(self, request: ChatRequest, stop: StopFactory | None = None) -> Completion:
        """See Model.complete. Raises ProviderError, LimitError at the end of a budget, and DrainedError."""
        completion = await self._meter.complete(request, stop)
        await self._turns.take()
        return completion

    def figures(self) -> StackFigures:
        """What went through it so far."""
        limiter = self._limiter
        return self._meter.figures(limiter.requests_sent, limiter.quota_seconds, limiter.door_seconds)

    async def close(self) -> None:
        """See Model.close."""
        await self._meter.close()


def build_stack(
    client: Model,
    *,
    endpoint: Endpoint,
    clock: Clock,
    random: Random,
    find: Find | None = None,
    keep: Keep | None = None,
    cached_find: CachedFind | None = None,
    cached_keep: CachedKeep | None = None,
    on_retry: OnRetry | None = None,
    limits: Limits | None = None,
    hedge: bool = False,
    budget: Budget | None = None,
    adaptive: AdaptiveLimit | None = None,
    saturated: Callable[[], bool] | None = None,
    valve: Valve | None = None,
) -> Stack:
    """The Model that the agents of a run share: meter → recall → cached → valve → retry → limiter → hedge → budget →
    valve → client.

    `client` is the innermost one (OpenAIModel, MockModel). `endpoint` bounds the retries, `random` spreads them.
    Without `find` and `keep` nothing is recalled, without `cached_find` and `cached_keep` there is no cache, without
    `limits` they are learnt from the endpoint's replies, without `hedge`, `budget` and `valve` there are no such
    layers. `adaptive` is told how attempts end, `saturated` whether its limit is reached.

    The layers are listed outermost first, as a call passes them. Recalled answers and those of the cache cost nothing;
    the journal is asked before the cache, and is told what came from there. Every attempt, not every call, passes the
    limiter and the budget, so that quota, "nobody sends before Retry-After has passed" and hard limits are exact.
    Hedging is under the limiter, so that waiting for quota is never taken for slowness; a second call takes quota only
    where there is room right now, and passes the budget as well. Next to the client, the limiter sees what becomes of
    each request, second calls included. Outermost, answers are handed out a few at a time (see Turns): what agents do
    with them then keeps nothing else waiting.
    """
    patience = endpoint.max_retry_seconds
    tells = isinstance(client, _TellsReplies)
    limiter = Limiter(clock, random, limits, tell=tells, patience=patience, adaptive=adaptive, saturated=saturated)
    if isinstance(client, _TellsReplies):
        client.on_reply = limiter.learn

    def spare(request: ChatRequest) -> bool:
        if valve is not None and valve.closed:
            return False
        return (budget is None or budget.fits(budget.most(request))) and limiter.spare(request)

    attempts = endpoint.max_attempts
    layers: list[_Layer] = []
    if find is not None and keep is not None:
        layers.append(lambda model: Recall(model, find, keep))
    if cached_find is not None and cached_keep is not None:
        layers.append(lambda model: Cached(model, cached_find, cached_keep))
    if valve is not None:
        layers.append(lambda model: Inflow(model, valve))
    layers.append(lambda model: Retry(model, clock, random, attempts, patience, on_retry=on_retry))
    layers.append(lambda model: Limited(model, limiter))
    if hedge:
        layers.append(lambda model: Hedge(model, clock, spare, limiter.leave))
    if budget is not None:
        layers.append(lambda model: Budgeted(model, clock, budget))
    layers.append(lambda model: Observed(model, limiter))
    if valve is not None:
        layers.append(lambda model: Outflow(model, valve))
    return Stack(layers, client, limiter)
