"""Outcomes and answers survive the journal exactly; a request's key tells calls apart."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from igent.errors import RunFolderError
from igent.outcome import Outcome, PhaseTiming, StepReport
from igent.types import CallContext, ChatMessage, ChatRequest, Completion, Usage, Violation
from igent.writing.entries import (
    answer_from_entry,
    answer_to_entry,
    outcome_from_entry,
    outcome_to_entry,
    request_key,
)
from igent.writing.lines import from_line, to_line

texts = st.text(max_size=12)
counts = st.integers(0, 10**6)
seconds = st.floats(0, 1e6)
usages = st.builds(Usage, counts, counts, st.booleans())
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda v: st.lists(v, max_size=3) | st.dictionaries(texts, v, max_size=3),
    max_leaves=5,
)
steps = st.builds(
    StepReport,
    phase=texts,
    step=texts,
    agent=texts,
    model=texts,
    critic=st.sampled_from(["skipped", "approved", "rejected", "none"]),
    rounds=counts,
    usage=usages,
    prompt_checksum=texts,
    speculation=st.sampled_from(["hit", "miss", "none"]),
    calls=counts,
    critic_calls=counts,
    cut=counts,
    retries=counts,
    rate_limited=counts,
    recalled=counts,
    invalid_drafts=counts,
)
outcomes = st.builds(
    Outcome,
    record_id=texts,
    index=counts,
    status=st.sampled_from(["done", "no_match", "failed"]),
    reason=texts,
    cause=texts,
    steps=st.lists(steps, max_size=2).map(tuple),
    outputs=st.dictionaries(texts, st.dictionaries(texts, json_values, max_size=3), max_size=2),
    takes=st.none() | texts,
    violations=st.lists(st.builds(Violation, texts, texts, texts), max_size=2).map(tuple),
    timings=st.dictionaries(texts, st.builds(PhaseTiming, *[seconds] * 5), max_size=2),
    total_seconds=seconds,
)
completions = st.builds(
    Completion,
    text=texts,
    usage=usages,
    finish=st.sampled_from(["stop", "cut", "length", "content_filter", "unknown"]),
    model=texts,
    first_token_seconds=seconds,
    seconds=seconds,
    retries=counts,
    rate_limited=counts,
    recalled=st.booleans(),
    value=json_values,
)


def request(**changes: Any) -> ChatRequest:
    messages = (ChatMessage("system", "Match."), ChatMessage("user", "A registration"))
    return replace(ChatRequest("gpt-4o", messages, CallContext("SPUS00001", "matches", "matcher1")), **changes)


def through(entry: dict[str, Any]) -> dict[str, Any]:
    read = from_line(to_line(entry))
    assert read is not None
    return read


@given(outcomes)
@settings(max_examples=60, deadline=None)
def test_every_outcome_comes_back_exactly(outcome: Outcome) -> None:
    assert repr(outcome_from_entry(through(outcome_to_entry(outcome)))) == repr(outcome)


@given(completions)
@settings(max_examples=80, deadline=None)
def test_every_answer_comes_back_exactly_but_marked_as_recalled_and_unread(completion: Completion) -> None:
    key, answer = answer_from_entry(through(answer_to_entry(request(), completion)))
    assert key == request_key(request())
    assert repr(answer) == repr(replace(completion, recalled=True, value=None))


def test_an_outcome_entry_has_every_field_and_its_kind() -> None:
    entry = outcome_to_entry(Outcome("r1", 0, "done"))
    assert set(entry) == {"kind", *(field.name for field in fields(Outcome))}
    assert entry["kind"] == "outcome"


def test_an_answer_entry_can_be_found_by_eye() -> None:
    entry = answer_to_entry(request(), Completion("{}", Usage(), "stop", "m"))
    del entry["completion"]
    assert entry == {
        "kind": "answer",
        "key": request_key(request()),
        "record_id": "SPUS00001",
        "step": "matches",
        "agent": "matcher1",
        "round": 1,
        "model": "gpt-4o",
    }


def test_fields_of_another_version_are_left_out_or_filled_in() -> None:
    entry = outcome_to_entry(Outcome("r1", 0, "done"))
    entry["unheard_of"] = 1
    del entry["cause"]
    assert outcome_from_entry(entry) == Outcome("r1", 0, "done")


@pytest.mark.parametrize(
    "change", [{"status": "lost"}, {"steps": None}, {"steps": [{}]}, {"timings": []}, {"violations": [1]}]
)
def test_an_entry_of_another_shape_names_the_record(change: dict[str, Any]) -> None:
    with pytest.raises(RunFolderError, match=r"outcome of record r1 .*--fresh"):
        outcome_from_entry({**outcome_to_entry(Outcome("r1", 0, "done")), **change})
    with pytest.raises(RunFolderError, match="answer of record r1"):
        answer_from_entry({"kind": "answer", "record_id": "r1", "key": None, "completion": {"text": ""}})


def test_the_key_is_stable_and_readable() -> None:
    assert request_key(request()).rpartition("/")[0] == "SPUS00001/matches/matcher1/1/gpt-4o"
    assert request_key(request()) == request_key(request(options={"temperature": 1}))
    assert len(request_key(request()).rpartition("/")[2]) == 16


def test_every_part_of_a_call_changes_its_key() -> None:
    base = request()
    asked_again = (*base.messages, ChatMessage("assistant", "{}"), ChatMessage("user", "No."))
    others = [
        base,
        request(model="gpt-4o-mini"),
        request(messages=asked_again),
        request(messages=(ChatMessage("user", "Match."), ChatMessage("user", "A registration"))),
        request(messages=(ChatMessage("system", "Match.A"), ChatMessage("user", " registration"))),
        request(messages=(ChatMessage("system", "Match.\ud800"), ChatMessage("user", "A registration"))),
        request(context=CallContext("SPUS00002", "matches", "matcher1")),
        request(context=CallContext("SPUS00001", "pos", "matcher1")),
        request(context=CallContext("SPUS00001", "matches", "critic")),
        request(context=CallContext("SPUS00001/matches", "", "matcher1")),
    ]
    assert len({request_key(other) for other in others}) == len(others)
    assert request_key(others[2]).split("/")[3] == "2"
