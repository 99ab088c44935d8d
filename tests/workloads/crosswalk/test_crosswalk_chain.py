"""All steps one after another on the shipped documents, against the true crosswalk that ships with them."""

from __future__ import annotations

import asyncio
import json

import pytest
from crosswalk_chain import DATA, run_chain

TRUTH = json.loads((DATA / "truth.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def chain():
    return asyncio.run(run_chain())


@pytest.mark.parametrize(("part", "phase"), [("bpd", "confirm"), ("aa", "crosswalk_aa")])
def test_every_source_provision_has_its_true_partner(chain, part, phase):
    rows = {row["source_id"]: row for row in chain.rows(phase) if row["row"] == "source"}
    assert rows.keys() == TRUTH[part].keys()
    for id_, true in TRUTH[part].items():
        row = rows[id_]
        said = {field: row[field] for field in ("target_id", "match_type", "variance_type", "impact_level")}
        assert said == {field: true[field] for field in said}, id_
        if row["is_match"]:
            assert row["status"] == true["status"], id_
            assert row["needs_review"] or row["status"] == "confirmed", id_
    new = [row["target_id"] for row in chain.rows(phase) if row["row"] == "new_in_target"]
    assert sorted(new) == sorted(TRUTH["new_in_target"][part])


def test_no_right_answer_is_refused(chain):
    assert chain.refused == []
    assert chain.pairs > 150


def test_what_was_elected_is_compared_once_more(chain):
    rows = {row["source_id"]: row for row in chain.rows("variances")}
    merged = [r["source_id"] for r in chain.rows("confirm") if r["row"] == "source" and r["elections"]["mapped"]]
    assert list(rows) == merged
    age = rows["source-bpd-2.01"]
    assert age["source_instance"].endswith("the minimum age [elected: age 21].")
    assert age["target_instance"].endswith("[elected: age twenty-one (21)].")
    assert (age["variance_type"], age["needs_review"]) == ("none", False)
    service = rows["source-bpd-2.02"]
    assert (service["variance_type"], service["needs_review"]) == ("design", True)


def test_the_report_adds_up(chain):
    (counts,) = chain.rows("statistics")
    assert counts["documents"]["source_bpd"] == {"substantive": 44, "headings": 7, "lost": 0}
    for part in ("bpd", "aa"):
        assert counts[part]["sources"] == sum(counts[part]["by_status"].values())
        targets = counts["documents"][f"target_{part}"]["substantive"]
        assert targets == counts[part]["matches"] + counts[part]["new_in_target"]
    assert {row["sample"] for row in chain.rows("red_team")} == {"high_impact", "no_match", "high_confidence"}
