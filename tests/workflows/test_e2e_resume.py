"""A run that is killed, ended early or started twice: nothing is lost, nothing is done twice."""

from __future__ import annotations

import csv
import re
import signal
import sys
from collections import Counter
from pathlib import Path

import pytest
from e2e_support import (
    RESULTS,
    Process,
    Shell,
    copy_data,
    edit_json,
    entries,
    final_files,
    json_of,
    lines_of,
    oracle,
    wait_until,
)

RECORDS, CONCURRENCY = 30, 6
RUN = ("p1m1m2c", "--mock", "--max-items", RECORDS, "--concurrency", CONCURRENCY)
PACED = ("--mock-latency", "ttft=0.05,itl=0.0005")


def kill_after(process: Process, run: Path, outcomes: int) -> None:
    """kill -9 as soon as the journal has so many outcomes."""

    def reached() -> bool:
        assert process.poll() is None, "it ended before it could be killed"
        return len(entries(run, "outcome")) >= outcomes

    wait_until(reached, f"{outcomes} outcomes")
    process.send(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL


@pytest.mark.parametrize(("constellation", "errors"), [("p1m1m2c", 0.0), ("p1m1m2c", 0.8), ("p1m1c1m2c2", 0.8)])
def test_killed_twice_and_resumed_it_ends_as_if_never_killed(shell: Shell, constellation, errors):
    command = (constellation, *RUN[1:], "--mock-errors", errors)
    code = int(errors > 0)  # with so many errors some records fail for good, and keep their units
    shell.run(*command, "--out", "whole", code=code)
    run = shell.folder / "killed"
    kills = (7, 17)
    kept = 0
    for outcomes in kills:
        process = shell.start(*command, *PACED, "--out", "killed")
        kill_after(process, run, outcomes)
        if kept:
            assert f"{kept} records" in process.err
            assert "settled before, not run again" in process.err
        kept = len(entries(run, "outcome"))
        assert kept < RECORDS
    last = shell.run(*command, "--out", "killed", code=code)
    assert re.search(rf"killed: {kept} records \(.*\) settled before, not run again; {RECORDS - kept} to go", last.err)
    assert final_files(run) == final_files(shell.folder / "whole")
    oracle(run, max_items=RECORDS)

    settled = Counter(entry["record_id"] for entry in entries(run, "outcome"))
    assert set(settled.values()) == {1}
    assert len(settled) == RECORDS
    bought = Counter(entry["key"] for entry in entries(run, "answer"))
    calls = json_of(shell.folder / "whole" / "summary.json")["calls"]
    assert calls <= sum(bought.values()) <= calls + len(kills) * CONCURRENCY
    audited = [(line["record_id"], line["step"], line["kind"]) for line in lines_of(run / "conversations.jsonl")]
    whole = lines_of(shell.folder / "whole" / "conversations.jsonl")
    assert sorted(audited) == sorted((line["record_id"], line["step"], line["kind"]) for line in whole)
    summary = json_of(run / "summary.json")
    assert summary["counts"] == json_of(shell.folder / "whole" / "summary.json")["counts"]
    assert summary["run"]["resumed"] == kept
    with (run / "timings.csv").open(newline="") as file:
        columns = [name for name in next(csv.reader(file)) if name.endswith("file_write_seconds")]
        file.seek(0)
        written = [sum(float(row[name] or 0) for name in columns) for row in csv.DictReader(file)]
    assert sum(seconds > 0 for seconds in written) >= RECORDS - 2 * CONCURRENCY, "the seconds of writing were lost"


def test_a_second_process_on_the_folder_is_refused_with_the_first_ones_pid(shell: Shell):
    first = shell.start(*RUN, *PACED, "--out", "run")
    wait_until((shell.folder / "run" / "run.pid").exists, "the first run")
    second = shell.run(*RUN, "--out", "run", code=7)
    assert str(first.pid) in second.err
    assert "run is in use by process" in second.err
    for command in (("retry", "run"), ("reset", "run")):
        assert str(first.pid) in shell.igent(*command, code=7).err
    assert str(first.pid) in shell.run(*RUN, "--out", "run", "--fresh", code=7).err
    assert first.wait() == 0
    oracle(shell.folder / "run", max_items=RECORDS)


def test_fresh_sets_the_old_run_aside(shell: Shell):
    command = ("p1m1m2c", "--mock", "--max-items", 3, "--out", "run")
    shell.run(*command)
    before = final_files(shell.folder / "run")
    shell.run(*command, "--fresh", "--seed", 3)
    shell.run(*command, "--fresh")
    assert final_files(shell.folder / "run.old-1") == before
    assert (shell.folder / "run.old-2" / "journal.jsonl").exists()
    shell.igent("reset", "run")
    assert not (shell.folder / "run").exists()
    assert final_files(shell.folder / "run.old-3") == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("p1m1_p2m2",), "it is of constellation p1m1m2c, not p1m1_p2m2"),
        (("p1m1m2c", "--scenario", "no_battery"), "it is of scenario overlap_only, not no_battery"),
        (("p1m1m2c", "--seed", "2"), "its seed was 0, now it is 2"),
        (("p1m1m2c", "--mock-errors", "0.5"), "the mock's error rate was 0.0, now it is 0.5"),
        (("p1m1m2c", "--critic", "never"), "its critic policy was the constellation's, now it is never"),
        (("p1m1m2c", "--model", "critic=other"), "other models were asked"),
    ],
)
def test_another_run_on_the_folder_is_refused(shell: Shell, arguments, said):
    shell.run("p1m1m2c", "--mock", "--max-items", 2, "--out", "run")
    before = {path.name: path.read_bytes() for path in (shell.folder / "run").iterdir()}
    process = shell.run(*arguments, "--mock", "--out", "run", code=2)
    assert f"run: holds another run: {said}" in process.err
    assert "--fresh" in process.err
    assert "go on with" not in process.err, "the same command would be refused again"
    after = {path.name: path.read_bytes() for path in (shell.folder / "run").iterdir()}
    assert after == before


