"""Answers without a model, in the process: a workload's MockAnswers as a Model."""

from __future__ import annotations

__all__ = ["MockAnswer", "MockModel", "Mocker"]

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from igent.clock import SYSTEM_CLOCK, Clock
from igent.errors import Problem, RequestError
from igent.models.failure import place_of
from igent.models.mock_batch import BatchChat, compose, read_batch
from igent.models.pace import Pace, Timing
from igent.models.prose import padded, tokens_in
from igent.models.tokens import count_messages, estimate_usage
from igent.types import ChatMessage, ChatRequest, Completion, Finish, StopCondition, StopFactory, Usage
from igent.workload import MockAnswers

# Without pacing nobody sees single tokens; the stop condition is fed several at once, which changes nothing but cost.
_TOKENS_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class MockAnswer:
    """One answer: its tokens, how it finishes, its exact usage, and the times at which it is spoken (None: at once)."""

    tokens: tuple[str, ...]
    finish: Finish
    usage: Usage
    timing: Timing | None

    @property
    def text(self) -> str:
        """The tokens, joined."""
        return "".join(self.tokens)


class Mocker:
    """What MockModel and MockServer have in common: the same chat and seed give the same answer in both.

    The first of `answers` that finds its record in a chat answers it. All chance comes from the record, the system
    message, the round and the `seed`; that of the `pace` also from how often this chat was asked before, so that a call
    made again is not slow again. `errors` (0 to 1) goes to MockAnswers.answer. `before` and `after` are how many tokens
    of prose stand before and after the JSON of an answer, see padded; None leaves what the workload wrote. A chat about
    several records is answered as so many chats about one (see mock_batch.py): MockAnswers need not know of batches.
    """

    def __init__(
        self,
        answers: MockAnswers | Sequence[MockAnswers],
        seed: int = 0,
        errors: float = 0.0,
        pace: Pace | None = None,
        *,
        before: int | None = None,
        after: int | None = None,
    ) -> None:
        self._answers = tuple(answers) if isinstance(answers, Sequence) else (answers,)
        self._seed = seed
        self._errors = errors
        self._pace = pace
        self._before, self._after = before, after
        self._asked: Counter[bytes] = Counter()

    def answer(self, messages: Sequence[ChatMessage], options: Mapping[str, Any]) -> MockAnswer | None:
        """The answer to a chat; None when nobody finds a record in it.

        Of the options, `stop`, `max_tokens` and `max_completion_tokens` have the effect that they have on a model.
        """
        batch = read_batch(messages)
        for answers in self._answers:
            record_id = answers.record_id(messages if batch is None else next(iter(batch.chats.values())))
            if record_id:
                chat = self._chat(messages, record_id)
                if batch is None:
                    text = self._one(answers, messages, chat)
                else:
                    chat = f"{chat}\n{batch.round} {' '.join(map(str, batch.chats))}"
                    text = self._several(answers, batch, chat)
                if self._before is not None or self._after is not None:
                    text = padded(text, self._before, self._after)
                return _answer(messages, text, options, self._timing(chat))
        return None

    def _one(self, answers: MockAnswers, messages: Sequence[ChatMessage], chat: str) -> str:
        return answers.answer(messages, Random(f"{chat}\nanswer"), self._errors)

    def _several(self, answers: MockAnswers, batch: BatchChat, chat: str) -> str:
        def answer(messages: Sequence[ChatMessage]) -> str:
            return self._one(answers, messages, self._chat(messages, answers.record_id(messages)))

        return compose(batch, answer, Random(f"{chat}\nnumbers"), self._errors)

    def _chat(self, messages: Sequence[ChatMessage], record_id: str) -> str:
        system = next((message.content for message in messages if message.role == "system"), "")
        turn = 1 + sum(1 for message in messages if message.role == "assistant")
        checksum = hashlib.sha256(system.encode("utf-8", "replace")).hexdigest()
        return "\n".join((record_id, checksum, str(turn), str(self._seed)))

    def _timing(self, chat: str) -> Timing | None:
        if self._pace is None:
            return None
        key = hashlib.blake2b(chat.encode("utf-8", "replace"), digest_size=8).digest()
        before = self._asked[key]
        self._asked[key] += 1
        return self._pace.draw(Random(f"{chat}\npace {before}" if before else f"{chat}\npace"))


def _answer(
    messages: Sequence[ChatMessage], text: str, options: Mapping[str, Any], timing: Timing | None
) -> MockAnswer:
    stops = options.get("stop") or ()
    for stop in (stops,) if isinstance(stops, str) else stops:
        text = text.partition(stop)[0] if stop else text
    tokens = tuple(tokens_in(text))
    limit = options.get("max_completion_tokens") or options.get("max_tokens") or len(tokens)
    finish: Finish = "length" if limit < len(tokens) else "stop"
    tokens = tokens[:limit]
    return MockAnswer(tokens, finish, Usage(count_messages(messages), len(tokens)), timing)


class MockModel:
    """A Model that answers in the process; needs no key and no network. Instant when `pace` is None.

    Usage is exact (of the mock's own tokens), and estimated as for an endpoint where the stop condition cut the answer.
    Raises RequestError for a chat in which nobody finds a record.
    """

    def __init__(
        self,
        answers: MockAnswers | Sequence[MockAnswers],
        seed: int = 0,
        errors: float = 0.0,
        pace: Pace | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._mocker = Mocker(answers, seed, errors, pace)
        self._clock = clock

    async def complete(self, request: ChatRequest, stop: StopFactory | None = None) -> Completion:
        """See Model.complete."""
        start = self._clock.now()
        answer = self._mocker.answer(request.messages, request.options)
        if answer is None:
            raise RequestError(
                Problem(
                    place_of(request.context),
                    "the mock finds no record in this chat",
                    "the prompt must show the record as its workload's mock reads it",
                )
            )
        condition = stop() if stop else None
        # Also an instant answer lets others have their turn, as one from an endpoint does.
        first, cut = await self._speak(answer, condition, start) if answer.tokens else (start, False)
        text = answer.text
        if condition is not None and cut:
            text = text[: condition.end]
        return Completion(
            text=text,
            usage=estimate_usage(request.messages, text) if cut else answer.usage,
            finish="cut" if cut else answer.finish,
            model=request.model,
            first_token_seconds=first - start,
            seconds=self._clock.now() - start,
            value=condition.value if condition is not None and cut else None,
        )

    async def _speak(self, answer: MockAnswer, condition: StopCondition | None, start: float) -> tuple[float, bool]:
        """When the first token came, and whether the stop condition ended it."""
        timing, tokens = answer.timing, answer.tokens
        first = start
        if timing is None:
            await self._clock.sleep(0)
        step = 1 if timing else _TOKENS_AT_ONCE
        for begin in range(0, len(tokens), step):
            wait = start + timing.due(begin + 1) - self._clock.now() if timing else 0.0
            if wait > 0:
                await self._clock.sleep(wait)
            first = first if begin else self._clock.now()
            if condition is not None and condition.feed("".join(tokens[begin : begin + step])):
                return first, True
        return first, False

    async def close(self) -> None:
        """Does nothing: there is nothing to close."""
