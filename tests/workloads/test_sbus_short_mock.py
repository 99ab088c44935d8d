"""The mock gives short answers to prompts that ask for them; its right ones pass, its wrong ones are all caught."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sbus_kit import SCENARIOS, case_of, cases, checker_of, incentive

from igent.models.tokens import count_text
from igent.prompting.messages import critic_question, feedback, matcher_question
from igent.types import Case, ChatMessage, JsonObject, Verdict
from igent.workloads.sbus.mock import SbusMock
from igent.workloads.sbus.predict import request_of
from igent.workloads.sbus.short import SHORT, shorten
from igent.workloads.sbus.short_faults import REPEATED, SHORT_FAULTS
from igent.workloads.sbus.workload import WORKLOAD

MOCK = SbusMock()
PROMPTS = Path(__file__).parents[2] / "prompts" / "sbus"
STEPS = {
    "match": ("fast_matcher1", checker_of("p1m1m2c_fast", "matches")),
    "purchase_order": ("fast_matcher2", checker_of("p1m1m2c_fast", "pos")),
    "match_and_order": ("matcher", checker_of("p1m", "pos")),
}


def asked(scenario: str) -> Iterator[tuple[Case, str]]:
    """Every case of a scenario with the kind of question; those of a match also as a question for both at once."""
    for case, schema in cases(scenario):
        yield case, schema
        if schema == "match":
            yield case, "match_and_order"


def chat(case: Case, kind: str) -> list[ChatMessage]:
    prompt = (PROMPTS / f"{STEPS[kind][0]}.md").read_text(encoding="utf-8")
    schema = "match" if kind == "match" else "purchase_order"
    question = matcher_question(WORKLOAD.blocks(case, schema))
    return [ChatMessage("system", prompt), ChatMessage("user", question)]


def body(text: str) -> str:
    found = re.findall(r"^```json\n(.*?)\n```$", text, re.DOTALL | re.MULTILINE)
    assert len(found) == 1
    return str(found[0])


def judged(text: str, case: Case, kind: str) -> Verdict | None:
    """What the engine makes of the JSON; None where it cannot be read."""
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return STEPS[kind][1].verify(value, case)


def value_of(text: str) -> JsonObject:
    value = json.loads(body(text))
    return dict(value[0] if isinstance(value, list) else value)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_right_answers_are_short_pass_and_are_what_is_expected(scenario: str) -> None:
    for case, kind in asked(scenario):
        text = MOCK.answer(chat(case, kind), Random(case.record.id), 0)
        verdict = judged(body(text), case, kind)
        assert verdict is not None
        assert verdict.ok, (kind, verdict.violations)
        answer, value = value_of(text), dict(verdict.value or {})
        expected = WORKLOAD.expect(case, "match" if kind == "match" else "purchase_order")
        assert "message" in answer or "registration_id" not in answer
        if expected is not None:
            prose = {"reasoning"} & expected.keys()
            assert {k: v for k, v in value.items() if k not in prose} == {
                k: v for k, v in expected.items() if k not in prose
            }


@pytest.mark.parametrize(("kind", "limit"), [("match", 60), ("purchase_order", 100), ("match_and_order", 120)])
def test_they_are_terse_to_the_end_of_the_json(kind: str, limit: int) -> None:
    for case, found in asked("overlap_only"):
        if found == kind:
            text = MOCK.answer(chat(case, kind), Random(case.record.id), 0)
            assert count_text(text[: text.rindex("```")]) <= limit
            assert "\n" not in body(text)


def test_the_form_is_read_from_an_example_or_a_schema() -> None:
    case = case_of()
    blocks = matcher_question(WORKLOAD.blocks(case, "match"))

    def fields(form: Any) -> set[str]:
        system = f"Answer in one ```json block:\n\n```json\n{json.dumps(form)}\n```\n"
        chat = [ChatMessage("system", system), ChatMessage("user", blocks)]
        return set(value_of(MOCK.answer(chat, Random(3), 0)))

    short, full = {"supplier_id", "reasoning"}, set(WORKLOAD.schemas["match"].model_fields)
    assert fields(SHORT["match"].model_json_schema()) == short
    assert fields(WORKLOAD.schemas["match"].model_json_schema()) == full
    assert fields({"supplier_id": "…", "reasoning": "…"}) == short
    assert fields([{"registration_id": "…", "supplier_id": "…"}]) == full
    assert fields({"verdict": "approved"}) == full


def test_without_a_form_one_call_for_both_is_answered_in_full() -> None:
    case = case_of(incentives=[incentive()])
    blocks = matcher_question(WORKLOAD.blocks(case, "purchase_order"))
    answer = value_of(MOCK.answer([ChatMessage("user", blocks)], Random(1), 0))
    assert answer == WORKLOAD.expect(case, "purchase_order")


def test_every_fault_is_caught_by_schema_or_rules() -> None:
    seen: Counter[str] = Counter()
    for place, (case, kind) in enumerate(asked("full_dataset")):
        right = value_of(MOCK.answer(chat(case, kind), Random(0), 0))
        for name, fault in SHORT_FAULTS["refusal" if "message" in right else kind].items():
            text = fault(right, case, Random(place))
            verdict = judged(text, case, kind)
            assert verdict is None or verdict.violations, (name, case.record.id, text)
            seen[name] += 1
    assert set(seen) == {name for faults in SHORT_FAULTS.values() for name in faults}


@pytest.mark.parametrize("field", REPEATED)
def test_each_field_that_is_repeated_wrongly_is_caught(field: str) -> None:
    for fields in ({}, {"Proposal_OptimalAmountOfBatteries": 1}, {"CampaignName": None}):
        case = case_of(incentives=[incentive()], **fields)
        wrong = REPEATED[field](request_of(case), Random(1))
        assert wrong != (WORKLOAD.expect(case, "match") or {})[field]
        for kind in ("match", "match_and_order"):
            right = value_of(MOCK.answer(chat(case, kind), Random(0), 0))
            verdict = judged(json.dumps({**right, field: wrong}), case, kind)
            assert verdict is not None
            assert verdict.violations


def test_with_errors_some_are_wrong_and_numbers_as_strings_do_no_harm() -> None:
    wrong = harmless = total = 0
    for case, kind in asked("overlap_only"):
        text = body(MOCK.answer(chat(case, kind), Random(case.record.id + kind), 0.3))
        verdict = judged(text, case, kind)
        total += 1
        wrong += verdict is None or not verdict.ok
        harmless += verdict is not None and verdict.ok and '"price":"' in text
    assert total == 300
    assert 55 < wrong < 125  # of 300, at 0.3
    assert harmless > 20


def test_the_next_round_is_short_again() -> None:
    case = case_of()
    first = chat(case, "match")
    violations = STEPS["match"][1].verify({"supplier_id": "S2", "reasoning": "x"}, case).violations
    again = ChatMessage("user", feedback(WORKLOAD.blocks(case, "match"), violations, None))
    answer = value_of(MOCK.answer([*first, ChatMessage("assistant", "x"), again], Random(1), 0))
    assert answer.keys() == {"supplier_id", "reasoning"}
    assert answer["supplier_id"] == "S1"


@pytest.mark.parametrize("draft", [{"supplier_id": "S2", "reasoning": "x"}, {"supplier_id": "S1", "num_panels": 9}])
def test_a_critic_is_shown_a_short_or_an_expanded_draft(draft: JsonObject) -> None:
    case = case_of()
    critic = ChatMessage("system", (PROMPTS / "fast_critic.md").read_text(encoding="utf-8"))
    blocks = WORKLOAD.blocks(case, "match")
    verdict = STEPS["match"][1].verify({"reasoning": "x", **draft}, case)
    assert verdict.violations
    for shown in (draft, verdict.value):
        question = ChatMessage("user", critic_question(blocks, shown, verdict.violations))
        said = json.loads(body(MOCK.answer([critic, question], Random(1), 0.9)))
        assert said["verdict"] == "rejected"
        assert verdict.violations[0].field in said["feedback"]


@pytest.mark.parametrize("fence", ["\n```", ""], ids=["whole", "stopped at the fence"])
def test_in_a_plain_team_a_critic_reads_a_short_draft_of_a_teammate(fence: str) -> None:
    case = replace(case_of(incentives=[incentive()]), earlier={})
    for kind, schema in (("match", "match"), ("match_and_order", "purchase_order")):
        question = chat(case, kind)[1]
        right = shorten(WORKLOAD.expect(case, schema) or {}, matched=False)
        for draft, word in ((right, "APPROVED"), ({**right, "supplier_id": "S3"}, "REJECTED")):
            teammate = ChatMessage("user", f"Here it is.\n\n```json\n{json.dumps(draft)}{fence}")
            text = MOCK.answer([ChatMessage("system", "You review."), question, teammate], Random(1), 0)
            assert word in text
