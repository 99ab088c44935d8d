"""What the tests of batches and cascades share: a scripted model, a schema, and the tools around them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from pydantic import BaseModel, ConfigDict

from igent.agents.batch import BatchConversation
from igent.agents.build import Cascade, Participant
from igent.agents.step import Step, StepResult, Tools
from igent.clock import SYSTEM_CLOCK
from igent.config.policy import CriticPolicy
from igent.models.chat import ChatClient
from igent.models.toll import Toll
from igent.parsing.answer import AnswerStop, read_answer
from igent.parsing.elements import Elements
from igent.prompting import messages
from igent.types import CallContext, Case, ChatRequest, Completion, Record, StopFactory, Usage, Violation
from igent.validation.checker import Checker


class Pick(BaseModel):
    """`of` is the id of the record that the answer is meant for: only the tests know of it."""

    model_config = ConfigDict(extra="forbid")
    of: str
    price: int
    sure: float = 1.0


class Nobody(BaseModel):
    model_config = ConfigDict(extra="forbid")
    message: str


def positive(answer: Any, case: Case) -> Sequence[Violation]:
    return () if answer.price > 0 else (Violation("positive", "price", f"{answer.price} is not more than 0"),)


MATCHER = Participant("matcher", "matcher", "strong", "You match.", "c1")
CHEAP = replace(MATCHER, cascade=Cascade(("tiny", "small"), "sure", 0.8))
CHECKS = Checker(Pick, {"positive": positive}, Nobody, lambda case: ())


def step(matcher: Participant = MATCHER, **changes: Any) -> Step:
    made = Step("match", "matches", "pick", matcher, None, CriticPolicy("never"), 3, None, CHECKS)
    return replace(made, **changes)


def cases(count: int) -> list[Case]:
    return [Case(Record(f"R{n}", n - 1, {"id": f"R{n}"}, f"f:{n}"), None, {}, date(2025, 1, 1)) for n in _upto(count)]


def _upto(count: int) -> range:
    return range(1, count + 1)


def tools(model: Any) -> Tools:
    def client(who: Any, context: CallContext, stop: Any, done: Any, given_up: Any, calling: Any) -> ChatClient:
        return ChatClient(Toll(model, given_up, calling), who.model, {}, context, stop=stop, on_completion=done)

    def read(text: str, accepts: Callable[[Any], bool]) -> tuple[Any, str]:
        answer = read_answer(text, accepts)
        return answer.value, answer.problem

    def blocks(case: Case, schema: str) -> dict[str, Any]:
        return {"OFFERS": ["S1", "S2"], "RECORD": dict(case.record.data)}

    stop = lambda accepts: lambda: AnswerStop(accepts)  # noqa: E731
    return Tools(client, stop, read, blocks, messages, SYSTEM_CLOCK, 0, elements=Elements)


class Said:
    """One line of a script: the text, how it ends, and in pieces of which size it comes. With an `error` the text comes
    and then the call breaks."""

    def __init__(self, text: str, finish: str = "stop", size: int = 7, error: Exception | None = None) -> None:
        self.text, self.finish, self.size, self.error = text, finish, size, error


class Scripted:
    """A Model that says its lines in order, those of each model by themselves, and keeps what it was asked."""

    def __init__(self, *lines: Any, **of_models: Sequence[Any]) -> None:
        self.lines = {"strong": list(lines), **{name: list(more) for name, more in of_models.items()}}
        self.asked: list[ChatRequest] = []

    async def complete(self, request: ChatRequest, stop: StopFactory | None = None) -> Completion:
        self.asked.append(request)
        line = self.lines[request.model].pop(0)
        line = line(request) if callable(line) else line
        if isinstance(line, Exception):
            raise line
        line = line if isinstance(line, Said) else Said(line)
        condition = stop() if stop else None
        if condition is not None:
            for at in range(0, len(line.text), line.size):
                if condition.feed(line.text[at : at + line.size]):
                    text = line.text[: condition.end]
                    return Completion(text, Usage(101, 50), "cut", request.model, seconds=2.0, value=condition.value)
        if line.error is not None:
            raise line.error
        return Completion(line.text, Usage(101, 50), line.finish, request.model, seconds=2.0)  # type: ignore[arg-type]

    async def close(self) -> None: ...

    @property
    def questions(self) -> list[str]:
        return [request.messages[-1].content for request in self.asked]


def pick(number: Any, price: Any = 5, **more: Any) -> dict[str, Any]:
    return {"number": number, "of": f"R{number}", "price": price, **more}


def array(*elements: Any) -> str:
    return json.dumps(list(elements))


class Talk:
    """A batch conversation that was run to its end, and what it told."""

    def __init__(self, model: Any, count: int, of: Step) -> None:
        self.batch = BatchConversation(tools(model), cases(count), of)
        self.results: dict[int, StepResult] = {}
        self.order: list[tuple[str, int]] = []
        self.learnt: dict[int, Any] = {}
        self.seen: list[tuple[int, bool]] = []
        self._known: Mapping[int, Any] = {}

    def settle(self, place: int, result: StepResult) -> None:
        assert place not in self.results, "each is settled once"
        self.results[place] = result
        self.order.append(("settled", place))

    async def run(self, known: Mapping[int, Any] | None = None) -> Talk:
        self._known = known or {}
        await self.batch.run(
            self.settle,
            known=self._find if known is not None else None,
            learnt=self.learnt.__setitem__,
            on_element=lambda place, verdict: self.seen.append((place, verdict.ok)),
        )
        assert sorted(self.results) == list(range(len(self.results)))
        return self

    async def _find(self, place: int) -> Any:
        return self._known.get(place)

    def sums(self, names: Iterable[str]) -> dict[str, Any]:
        return {name: sum(getattr(result.report, name) for result in self.results.values()) for name in names}

    @property
    def usage(self) -> Usage:
        return sum((result.report.usage for result in self.results.values()), Usage())

    @property
    def causes(self) -> list[str]:
        return [self.results[place].cause for place in sorted(self.results)]


async def talk(model: Any, count: int, *, known: Mapping[int, Any] | None = None, **changes: Any) -> Talk:
    return await Talk(model, count, step(**changes)).run(known)
