"""`igent compare`: constellations over the same data, side by side."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from e2e_support import DATA, ROOT, Shell, entries, final_files, json_of, oracle, wait_until

from igent.config.settings import load_settings
from igent.files import FolderLock
from igent.models.server import MockServer
from igent.workflows import compare as work
from igent.workloads.sbus.mock import SbusMock

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="forks processes")

FILES = {"comparison.json", "comparison.md", "comparison.svg"}
TWO = ("p1m1m2c", "p1m")
SLOW = ("--mock-latency", "ttft=0.08,itl=0.0002")


def compare(shell: Shell, *arguments: str | int | Path, code: int = 0, **env: str) -> Any:
    return shell.igent("compare", *map(str, arguments), code=code, **env)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def lines(out: str) -> dict[str, list[str]]:
    """The table's lines by constellation."""
    return {words[0]: words[1:] for line in out.splitlines() if (words := line.split())}


def test_each_is_run_on_the_same_data_and_put_side_by_side(shell: Shell):
    process = compare(shell, *TWO, "p1r_p2r", "--mock-latency", "ttft=0.001,itl=0", "--max-items", 12)
    folder = shell.folder / "runs" / "compare-overlap_only"
    assert names(folder) == {*TWO, "p1r_p2r", *FILES}
    found = lines(process.out)
    for name in (*TWO, "p1r_p2r"):
        oracle(folder / name, max_items=12)
        assert found[name][:3] == ["12/0/0", "100.0", "%"]
    assert (
        "12 records of overlap_only, mock answers in the name of gpt-4o, at a pace of ttft=0.001,itl=0" in process.out
    )
    assert process.out.splitlines()[-1].startswith("written: runs/compare-overlap_only/comparison.json")
    assert "igent: run 3 of 3: p1r_p2r, in runs/compare-overlap_only/p1r_p2r" in process.err
    assert process.err.count("12/12 records") == 3
    content = json_of(folder / "comparison.json")
    assert [row["constellation"] for row in content["rows"]] == [*TWO, "p1r_p2r"]
    for row in content["rows"]:
        summary = json_of(folder / row["constellation"] / "summary.json")
        assert row["figures"]["calls"] == pytest.approx(summary["calls"] / 12, abs=1e-4)
        assert row["figures"]["p95"] == summary["seconds"]["p95"]
        assert row["figures"]["cost"] > 0
    ElementTree.parse(folder / "comparison.svg")
    assert "| `p1m` | 12/0/0 | 100.0 % |" in (folder / "comparison.md").read_text("utf-8")


def test_json_is_all_that_is_on_stdout(shell: Shell):
    process = compare(shell, *TWO, "--mock", "--max-items", 3, "--json", "--out", "c")
    assert process.err == ""
    assert json.loads(process.out) == json_of(shell.folder / "c" / "comparison.json")


def test_repeats_take_turns_and_are_other_samples(shell: Shell):
    process = compare(shell, *TWO, "--mock-errors", "0.3", "--max-items", 8, "--repeats", 3, "--seed", 5, "--out", "c")
    said = [line.split(": ")[2] for line in process.err.splitlines() if line.startswith("igent: run ")]
    assert said == [f"{name}, in c/{name}-{k}" for k in (1, 2, 3) for name in TWO]
    assert "medians of 3 runs" in process.out
    seeds = {
        name: json_of(shell.folder / "c" / name / "summary.json")["run"]["seed"]
        for name in names(shell.folder / "c") - FILES
    }
    assert seeds == {f"{name}-{k}": 4 + k for k in (1, 2, 3) for name in TWO}
    row = json_of(shell.folder / "c" / "comparison.json")["rows"][0]
    assert list(row["runs"]) == ["p1m1m2c-1", "p1m1m2c-2", "p1m1m2c-3"]
    assert row["figures"]["calls"] == sorted(run["calls"] for run in row["runs"].values())[1]


