"""A batched prompt is answered by a workload's mock that only knows single records."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from random import Random
from typing import Any

import pytest

from igent.agents.batch import BatchConversation
from igent.agents.step import StepResult
from igent.clock import SYSTEM_CLOCK
from igent.config.settings import Settings
from igent.models.mock import Mocker, MockModel
from igent.models.mock_batch import compose, read_batch
from igent.models.prose import value_span
from igent.prompting.messages import batch_question, matcher_question
from igent.types import Case, ChatMessage, Violation
from igent.workflows.constellation import load_constellation
from igent.workflows.inputs import find_scenario, read_scenario
from igent.workflows.wiring import build_phases, build_tools

WRONG = [Violation("positive", "price", "-1 is not more than 0")]
OFFERS = {"OFFERS": ["S1", "S2"]}


def chat(*records: tuple[int, dict[str, Any], Sequence[Violation], Any], round_: int = 1) -> list[ChatMessage]:
    return [ChatMessage("system", "You match."), ChatMessage("user", batch_question(records, round_))]


def record(number: int, *, wrong: Sequence[Violation] = (), last: Any = None) -> Any:
    return number, {**OFFERS, "RECORD": {"id": f"R{number}", "text": "# RECORD 9\n```"}}, wrong, last


class Single:
    """Knows one record, and says what it saw of it."""

    def __init__(self) -> None:
        self.chats: list[Sequence[ChatMessage]] = []

    def record_id(self, messages: Sequence[ChatMessage]) -> str:
        found = re.findall(r'"id":"(R\d+)"', messages[-1].content)
        return found[0] if len(set(found)) == 1 else ""

    def answer(self, messages: Sequence[ChatMessage], random: Random, errors: float) -> str:
        self.chats.append(messages)
        value = {"of": self.record_id(messages), "chance": random.random()}
        return f"Well:\n```json\n{json.dumps(value)}\n```\nDone."


def answers_of(text: str) -> list[Any]:
    span = value_span(text)
    assert span
    value = json.loads(text[slice(*span)])
    assert isinstance(value, list)
    return value


def test_a_chat_about_one_record_is_no_batch():
    assert read_batch([ChatMessage("user", matcher_question({"RECORD": {"text": "\n# RECORD 1\n"}}))]) is None
    assert read_batch([]) is None


def test_each_record_is_asked_about_alone_and_keeps_its_number():
    single = Single()
    answer = Mocker(single).answer(chat(record(4), record(2)), {})
    assert [(value["number"], value["of"]) for value in answers_of(answer.text)] == [(4, "R4"), (2, "R2")]
    for messages in single.chats:
        assert [message.role for message in messages] == ["system", "user"]
        text = messages[-1].content
        assert text.count("## OFFERS\n") == text.count("## RECORD\n") == 1
        assert "\n# RECORD" not in text


def test_a_record_is_answered_as_it_is_without_a_batch():
    alone = Mocker(Single()).answer(
        [ChatMessage("system", "You match."), ChatMessage("user", matcher_question(record(2)[1]))], {}
    )
    together = Mocker(Single()).answer(chat(record(1), record(2)), {})
    (value,) = [value for value in answers_of(together.text) if value.pop("number") == 2]
    assert value == answers_of(f"[{alone.text[slice(*value_span(alone.text))]}]")[0]


def test_a_later_round_is_a_later_turn_of_each():
    single = Single()
    Mocker(single).answer(chat(record(1, wrong=WRONG, last={"of": "R1"}), record(2, wrong=WRONG), round_=3), {})
    first, second = single.chats
    assert [message.role for message in first] == ["system", "user", "assistant", "user", "assistant", "user"]
    assert '{"of":"R1"}' in first[2].content
    assert "-1 is not more than 0" in first[3].content
    assert "-1 is not more than 0" not in first[1].content
    assert "null" in second[2].content


def test_wrong_numbers_come_with_errors_and_fall_with_the_rounds():
    def kinds(errors: float, round_: int) -> Counter[str]:
        found: Counter[str] = Counter()
        for seed in range(300):
            batch = read_batch(chat(record(1), record(2), round_=round_))
            text = compose(batch, lambda messages: '{"a": 1}', Random(seed), errors)
            numbers = [value["number"] for value in answers_of(text)] if "{" in text else []
            found["dropped"] += len(set(numbers) | {3}) < 3 and 3 not in numbers
            found["doubled"] += len(set(numbers)) < len(numbers)
            found["misnumbered"] += 3 in numbers
        return found

    assert kinds(0.0, 1).total() == 0
    often, later = kinds(0.6, 1), kinds(0.6, 3)
    assert min(often["dropped"], often["doubled"], often["misnumbered"]) > 20
    assert later.total() < often.total() / 2


def test_what_is_no_json_is_left_out():
    batch = read_batch(chat(record(1), record(2)))
    text = compose(batch, lambda m: "I cannot." if "R1" in m[-1].content else '[{"a": 1}]', Random(0), 0.0)
    assert answers_of(text) == [{"number": 2, "a": 1}]


@pytest.mark.parametrize("errors", [0.0, 0.5])
async def test_a_whole_batch_of_a_workload_that_knows_no_batches(errors):
    constellation, config = load_constellation("p1m"), Settings(mock=True, mock_errors=errors)
    scenario = find_scenario(constellation.places, constellation.workload, None, "overlap_only")
    data = await read_scenario(constellation.workload, scenario)
    cases = [Case(r, data.reference, data.capacity, date(2025, 11, 1)) for r in data.records[:12]]
    model = MockModel(constellation.workload.mock, errors=errors)
    step = build_phases(constellation, config)[0].steps[0]
    step = replace(step, max_rounds=10, critic=None, matcher=replace(step.matcher, options={}))  # no token limit
    batch = BatchConversation(build_tools(model, constellation, config, SYSTEM_CLOCK), cases, step)
    results: dict[int, StepResult] = {}
    await batch.run(results.__setitem__)
    assert len(results) == 12
    for place, result in results.items():
        assert result.cause == "", result.reason
        if not result.verdict.no_match:
            assert result.verdict.value["registration_id"] == cases[place].record.id
    rounds = max(result.report.rounds for result in results.values())
    assert (rounds > 1) is (errors > 0)
    assert sum(result.report.calls for result in results.values()) == rounds
