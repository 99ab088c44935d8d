"""A workload of two phases, agents whose answers come when the test says so, and a record worker on both."""

from __future__ import annotations

__all__ = ["Gated", "Pairs", "Worker", "order", "pick"]

import asyncio
import json
from collections import defaultdict
from dataclasses import replace
from datetime import date
from typing import Any, Literal

from pydantic import BaseModel

from igent.agents.build import Participant
from igent.agents.step import Step, Tools
from igent.capacity.ledger import Ledger
from igent.clock import SYSTEM_CLOCK
from igent.config.policy import CriticPolicy
from igent.parsing.answer import AnswerStop, read_answer
from igent.prompting import messages
from igent.types import Case, ChatRequest, Completion, JsonObject, Record, Stock, StopFactory, Usage, Violation
from igent.validation.checker import Checker
from igent.workflows.early import Guesses
from igent.workflows.executors.local import LocalExecutor
from igent.workflows.model import chat_client_maker
from igent.workflows.phase import Phase
from igent.workflows.record import Admitted, RecordWorker, Worked


class Pick(BaseModel):
    supplier: str
    why: str = ""


class Order(BaseModel):
    supplier: str
    price: int


class Nobody(BaseModel):
    message: Literal["NOBODY"]


def pick(supplier: str = "S1", why: str = "least used") -> str:
    return "So:\n```json\n" + json.dumps({"supplier": supplier, "why": why}) + "\n```\n"


def order(supplier: str = "S1", price: int = 5) -> str:
    return "```json\n" + json.dumps({"supplier": supplier, "price": price}) + "\n```\n"


class Pairs:
    """Predicts S1, whatever the case; an order repeats the pick's supplier."""

    name = "pairs"
    prose = frozenset({"why"})

    def __init__(self) -> None:
        self.expected: JsonObject | None = {"supplier": "S1", "why": "predicted"}

    def predict(self, case: Case) -> str | None:
        return None

    def expect(self, case: Case, schema: str) -> JsonObject | None:
        return dict(self.expected) if schema == "pick" and self.expected else None

    def unit(self, value: JsonObject, field: str) -> str | None:
        return value.get(field)

    def refusal_reason(self, case: Case) -> str:
        return "nobody"

    def blocks(self, case: Case, schema: str) -> dict[str, Any]:
        if schema == "pick":
            return {"RECORD": {"id": case.record.id}}
        return {"PICK": {"supplier": case.earlier["pick"]["supplier"]}}


def same_supplier(answer: Order, case: Case) -> list[Violation]:
    right = case.earlier["pick"]["supplier"]
    return [] if answer.supplier == right else [Violation("same", "supplier", f"must be {right}")]


class Gated:
    """A Model that keeps each call until the test answers it; sees which were given up."""

    def __init__(self) -> None:
        self.waiting: dict[str, list[tuple[ChatRequest, asyncio.Future[str]]]] = defaultdict(list)
        self.asked: list[str] = []
        self.given_up: list[str] = []

    async def complete(self, request: ChatRequest, stop: StopFactory | None = None) -> Completion:
        agent = request.context.agent
        future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.asked.append(agent)
        self.waiting[agent].append((request, future))
        condition = stop() if stop else None
        if condition is not None:
            condition.feed("Let me see")
        try:
            text = await future
        except asyncio.CancelledError:
            self.given_up.append(agent)
            raise
        assert condition is not None
        value = condition.value if condition.feed(text) else None
        return Completion(text, Usage(100, 10), "cut" if value else "stop", request.model, value=value)

    async def close(self) -> None: ...

    async def answer(self, agent: str, text: str | Exception) -> None:
        """Answer the oldest call of the agent, and let everybody go on as far as they can."""
        await self.settle()
        _, future = self.waiting[agent].pop(0)
        if isinstance(text, Exception):
            future.set_exception(text)
        else:
            future.set_result(text)
        await self.settle()

    async def settle(self) -> None:
        for _ in range(60):
            await asyncio.sleep(0)

    def open(self) -> list[str]:
        """The agents that wait for an answer now."""
        return sorted(agent for agent, calls in self.waiting.items() for _, future in calls if not future.done())


def _step(phase: str, output: str, schema: str, model: type[BaseModel], rules: dict[str, Any], **more: Any) -> Step:
    matcher = Participant(f"m_{phase}", "matcher", "m", "You match.", "c1")
    refusal = Nobody if schema == "pick" else None
    checks = Checker(model, rules, refusal, lambda case: ())
    made = Step(phase, output, schema, matcher, None, CriticPolicy("invalid"), 2, None, checks)
    return replace(made, **more)


class Worker:
    """One record on two phases; `start` is the second's, `critic` the first one's policy, if it has a critic."""

    def __init__(self, start: Any = "predicted", *, critic: str = "", mode: Any = "on", reserves: bool = False) -> None:
        self.model, self.workload = Gated(), Pairs()
        self.guesses = Guesses(mode, 0.3)
        self.ledger = Ledger({"S1": Stock(1, 0), "S2": Stock(5, 0)})
        judge = Participant("critic", "critic", "m", "You judge.", "c2") if critic else None
        policy = CriticPolicy.parse(critic or "invalid")
        first = _step("pick", "picks", "pick", Pick, {}, critic=judge, policy=policy)
        if reserves:
            first = replace(first, reserves="supplier")
        second = _step("order", "orders", "order", Order, {"same": same_supplier})
        phases = [Phase("pick", "settled", [first]), Phase("order", start, [second])]

        def read(text: str, accepts: Any) -> tuple[Any, str]:
            answer = read_answer(text, accepts)
            return answer.value, answer.problem

        def stop(accepts: Any) -> StopFactory:
            return lambda: AnswerStop(accepts)

        maker = chat_client_maker(self.model)
        self.tools = Tools(maker, stop, read, self.workload.blocks, messages, SYSTEM_CLOCK, 0)
        workload: Any = self.workload
        self.worker = RecordWorker(
            phases, self.tools, workload, self.ledger, LocalExecutor(), SYSTEM_CLOCK, self.guesses
        )
        self.case = Case(Record("R1", 0, {"id": "R1"}, "f.json:1"), None, self.ledger.view(), date(2025, 1, 1))

    async def work(self, group: asyncio.TaskGroup, record: str = "R1") -> asyncio.Task[Worked]:
        """Start a record; ends when everybody waits."""
        case = replace(self.case, record=replace(self.case.record, id=record))
        task = group.create_task(self.worker.work(Admitted(case, None), group.create_task))
        await self.model.settle()
        return task
