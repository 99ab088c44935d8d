"""The limits of a run's spending: no call is made that could break them."""

from __future__ import annotations

__all__ = ["Budget", "Budgeted", "Price"]

import math
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from igent.clock import Clock
from igent.errors import LimitError, Problem, ProviderError
from igent.models.line import Line
from igent.models.protocol import MOST_OUTPUT
from igent.models.seen import Seen, most_output, spent_on
from igent.models.tokens import count_messages
from igent.types import ChatRequest, Completion, Model, StopFactory, Usage

# Input is counted as 4 bytes a token; other languages than English, and JSON, take up to twice the tokens.
_MOST_INPUT = 2

Price = Callable[[str, Usage], Decimal | None]
"""What tokens of a model cost; None when that is not known."""


@dataclass(slots=True, eq=False)
class _Wish:
    """A call that wants to be made, and what it costs at most."""

    request: ChatRequest
    most: Decimal


class Budget:
    """What a run may spend: `max_cost` (in the unit of `price`, US dollars) and `max_calls`; None is no limit.

    Before a call is sent, the most that it may cost is reserved: twice its estimated input, and its `max_tokens` (4,096
    where the request has none); afterwards it is charged for what it took. One that failed is charged for what its
    error says was wasted, one that was cut off or cancelled at least for its input. So the limits are never exceeded,
    as long as answers stay within `max_tokens`. Every request that is sent is a call.

    `spent_cost` and `spent_calls` are what earlier sessions of the run took; afterwards, what all took. `refused` is
    the error that ended the spending, None while it has not: from then on every call is refused.
    """

    def __init__(
        self,
        max_cost: Decimal | None,
        max_calls: int | None,
        price: Price,
        spent_cost: Decimal = Decimal(0),
        spent_calls: int = 0,
    ) -> None:
        self.max_cost, self.max_calls = max_cost, max_calls
        self.spent_cost, self.spent_calls = spent_cost, spent_calls
        self.refused: LimitError | None = None
        self._price = price
        self._reserved = Decimal(0)
        self._open = 0
        self._waiting: list[Callable[[], None]] = []

    def most(self, request: ChatRequest) -> Decimal:
        """What a call may cost at most; 0 where no cost is limited. Raises LimitError when its price is not known."""
        if self.max_cost is None:
            return Decimal(0)
        output = math.ceil(most_output(request, MOST_OUTPUT))
        return self._cost(request.model, Usage(_MOST_INPUT * count_messages(request.messages), output))

    def fits(self, most: Decimal) -> bool:
        """Whether a call that may cost so much can be made now."""
        calls = self.max_calls is None or self.spent_calls + self._open < self.max_calls
        return calls and not self._short_of(most) and self.refused is None

    def reserve(self, most: Decimal) -> bool:
        """Set so much aside for a call; False when that must wait until another call ends.

        Raises LimitError when no call that is under way can help: from then on always.
        """
        if self.refused is not None:
            raise LimitError(*self.refused.problems)
        if self.max_calls is not None and self.spent_calls + self._open >= self.max_calls:
            sent = self.spent_calls + self._open
            raise self._refuse(f"the limit of {self.max_calls} calls is reached: {sent} were made", "--max-calls")
        if self._short_of(most):
            if self._open:
                return False
            what = f"the limit of {self.max_cost} US dollars leaves no room for another call"
            spent = f"{self.spent_cost:.6f} were spent, and it may take {most:.6f}"
            raise self._refuse(f"{what}: {spent}", "--max-cost")
        self._reserved += most
        self._open += 1
        return True

    def settle(self, model: str, most: Decimal, usage: Usage) -> None:
        """A call for which `most` was set aside has ended, and took this."""
        self._reserved -= most
        self._open -= 1
        self.spent_calls += 1
        try:
            if self.max_cost is not None and usage.input_tokens + usage.output_tokens:
                self.spent_cost += self._cost(model, usage)
        finally:
            for nudge in self._waiting:
                nudge()

    def tell(self, nudge: Callable[[], None]) -> None:
        """From now on `nudge` is called whenever there may be room again, whoever made it."""
        self._waiting.append(nudge)

    def _short_of(self, most: Decimal) -> bool:
        return self.max_cost is not None and self.spent_cost + self._reserved + most > self.max_cost

    def _cost(self, model: str, usage: Usage) -> Decimal:
        cost = self._price(model, usage)
        if cost is None:
            raise self._refuse(f"the price of model {model} is not known, and the cost is limited", "--max-cost")
        return cost

    def _refuse(self, what: str, option: str) -> LimitError:
        remedy = "take it away" if "price" in what else "raise it"
        self.refused = LimitError(Problem("", what, f"{option}: {remedy}, and run the same command again"))
        return self.refused


class Budgeted:
    """A Model that asks `model` only for what fits into the `budget`; a call for which that depends on what others take
    waits for them. Raises LimitError, see Budget."""

    def __init__(self, model: Model, clock: Clock, budget: Budget) -> None:
        self._model = model
        self._budget = budget
        self._line: Line[_Wish] = Line(clock, self._enter)
        budget.tell(self._line.nudge)

    async def complete(self, request: ChatRequest, stop: StopFactory | None = None) -> Completion:
        """See Model.complete."""
        wish, seen = _Wish(request, self._budget.most(request)), Seen(stop)
        await self._line.wait(wish)
        usage: Usage | None = None
        try:
            completion = await self._model.complete(request, seen.factory)
            usage = completion.usage
        except ProviderError as error:
            usage = spent_on(error, seen.usage(request))
            raise
        finally:
            self._budget.settle(request.model, wish.most, seen.usage(request) if usage is None else usage)
        return completion

    def _enter(self, wish: _Wish) -> float:
        return 0.0 if self._budget.reserve(wish.most) else math.inf

    async def close(self) -> None:
        """See Model.close."""
        await self._model.close()
