"""Generated pairs: of exactly the size asked for, the same for the same seed, and true to their truth.json."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner
from crosswalk_documents import extracted
from pydantic import TypeAdapter

from igent.errors import DataError
from igent.flow import PdfFile
from igent.types import JsonObject
from igent.workloads.crosswalk.classify import PROVISION_TYPES
from igent.workloads.crosswalk.compatible import same_types
from igent.workloads.crosswalk.generate import generate, main
from igent.workloads.crosswalk.generate_catalogue import in_words
from igent.workloads.crosswalk.generate_pair import Pair, make_pair
from igent.workloads.crosswalk.references import references
from igent.workloads.crosswalk.schema import Election, Provision

LARGE = make_pair((425, 507), (521, 235), 7)


def objects(pair: Pair, part: str, side: str) -> dict[str, JsonObject]:
    return {entry["id"]: entry for entry in pair.documents[f"{side}_{part}"]}


@pytest.mark.parametrize("sizes", [((425, 507), (521, 235)), ((40, 50), (30, 20)), ((12, 9), (5, 8)), ((2, 2), (1, 1))])
def test_documents_have_the_sizes_asked_for(sizes: tuple[tuple[int, int], tuple[int, int]]) -> None:
    pair = make_pair(*sizes, seed=3)
    for part, size in zip(("bpd", "aa"), sizes, strict=True):
        assert tuple(len(objects(pair, part, side)) for side in ("source", "target")) == size


def test_more_than_there_is_material_for_is_refused() -> None:
    with pytest.raises(DataError, match="4000x10 is more than there is material for"):
        make_pair((4000, 10), (1, 1), 1)


def test_the_same_seed_gives_the_same_bytes_and_another_does_not() -> None:
    first, again, other = (generate((60, 70), (20, 20), seed) for seed in (5, 5, 6))
    assert first == again
    assert first["source_bpd.json"] != other["source_bpd.json"]


def test_objects_have_the_form_of_the_workload() -> None:
    for part, model in (("bpd", Provision), ("aa", Election)):
        for side in ("source", "target"):
            for entry in objects(LARGE, part, side).values():
                assert set(TypeAdapter(model).validate_python(entry).model_dump()) == set(entry)


def test_all_types_occur_and_unevenly() -> None:
    found = [e for e in LARGE.documents["source_bpd"] if e["provision_classification"] == "substantive"]
    counts = Counter(entry["provision_type"] for entry in found)
    assert set(counts) == set(PROVISION_TYPES)
    assert max(counts.values()) > 4 * min(counts.values())


@pytest.mark.parametrize("part", ["bpd", "aa"])
def test_the_truth_names_every_provision_once(part: str) -> None:
    sides = {side: objects(LARGE, part, side) for side in ("source", "target")}
    real = {
        side: {id_ for id_, entry in found.items() if entry["provision_classification"] == "substantive"}
        for side, found in sides.items()
    }
    truth, new = LARGE.truth[part], LARGE.truth["new_in_target"][part]
    targets = [entry["target_id"] for entry in truth.values() if entry["target_id"]]
    assert set(truth) == real["source"]
    assert len(set(targets)) == len(targets)
    assert set(targets) | set(new) == real["target"]
    assert set(targets).isdisjoint(new)
    assert all(
        same_types(sides["source"][s], sides["target"][e["target_id"]]) for s, e in truth.items() if e["target_id"]
    )


def test_statuses_follow_from_the_elections_that_are_referred_to() -> None:
    known, mapped = objects(LARGE, "aa", "source"), LARGE.truth["aa"]
    statuses = Counter()
    for id_, entry in LARGE.truth["bpd"].items():
        text = objects(LARGE, "bpd", "source")[id_]["provision_text"]
        numbers = [f"source-aa-{number}" for reference in references(text) for number in reference.numbers]
        assert numbers == entry["elections"]
        found = [bool(mapped[number]["target_id"]) for number in numbers if number in known]
        expected = "pending" if not found else "confirmed" if all(found) else "conditional" if any(found) else "blocked"
        if numbers:
            assert entry["status"] == expected
            statuses[expected] += 1
    assert set(statuses) == {"confirmed", "conditional", "blocked", "pending"}


def test_relations_of_every_kind_occur() -> None:
    entries = [*LARGE.truth["bpd"].values(), *LARGE.truth["aa"].values()]
    assert {e["match_type"] for e in entries} == {"exact", "compatible", "conditional", "no_match"}
    assert {e["variance_type"] for e in entries} == {"none", "administrative", "design", "regulatory"}
    titles = [{e["section_title"] for e in objects(LARGE, "bpd", side).values()} for side in ("source", "target")]
    new = {objects(LARGE, "bpd", "target")[id_]["section_title"] for id_ in LARGE.truth["new_in_target"]["bpd"]}
    assert len(titles[0] & new) >= 2  # the same heading, another meaning


async def test_pdfs_give_back_what_the_json_says(tmp_path: Path) -> None:
    pytest.importorskip("fpdf")
    files = generate((45, 50), (20, 25), seed=4, pdf=True)
    for key in ("source_bpd", "target_bpd", "source_aa", "target_aa"):
        (tmp_path / f"{key}.pdf").write_bytes(files[f"{key}.pdf"])
        items, lost = await extracted(key, PdfFile(tmp_path / f"{key}.pdf", "0"))
        kept = ("id", "section_number", "section_title", "provision_text", "options", "status")
        expected = json.loads(files[f"{key}.json"])
        assert not lost
        assert [{f: i.data.get(f) for f in kept} for i in items] == [{f: e.get(f) for f in kept} for e in expected]


def test_the_command_writes_the_folder(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, [str(tmp_path / "out"), "--bpd", "20x20", "--aa", "4x4"])
    assert result.exit_code == 0, result.output
    names = {str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.*")}
    assert names == {
        *(f"{side}_{part}.json" for side in ("source", "target") for part in ("bpd", "aa")),
        "truth.json",
        "scenarios/generated.yaml",
    }
    assert CliRunner().invoke(main, [str(tmp_path), "--bpd", "20"]).exit_code == 2


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "zero"),
        (21, "twenty-one"),
        (180, "one hundred eighty"),
        (500, "five hundred"),
        (1250, "one thousand two hundred fifty"),
    ],
)
def test_numbers_in_words(number: int, words: str) -> None:
    assert in_words(number) == words
