"""Each rule of the crosswalk: what it lets through, and what it refuses with which words."""

from __future__ import annotations

import pytest
from crosswalk_kit import SOURCE, TARGET, answer, case_of, election, mapping, option, provision, variance
from pydantic import ValidationError

from igent.validation.checker import Checker
from igent.workloads.crosswalk.compatible import same_instance, same_types
from igent.workloads.crosswalk.rules import RULES
from igent.workloads.crosswalk.schema import MappingAnswer, VarianceAnswer

NO_MATCH = {
    "is_match": False, "match_type": "no_match", "target_id": None, "variance_type": "none", "impact_level": "none",
    "evidence": [{"side": "target", "quote": "may join the Plan"}],
}  # fmt: skip
ABSTAIN = NO_MATCH | {
    "evidence": [],
    "match_type": "abstain",
    "confidence_score": 0.4,
    "abstain_reason": "the schedule is missing",
}


def broken(said, case=None, schema=MappingAnswer):
    return Checker(schema, RULES).verify(said, case or case_of()).violations


def test_right_answers_pass():
    assert broken(answer()) == ()
    assert broken(answer(**NO_MATCH)) == ()
    assert broken(answer(**ABSTAIN)) == ()
    assert broken(answer(match_type="exact", variance_type="none", impact_level="none")) == ()
    assert broken(answer(variance_type="regulatory", regulatory_notes="Code §411 asks for it.")) == ()
    assert broken(answer(), schema=VarianceAnswer) == ()
    assert broken(answer(confidence_score=0.5, abstain_reason="unresolved", evidence=[]), schema=VarianceAnswer) == ()


@pytest.mark.parametrize(
    ("rule", "field", "fields", "words"),
    [
        ("ids", "source_id", {"source_id": "source-2"}, "'source-1': copy it"),
        ("ids", "target_id", {"target_id": "target-9"}, "'target-1': copy it"),
        ("ids", "target_id", {"target_id": None}, "is null, but the target's id is 'target-1'"),
        ("ids", "target_id", NO_MATCH | {"target_id": "target-1"}, "must be null"),
        ("match_type", "is_match", NO_MATCH | {"match_type": "exact"}, "is false, but match_type 'exact' means true"),
        ("match_type", "is_match", {"match_type": "no_match"}, "is true, but match_type 'no_match' means false"),
        ("exact", "impact_level", {"match_type": "exact", "variance_type": "none"}, "an exact match"),
        ("exact", "variance_type", {"match_type": "exact", "impact_level": "none"}, "or say compatible"),
        ("options", "impact_level", {"option_compatibility": "incompatible"}, '"medium" or "high"'),
        ("abstain", "abstain_reason", ABSTAIN | {"abstain_reason": " "}, "say what is missing"),
        ("regulatory", "regulatory_notes", {"variance_type": "regulatory"}, "name the requirement"),
        ("confidence", "confidence_score", {"confidence_score": 0.69}, 'below 0.70 answer "abstain"'),
        ("confidence", "confidence_score", NO_MATCH | {"confidence_score": 0.3}, "is 0.3 with 'no_match'"),
        ("confidence", "confidence_score", ABSTAIN | {"confidence_score": 0.7}, "from there on you decide"),
    ],
)
def test_each_rule_refuses(rule, field, fields, words):
    found = broken(answer(**fields))
    assert [(v.rule, v.field) for v in found] == [(rule, field)]
    assert words in found[0].message


@pytest.mark.parametrize("impact", ["medium", "high"])
def test_incompatible_options_with_an_impact_pass(impact):
    assert broken(answer(option_compatibility="incompatible", impact_level=impact)) == ()


def test_types_that_cannot_mean_the_same_are_no_match():
    case = case_of(target=TARGET | {"provision_type": "loan_provision"})
    (found,) = broken(answer(), case)
    assert (found.rule, found.field) == ("types", "match_type")
    assert "eligibility_rule and loan_provision cannot mean the same" in found.message
    assert broken(answer(**NO_MATCH), case) == ()


@pytest.mark.parametrize(
    ("left", "right", "alike"),
    [
        ("vesting_schedule", "vesting_schedule", True),
        ("eligibility_rule", "participation_rule", True),
        ("allocation_formula", "contribution_formula", True),
        ("eligibility_rule", "allocation_formula", False),
        ("participation_rule", "vesting_schedule", False),
        (None, "other", True),
        ("definition", None, False),
    ],
)
def test_compatible_types(left, right, alike):
    assert same_types({"provision_type": left}, {"provision_type": right}) is alike
    assert same_types({"provision_type": right}, {"provision_type": left}) is alike