def test_what_stood_there_is_set_aside(shell: Shell):
    for _ in range(2):
        compare(shell, *TWO, "--mock", "--max-items", 2, "--out", "c")
    assert names(shell.folder / "c") == {*TWO, *(f"{name}.old-1" for name in TWO), *FILES}


def test_records_that_fail_are_wrong_and_make_an_exit_code(shell: Shell):
    process = compare(shell, "p1m1_p2m2", "--mock-errors", 1, "--max-items", 4, "--out", "c", code=1)
    assert lines(process.out)["p1m1_p2m2"][:3] == ["0/0/4", "0.0", "%"]


def test_a_model_for_an_agent_goes_to_those_that_have_it(shell: Shell):
    compare(shell, *TWO, "--mock", "--max-items", 1, "--model", "gpt-4o-mini", "--model", "critic=gpt-4o", "--out", "c")
    models = {name: json_of(shell.folder / "c" / name / "summary.json")["run"]["models"] for name in TWO}
    assert models["p1m1m2c"] == {"matcher1": "gpt-4o-mini", "critic": "gpt-4o", "matcher2": "gpt-4o-mini"}
    assert models["p1m"] == {"matcher": "gpt-4o-mini"}
    assert "no agent 'critik'" in compare(shell, *TWO, "--mock", "--model", "critik=x", code=2).err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "Missing argument"),
        (("p1m1m2x", "p1n", "--mock"), "no constellation 'p1m1m2x' (did you mean 'p1m1m2c'?"),
        (("p1m1m2x", "p1n", "--mock"), "no constellation 'p1n'"),
        ((*TWO, "p1m", "--mock"), "p1m: named twice"),
        ((*TWO, "--mock", "--scenario", "overlap_onli"), "did you mean 'overlap_only'?"),
        (
            (*TWO, "--base-url", "http://127.0.0.1:9/v1", "--mock-latency", "gpt-4o"),
            "paces the mock, which is not asked",
        ),
        ((*TWO, "--mock-latency", "soon"), "'soon' is neither a profile nor a time"),
        ((*TWO, "--mock", "--repeats", 0), "Invalid value for '--repeats'"),
        (("p1m", "other.yaml", "--mock"), "different scenarios: no_battery, overlap_only (choose one: --scenario"),
    ],
)
def test_what_cannot_be_compared_is_refused_before_anything_runs(shell: Shell, arguments, said):
    text = (ROOT / "constellations" / "p1m1_p2m2.yaml").read_text("utf-8")
    (shell.folder / "other.yaml").write_text(text.replace("scenario: overlap_only", "scenario: no_battery"))
    process = compare(shell, *arguments, code=2)
    assert said in process.err
    assert process.out == ""
    assert names(shell.folder) == {"other.yaml"}


def test_other_data_and_the_folder_of_a_run_are_refused(shell: Shell):
    mine = shell.folder / "mine"
    shutil.copytree(ROOT / "data", mine / "data")
    (mine / "constellations").mkdir()
    text = (ROOT / "constellations" / "p1m1_p2m2.yaml").read_text("utf-8")
    (mine / "constellations" / "own.yaml").write_text(text.replace("name: p1m1_p2m2", "name: own"))
    shutil.copytree(ROOT / "prompts", mine / "prompts")
    both = ("p1m", mine / "constellations" / "own.yaml", "--mock", "--max-items", 2)
    assert "go over different data (give all the same: --data DIR)" in compare(shell, *both, code=2).err
    compare(shell, *both, "--data", mine / "data" / "sbus", "--out", "c")
    assert "is the folder of a run" in compare(shell, *both, "--data", "mine/data/sbus", "--out", "c/own", code=2).err


def test_without_a_key_nothing_is_begun(shell: Shell):
    process = compare(shell, *TWO, "--max-items", 2, code=4)
    assert "OPENAI_API_KEY" in process.err
    assert process.out == ""
    assert names(shell.folder) == set()