def test_changed_input_files_and_prompts_are_another_run(shell: Shell):
    data = copy_data(shell.folder / "data")
    shell.igent("init", "mine")
    command = ("mine/constellations/my_p1m1m2c.yaml", "--mock", "--data", data, "--max-items", 2, "--out", "run")
    shell.run(*command)
    edit_json(data / "registrations_overlap_only.json", lambda rows: rows[5].update(Contact_state="AZ"))
    assert "the input files have changed" in shell.run(*command, code=2).err
    prompt = shell.folder / "mine" / "prompts" / "sbus" / "critic.md"
    prompt.write_text(prompt.read_text() + "\nBe kind.\n")
    assert "the prompts have changed" in shell.run(*command, code=2).err


def test_a_finished_run_started_again_calls_nobody(shell: Shell):
    command = ("p1m1m2c", "--mock", "--max-items", 5, "--out", "run")
    shell.run(*command)
    journal = (shell.folder / "run" / "journal.jsonl").read_bytes()
    before = final_files(shell.folder / "run")
    again = shell.run(*command)
    assert "5 records (5 done) settled before, not run again; nothing left to do (--fresh starts over)" in again.err
    assert (shell.folder / "run" / "journal.jsonl").read_bytes() == journal
    assert final_files(shell.folder / "run") == before


def test_a_run_with_failures_ends_the_same_when_started_again(shell: Shell):
    data = copy_data(shell.folder / "data", first=3)
    edit_json(data / "registrations_overlap_only.json", lambda rows: rows[1].update(Contact_Zip=None))
    command = ("p1m1m2c", "--mock", "--data", data, "--out", "run")
    shell.run(*command, code=1)
    shell.run(*command, code=1)


def test_a_few_records_first_then_all(shell: Shell):
    shell.run("p1m1m2c", "--mock", "--mock-errors", 0.2, "--out", "whole", "--concurrency", 3)
    shell.run("p1m1m2c", "--mock", "--mock-errors", 0.2, "--out", "run", "--max-items", 5)
    assert len(lines_of(shell.folder / "run" / "outcomes.jsonl")) == 5
    shell.run("p1m1m2c", "--mock", "--mock-errors", 0.2, "--out", "run")
    assert final_files(shell.folder / "run") == final_files(shell.folder / "whole")
    fewer = shell.run("p1m1m2c", "--mock", "--mock-errors", 0.2, "--out", "run", "--max-items", 5, "--json")
    assert '"input": 100' in fewer.out, "what is done stays done"


