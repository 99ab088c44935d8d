"""The reduce steps after the crosswalks: confirm, merge, variances."""

from __future__ import annotations

import pytest
from crosswalk_kit import CONTEXT, answer, election, entry_item, option, provision, stream

from igent.flow import Item, Lost
from igent.workloads.crosswalk.confirm import confirm
from igent.workloads.crosswalk.instances import merge_source, merge_target, variances
from igent.workloads.crosswalk.rows import crosswalk, crosswalk_aa

TWO = "Age and service are those elected in AA Q 2.01 and AA Q 2.02."
SOURCE_AA = [
    election("s-aa-2.01", "2.01", option("(a)", "age 18"), option("(b)", "age 21", True)),
    election("s-aa-2.02", "2.02", option("(a)", "[ 6 ] months", True, "6"), field_label="Service"),
]
TARGET_AA = [election("t-aa-1.04", "1.04", option("(1)", "age twenty-one (21)", True))]


async def bpd_rows(source_text, target_text="The age is reached.", match=True, **entry):
    source, target = [provision("s", source_text)], [provision("t", target_text)]
    entries = [entry_item("s", "t" if match else None, confidence_score=0.9, impact_level="none", **entry)]
    entries[0].data["variance_type"] = "none"
    return await crosswalk([stream(source), stream(entries), stream(target), stream(target)], CONTEXT)


async def aa_rows(*pairs):
    mapped = dict(pairs)
    entries = [entry_item(one["id"], mapped.get(one["id"])) for one in SOURCE_AA]
    streams = [stream(SOURCE_AA), stream(entries), stream(TARGET_AA), stream(TARGET_AA)]
    return await crosswalk_aa(streams, CONTEXT)


async def confirmed(rows, elections, source_aa=SOURCE_AA, target_aa=TARGET_AA):
    streams = [stream(rows), stream(elections), stream(source_aa), stream(target_aa)]
    return await confirm(streams, CONTEXT)


AGE = ("s-aa-2.01", "t-aa-1.04")


@pytest.mark.parametrize(
    ("text", "mapped", "status", "confidence", "review"),
    [
        ("An Employee must be 21.", [], "confirmed", 0.90, False),
        ("The age elected in AA Q 2.01.", [AGE], "confirmed", 0.90, False),
        ("The age elected in AA Q 2.01.", [], "blocked", 0.50, True),
        (TWO, [AGE], "conditional", 0.90, True),
        (TWO, [], "blocked", 0.50, True),
        ("The age elected in AA Q 9.99.", [AGE], "pending", 0.75, True),
        ("The age elected in the Adoption Agreement.", [AGE], "pending", 0.75, True),
        ("The age elected in AA Q 2.01 and AA Q 9.99.", [AGE], "conditional", 0.90, True),
        ("The age elected in AA Q 2.01 and AA Q 9.99.", [], "blocked", 0.50, True),
        ("All elected in AA Section 2.", [AGE], "conditional", 0.90, True),
    ],
)
async def test_a_match_holds_as_far_as_its_elections_are_mapped(text, mapped, status, confidence, review):
    (item, *_) = await confirmed(await bpd_rows(text), await aa_rows(*mapped))
    row = item.data
    assert (row["status"], row["confidence_score"], row["needs_review"]) == (status, confidence, review)
    assert row["model_confidence"] == 0.90


async def test_without_adoption_agreements_what_refers_to_them_stays_pending():
    (item, *_) = await confirmed(await bpd_rows("The age elected in AA Q 2.01."), [], [], [])
    assert (item.data["status"], item.data["confidence_score"]) == ("pending", 0.75)
    assert item.data["review_reasons"] == ["it refers to elections, but no election is known for '2.01'"]


async def test_references_of_the_target_are_to_the_targets_elections():
    rows = await bpd_rows("Age 21.", "The age, as specified in Section 1.04 of the Adoption Agreement.")
    (item, *_) = await confirmed(rows, await aa_rows(AGE))
    assert item.data["status"] == "confirmed"
    assert item.data["elections"] == {"mapped": ["t-aa-1.04"], "unmapped": [], "unknown": []}
    (item, *_) = await confirmed(rows, await aa_rows())
    assert item.data["status"] == "blocked"
    assert "t-aa-1.04 not mapped" in item.data["review_reasons"][0]


async def test_what_is_no_match_stays_as_it_is():
    rows = await bpd_rows("The age elected in AA Q 2.01.", match=False)
    for before, after in zip(rows, await confirmed(rows, await aa_rows()), strict=True):
        assert {key: after.data[key] for key in before.data} == before.data


async def test_a_confidence_never_falls_below_zero_and_old_doubts_stay():
    rows = await bpd_rows(
        "The age elected in AA Q 2.01.", review_reasons=["a doubt", "the confidence is 0.30, below 0.70"]
    )
    rows[0].data["confidence_score"] = 0.30
    (item, *_) = await confirmed(rows, await aa_rows())
    assert item.data["confidence_score"] == 0
    assert item.data["review_reasons"][0] == "a doubt"
    assert item.data["review_reasons"][-1] == "the confidence is 0.00, below 0.70"
    assert not any("0.30" in reason for reason in item.data["review_reasons"])


