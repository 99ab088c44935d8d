"""The reduce `crosswalk`: every source provision has one row, every target is matched or new, and the counts add up."""

from __future__ import annotations

import pytest
from crosswalk_kit import CONTEXT, entry_item, provision, stream
from hypothesis import given, settings
from hypothesis import strategies as st

from igent.flow import Lost
from igent.workloads.crosswalk.rows import crosswalk, crosswalk_aa
from igent.workloads.crosswalk.select import no_entry


def sources(count, heading=()):
    kinds = dict.fromkeys(heading, "heading")
    return [
        provision(f"s{n}", provision_classification=kinds.get(n, "substantive"), document="source.pdf")
        for n in range(count)
    ]


def targets(count):
    return [provision(f"t{n}", document="target.pdf") for n in range(count)]


async def rows_of(source, entries, target, embedded=None, /, **lost):
    streams = [
        stream(source, lost.get("source", ())),
        stream(entries, lost.get("entries", ())),
        stream(target, lost.get("target", ())),
        stream(target if embedded is None else embedded, lost.get("embedded", ())),
    ]
    return [item.data for item in await crosswalk(streams, CONTEXT)]


async def test_rows_are_in_the_order_of_the_documents_and_new_targets_come_last():
    rows = await rows_of(sources(3), [entry_item("s2", "t0"), entry_item("s0"), entry_item("s1", "t2")], targets(3))
    assert [(r["row"], r["source_id"], r["target_id"]) for r in rows] == [
        ("source", "s0", None),
        ("source", "s1", "t2"),
        ("source", "s2", "t0"),
        ("new_in_target", None, "t1"),
    ]
    assert {r["part"] for r in rows} == {"bpd"}
    assert rows[1]["target_text"] == targets(3)[2]["provision_text"]
    assert rows[0]["target_text"] is None
    assert set(rows[0]) == set(rows[3])  # one table
    assert [r["needs_review"] for r in rows] == [True, False, False, False]
    assert set(no_entry()) <= set(rows[0])


async def test_headings_have_no_row():
    rows = await rows_of(sources(3, heading=[1]), [entry_item("s0"), entry_item("s2")], targets(1))
    assert [r["source_id"] for r in rows] == ["s0", "s2", None]


async def test_the_elections_have_their_own_crosswalk():
    streams = [stream([provision("s")]), stream([entry_item("s")]), stream([]), stream([])]
    (item,) = await crosswalk_aa(streams, CONTEXT)
    assert item.data["part"] == "aa"


async def test_a_lost_source_abstains_and_says_where_and_why():
    lost = [Lost("s1", "embed", "no model", {"id": "s1"})]
    rows = await rows_of(sources(2), [entry_item("s0")], targets(0), entries=lost)
    assert (rows[1]["match_type"], rows[1]["status"], rows[1]["is_match"]) == ("abstain", "pending", False)
    assert rows[1]["review_reasons"] == ["lost in embed: no model"]
    rows = await rows_of(sources(1), [], targets(0))
    assert rows[0]["review_reasons"] == ["lost on the way, and nobody said why"]


async def test_one_target_of_two_sources_is_flagged_on_both():
    rows = await rows_of(sources(2), [entry_item("s0", "t0"), entry_item("s1", "t0")], targets(1))
    assert [r["review_reasons"] for r in rows] == [["t0 is the match of 1 other as well"]] * 2


async def test_what_is_missing_of_the_target_makes_no_match_a_doubt():
    lost = [Lost("target.pdf page 3", "extract", "no text", {})]
    rows = await rows_of(sources(2), [entry_item("s0"), entry_item("s1", "t0")], targets(2), targets(1), target=lost)
    assert rows[0]["review_reasons"][0] == (
        "2 parts of the target could not be read or embedded: a partner may be among them"
    )
    assert rows[0]["status"] == "pending"
    assert not rows[1]["needs_review"]


@pytest.mark.parametrize("seen", [["t0", "t1"], ["t0"], []])
async def test_no_match_is_flagged_with_what_was_looked_at(seen):
    candidates = [{"target_id": id_, "match_type": "no_match"} for id_ in seen]
    other = provision("t2", provision_type="loan_provision")
    rows = await rows_of(sources(1), [entry_item("s0", candidates=candidates)], [*targets(2), other])
    assert (rows[0]["status"], rows[0]["needs_review"]) == ("pending", True)
    (reason,) = rows[0]["review_reasons"]
    if len(seen) == 2:
        assert reason == "all 2 target provisions of its type were looked at and refused: confirm that there is none"
    else:
        assert reason == f"only the nearest {len(seen)} of 2 target provisions of its type were looked at"


