"""kill -9 before, during and after the operations on the disk on which a run's promises rest, in a new run, in one that
is gone on with, and while it is drained. Each ends as if never killed. IGENT_NIGHTLY=1 kills at more places of each."""

from __future__ import annotations

import os
import signal
import sys
from collections import Counter
from pathlib import Path

import pytest
from e2e_support import Process, Shell, entries, final_files, json_of, lines_of, oracle, wait_until

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="forks processes")
RECORDS, CONCURRENCY = 12, 4
RUN = ("p1m1m2c", "--mock", "--max-items", RECORDS, "--concurrency", CONCURRENCY)
PACED = (*RUN, "--mock-latency", "ttft=0.01,itl=0.0001", "--out", "killed")
"""Slow enough that the journal is written in many batches."""
NIGHTLY = os.environ.get("IGENT_NIGHTLY") == "1"  # noqa: TID251
TIMES = (1, 2, 3, 4, 5, 6, 7) if NIGHTLY else (1, 2, 3, 6)

JOURNAL_POINTS = {
    "before an append": "before:write:journal.jsonl",
    "half a line appended": "during:write:journal.jsonl",
    "appended, not synced": "before:sync:journal.jsonl",
    "synced, not yet in the ledger": "after:sync:journal.jsonl",
    "conversations synced, journal not yet": "after:sync:conversations.jsonl",
    "half a conversation appended": "during:write:conversations.jsonl",
}
FILE_POINTS = {
    "outcomes not yet in any file": "before:open wb:.outcomes.jsonl.tmp:1",
    "half a view written": "during:write:.matches.json.tmp:1",
    "view written, not synced": "before:sync:.matches.json.tmp:1",
    "view synced, not in place": "before:replace:matches.json:1",
    "view in place, its folder not synced": "after:replace:pos.json:1",
    "some views new, some old": "before:replace:capacity.json:1",
    "all views in place": "after:replace:capacity.json:1",
    "half the summary written": "during:write:.summary.json.tmp:1",
    "all but the summary in place": "before:replace:summary.json:1",
    "everything in place": "after:replace:summary.json:1",
    "the run folder just made": "after:make_folder:killed:1",
    "the folder just locked": "after:lock:run.lock:1",
    "its name just made durable": "after:sync_folder:killed:1",
    "the names of the logs made durable": "after:sync_folder:killed:3",
    "the name of a view made durable": "after:sync_folder:killed:6",
    "the name of the last view made durable": "after:sync_folder:killed:9",
    "half the outcomes written": "during:write:.outcomes.jsonl.tmp:1",
    "outcomes written, not synced": "before:sync:.outcomes.jsonl.tmp:1",
    "outcomes in place, nothing else": "after:replace:outcomes.jsonl:1",
    "the prompts half written": "during:write:.prompts.json.tmp:1",
}
POINTS = {
    **{f"{name}, time {nth}": f"{point}:{nth}" for name, point in JOURNAL_POINTS.items() for nth in TIMES},
    **FILE_POINTS,
}
RESUMED_POINTS = {
    "the journal just read": "after:open rb:journal.jsonl:1",
    "the damaged tail half saved": "during:write:.journal.damaged-1.tmp:1",
    "the damaged tail saved, not cut off": "after:replace:journal.damaged-1:1",
    "the damaged tail cut off": "after:truncate:journal.jsonl:1",
    "conversations half pruned": "during:write:.conversations.jsonl.tmp:1",
    "conversations pruned, not in place": "before:replace:conversations.jsonl:1",
    "conversations pruned": "after:replace:conversations.jsonl:1",
    "the journal opened again": "after:open ab:journal.jsonl:1",
    "the journal's end half written anew": "during:write:journal.jsonl:1",
    "the journal synced again": "after:sync:journal.jsonl:2",
    "the first new line": "during:write:journal.jsonl:2",
}


@pytest.fixture(scope="module")
def whole(zygote, tmp_path_factory: pytest.TempPathFactory) -> Path:
    shell = Shell(zygote, tmp_path_factory.mktemp("whole") / "here")
    shell.run(*RUN, "--out", "whole")
    return shell.folder / "whole"


def killed(process: Process) -> None:
    code = process.wait()
    assert code == -signal.SIGKILL, f"the point was not reached: exit {code}\n{process.err}"