async def merged(source_text, target_text="At 21.", mapped=(AGE,), source_aa=SOURCE_AA):
    rows = await confirmed(await bpd_rows(source_text, target_text), await aa_rows(*mapped), source_aa)
    source = await merge_source([stream(rows), stream(source_aa)], CONTEXT)
    target = await merge_target([stream(rows), stream(TARGET_AA)], CONTEXT)
    return source, target


async def test_what_was_elected_is_put_into_both_texts():
    (source,), (target,) = await merged(
        "An Employee joins at the age elected in AA Q 2.01.",
        "Nobody joins before the birthday, as specified in Section 1.04 of the Adoption Agreement.",
    )
    assert source.data["provision_text"] == "An Employee joins at the age [elected: age 21]."
    assert target.data["provision_text"] == "Nobody joins before the birthday, [elected: age twenty-one (21)]."
    assert source.id == target.id == source.data["instance"] == target.data["instance"] == "s"
    assert (source.data["id"], target.data["id"]) == ("s", "t")
    assert source.data["fingerprint"] == "age. an employee joins at the age [elected: age 21]"
    assert source.data["unresolved"] == []


async def test_several_elections_are_named_and_blanks_filled():
    (source,), _ = await merged("All that is elected in AA Section 2 applies.")
    assert source.data["provision_text"] == ("All that is [elected: Minimum Age: age 21; Service: 6 months] applies.")


@pytest.mark.parametrize(
    ("chosen", "text"),
    [
        ([option("(a)", "another date: ____", True, "June 30")], "another date: June 30"),
        ([option("(a)", "other", True, "June 30")], "other: June 30"),
        ([option("", "June 30", True, "June 30")], "June 30"),
        ([option("(a)", "", True)], "(a)"),
        ([option("(a)", "x", True), option("(b)", "y", True)], "x and y"),
        ([option("(a)", "x")], "nothing"),
    ],
)
async def test_values_of_an_election(chosen, text):
    given = [election("s-aa-2.01", "2.01", *chosen, kind="multi_select"), SOURCE_AA[1]]
    (source,), _ = await merged("elected in AA Q 2.01", source_aa=given)
    assert source.data["provision_text"] == f"[elected: {text}]"
    assert bool(source.data["unresolved"]) is (text == "nothing")


async def test_what_is_not_clear_says_so():
    given = [election("s-aa-2.01", "2.01", option("(a)", "x", True), status="conflict"), SOURCE_AA[1]]
    (source,), _ = await merged("The age elected in AA Q 2.01 and AA Q 7.77.", source_aa=given)
    assert source.data["provision_text"] == ("The age [elected: conflict: x] and [elected, but not known: AA Q 7.77].")
    assert source.data["unresolved"] == ["elected in AA Q 2.01", "AA Q 7.77"]


@pytest.mark.parametrize("text", ["An Employee must be 21.", "The age elected in AA Q 9.99."])
async def test_without_a_known_election_there_is_nothing_to_merge(text):
    assert await merged(text) == ([], [])


async def test_what_is_blocked_is_not_merged():
    assert await merged("The age elected in AA Q 2.01.", mapped=()) == ([], [])


def answered(source, target, **fields):
    said = answer(source_id="s", target_id="t", **fields)
    data = {"source": source.data, "target": target.data, "similarity": 0.83333, "instance_variances": said}
    return Item("s→t", data)


async def test_each_instance_has_one_row():
    source, target = await merged("The age elected in AA Q 2.01.")
    pair = answered(source[0], target[0], impact_level="high")
    (row,) = await variances([stream(source), stream(target), stream([pair])], CONTEXT)
    assert (row.id, row.data["source_id"], row.data["target_id"]) == ("s", "s", "t")
    assert row.data["source_instance"] == "The age [elected: age 21]."
    assert (row.data["embedding_similarity"], row.data["impact_level"]) == (0.8333, "high")
    assert row.data["review_reasons"] == ["the impact is high"]


async def test_an_instance_that_was_lost_is_a_row_that_says_so():
    source, target = await merged("The age elected in AA Q 2.01.")
    lost = [Lost("s→t", "verify_instances", "HTTP 500", {"source": source[0].data, "target": target[0].data})]
    source[0].data["unresolved"] = ["AA Q 2.02"]
    (row,) = await variances([stream(source), stream(target), stream([], lost)], CONTEXT)
    assert row.data["variance_type"] is row.data["impact_level"] is None
    assert row.data["review_reasons"] == [
        "lost in verify_instances: HTTP 500",
        "source: the election is not clear: AA Q 2.02",
    ]


async def test_doubts_of_a_variance_are_flagged():
    given = [election("s-aa-2.01", "2.01", option("(a)", "x", True), status="ambiguous"), SOURCE_AA[1]]
    source, target = await merged("The age elected in AA Q 2.01.", source_aa=given)
    pair = answered(source[0], target[0], confidence_score=0.5, abstain_reason="which age")
    (row,) = await variances([stream(source), stream(target), stream([pair])], CONTEXT)
    assert row.data["review_reasons"] == [
        "source: the election is not clear: elected in AA Q 2.01",
        "the model left it undecided: which age",
        "the confidence is 0.50, below 0.70",
    ]