def test_instances_are_paired_with_their_own_other_side_only():
    assert same_instance({"instance": "a"}, {"instance": "a"})
    assert not same_instance({"instance": "a"}, {"instance": "b"})
    assert not same_instance({}, {})


def quoted(*quotes, case=None):
    return [v for v in broken(answer(evidence=list(quotes)), case) if v.rule == "evidence"]


S = {"side": "source", "quote": "attain age 21"}
T = {"side": "target", "quote": "may join the Plan"}


@pytest.mark.parametrize(
    "quote",
    [
        "ATTAIN  age\n21",  # spaces and capitals do not count
        '"attain age 21,"',  # nor does what stands around the quote
        "attain age 21, as elected in AA Q 2.01",
        "an employee must attain age 21, as elected in AA Q 2.01.",  # eleven words
    ],
)
def test_quotes_that_stand_in_the_text(quote):
    assert quoted({"side": "source", "quote": quote}, T) == []


def test_typographic_quotes_and_line_breaks_are_like_the_plain_ones():
    assert quoted(S, {"side": "target", "quote": 'reached "age twenty-one" may join'}) == []


@pytest.mark.parametrize(
    ("quote", "words"),
    [
        ("must attain age 18", "is not in the source's text: copy it word for word"),
        ("attain age 2", "is not in"),  # words are whole
        ("ttain age 21", "is not in"),
        ("attain age 21 as elected", "is not in"),  # punctuation inside counts
        ("", "is not in"),
        ("...", "is not in"),
        ("may join the Plan", "is not in the source's text"),  # it is the target's
        (" ".join(["age"] * 13), "has 13 words, 12 are allowed"),
    ],
)
def test_quotes_that_do_not(quote, words):
    found = quoted(S, T, {"side": "source", "quote": quote})
    assert found
    assert words in found[0].message
    assert found[0].field == "evidence.2.quote"


def test_a_match_quotes_both_sides():
    assert "of the source and the target" in quoted()[0].message
    assert "of the target:" in quoted(S)[0].message
    assert "of the source:" in quoted(T)[0].message
    assert quoted("attain age 21", "may join the Plan") == []  # a text alone: whichever side has it


def test_a_no_match_quotes_the_target_that_it_refuses():
    for evidence in ([], [S]):
        (found,) = broken(answer(**NO_MATCH | {"evidence": evidence}))
        assert (found.rule, found.field) == ("evidence", "evidence")
        assert "of the target: a no_match quotes what it refuses" in found.message
    assert broken(answer(**NO_MATCH | {"evidence": [T]})) == ()


def test_options_and_labels_of_elections_may_be_quoted():
    source = election("source-1", "2.01", option("(c)", "age 21 or older", True), option("(d)", "other", False, "26"))
    case = case_of(source, provision("target-1", "The age is 21."))
    for quote in ("Minimum Age", "age 21 or older", "26"):
        assert quoted({"side": "source", "quote": quote}, {"side": "target", "quote": "age is 21"}, case=case) == []


def test_a_variance_without_difference_has_no_impact():
    (found,) = broken(answer(variance_type="none"), schema=VarianceAnswer)
    assert (found.rule, found.field) == ("exact", "impact_level")
    assert "or name the variance_type" in found.message


def test_a_variance_with_little_confidence_says_what_is_missing():
    (found,) = broken(answer(confidence_score=0.5), schema=VarianceAnswer)
    assert found.message == "is 0.5: below 0.70 give an abstain_reason"


@pytest.mark.parametrize("score", [-0.01, 1.01, "much", float("nan")])
@pytest.mark.parametrize("field", ["llm_similarity", "confidence_score"])
def test_scores_lie_between_0_and_1(field, score):
    with pytest.raises(ValidationError):
        mapping(**{field: score})
    with pytest.raises(ValidationError):
        variance(**{field: score})


@pytest.mark.parametrize("field", ["match_type", "variance_type", "impact_level", "option_compatibility"])
def test_words_outside_the_enumerations_are_refused(field):
    with pytest.raises(ValidationError):
        mapping(**{field: "maybe"})


def test_null_may_be_written_as_a_word():
    assert mapping(**NO_MATCH | {"target_id": "null"}).target_id is None
    assert mapping(regulatory_notes=None).regulatory_notes == ""


def test_the_source_may_be_about_anything_the_rules_only_read():
    before = dict(SOURCE)
    broken(answer())
    assert before == SOURCE
