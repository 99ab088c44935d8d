"""The mock reads texts as a model does: right on every pair that can come, its right answers pass the rules, its wrong
ones do not."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import date
from random import Random
from typing import Any

import pytest
from crosswalk_documents import shipped
from pydantic import ValidationError

from igent.prompting.messages import batch_question, critic_question, feedback, matcher_question
from igent.types import Case, ChatMessage, JsonObject, Record, Violation
from igent.workloads.crosswalk.compatible import same_types
from igent.workloads.crosswalk.generate_pair import make_pair
from igent.workloads.crosswalk.mock import MOCK
from igent.workloads.crosswalk.mock_facts import facts
from igent.workloads.crosswalk.mock_faults import FAULTS
from igent.workloads.crosswalk.mock_judge import mapping, variance
from igent.workloads.crosswalk.schema import MappingAnswer, VarianceAnswer
from igent.workloads.crosswalk.workload import WORKLOAD

TRUTH = shipped("truth")
LARGE = make_pair((425, 507), (521, 235), 7)
JUDGED = ("match_type", "variance_type", "impact_level")
SYSTEM = ChatMessage("system", "You compare.")


def substantive(entries: list[JsonObject]) -> list[JsonObject]:
    return [entry for entry in entries if entry["provision_classification"] == "substantive"]


def case_of(source: JsonObject, target: JsonObject) -> Case:
    data = {"source": source, "target": target, "similarity": 0.8}
    return Case(Record(f"{source['id']}~{target['id']}", 0, data, "here"), None, {}, date(2026, 1, 1))


def violations(
    answer: JsonObject, case: Case, model: type[MappingAnswer | VarianceAnswer] = MappingAnswer
) -> list[Any]:
    try:
        value = model.model_validate(answer)
    except ValidationError as error:
        return error.errors()
    return [violation for rule in WORKLOAD.rules.values() for violation in rule(value, case)]


def shipped_pairs(part: str) -> Iterator[tuple[JsonObject, JsonObject]]:
    for source in substantive(shipped(f"source_{part}")):
        for target in substantive(shipped(f"target_{part}")):
            yield source, target


@pytest.mark.parametrize("part", ["bpd", "aa"])
def test_every_pair_of_the_shipped_plans_is_judged_as_the_truth_says(part: str) -> None:
    compared = 0
    for source, target in shipped_pairs(part):
        answer, true = mapping(source, target), TRUTH[part][source["id"]]
        assert answer["is_match"] == (true["target_id"] == target["id"]), (source["id"], target["id"])
        if answer["is_match"]:
            assert {field: answer[field] for field in JUDGED} == {field: true[field] for field in JUDGED}, source["id"]
        compared += same_types(source, target)
        assert not violations(answer, case_of(source, target)), answer
    assert compared > 50


@pytest.mark.parametrize("part", ["bpd", "aa"])
def test_it_is_right_on_a_large_pair(part: str) -> None:
    sources, targets = (substantive(LARGE.documents[f"{side}_{part}"]) for side in ("source", "target"))
    truth, by_id = LARGE.truth[part], {target["id"]: target for target in targets}
    for source in sources:
        true = truth[source["id"]]
        if true["target_id"]:
            target = by_id[true["target_id"]]
            answer = mapping(source, target)
            assert {field: answer[field] for field in JUDGED} == {field: true[field] for field in JUDGED}, source["id"]
            assert not violations(answer, case_of(source, target))
    random, wrong = Random(1), 0
    for _ in range(10_000):
        source, target = random.choice(sources), random.choice(targets)
        true = truth[source["id"]]["target_id"] == target["id"]
        wrong += mapping(source, target)["is_match"] != true
    assert wrong <= 10


def test_ids_and_numbers_of_sections_decide_nothing() -> None:
    source, target = next(
        p for p in shipped_pairs("bpd") if p[0]["id"] == "source-bpd-4.01" and p[1]["id"].endswith("-4.01")
    )
    hidden = [dict(p, id=name, section_number="9.99") for p, name in ((source, "x"), (target, "y"))]
    assert mapping(*hidden)["is_match"]
    assert mapping(*hidden)["variance_type"] == "design"


@pytest.mark.parametrize(
    ("source_id", "target_id"), [("bpd-1.04", "bpd-1.04"), ("bpd-4.05", "bpd-4.05"), ("aa-1.04", "aa-1.04")]
)
def test_the_same_number_or_heading_with_another_meaning_is_no_match(source_id: str, target_id: str) -> None:
    part = source_id.partition("-")[0]
    pair = next(
        p for p in shipped_pairs(part) if p[0]["id"] == f"source-{source_id}" and p[1]["id"] == f"target-{target_id}"
    )
    assert not mapping(*pair)["is_match"]


def test_texts_beyond_its_vocabulary_are_compared_by_their_words() -> None:
    first = {
        "id": "a",
        "provision_type": "other",
        "provision_text": "Quorum at trustee meetings is four persons present.",
    }
    near = dict(first, id="b", provision_text="Trustee meetings: the quorum is four present persons.")
    half = dict(
        first, id="c", provision_text="Quorum at meetings of each trustee is a majority of persons voting today."
    )
    far = dict(first, id="d", provision_text="Paper clips are bought in spring.")
    assert [mapping(first, other)["match_type"] for other in (near, half, far)] == ["exact", "abstain", "no_match"]
    for other in (near, half, far):
        assert not violations(mapping(first, other), case_of(first, other))


def pair_with_elections() -> tuple[JsonObject, JsonObject]:
    return next(p for p in shipped_pairs("aa") if p[0]["id"] == "source-aa-3.02" and p[1]["id"] == "target-aa-2.03")


def test_facts_are_numbers_with_units_whatever_the_spelling() -> None:
    written = "upon age twenty-one (21) and one thousand (1,000) hours, five percent (5%), within sixty (60) days"
    plain = "upon age 21 and 1,000 hours, 5%, within 60 days as Code Section 401(a)(9) and AA Q 3.01 say"
    assert facts(written) == facts(plain) == {("age", "21"), ("hours", "1000"), ("%", "5"), ("days", "60")}


@pytest.mark.parametrize(
    "values",
    [
        ("age 65", "age sixty-five (65)", "none"),
        ("age 65", "age 62", "design"),
        ("Roth: Yes", "Roth: No", "design"),
        ("quarterly: each quarter", "monthly: each month", "administrative"),
    ],
)
def test_instances_are_compared_by_what_was_elected(values: tuple[str, str, str]) -> None:
    source, target = (
        {"id": name, "provision_type": "normal_retirement_age", "provision_text": f"It is [elected: {value}].",
         "unresolved": []}
        for name, value in zip("st", values[:2], strict=True)
    )  # fmt: skip
    answer = variance(source, target)
    assert answer["variance_type"] == values[2]
    assert not violations(answer, case_of(source, target), VarianceAnswer)
    unclear = variance(source | {"unresolved": ["AA Q 9.01"]}, target)
    assert unclear["abstain_reason"]
    assert not violations(unclear, case_of(source, target), VarianceAnswer)


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_is_caught(fault: Any) -> None:
    bpd = [p for p in shipped_pairs("bpd") if p[0]["id"] in ("source-bpd-1.02", "source-bpd-4.01")]
    for source, target in [pair_with_elections(), *bpd]:
        for model, right in ((MappingAnswer, mapping(source, target)), (VarianceAnswer, variance(source, target))):
            if model is VarianceAnswer and not same_types(source, target):
                continue
            wrong = fault(right, Random(2))
            if isinstance(wrong, str):
                with pytest.raises(ValueError, match="Expecting"):
                    json.loads(wrong)
            else:
                assert violations(wrong, case_of(source, target), model), wrong


def answers_in(text: str) -> Any:
    found = re.findall(r"```json\n(.*?)\n```", text, re.DOTALL)
    assert len(found) == 1
    return json.loads(found[0])


def asked(schema: str = "mapping", start: str = "") -> tuple[Case, list[ChatMessage]]:
    case = case_of(*pair_with_elections())
    return case, [SYSTEM, ChatMessage("user", start + matcher_question(WORKLOAD.blocks(case, schema)))]


def test_a_prompt_of_one_pair_is_answered_with_one_object() -> None:
    case, chat = asked()
    answer = answers_in(MOCK.answer(chat, Random(0), 0.0))
    assert MOCK.record_id(chat) == case.record.id
    assert list(answer)[:4] == ["source_id", "target_id", "is_match", "match_type"]
    assert (answer["variance_type"], answer["option_compatibility"]) == ("design", "incompatible")
    assert not violations(answer, case)


def test_instances_are_answered_in_their_own_form() -> None:
    case, chat = asked("variance")
    answer = answers_in(MOCK.answer(chat, Random(0), 0.0))
    assert "match_type" not in answer
    assert not violations(answer, case, VarianceAnswer)


def test_a_batch_is_answered_with_an_array_of_all() -> None:
    cases = [case_of(*pair) for pair in list(shipped_pairs("bpd"))[:5]]
    records = [(n, WORKLOAD.blocks(case, "mapping"), (), None) for n, case in enumerate(cases, start=1)]
    chat = [SYSTEM, ChatMessage("user", batch_question(records))]
    answers = answers_in(MOCK.answer(chat, Random(0), 0.0))
    assert [answer["number"] for answer in answers] == [1, 2, 3, 4, 5]
    assert MOCK.record_id(chat) == cases[0].record.id
    for answer, case in zip(answers, cases, strict=True):
        assert not violations(answer, case)


def test_errors_come_at_their_rate_and_fall_with_feedback() -> None:
    case, chat = asked()
    again = feedback(WORKLOAD.blocks(case, "mapping"), [Violation("ids", "source_id", "is wrong")], None)
    later = [*chat, ChatMessage("assistant", "{}"), ChatMessage("user", again)]

    def wrong(messages: list[ChatMessage], errors: float) -> float:
        right = MOCK.answer(messages, Random(0), 0.0)
        return sum(MOCK.answer(messages, Random(n), errors) != right for n in range(600)) / 600

    assert wrong(chat, 0.0) == 0
    assert 0.35 < wrong(chat, 0.4) < 0.45
    assert 0.11 < wrong(later, 0.4) < 0.21


def test_a_critic_rejects_what_the_checks_or_the_texts_refuse() -> None:
    case, _ = asked()
    right, blocks = mapping(*pair_with_elections()), WORKLOAD.blocks(case, "mapping")

    def verdict(draft: Any, *found: Violation) -> JsonObject:
        chat = [SYSTEM, ChatMessage("user", critic_question(blocks, draft, found))]
        return answers_in(MOCK.answer(chat, Random(0), 0.9))

    assert verdict(right)["verdict"] == "approved"
    assert verdict(right | {"is_match": False})["verdict"] == "rejected"
    said = verdict(right, Violation("evidence", "evidence.0.quote", "is not in the text"))
    assert (said["verdict"], "evidence.0.quote" in said["feedback"]) == ("rejected", True)


def test_a_chat_without_a_pair_is_nobodys() -> None:
    chat = [SYSTEM, ChatMessage("user", "Hello."), ChatMessage("user", '## SOURCE\n```json\n"text"\n```\n')]
    assert MOCK.record_id(chat) == ""
    assert "no SOURCE" in MOCK.answer(chat, Random(0), 0.0)
