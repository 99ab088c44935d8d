"""`igent run --dry-run`: says what a run would need, and leaves no trace of having said it."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest
from e2e_support import Shell, copy_data, edit_json

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="forks processes")


def dry(shell: Shell, *arguments: str | Path) -> dict:
    process = shell.run("p1m1m2c", "--dry-run", "--json", *arguments)
    assert process.err == ""
    return json.loads(process.out)


def test_it_needs_no_key_sends_nothing_and_makes_nothing(shell: Shell):
    process = shell.run("p1m1m2c", "--dry-run", "--base-url", "http://127.0.0.1:9/v1")
    for row in ("records", "calls", "tokens in", "tokens out", "cost", "a record", "the run", "  matcher1", "  critic"):
        assert re.search(rf"^{row} +\S", process.out, re.MULTILINE), row
    assert re.search(r"^cost +unknown$", process.out, re.MULTILINE)
    assert "Nothing was sent" in process.out
    assert process.err == ""
    assert re.search(r"^cost +\$\d", shell.run("p1m1m2c", "--dry-run").out, re.MULTILINE)
    assert shell.run("p1m1m2c", "--dry-run", "--quiet").out == ""
    assert list(shell.folder.iterdir()) == []


def test_json_is_all_that_is_on_stdout(shell: Shell):
    told = dry(shell, "--max-items", 10, "--mock-latency", "ttft=1,itl=0", "--concurrency", 2)
    assert told["calls"] == {"low": 20, "expected": 23, "high": 50}
    assert told["records"] == {"to_run": 10, "settled": 0, "failed_by_input": 0, "no_match": 0}
    assert [agent["agent"] for agent in told["agents"]] == ["matcher1", "critic", "matcher2"]
    assert told["cost"]["low"] < told["cost"]["expected"] < told["cost"]["high"]
    assert told["seconds"]["low"] == 5.0
    assert dry(shell, "--mock")["cost"] is None
    assert list(shell.folder.iterdir()) == []


def test_records_with_wrong_input_are_told_of_and_not_asked_about(shell: Shell):
    data = copy_data(shell.folder / "data", first=10)

    def break_two(rows: list) -> None:
        rows[3]["Contact_Zip"] = rows[7]["Contact_Zip"] = None

    edit_json(data / "registrations_overlap_only.json", break_two)
    told = dry(shell, "--data", "data")
    assert told["records"] == {"to_run": 8, "settled": 0, "failed_by_input": 2, "no_match": 0}
    assert told["calls"]["low"] == 16
    assert "8 to run, 2 failing by their input" in shell.run("p1m1m2c", "--dry-run", "--data", "data").out


def test_only_what_is_left_of_a_run_is_told(shell: Shell):
    run = ("--mock", "--out", "run", "--max-items")
    shell.run("p1m1m2c", *run, 4)
    before = {path.name: path.read_bytes() for path in (shell.folder / "run").iterdir()}
    told = dry(shell, *run, 10)
    assert told["records"] == {"to_run": 6, "settled": 4, "failed_by_input": 0, "no_match": 0}
    assert {path.name: path.read_bytes() for path in (shell.folder / "run").iterdir()} == before
    assert dry(shell, *run, 10, "--fresh")["records"]["to_run"] == 10
    assert {path.name for path in shell.folder.iterdir()} == {"run"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--scenario", "overlap_onli"), "did you mean 'overlap_only'?"),
        (("--critic", "sometimes"), "--critic: 'sometimes' is no critic policy"),
        (("--base-url", "localhost:1234"), "--base-url like http://localhost:8000/v1"),
        (("--mock-latency", "soon"), "'soon' is neither a profile nor a time"),
        (("--max-cost", "5", "--model", "zork-1"), "--max-cost 5: the price of zork-1 is not known (bound the run by"),
        (("--max-cost", "-1"), "'-1' is no amount of US dollars: give a number above 0, such as 2.50"),
        (("--max-calls", "0"), "Invalid value for '--max-calls'"),
        (("--concurrency", "some"), "'some' is neither a number from 1 to 10000 nor auto"),
        (("--speculate", "perhaps"), "Invalid value for '--speculate'"),
    ],
)
def test_what_the_run_would_refuse_is_refused(shell: Shell, arguments, said):
    process = shell.run("p1m1m2c", "--dry-run", *arguments, code=2)
    assert said in process.err
    assert process.out == ""
    assert list(shell.folder.iterdir()) == []


def test_a_folder_of_another_run_or_of_somebody_is_refused(shell: Shell):
    shell.run("p1m1m2c", "--mock", "--max-items", 2, "--out", "run")
    refused = shell.run("p1m1m2c", "--dry-run", "--mock", "--seed", 4, "--out", "run", code=2)
    assert "its seed was 0, now it is 4" in refused.err
    (shell.folder / "mine").mkdir()
    (shell.folder / "mine" / "thesis.txt").write_text("mine")
    assert "is no run folder, and not empty" in shell.run("p1m1m2c", "--dry-run", "--out", "mine", code=2).err


def test_bad_records_files_are_named(shell: Shell):
    data = copy_data(shell.folder / "data", first=3)
    (data / "offers.json").write_text("{")
    assert "data/offers.json" in shell.run("p1m1m2c", "--dry-run", "--data", "data", code=2).err
