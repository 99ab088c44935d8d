"""What a run sends: its model stack, the records in flight, what it may spend, and whether phases start early."""

from __future__ import annotations

__all__ = ["Traffic"]

import logging
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from random import Random
from typing import Any

from igent.caching.cache import Cache
from igent.caching.keys import answer_key, endpoint_name
from igent.caching.shelf import AnswerShelf
from igent.clock import Clock
from igent.config.settings import Settings
from igent.errors import ProviderError
from igent.models.adaptive import AdaptiveLimit
from igent.models.budget import Budget
from igent.models.endpoint import Endpoint
from igent.models.recall import Keep
from igent.models.stack import Stack, build_stack
from igent.models.valve import Valve
from igent.outcome import Outcome
from igent.reporting.cost import price
from igent.reporting.totals import Totals
from igent.types import NO_USAGE, ChatRequest, Completion, JsonObject, Model, Usage
from igent.workflows.checks import check_prices
from igent.workflows.constellation import Constellation
from igent.workflows.early import Guesses
from igent.workflows.folder import RunFolder
from igent.workflows.slots import Slots
from igent.writing.entries import answer_to_entry, request_key
from igent.writing.journal import Journal

log = logging.getLogger("igent.run")

_MOST_IN_FLIGHT = 1000


class Traffic:
    """The traffic of one run, by its settings and its constellation's. `open` it with the run folder's journal.

    `slots` are the records in flight, `guesses` the early starts; once `valve` is closed, no call is sent. `shelf` is
    where answers wait for the cache, `budget` what may be spent; None without one.

    Raises ConfigError for a budget that cannot be kept.
    """

    def __init__(self, constellation: Constellation, settings: Settings, endpoint: Endpoint, clock: Clock) -> None:
        check_prices(constellation, settings)
        run = constellation.spec.run
        chosen = settings.concurrency or run.resources.llm or run.concurrency
        self._constellation, self._settings, self._endpoint, self._clock = constellation, settings, endpoint, clock
        self._hedge = run.hedge if settings.hedge is None else settings.hedge
        self._adaptive: AdaptiveLimit | None = None
        self._stack: Stack | None = None
        self.valve = Valve()
        self.shelf: AnswerShelf | None = None
        self.budget: Budget | None = None
        self._begun_with = Decimal(0)
        self._settled: Callable[[], int] = lambda: 0
        self._others: list[Callable[[], int]] = []
        self.most_in_flight = _MOST_IN_FLIGHT if chosen == "auto" else chosen
        if chosen == "auto":
            self.slots = Slots(0, self._room)
            self._adaptive = AdaptiveLimit(clock, maximum=_MOST_IN_FLIGHT, on_change=self.slots.resize)
            self.slots.resize(self._adaptive.limit)
        else:
            self.slots = Slots(chosen, self._room)
        self.guesses = Guesses(settings.speculate or run.speculate, run.max_miss_rate)

    def open(
        self,
        client: Model,
        folder: RunFolder,
        journal: Journal,
        totals: Totals,
        cache: Cache | None = None,
        settled: Callable[[], int] | None = None,
    ) -> Model:
        """The model that all agents share. Answers go to the journal, and come from it where they were paid for; with a
        `cache`, also from there. `settled` tells how many records this session has settled; None: `totals` grow with
        each."""
        self.budget = self._what_is_left(folder, totals)
        resumed, self._begun_with = totals.outcomes, self.budget.spent_cost if self.budget else Decimal(0)
        self._settled = settled or (lambda: totals.outcomes - resumed)
        if cache is not None:
            name = endpoint_name(self._settings.base_url)
            self.shelf = AnswerShelf(cache, partial(_key, name))
        self._stack = build_stack(
            client,
            endpoint=self._endpoint,
            clock=self._clock,
            random=Random(self._settings.seed),
            find=lambda request: folder.recall(request_key(request)),
            keep=_keeper(journal, awaited=self._constellation.spec.is_graph),
            cached_find=self.shelf.find if self.shelf else None,
            cached_keep=self.shelf.keep if self.shelf else None,
            on_retry=_log_retry,
            limits=self._constellation.spec.run.limits,
            hedge=self._hedge,
            budget=self.budget,
            adaptive=self._adaptive,
            saturated=lambda: self.slots.taken >= self.slots.limit,
            valve=self.valve,
        )
        return self._stack

    def ended(self, outcome: Outcome) -> None:
        """A record has its outcome: what it was answered goes into the cache if it ended well, and else not."""
        if self.shelf is not None:
            if outcome.status == "failed":
                self.shelf.drop(outcome.record_id)
            else:
                self.shelf.commit(outcome.record_id)

    def also_sent(self, count: Callable[[], int]) -> None:
        """From now on, what `count` tells was sent beside the model's requests."""
        self._others.append(count)

    @property
    def _sent(self) -> int:
        return (self._stack.figures().requests_sent if self._stack else 0) + sum(count() for count in self._others)

    def facts(self) -> dict[str, Any]:
        """What RunFacts tells of it."""
        history = tuple(self._adaptive.history) if self._adaptive else ()
        figures = self._stack.figures() if self._stack else None
        return {
            "concurrency": max((limit for _, limit, _ in history), default=self.slots.limit),
            "concurrency_history": history,
            "speculation_off": self.guesses.off,
            "requests_sent": self._sent if figures else None,
            "quota_wait_seconds": figures.quota_seconds if figures else 0.0,
        }

    def spent_entry(self) -> JsonObject | None:
        """What this session has spent, for the journal; None for nothing. `cost` is None without a budget."""
        calls = self._sent
        if not calls:
            return None
        cost = self.budget.spent_cost - self._begun_with if self.budget and self.budget.max_cost else None
        return {"kind": "spent", "calls": calls, "cost": None if cost is None else str(cost)}

    def _room(self, in_flight: int) -> bool:
        """Whether the budget has room for one more record beside those in flight: it is better spent on finishing
        few than on beginning many. What a record costs is seen from the first one, which goes alone."""
        budget = self.budget
        if budget is None:
            return True
        if budget.max_calls is not None:
            spec = self._constellation.spec
            each = 1 if spec.is_graph else len(spec.steps())  # in a graph each conversation takes a place by itself
            if budget.spent_calls + each * (in_flight + 1) > budget.max_calls:
                return False
        if budget.max_cost is None:
            return True
        settled = self._settled()
        mean = (budget.spent_cost - self._begun_with) / settled if settled else None
        return mean is not None and budget.spent_cost + mean * (in_flight + 1) <= budget.max_cost

    def _what_is_left(self, folder: RunFolder, totals: Totals) -> Budget | None:
        """What is left of the limits, for the run as a whole: earlier sessions have spent of it."""
        settings = self._settings
        if settings.max_cost is None and settings.max_calls is None:
            return None
        # Sessions tell at their end what they sent; of one that was killed, what it brought is reckoned with.
        counts = totals.counts
        calls = counts["calls"] - counts["recalled"] + counts["retries"] + counts["hedged"]
        cost = totals.cost or Decimal(0)
        for kept in folder.answers.values():
            for answer in kept:  # paid for, by records that have no outcome yet
                calls += 1 + answer.retries + answer.hedged
                cost += self._price(answer.model, answer.usage + answer.wasted) or 0
        cost, calls = max(cost, folder.spent_cost), max(calls, folder.spent_calls, folder.bought)
        return Budget(settings.max_cost, settings.max_calls, self._price, cost, calls)

    def _price(self, model: str, usage: Usage) -> Decimal | None:
        found = price(usage, model, self._settings.base_url) if usage != NO_USAGE else Decimal(0)
        # The mock takes the price of the model it stands for, so that a limit can be tried out.
        return Decimal(0) if found is None and self._settings.mock else found


def _keeper(journal: Journal, *, awaited: bool) -> Keep:
    """What writes answers to the journal; `awaited`: it returns when they are durable.

    A record keeps its place until its outcome is durable, so that few answers are lost with a process that is killed;
    the units of a graph do not, so there each answer is waited for.
    """

    async def keep(request: ChatRequest, completion: Completion) -> None:
        # Of a batch the outcomes are written with it, and nobody will ask just that again; what came from the cache was
        # not paid for.
        if request.context.records > 1 or completion.cached:
            return
        entry = answer_to_entry(request, completion)
        if awaited:
            await journal.write(entry)
        else:
            journal.write_soon(entry)

    return keep


def _key(endpoint: str, request: ChatRequest) -> bytes:
    """The key of an answer in the cache. Raises TypeError for one about a batch: its parts are kept one by one."""
    if request.context.records > 1:
        raise TypeError("an answer about several records")
    return answer_key(endpoint, request)


def _log_retry(request: ChatRequest, error: ProviderError, wait: float) -> None:
    log.info("record %s, %s: again in %.1f s: %s", request.context.record_id, request.context.agent, wait, error)