def damage_first_line(run: Path) -> None:
    data = bytearray((run / "journal.jsonl").read_bytes())
    data[30] ^= 4
    (run / "journal.jsonl").write_bytes(data)


@pytest.mark.parametrize(
    ("now", "what"),
    [
        (("p1m1_p2m2", "--mock"), "it is of constellation p1m, not p1m1_p2m2"),
        (("p1m", "--mock", "--seed", "7"), "its seed was 0, now it is 7"),
        (("p1m", "--mock", "--model", "gpt-4o-mini"), "other models were asked"),
    ],
)
def test_a_journal_that_lost_its_first_line_is_not_gone_on_with_as_another_run(shell: Shell, now, what):
    shell.run("p1m", "--mock", "--max-items", "2", "--out", "run")
    damage_first_line(shell.folder / "run")
    before = final_files(shell.folder / "run")
    assert what in shell.run(*now, "--max-items", "2", "--out", "run", code=2).err
    assert final_files(shell.folder / "run") == before


@pytest.mark.parametrize("damage", [damage_first_line, lambda run: (run / "journal.jsonl").write_bytes(b"")])
def test_a_journal_that_knows_nothing_of_the_run_is_told_whatever_is_asked(shell: Shell, damage):
    shell.run("p1m", "--mock", "--max-items", "2", "--out", "run")
    before = final_files(shell.folder / "run")
    damage(shell.folder / "run")
    process = shell.run("p1m", "--mock", "--max-items", "2", "--out", "run", "--quiet")
    assert "all its records are done again" in process.err
    assert final_files(shell.folder / "run") == before


def test_the_current_folder_can_be_the_run_folder_and_is_set_aside_as_any_other(shell: Shell):
    (shell.folder / "here").mkdir()
    for options in ((), ("--fresh",)):
        shell.run("p1m", "--mock", "--max-items", "2", "--out", ".", *options, cwd="here")
    assert (shell.folder / "here.old-1" / "journal.jsonl").exists()


def test_a_torn_journal_is_set_aside_and_its_records_done_again(shell: Shell):
    shell.run("p1m1m2c", "--mock", "--max-items", 6, "--out", "run", "--concurrency", 1)
    before = final_files(shell.folder / "run")
    journal = shell.folder / "run" / "journal.jsonl"
    whole = journal.read_bytes()
    journal.write_bytes(whole[: len(whole) * 2 // 3])
    again = shell.run("p1m1m2c", "--mock", "--max-items", 6, "--out", "run")
    assert "damaged bytes at the end of the journal were set aside" in again.err
    assert (shell.folder / "run" / "journal.damaged-1").exists()
    assert final_files(shell.folder / "run") == before


def test_a_folder_of_somebody_elses_is_not_written_to(shell: Shell):
    (shell.folder / "photos").mkdir()
    (shell.folder / "photos" / "cat.jpg").write_text("cat")
    process = shell.run("p1m1m2c", "--mock", "--out", "photos", code=2)
    assert "photos: is no run folder, and not empty (cat.jpg) (choose another folder with --out)" in process.err
    assert [p.name for p in (shell.folder / "photos").iterdir() if not p.name.startswith("run.")] == ["cat.jpg"]


def test_a_damaged_view_is_made_anew(shell: Shell):
    shell.run("p1m1m2c", "--mock", "--max-items", 3, "--out", "run")
    before = final_files(shell.folder / "run")
    for name in RESULTS:
        (shell.folder / "run" / name).write_text("nonsense")
    (shell.folder / "run" / "outcomes.jsonl").unlink()
    shell.run("p1m1m2c", "--mock", "--max-items", 3, "--out", "run")
    assert final_files(shell.folder / "run") == before


pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="forks processes")
