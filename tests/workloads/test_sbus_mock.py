"""The mock reads prompts as a model does; its right answers pass the rules, its wrong ones are all caught."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError
from sbus_kit import SCENARIOS, case_of, cases, incentive, match_of

from igent.types import Case, ChatMessage, JsonObject, Violation
from igent.workloads.blocks import read_blocks
from igent.workloads.sbus.faults import FAULTS, PAYMENT_SPELLINGS
from igent.workloads.sbus.mock import SbusMock
from igent.workloads.sbus.workload import RULES, WORKLOAD

MOCK = SbusMock()
SYSTEM = ChatMessage("system", "You match.")
MATCH_RULES = ("registration", "served_area", "free_capacity", "offers_product", "lowest_use", "quantities", "product")
ORDER_RULES = ("same_match", "line_prices", "totals", "subsidies")


def message(blocks: Mapping[str, Any], start: str = "") -> ChatMessage:
    shown = "\n".join(f"## {heading}\n```json\n{json.dumps(value)}\n```\n" for heading, value in blocks.items())
    return ChatMessage("user", f"{start}{shown}\nAnswer now.\n")


def chat(case: Case, schema: str) -> list[ChatMessage]:
    return [SYSTEM, message(WORKLOAD.blocks(case, schema))]


def fenced(text: str) -> str:
    found = re.findall(r"```json\n(.*?)\n```", text, re.DOTALL)
    assert len(found) == 1
    return str(found[0])


def check(text: str, case: Case, schema: str) -> tuple[JsonObject | None, list[Violation]]:
    """What the engine does: JSON, schema, rules. (the answer or None, what is wrong)"""
    try:
        value = json.loads(fenced(text))
    except ValueError:
        return None, [Violation("json", "", "no JSON")]
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    refusal = WORKLOAD.refusal(schema)
    if refusal is not None and isinstance(value, dict) and "message" in value:
        return None, list(WORKLOAD.confirm_refusal(case))
    try:
        answer: BaseModel = WORKLOAD.schemas[schema].model_validate(value)
    except ValidationError as error:
        return None, [Violation("schema", "", str(error))]
    names = MATCH_RULES if schema == "match" else ORDER_RULES
    return answer.model_dump(mode="json"), [v for name in names for v in RULES[name](answer, case)]


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_right_answers_pass_the_rules_for_every_shipped_record(scenario: str) -> None:
    ends: Counter[str] = Counter()
    for case, schema in cases(scenario):
        assert case.record.problem is None
        text = MOCK.answer(chat(case, schema), Random(case.record.id), 0)
        answer, wrong = check(text, case, schema)
        assert not wrong
        assert answer is None or answer["supplier_id"] == case.earlier.get("match", answer)["supplier_id"]
        if schema == "match":
            ends["no_match" if answer is None else "done"] += 1
            assert (answer or {}).get("supplier_id") == WORKLOAD.predict(case)
    wanted = {"overlap_only": {"done": 100}, "full_dataset": {"done": 82, "no_match": 18}}
    assert sum(ends.values()) == (41 if scenario == "no_battery" else 100)
    assert ends == Counter(wanted.get(scenario, ends))
    assert scenario == "overlap_only" or ends["no_match"] > 3


def test_every_fault_is_caught_by_schema_or_rules() -> None:
    seen: Counter[str] = Counter()
    for place, (case, schema) in enumerate(cases("full_dataset")):
        text = fenced(MOCK.answer(chat(case, schema), Random(0), 0))
        right = json.loads(text)
        right = right[0] if isinstance(right, list) else right
        kind = "refusal" if "message" in right else schema
        for name, fault in FAULTS[kind].items():
            wrong = fault(right, case, Random(place))
            assert check(f"```json\n{wrong}\n```", case, schema)[1], (name, case.record.id, wrong)
            seen[name] += 1
    assert set(seen) == {name for faults in FAULTS.values() for name in faults}


def test_with_errors_some_are_wrong_and_all_wrong_ones_are_caught() -> None:
    wrong = harmless = 0
    for case, schema in cases("overlap_only"):
        text = MOCK.answer(chat(case, schema), Random(case.record.id), 0.3)
        answer, violations = check(text, case, schema)
        wrong += bool(violations)
        if not violations:
            harmless += '"num_panels": "' in text
            assert answer is not None
            assert schema != "match" or answer["supplier_id"] == WORKLOAD.predict(case)
    assert 35 < wrong < 85  # of 200, at 0.3
    assert harmless > 10


def test_the_same_chat_and_seed_give_the_same_answer() -> None:
    asked = chat(case_of(), "match")
    assert MOCK.answer(asked, Random(5), 0.5) == MOCK.answer(asked, Random(5), 0.5)
    assert len({MOCK.answer(asked, Random(n), 0.5) for n in range(20)}) > 5


def test_it_answers_like_a_model() -> None:
    texts = [MOCK.answer(chat(case_of(), "match"), Random(n), 0) for n in range(40)]
    arrays = [isinstance(json.loads(fenced(text)), list) for text in texts]
    assert any(arrays)
    assert not all(arrays)
    assert all(not text.startswith("```") and not text.endswith("```") for text in texts)


def test_nobody_fits() -> None:
    text = MOCK.answer(chat(case_of(Contact_Zip="12345"), "match"), Random(1), 0)
    assert json.loads(fenced(text)) == [{"registration_id": "SPUS10001", "message": "NO MATCH FOUND"}]


def feedback(case: Case) -> ChatMessage:
    return message({"VIOLATIONS": [{"field": "", "message": "no"}], **WORKLOAD.blocks(case, "match")}, "Again.\n\n")


def share_wrong(messages: list[ChatMessage], case: Case) -> int:
    return sum(bool(check(MOCK.answer(messages, Random(n), 0.5), case, "match")[1]) for n in range(150))


def test_feedback_helps_so_that_three_rounds_nearly_always_suffice() -> None:
    case = case_of()
    first = chat(case, "match")
    second = [*first, ChatMessage("assistant", "x"), feedback(case)]
    third = [*second, ChatMessage("assistant", "x"), feedback(case)]
    assert 55 < share_wrong(first, case) < 95  # a half
    assert 20 < share_wrong(second, case) < 55  # a quarter
    assert 6 < share_wrong(third, case) < 32  # an eighth


def test_in_one_shared_conversation_the_last_question_decides_and_starts_anew() -> None:
    case = case_of(incentives=[incentive()])
    match = match_of().model_dump(mode="json")
    ordered = replace(case, earlier={"match": match})
    asked = [*chat(case, "match"), ChatMessage("assistant", "x"), message(WORKLOAD.blocks(ordered, "purchase_order"))]
    assert "lines" in fenced(MOCK.answer(asked, Random(1), 0))
    wrong = sum(bool(check(MOCK.answer(asked, Random(n), 0.5), ordered, "purchase_order")[1]) for n in range(100))
    assert 33 < wrong < 67


def test_the_capacity_of_the_last_message_counts() -> None:
    early, late = case_of(), case_of(used={"S1": (5, 10)})
    asked = [*chat(early, "match"), ChatMessage("assistant", "x"), feedback(late)]
    assert '"supplier_id": "S2"' in MOCK.answer(asked, Random(1), 0)


@pytest.mark.parametrize("draft", [{"supplier_id": "S2"}, "no JSON at all ```"])
def test_a_critic_rejects_what_has_violations(draft: Any) -> None:
    violation = {"rule": "lowest_use", "field": "supplier_id", "message": "S2 is busier than S1"}
    blocks = {**WORKLOAD.blocks(case_of(), "match"), "DRAFT": draft, "VIOLATIONS": [violation]}
    verdict = json.loads(fenced(MOCK.answer([SYSTEM, message(blocks)], Random(1), 0.9)))
    assert verdict == {"verdict": "rejected", "feedback": "supplier_id: S2 is busier than S1."}


def test_a_critic_approves_what_has_none() -> None:
    asked = [SYSTEM, message({**WORKLOAD.blocks(case_of(), "match"), "DRAFT": {}, "VIOLATIONS": []})]
    assert json.loads(fenced(MOCK.answer(asked, Random(1), 0.9)))["verdict"] == "approved"
    assert MOCK.record_id(asked) == "SPUS10001"


def test_a_chat_about_nothing() -> None:
    for messages in ([], [SYSTEM], [SYSTEM, ChatMessage("user", "hello")]):
        assert MOCK.record_id(messages) == ""
        assert "REGISTRATION" in MOCK.answer(messages, Random(1), 0.5)


def test_blocks_are_read_whatever_the_heading_looks_like() -> None:
    text = '# REGISTRATION\n\n```json\n{"a": 1}\n```\n**OFFERS:**\n````\n[2]\n````\nCAPACITY\n```json\n{broken\n```\n'
    assert read_blocks(text) == {"REGISTRATION": {"a": 1}, "OFFERS": [2], "CAPACITY": "{broken\n"}


def test_spellings_are_a_dozen() -> None:
    assert len(PAYMENT_SPELLINGS) == 12
