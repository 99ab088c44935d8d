"""The step `best`: what is accepted, what is not, and that no doubt is silent."""

from __future__ import annotations

import pytest
from crosswalk_kit import CONTEXT, SOURCE, answer, group_of, pair_item, provision

from igent.flow import Group, Item
from igent.workloads.crosswalk.select import best


async def entry_of(*candidates, **others):
    return await best(group_of(*candidates, **others), CONTEXT)


@pytest.mark.parametrize(
    ("first", "second", "target"),
    [
        (0.95, 0.80, "a"),  # exactly the margin, which floats miss
        (0.85, 0.70, "a"),
        (0.95, 0.81, None),
        (0.90, 0.90, None),
        (0.70, None, "a"),
        (0.69, None, None),
    ],
)
async def test_the_best_must_be_sure_and_stand_out(first, second, target):
    candidates = [("a", "exact", first)] + ([("b", "compatible", second)] if second else [])
    entry = await entry_of(*candidates)
    assert (entry["target_id"], entry["is_match"]) == (target, target is not None)
    if target:
        assert entry["match_type"] == "exact"
        assert entry["confidence_score"] == first
        assert entry["evidence"] == answer()["evidence"]


async def test_what_is_ambiguous_is_no_match_and_says_between_whom():
    entry = await entry_of(("b", "exact", 0.85), ("a", "exact", 0.9), ("c", "exact", 0.5))
    assert entry["match_type"] == "no_match"
    assert entry["needs_review"]
    assert entry["review_reasons"][0] == "ambiguous between a (0.90) and b (0.85): the margin is below 0.15"
    assert entry["status"] == "pending"
    assert entry["confidence_score"] is None


async def test_a_refused_second_is_no_rival_and_a_weak_match_is_a_doubt():
    entry = await entry_of(("a", "exact", 0.9), ("b", "no_match", 0.95))
    assert (entry["target_id"], entry["needs_review"]) == ("a", False)
    assert [c["target_id"] for c in entry["candidates"]] == ["a", "b"]  # matches first
    entry = await entry_of(("a", "exact", 0.9), ("b", "exact", 0.6))
    assert entry["target_id"] == "a"
    assert entry["review_reasons"] == ["b was left undecided: exact with a confidence of only 0.60"]


async def test_all_surely_refused_is_a_no_match_that_waits_for_a_person():
    entry = await entry_of(("a", "no_match", 0.95), ("b", "no_match", 0.8))
    assert (entry["match_type"], entry["status"]) == ("no_match", "pending")
    assert entry["confidence_score"] == 0.8  # the least certain of the refusals
    assert [c["target_id"] for c in entry["candidates"]] == ["a", "b"]  # the surest first
    assert entry["evidence"] == []


async def test_nobody_to_look_at_is_flagged():
    entry = await entry_of()
    assert (entry["match_type"], entry["needs_review"], entry["confidence_score"]) == ("no_match", True, None)
    assert entry["embedding_similarity"] is None
    assert entry["review_reasons"] == ["no target provision was similar enough to be looked at"]


async def test_a_lost_candidate_is_never_a_silent_no_match():
    entry = await entry_of(("a", "no_match", 0.95), lost=["b"])
    assert (entry["match_type"], entry["needs_review"], entry["status"]) == ("abstain", True, "pending")
    assert entry["abstain_reason"] == "1 of 2 candidates could not be verified: b (HTTP 500)"
    assert entry["confidence_score"] is None
    unclear = await entry_of(("a", "abstain", 0.5), lost=["b"])
    assert unclear["confidence_score"] is None
    everything = await entry_of(lost=["b", "c"])
    assert everything["match_type"] == "abstain"
    assert "2 of 2 candidates could not be verified: b (HTTP 500); c (HTTP 500)" in everything["review_reasons"]


async def test_a_lost_candidate_beside_a_match_is_flagged():
    entry = await entry_of(("a", "exact", 0.95), lost=["b"])
    assert (entry["target_id"], entry["needs_review"]) == ("a", True)
    assert entry["review_reasons"][0].startswith("1 of 2 candidates could not be verified: b")


async def test_an_abstention_stays_one_with_its_reason():
    entry = await entry_of(("a", "abstain", 0.5), ("b", "no_match", 0.9))
    assert entry["match_type"] == "abstain"
    assert entry["abstain_reason"] == "a was left undecided: the schedule is not shown"
    assert entry["confidence_score"] == 0.5
    assert entry["review_reasons"][-1] == "the confidence is 0.50, below 0.70"


async def test_impact_and_variance_need_a_review():
    said = answer(target_id="a", impact_level="high", variance_type="regulatory")
    entry = await best(Group(Item("source-1", SOURCE), [pair_item(provision("a"), said)], []), CONTEXT)
    assert entry["review_reasons"] == ["the impact is high", "the variance is regulatory"]


async def test_a_match_that_refers_to_elections_is_pending_and_others_are_confirmed():
    assert (await entry_of(("a", "exact", 0.95)))["status"] == "pending"  # SOURCE says "as elected in AA Q 2.01"
    plain = provision("source-1", "Age 21.")
    assert (await entry_of(("a", "exact", 0.95), source=plain))["status"] == "confirmed"


@pytest.mark.parametrize("output", ["bpd_mappings", "aa_mappings", "anything"])
async def test_the_answer_is_found_whatever_the_output_is_called(output):
    item = pair_item(provision("a"), answer(target_id="a"), output=output)
    assert (await best(Group(Item("source-1", SOURCE), [item], []), CONTEXT))["target_id"] == "a"


async def test_a_pair_without_an_answer_is_an_error_of_the_constellation():
    item = Item("p", {"source": SOURCE, "target": provision("a"), "similarity": 0.8})
    with pytest.raises(ValueError, match="the phase before must give one"):
        await best(Group(Item("source-1", SOURCE), [item], []), CONTEXT)


async def test_the_order_of_the_candidates_does_not_matter():
    candidates = [("a", "exact", 0.9), ("b", "exact", 0.9), ("c", "no_match", 0.9)]
    assert await entry_of(*candidates) == await entry_of(*reversed(candidates))
