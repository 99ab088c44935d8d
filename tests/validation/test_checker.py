"""The checker: shapes, refusals, rules, and messages that a model can act on."""

from datetime import date
from typing import Literal

import pytest
from pydantic import BaseModel, ConfigDict

from igent.types import Case, Record, Violation
from igent.validation.checker import Checker


class Thing(BaseModel):
    model_config = ConfigDict(extra="ignore")
    name: str
    size: int
    kind: Literal["a", "b"] = "a"


class Nothing(BaseModel):
    name: str
    message: Literal["NONE"]


CASE = Case(Record("r1", 0, {}, "f:1"), None, {}, date(2026, 11, 23))


def too_big(answer, case):
    if answer.size > 10:
        yield Violation("too_big", "size", f"{answer.size} is more than 10")


def wrong_name(answer, case):
    if answer.name == "x":
        yield Violation("wrong_name", "name", "x is no name")


def checker(confirm=lambda case: ()):
    return Checker(Thing, {"too_big": too_big, "wrong_name": wrong_name}, Nothing, confirm)


@pytest.mark.parametrize(
    "value", [{"name": "n", "size": 1}, [{"name": "n", "size": "1"}], {"name": "n", "message": "NONE"}]
)
def test_one_object_or_an_array_of_one_is_accepted(value):
    assert checker().accepts(value)
    assert checker().verify(value, CASE).ok


@pytest.mark.parametrize(
    "value", [[], [1], [{"name": "n", "size": 1}] * 2, {"name": "n"}, {}, [[{"name": "n", "size": 1}]]]
)
def test_other_shapes_are_not(value):
    assert not checker().accepts(value)
    verdict = checker().verify(value, CASE)
    assert not verdict.ok
    assert {v.rule for v in verdict.violations} == {"schema"}


def test_values_come_out_as_the_schema_makes_them():
    verdict = checker().verify([{"name": "n", "size": "7", "more": 1}], CASE)
    assert verdict.value == {"name": "n", "size": 7, "kind": "a"}


def test_every_rule_speaks():
    verdict = checker().verify({"name": "x", "size": 11}, CASE)
    assert [v.rule for v in verdict.violations] == ["too_big", "wrong_name"]
    assert verdict.value == {"name": "x", "size": 11, "kind": "a"}


def test_schema_messages_name_field_and_value():
    verdict = checker().verify({"size": "many", "kind": "c"}, CASE)
    said = {v.field: v.message for v in verdict.violations}
    assert said["name"] == "is missing"
    assert "'many'" in said["size"]
    assert "'a' or 'b'" in said["kind"]
    assert "'c'" in said["kind"]


def test_a_long_wrong_value_is_shortened():
    verdict = checker().verify({"name": "n", "size": "9" * 5000 + "x"}, CASE)
    assert all(len(v.message) < 300 for v in verdict.violations)


def test_a_refusal_counts_only_where_it_is_confirmed():
    refusal = {"name": "n", "message": "NONE"}
    good = checker().verify(refusal, CASE)
    assert good.ok
    assert good.no_match
    bad = checker(lambda case: [Violation("refusal", "", "somebody fits")]).verify(refusal, CASE)
    assert not bad.ok
    assert bad.violations[0].message == "somebody fits"


def test_without_a_refusal_nobody_may_refuse():
    assert not Checker(Thing, {}).accepts({"name": "n", "message": "NONE"})


class Short(BaseModel):
    model_config = ConfigDict(extra="allow")
    size: int


def short_checker():
    def expand(value, case):
        return {"name": case.record.id, **value}

    return Checker(Thing, {"too_big": too_big, "wrong_name": wrong_name}, Nothing, lambda case: (), None, Short, expand)


@pytest.mark.parametrize(
    ("value", "name"), [({"size": "3"}, "r1"), ([{"size": 3}], "r1"), ({"size": 3, "name": "n", "kind": "a"}, "n")]
)
def test_a_short_answer_becomes_the_full_one(value, name):
    assert short_checker().accepts(value)
    verdict = short_checker().verify(value, CASE)
    assert (verdict.ok, verdict.value) == (True, {"name": name, "size": 3, "kind": "a"})


def test_what_a_short_answer_repeats_is_judged():
    verdict = short_checker().verify({"size": 3, "name": "x"}, CASE)
    assert [v.rule for v in verdict.violations] == ["wrong_name"]
    verdict = short_checker().verify({"size": 3, "kind": "z"}, CASE)
    assert [(v.rule, v.field) for v in verdict.violations] == [("schema", "kind")]


def test_what_a_short_answer_must_say_is_never_put_in():
    assert not short_checker().accepts({"name": "r1"})
    verdict = short_checker().verify({"name": "r1"}, CASE)
    assert [str(v) for v in verdict.violations] == ["size: is missing"]


def test_a_short_form_may_be_refused_as_well():
    assert short_checker().verify({"name": "r1", "message": "NONE"}, CASE).no_match


class Named(BaseModel):
    kind: Literal["b"]


def test_what_is_taken_out_of_an_answer_must_hold_as_well():
    made = Checker(Thing, {}, parts=[Named])
    assert made.verify({"name": "n", "size": 1, "kind": "b"}, CASE).ok
    verdict = made.verify({"name": "n", "size": 1, "kind": "a"}, CASE)
    assert [(v.rule, v.field) for v in verdict.violations] == [("schema", "kind")]
