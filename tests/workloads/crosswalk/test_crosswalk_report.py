"""The red-team sheet and the statistics."""

from __future__ import annotations

from dataclasses import replace

import pytest
from crosswalk_kit import CONTEXT, entry_item, provision, stream

from igent.flow import Lost
from igent.workloads.crosswalk.review import reasons_by_rule
from igent.workloads.crosswalk.rows import crosswalk, crosswalk_aa
from igent.workloads.crosswalk.sample import red_team
from igent.workloads.crosswalk.statistics import histogram, statistics


def fields_of(n):
    impact = "high" if n % 4 == 0 else "none"
    return {"confidence_score": 0.72 if n % 5 == 0 else 0.95, "impact_level": impact, "variance_type": "none"}


async def rows(step=crosswalk, count=120, prefix=""):
    source = [provision(f"{prefix}s{n}") for n in range(count)]
    target = [provision(f"{prefix}t{n}") for n in range(count + 3)]
    entries = [entry_item(s["id"], t["id"] if n % 3 else None, **fields_of(n))
               for n, (s, t) in enumerate(zip(source, target, strict=False))]  # fmt: skip
    return await step([stream(source), stream(entries), stream(target), stream(target)], CONTEXT)


async def sheet(context=CONTEXT):
    return [item.data for item in await red_team([stream(await rows()), stream(await rows(crosswalk_aa))], context)]


async def test_the_sample_has_its_sizes_and_no_row_twice():
    drawn = await sheet()
    counts = {kind: sum(1 for row in drawn if row["sample"] == kind) for kind in {row["sample"] for row in drawn}}
    assert counts == {"high_impact": 10, "edge_case": 5, "no_match": 10, "high_confidence": 10}
    assert len({(row["part"], row["source_id"]) for row in drawn}) == 35
    for kind in counts:  # in the order of the documents
        places = [(row["part"] == "aa", int(row["source_id"][1:])) for row in drawn if row["sample"] == kind]
        assert places == sorted(places)
    for row in drawn:
        if row["sample"] == "high_confidence":
            assert row["confidence_score"] >= 0.9
            assert row["target_id"]
        if row["sample"] == "edge_case":
            assert abs(row["confidence_score"] - 0.7) <= 0.05
        if row["sample"] == "no_match":
            assert row["match_type"] == "no_match"
        if row["sample"] == "high_impact":
            assert row["impact_level"] == "high"


async def test_a_narrow_margin_is_an_edge_as_well():
    def candidates(second):
        return [
            {"target_id": id_, "match_type": "exact", "confidence_score": c}
            for id_, c in (("t1", second), ("t0", 0.95))
        ]

    for second, kind in ((0.78, "edge_case"), (0.50, "high_confidence")):
        entry = entry_item("s0", "t0", candidates=candidates(second), confidence_score=0.95)
        target = stream([provision("t0"), provision("t1")])
        made = await crosswalk([stream([provision("s0")]), stream([entry]), target, target], CONTEXT)
        (item,) = await red_team([stream(made), stream([])], CONTEXT)
        assert item.data["sample"] == kind


async def test_the_sample_is_the_same_whatever_the_seed_of_the_run():
    assert await sheet() == await sheet(replace(CONTEXT, seed=12345))


async def test_results_are_never_invented():
    for row in await sheet():
        assert (row["verdict"], row["judge"], row["notes"]) == ("", "", "")


async def test_few_rows_make_a_short_sheet_and_none_an_empty_one():
    few = await red_team([stream(await rows(count=3)), stream([])], CONTEXT)
    assert 0 < len(few) <= 3
    assert await red_team([stream([]), stream([])], CONTEXT) == []


@pytest.mark.parametrize(
    ("fields", "reasons"),
    [
        ({"confidence_score": 0.70, "impact_level": "low", "variance_type": "administrative"}, []),
        ({"confidence_score": 0.69}, ["the confidence is 0.69, below 0.70"]),
        ({"confidence_score": None}, []),
        ({"impact_level": "medium"}, ["the impact is medium"]),
        ({"impact_level": "high", "variance_type": "design"}, ["the impact is high", "the variance is design"]),
        ({"variance_type": "regulatory"}, ["the variance is regulatory"]),
    ],
)
def test_what_needs_a_review(fields, reasons):
    assert reasons_by_rule(fields) == reasons


def test_histogram():
    assert histogram([0, 0.05, 0.1, 0.3, 0.7, 0.999, 1.0, -0.2, None]) == {
        "bins": [3, 1, 0, 1, 0, 0, 0, 1, 0, 2],
        "unknown": 1,
    }


async def test_statistics_count_everything():
    heading = provision("h", provision_classification="heading")
    documents = [stream([provision("a"), heading], [Lost("page 3", "extract", "no text", {})]), *[stream([])] * 3]
    (item,) = await statistics([*documents, stream(await rows()), stream([]), stream([])], CONTEXT)
    data = item.data
    assert data["documents"]["source_bpd"] == {"substantive": 1, "headings": 1, "lost": 1}
    bpd = data["bpd"]
    assert (bpd["sources"], bpd["matches"], bpd["new_in_target"]) == (120, 80, 43)
    assert bpd["by_match_type"] == {"exact": 80, "no_match": 40}
    assert bpd["by_impact"] == {"high": 30, "none": 90}
    assert sum(bpd["by_status"].values()) == sum(bpd["confidence"]["bins"]) == 120
    assert bpd["needs_review"] == 60  # 40 that nobody was found for, 20 matches of high impact
    assert data["aa"]["sources"] == data["variances"]["rows"] == 0
