from __future__ import annotations

from made_outcomes import outcome

from igent.reporting.failures import Failure, failures


def failed(index: int, reason: str, cause: str = "rules"):
    return outcome(index, "failed", reason=reason, cause=cause)


def test_nothing_failed():
    assert failures([]) == []
    assert failures([outcome(), outcome(1, "no_match")]) == []


def test_reasons_that_differ_in_numbers_and_ids_are_one_group():
    made = [failed(i, f"REG-{i:04d}: price {i * 1000:,}.50 is not {i} at 12:30") for i in range(5)]
    (group,) = failures(made)
    assert (group.cause, group.count) == ("rules", 5)
    assert group.reason == "#: price # is not # at #"
    assert group.examples == tuple(Failure(o.record_id, o.reason) for o in made[:3])


def test_uuids_and_hashes_are_ids_words_are_not():
    made = [
        failed(0, "key 3f2b8c1e-0d4a-4b7e-9c55-1234567890ab, hash 9f86d081884c7d65 of facade"),
        failed(1, "key aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee, hash 2c26b46b68ffc68f of facade"),
    ]
    (group,) = failures(made)
    assert group.reason == "key #, hash # of facade"


def test_the_largest_group_comes_first_and_causes_are_apart():
    made = [failed(0, "b"), failed(1, "a", "json"), failed(2, "a", "schema"), failed(3, "a", "schema")]
    assert [(g.cause, g.reason, g.count) for g in failures(made)] == [
        ("schema", "a", 2),
        ("rules", "b", 1),
        ("json", "a", 1),
    ]


def test_an_id_full_of_regex_signs_is_taken_literally():
    made = [outcome(0, "failed", record_id="(a+)+[", reason="(a+)+[ has no ZIP", cause="input")]
    assert failures(made)[0].reason == "# has no ZIP"


def test_a_short_id_is_not_found_inside_words():
    made = [outcome(0, "failed", record_id="a", reason="a bad ZIP", cause="input")]
    assert failures(made)[0].reason == "# bad ZIP"


def test_a_huge_reason_is_cut_for_grouping():
    (group,) = failures([failed(0, "x" * 1_000_000)])
    assert len(group.reason) <= 500