def check(shell: Shell, whole: Path, kept: dict[str, object], kills: int) -> None:
    """Finish it; nothing that was on the disk is gone, nothing was done twice, no more was asked than had to be."""
    shell.run(*RUN, "--out", "killed")
    run = shell.folder / "killed"
    assert final_files(run) == final_files(whole)
    oracle(run, max_items=RECORDS)
    settled = [entry["record_id"] for entry in entries(run, "outcome")]
    assert Counter(settled) == dict.fromkeys(settled, 1)
    assert len(settled) == RECORDS
    assert {entry["record_id"]: entry for entry in entries(run, "outcome")}.items() >= kept.items()
    calls = json_of(whole / "summary.json")["calls"]
    assert calls <= len(entries(run, "answer")) <= calls + kills * CONCURRENCY
    asked = [(line["record_id"], line["step"], line["kind"]) for line in lines_of(run / "conversations.jsonl")]
    assert sorted(asked) == sorted(
        (o["record_id"], o["step"], o["kind"]) for o in lines_of(whole / "conversations.jsonl")
    )
    for path in run.glob("*.json"):
        json_of(path)
    assert not list(run.glob("*.tmp"))
    assert not list(run.glob(".*.tmp"))


def on_disk(run: Path) -> dict[str, object]:
    return {entry["record_id"]: entry for entry in entries(run, "outcome")}


@pytest.mark.parametrize("point", POINTS.values(), ids=POINTS)
def test_killed_there_it_ends_as_if_never_killed(shell: Shell, whole: Path, point: str):
    killed(shell.start(*PACED, kill_at=point))
    check(shell, whole, on_disk(shell.folder / "killed"), 1)


@pytest.mark.parametrize("point", RESUMED_POINTS.values(), ids=RESUMED_POINTS)
def test_killed_again_while_it_goes_on_it_ends_as_if_never_killed(shell: Shell, whole: Path, point: str):
    run = shell.folder / "killed"
    kills = 1
    while not on_disk(run) and kills < 6:  # how much one write takes depends on how busy the machine is
        killed(shell.start(*PACED, kill_at="during:write:journal.jsonl:7"))
        kills += 1
    for name, line in (("conversations", b'{"record_id":"unsettled"}\n'), ("journal", b'{"len":99,"crc":"0')):
        with (run / f"{name}.jsonl").open("ab") as file:  # half of a write may have ended with a line
            file.write(line)
    kept = on_disk(run)
    assert kept
    killed(shell.start(*PACED, kill_at=point))
    assert on_disk(run).items() >= kept.items(), "going on with it lost what it had"
    check(shell, whole, on_disk(run), kills)


DRAINED_POINTS = {
    "an append": "before:write:journal.jsonl:8",  # late enough to be after the signal
    "half an append": "during:write:journal.jsonl:8",
    "appended, not synced": "before:sync:journal.jsonl:8",
    "synced": "after:sync:journal.jsonl:8",
    "half a view written": "during:write:.outcomes.jsonl.tmp:1",
    "some views in place": "before:replace:capacity.json:1",
    "all but the summary in place": "before:replace:summary.json:1",
}


@pytest.mark.parametrize("point", DRAINED_POINTS.values(), ids=DRAINED_POINTS)
def test_killed_while_it_is_drained_it_ends_as_if_never_killed(shell: Shell, whole: Path, point: str):
    process = shell.start(*RUN, "--mock-latency", "ttft=0.1,itl=0.001", "--out", "killed", kill_at=point)
    run = shell.folder / "killed"
    wait_until(lambda: len(entries(run, "answer")) > 2, "answers")
    process.send(signal.SIGINT)
    killed(process)
    check(shell, whole, on_disk(run), 1)


FAILING = ("p1m1m2c", "--mock", "--mock-errors", "1", "--max-items", "6", "--concurrency", "2", "--out", "run")
RETRY_POINTS = {
    "told to, not yet written down": "before:write:journal.jsonl:2",
    "half written down": "during:write:journal.jsonl:2",
    "written down, not synced": "before:sync:journal.jsonl:2",
    "begun": "after:sync:journal.jsonl:3",
    "half a view written": "during:write:.outcomes.jsonl.tmp:1",
    "all but the summary in place": "before:replace:summary.json:1",
}


@pytest.fixture(scope="module")
def retried(zygote, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose records fail, and a retry of it that nobody kills."""
    shell = Shell(zygote, tmp_path_factory.mktemp("retried") / "here")
    shell.run(*FAILING, code=1)
    shell.igent("retry", "run", code=1)
    return shell.folder / "run"


@pytest.mark.parametrize("point", RETRY_POINTS.values(), ids=RETRY_POINTS)
def test_a_retry_that_is_killed_can_be_retried(shell: Shell, retried: Path, point: str):
    shell.run(*FAILING, code=1)
    run = shell.folder / "run"
    before = (run / "journal.jsonl").read_bytes()
    killed(shell.start("retry", "run", module="igent", kill_at=point))
    assert (run / "journal.jsonl").read_bytes().startswith(before), "a retry forgets nothing that was written down"
    shell.run(*FAILING, code=1)
    shell.igent("retry", "run", code=1)
    assert final_files(run) == final_files(retried)
    oracle(run, max_items=6)
    assert not list(run.glob(".*.tmp"))
