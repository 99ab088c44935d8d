"""Fingerprints: what is stripped, what stays, and which references to elections are seen."""

from __future__ import annotations

import pytest
from crosswalk_kit import CONTEXT, election, option, provision

from igent.flow import Item, Lost
from igent.workloads.crosswalk.fingerprint import fingerprint
from igent.workloads.crosswalk.references import numbered, references, referred
from igent.workloads.crosswalk.steps import substantive


def print_of(text, title=""):
    return fingerprint({"section_title": title, "provision_text": text})


@pytest.mark.parametrize(
    ("text", "stripped"),
    [
        ("Q 1.04 Age", "age"),
        ("1.04 State", "state"),
        ("Section 1.04: Age", "age"),
        ("§ 2.01(a) Entry Dates", "entry dates"),
        ("(a) The Plan Year", "the plan year"),
        ("12. Loans", "loans"),
        ("Article IV Vesting", "vesting"),
        ("Loans are allowed.\nPage 12 of 80\nOne at a time.", "loans are allowed. one at a time"),
        ("Loans are allowed. Page 12", "loans are allowed"),
        ("Loans\n— 12 —\nare allowed", "loans are allowed"),
        ("© 2024 Summit Plan Documents, Inc. All rights reserved.\nLoans", "loans"),
        ("Copyright 2019 by Somebody\nLoans", "loans"),
        ("SAMPLE\nLoans are allowed", "loans are allowed"),
        ("*** DRAFT - CONFIDENTIAL ***\nLoans", "loans"),
        ("SPECIMEN - NOT FOR EXECUTION\nLoans", "loans"),
        ("A sample of Employees is drawn.", "a sample of employees is drawn"),
        ("Minimum age (check one):", "minimum age"),
        ("Classes (select all that apply) are", "classes are"),
        ("Vesting. Note to employer: see your counsel first. It is full.", "vesting. it is full"),
        ("Instructions: fill in with black ink.\nVesting", "vesting"),
        ("As provided by Harbor Trust Services, LLC the rate is 3%.", "as provided by the rate is 3%"),
        ("A form of Oakmere Pension Services and of Calloway's", "a form of and of"),
        ("The Trust Company holds it, a corporation", "the trust company holds it, a corporation"),
        ("the age elected in AA Q 2.01.", "the age [elected]"),
        ("of age as elected in AA Q 3.01 and AA Q 3.02", "of age [elected] and [elected]"),
        ("if elected in the Adoption Agreement Section 3, loans", "[elected], loans"),
        ("set as specified in Section 1.04 of the Adoption Agreement.", "set [elected]"),
        ("limits of Code §401(a)(9) hold", "limits of code §401(a)(9) hold"),
        ("as ERISA 203 requires", "as erisa 203 requires"),
        ("under Section 414(u) of the Code", "under section 414(u) of the code"),
        ("Code Section 411(a)(11).", "code section 411(a)(11)"),
        ("a plan under 401(k) rules", "a plan under 401(k) rules"),
        ("Treas. Reg. 1.401(k)-1(d)", "treas. reg. 1.401(k)-1(d)"),
        ("1,000 hours, 21 years, $5,000 or 3.5% of pay", "1,000 hours, 21 years, $5,000 or 3.5% of pay"),
        ("1.5 percent of pay", "1.5 percent of pay"),
        ("attain age 59 1/2 or 70.5", "attain age 59 1/2 or 70.5"),
        ("[X] (a) age 21 ____", "age 21"),
    ],
)  # fmt: skip
def test_what_is_stripped_and_what_stays(text, stripped):
    assert print_of(text) == stripped


def test_equal_numbers_do_not_make_questions_alike():
    """The case that fingerprints are there for: "Q 1.04 Age" once matched "1.04 State" at a similarity of 1.0."""
    age = fingerprint(election("source-aa-1.04", "1.04", section_title="Q 1.04 Age", field_label="1.04 Age",
                               provision_text="1.04 Age"))  # fmt: skip
    state = fingerprint(election("target-aa-1.04", "1.04", section_title="1.04 State", field_label="1.04 State",
                                 provision_text="Q 1.04 State"))  # fmt: skip
    assert (age, state) == ("age", "state")
    assert not set(age.split()) & set(state.split())


def test_the_words_of_options_and_the_title_count_once():
    data = election("e", "2.01", option("(a)", "age 18"), option("(b)", "[ 21 ] years", True, "21"))
    assert fingerprint(data) == "minimum age. age 18. [ 21 ] years"


def test_a_text_that_would_be_stripped_to_nothing_is_kept():
    assert print_of("Q 1.04") == "q 1.04"
    assert print_of("  ") == ""


def test_names_of_vendors_are_configurable():
    data = {"provision_text": "Summit Ridge's form of loan, by SUMMIT RIDGE"}
    assert fingerprint(data, vendors=("Summit Ridge",)) == "form of loan, by"


async def test_headings_leave_the_stream_and_empty_ones_are_lost():
    async def run(**fields):
        data = provision("s", **fields)
        return [made async for made in substantive(Item("s", data), CONTEXT)]

    assert await run(provision_classification="heading") == []
    (kept,) = await run()
    assert isinstance(kept, Item)
    assert (kept.id, kept.data["fingerprint"]) == ("s", "age. an employee must attain age 21")
    (lost,) = await run(text=" ", section_title="")
    assert isinstance(lost, Lost)
    assert "s has no text to compare" in lost.reason


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("as elected in AA Q 3.01", [("3.01",)]),
        ("elected in AA Q 3.08 and AA Q 1.03.", [("3.08",), ("1.03",)]),
        ("elected in AA Q 3.01 and 3.02(b)", [("3.01", "3.02(b)")]),
        ("elected in the Adoption Agreement Section 3", [("3",)]),
        ("Sections 4.01 and 4.02 of the Adoption Agreement", [("4.01", "4.02")]),
        ("Question 3.01 of the Adoption Agreement", [("3.01",)]),
        ("the Adoption Agreement, Section 5-2(a)", [("5-2(a)",)]),
        ("AA 3.01", [("3.01",)]),
        ("as the Employer elects; selected by the Employer in the Adoption Agreement", [()]),
        ("Adoption Agreement means the agreement.", []),
        ("Sections 2.01 and 2.02 are satisfied", []),
        ("under AAA 3.01 ratings", []),
        ("Code Section 401(a)(9)", []),
    ],
)
def test_references_to_elections(text, numbers):
    assert [one.numbers for one in references(text)] == numbers


@pytest.mark.parametrize(
    ("name", "number"),
    [("Q 3.01.", "3.01"), ("Section 3", "3"), ("PART 1 PLAN INFORMATION", "1"), ("3.01(B)", "3.01(b)"), ("IV", "")],
)
def test_numbers_of_questions(name, number):
    assert numbered(name) == number


def test_a_number_stands_for_one_election_for_all_below_it_or_for_the_one_it_is_in():
    known = [election(f"e{n}", n, parent_section=p) for n, p in (("3.01", "PART 3 X"), ("Q 3.02", ""), ("30.1", ""))]

    def ids(number):
        return [one["id"] for one in referred(number, known)]

    assert ids("3.02") == ["eQ 3.02"]
    assert ids("3") == ["e3.01", "eQ 3.02"]
    assert ids("3.01(b)") == ["e3.01"]
    assert ids("9.99") == []