async def test_a_lost_target_is_new_with_a_doubt():
    lost = [Lost("t0", "embed", "too long", {"id": "t0"})]
    rows = await rows_of([], [], targets(2), targets(2)[1:], embedded=lost)
    nothing = "nothing of the source was read"
    assert [r["review_reasons"] for r in rows] == [["lost in embed: too long", nothing], [nothing]]


async def test_a_part_of_the_source_that_was_lost_has_a_row_and_makes_new_targets_doubtful():
    lost = [
        Lost("s9", "source_bpd", "it has no text", {"section_number": "9.01"}),
        Lost("s0", "source_bpd", "twice", {}),
    ]
    rows = await rows_of(sources(1), [entry_item("s0", "t0")], targets(2), source=lost)
    assert [(r["row"], r["source_id"], r["match_type"], r["status"]) for r in rows] == [
        ("source", "s0", "exact", "confirmed"),
        ("source", "s9", "abstain", "pending"),
        ("source", "s0 (2)", "abstain", "pending"),
        ("new_in_target", None, None, "pending"),
    ]
    assert (rows[1]["source_section"], rows[1]["review_reasons"]) == ("9.01", ["it has no text"])
    assert rows[3]["review_reasons"] == ["a part of the source could not be read: its match may be among those"]


async def test_a_target_that_may_be_the_match_of_an_undecided_source_is_flagged():
    candidates = [{"target_id": "t0", "match_type": "exact"}, {"target_id": "t1", "match_type": "no_match"}]
    undecided = entry_item("s0", review_reasons=["ambiguous between …"], candidates=candidates)
    rows = await rows_of(sources(1), [undecided], targets(2))
    assert [r["needs_review"] for r in rows] == [True, True, False]
    assert [r["status"] for r in rows[1:]] == ["pending", "confirmed"]
    assert rows[1]["review_reasons"] == ["it may be the match of s0, which is undecided"]


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([entry_item("s9")], "entries of no source provision: s9"),
        ([entry_item("s0", "t9")], "s0 is matched with 't9', which is no target provision"),
    ],
)
async def test_what_cannot_be_is_an_error(entries, message):
    with pytest.raises(ValueError, match=message):
        await rows_of(sources(1), entries, targets(1))


@st.composite
def mixes(draw):
    """Any mix of sources, headings, entries, losses and targets."""
    source = sources(draw(st.integers(0, 8)), heading=draw(st.sets(st.integers(0, 7))))
    target = targets(draw(st.integers(0, 8)))
    entries, lost = [], []
    for one in source:
        if one["provision_classification"] == "heading":
            continue
        fate = draw(st.sampled_from(["match", "none", "abstain", "lost", "vanished"]))
        if fate == "match" and target:
            entries.append(entry_item(one["id"], draw(st.sampled_from(target))["id"]))
        elif fate == "abstain":
            entries.append(entry_item(one["id"], match_type="abstain", review_reasons=["unclear"]))
        elif fate == "lost":
            lost.append(Lost(one["id"], "embed", "broken", {}))
        elif fate != "vanished":
            entries.append(entry_item(one["id"]))
    return source, draw(st.permutations(entries)), target, lost


@given(mixes())
@settings(max_examples=150, deadline=None)
def test_counts_add_up_whatever_comes(mix):
    source, entries, target, lost = mix
    rows = _now(rows_of(source, entries, target, entries=lost))
    substantive = [one["id"] for one in source if one["provision_classification"] != "heading"]
    own = [r for r in rows if r["row"] == "source"]
    assert [r["source_id"] for r in own] == substantive
    kinds = [r["match_type"] for r in own]
    assert len(own) == sum(r["is_match"] for r in own) + kinds.count("no_match") + kinds.count("abstain")
    matched = {r["target_id"] for r in own if r["is_match"]}
    new = [r["target_id"] for r in rows if r["row"] == "new_in_target"]
    assert sorted([*matched, *new]) == sorted(one["id"] for one in target)
    assert all(r["needs_review"] for r in own if r["match_type"] == "abstain")
    answered = {item.id for item in entries}
    assert all(r["match_type"] == "abstain" for r in own if r["source_id"] not in answered)


def _now(coroutine):
    """The result of a coroutine that waits for nothing."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value
    raise AssertionError("it waits for something")