def test_an_error_shows_what_was_finished_before_it(shell: Shell):
    taken = shell.folder / "c" / "p1m"
    taken.mkdir(parents=True)
    lock = FolderLock(taken)
    lock.acquire()
    try:
        process = compare(shell, *TWO, "--mock", "--max-items", 2, "--out", "c", code=7)
    finally:
        lock.release()
    assert "c/p1m is in use by process" in process.err
    assert lines(process.out)["p1m1m2c"][0] == "2/0/0"
    assert "No finished run: p1m" in process.out


def test_ctrl_c_between_two_runs_ends_it_as_well(monkeypatch, tmp_path):
    settings = load_settings(mock=True, data=DATA, max_items=2, out=tmp_path / "c")
    plan = work.plan(TWO, settings)
    judge = work.accuracy
    asked: list[str] = []

    def interrupted(constellation: Any, *more: Any) -> float | None:
        asked.append(constellation.name)
        if len(asked) == 2:
            raise KeyboardInterrupt
        return judge(constellation, *more)

    monkeypatch.setattr(work, "accuracy", interrupted)
    compared = work.compare(plan, say=lambda _: None, quiet=True)
    assert (compared.code, compared.error) == (130, None)
    assert [row.constellation for row in compared.comparison.rows] == ["p1m1m2c"]


def test_ctrl_c_shows_what_is_finished_and_leaves_a_run_that_goes_on(shell: Shell):
    pace = ("--max-items", "30", "--concurrency", "4")
    process = shell.start("compare", "p1m", "p1m1m2c", *pace, *SLOW, "--out", "c", module="igent")
    run = shell.folder / "c" / "p1m1m2c"
    wait_until(lambda: process.poll() is not None or len(entries(run, "outcome")) >= 2, "outcomes of the second run")
    process.send(signal.SIGINT)
    assert process.wait() == 130
    assert "Ctrl-C: finishing the calls in flight" in process.err
    assert "Traceback" not in process.err
    found = lines(process.out)
    assert found["p1m"][0] == "30/0/0"
    assert "p1m1m2c" not in found
    assert "No finished run: p1m1m2c" in process.out
    assert names(shell.folder / "c") == {"p1m", "p1m1m2c", *FILES}
    assert len(entries(run, "outcome")) < 30
    shell.run("p1m1m2c", "--mock", *pace, "--out", "c/p1m1m2c")
    shell.run("p1m1m2c", "--mock", *pace, "--out", "whole")
    assert final_files(run) == final_files(shell.folder / "whole")


def test_ctrl_c_before_anything_is_finished_writes_no_comparison(shell: Shell):
    slow = ("--mock-latency", "ttft=3600", "--concurrency", "1")
    process = shell.start("compare", "p1m", "--max-items", "3", *slow, "--out", "c", module="igent")
    wait_until((shell.folder / "c" / "p1m" / "journal.jsonl").exists, "the run")
    process.send(signal.SIGINT)
    wait_until(lambda: "Ctrl-C: finishing" in process.err, "the first word")
    process.send(signal.SIGINT)
    assert process.wait(5) == 130
    assert "no run was finished" in process.err
    assert process.out == ""
    assert names(shell.folder / "c") == {"p1m"}


async def test_an_endpoint_is_compared_as_the_mock_is(shell: Shell):
    async with MockServer(SbusMock()) as server:
        process = shell.start(
            "compare", *TWO, "--max-items", "4", "--base-url", server.base_url, "--out", "c", module="igent"
        )
        assert await asyncio.to_thread(process.wait) == 0
        assert server.stats()["requests"] == 12
    found = lines(process.out)
    assert found["p1m1m2c"][:3] == ["4/0/0", "100.0", "%"]
    assert "4 records of overlap_only, gpt-4o\n" in process.out
    assert "–" in found["p1m"], "an address without a price list has no price"
