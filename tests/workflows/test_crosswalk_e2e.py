"""The crosswalk from end to end, as a user runs it, judged by an oracle that uses nothing of igent, and by truth."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from crosswalk_oracle import check_crosswalk
from crosswalk_small import DATA, read, small_pair
from e2e_support import Shell, wait_until
from lies import LIES
from lying_server import LyingServer

TABLES = ("crosswalk_bpd.json", "crosswalk_aa.json", "crosswalk_confirmed.json", "variances.json", "red_team.json")


def crosswalk(shell: Shell, name: str = "crosswalk", *options: str | Path, out: str = "run", **more: Any) -> Path:
    shell.igent("run", name, "--data", DATA, "--out", out, "--no-cache", "--quiet", *options, **more)
    return shell.folder / out


@pytest.mark.parametrize(
    ("name", "scenario"),
    [("crosswalk", "sample"), ("crosswalk_batch", "sample"), ("crosswalk_cascade", "sample_json")],
)
def test_the_mock_finds_the_true_crosswalk(shell, name, scenario):
    run = crosswalk(shell, name, "--mock", "--scenario", scenario)
    assert check_crosswalk(run, DATA, truth=True) == []


def test_over_http_it_is_the_same_to_the_byte(shell):
    server = shell.start("mock-server", "--port", "0", "--workload", "crosswalk", module="igent")
    url = wait_until(lambda: re.search(r"http://\S+/v1", server.out + server.err), "the address of the mock server")[0]
    over_http = crosswalk(shell, "crosswalk", "--scenario", "sample_json", "--base-url", url, out="http")
    assert check_crosswalk(over_http, DATA, truth=True) == []
    inside = crosswalk(shell, "crosswalk", "--scenario", "sample_json", "--mock", out="mock")
    for name in TABLES:
        assert (over_http / name).read_bytes() == (inside / name).read_bytes(), name


def test_wrong_answers_of_the_mock_are_found_out(shell):
    run = crosswalk(shell, "crosswalk_batch", "--mock", "--mock-errors", "0.7", "--scenario", "sample_json", code=1)
    assert check_crosswalk(run, DATA) == []


def test_what_nobody_could_answer_is_named_on_the_screen_and_in_the_exit_code(shell, tmp_path):
    data = small_pair(tmp_path / "data")
    wrong = ("source-bpd-1.01", "source-bpd-3.05")
    with LyingServer(data, [*LIES], wrong=lambda asked: asked.source["id"] in wrong) as server:
        process = shell.igent(
            "run", "crosswalk", "--data", data, "--scenario", "small", "--out", "run", "--base-url", server.url,
            code=1,
        )  # fmt: skip
    assert check_crosswalk(shell.folder / "run", data) == []
    for id_ in wrong:
        assert f"verify_bpd/{id_}~" in process.out + process.err


@pytest.fixture(scope="module")
def good(zygote, tmp_path_factory) -> Path:
    """A finished run, to be spoiled in copies."""
    folder = tmp_path_factory.mktemp("judged")
    shell = Shell(zygote, folder / "here")
    return crosswalk(shell, "crosswalk", "--mock", "--scenario", "sample_json")


def _row(rows: list[dict[str, Any]], **wanted: Any) -> dict[str, Any]:
    return next(row for row in rows if row["row"] == "source" and all(row[k] == v for k, v in wanted.items()))


def _both(change: Callable[[list[dict[str, Any]]], object]) -> Callable[[dict[str, Any]], None]:
    """Changes the rows of the provisions before and after the confirmation, in the same way."""

    def spoil(files: dict[str, Any]) -> None:
        change(files["crosswalk_bpd"])
        change(files["crosswalk_confirmed"])

    return spoil


def _of(name: str, change: Callable[[Any], object]) -> Callable[[dict[str, Any]], None]:
    return lambda files: [change(files[name]), None][1]


SPOILT: dict[str, tuple[Callable[[dict[str, Any]], None], str]] = {
    "a source is left out": (_both(lambda rows: rows.pop(0)), "has 0 rows"),
    "a source is there twice": (_both(lambda rows: rows.insert(0, rows[0])), "has 2 rows"),
    "a new one is left out": (_both(lambda rows: rows.pop()), "neither matched nor new"),
    "another target": (_both(lambda rows: rows[0].update(target_id="target-bpd-1.03")), "by the answers it is"),
    "no such target": (_both(lambda rows: rows[0].update(target_id="target-bpd-9.99")), "is no target provision"),
    "exact with an impact": (
        _both(lambda rows: _row(rows, match_type="exact").update(impact_level="high")),
        "exact with impact high",
    ),
    "an invented quote": (
        _both(lambda rows: rows[0]["evidence"][0].update(quote="in all cases be entitled")),
        "is no quote",
    ),
    "a long quote": (
        _both(lambda rows: rows[0]["evidence"][0].update(quote=" ".join(rows[0]["source_text"].split()[:13]))),
        "is no quote",
    ),
    "the other side's quote": (_both(lambda rows: rows[0]["evidence"][0].update(side="target")), "is no quote"),
    "a review that is kept quiet": (
        _both(lambda rows: _row(rows, impact_level="high").update(needs_review=False, review_reasons=[])),
        "it needs a review",
    ),
    "a match without confidence": (_both(lambda rows: rows[0].update(confidence_score=0.6)), "confidence_score is 0.6"),
    "a rival as good": (
        _of("bpd_mappings", lambda rows: rows.append({**rows[0], "target_id": "target-bpd-1.03"})),
        "by the answers it is None",
    ),
    "blocked is confirmed": (
        _of("crosswalk_confirmed", lambda rows: _row(rows, status="blocked").update(status="confirmed")),
        "by its elections blocked",
    ),
    "a count too many": (
        _of("statistics", lambda rows: rows[0]["bpd"].update(matches=rows[0]["bpd"]["matches"] + 1)),
        "statistics: bpd matches",
    ),
    "a verdict is invented": (_of("red_team", lambda rows: rows[0].update(verdict="right")), "is judged already"),
    "a sample is short": (_of("red_team", lambda rows: rows.pop(0)), "of high_impact"),
    "a variance is forgotten": (_of("variances", lambda rows: rows.pop()), "variances: of "),
}  # fmt: skip


@pytest.mark.parametrize("how", SPOILT)
def test_the_oracle_sees_what_is_wrong(good, tmp_path, how):
    spoil, words = SPOILT[how]
    run = shutil.copytree(good, tmp_path / "run")
    names = ("crosswalk_bpd", "crosswalk_confirmed", "bpd_mappings", "statistics", "red_team", "variances")
    files = {name: read(run / f"{name}.json") for name in names}
    spoil(files)
    for name, value in files.items():
        (run / f"{name}.json").write_text(json.dumps(value), "utf-8")
    assert any(words in problem for problem in check_crosswalk(run, DATA))


def test_the_oracle_sees_other_tables_and_formulas(good, tmp_path):
    run = shutil.copytree(good, tmp_path / "run")
    table = run / "crosswalk_aa.csv"
    table.write_text(table.read_text("utf-8").replace("Plan Name", "=cmd|calc", 1), "utf-8")
    problems = check_crosswalk(run, DATA)
    assert any("would be run" in problem for problem in problems)
    assert any("crosswalk_aa.csv: line 1" in problem for problem in problems)


def test_the_oracle_sees_a_failure_that_is_no_match(good, tmp_path):
    run = shutil.copytree(good, tmp_path / "run")
    row = read(run / "crosswalk_bpd.json")[0]
    failed = {"record_id": f"verify_bpd/{row['source_id']}~{row['target_id']}", "status": "failed", "reason": "x"}
    with (run / "outcomes.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(failed) + "\n")
    problems = check_crosswalk(run, DATA)
    assert any(problem.endswith("failed, and is a match") for problem in problems)
    assert any("0 failed, outcomes.jsonl has 1" in problem for problem in problems)
