"""Run folders that earlier states of igent left are gone on with: what they had settled and paid for is kept."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest
from e2e_support import Shell, entries, json_of, lines_of, oracle

from igent.writing.lines import from_line, to_line
from igent.writing.reader import JOURNAL_FORMAT

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="forks processes")
GOLDEN = Path(__file__).parents[1] / "golden"
RESUMED = ("2026-11-b",)
REFUSED = ("2026-11-a",)  # the schemas that a prompt ends with were shown otherwise
OLDER = sorted(path.name for path in GOLDEN.iterdir() if path.is_dir() and path.name != "setup")
RUN = ("my_p1m1m2c", "--mock", "--mock-errors", "0.9", "--concurrency", "2", "--data", "data/sbus", "--out", "run")
RECORDS = 6


@pytest.fixture
def setup(shell: Shell) -> Shell:
    shutil.copytree(GOLDEN / "setup", shell.folder, dirs_exist_ok=True)
    return shell


def take(shell: Shell, older: str, state: str) -> bytes:
    shutil.copytree(GOLDEN / older / state, shell.folder / "run")
    return (shell.folder / "run" / "journal.jsonl").read_bytes()


def test_each_of_them_is_known():
    assert sorted([*RESUMED, *REFUSED]) == OLDER


@pytest.mark.parametrize("older", RESUMED)
def test_a_killed_run_of_an_older_igent_is_gone_on_with(setup: Shell, older: str):
    before = take(setup, older, "killed")
    ended = setup.start(*RUN)
    assert ended.wait() in {0, 1}, ended.err
    assert "settled before, not run again" in ended.err
    run = setup.folder / "run"
    after = (run / "journal.jsonl").read_bytes()
    assert after.startswith(before[: before.rindex(b"\n") + 1]), "what was there is there, unchanged"
    assert len({entry["record_id"] for entry in entries(run, "outcome")}) == RECORDS
    assert len(entries(run, "outcome")) == RECORDS, "nothing was run again"
    oracle(run, data=setup.folder / "data" / "sbus")
    assert len(lines_of(run / "outcomes.jsonl")) == RECORDS
    assert json_of(run / "summary.json")["counts"]["not_run"] == 0


@pytest.mark.parametrize("older", RESUMED)
def test_a_finished_run_of_an_older_igent_calls_nobody(setup: Shell, older: str):
    before = take(setup, older, "retried")
    ended = setup.run(*RUN, code=1)
    assert "6 records" in ended.err
    assert "nothing left to do" in ended.err
    run = setup.folder / "run"
    assert len(entries(run, "answer")) == before.count(b'"kind":"answer"')
    assert json_of(run / "summary.json")["counts"]["failed"] > 0


@pytest.mark.parametrize("older", REFUSED)
@pytest.mark.parametrize("state", ["killed", "retried"])
def test_what_was_asked_otherwise_is_refused_with_the_reason(setup: Shell, older: str, state: str):
    before = take(setup, older, state)
    refused = setup.run(*RUN, code=2)
    assert "holds another run: the prompts have changed (the files, or what this igent adds to them)" in refused.err
    assert "--fresh" in refused.err
    assert (setup.folder / "run" / "journal.jsonl").read_bytes() == before


@pytest.mark.parametrize("older", RESUMED)
def test_with_other_prompts_it_is_refused_not_run_again(setup: Shell, older: str):
    before = take(setup, older, "killed")
    prompt = setup.folder / "prompts" / "sbus" / "matcher1.md"
    prompt.write_text(prompt.read_text("utf-8") + "\nBe brief.\n", encoding="utf-8")
    assert "the prompts have changed" in setup.run(*RUN, code=2).err
    assert (setup.folder / "run" / "journal.jsonl").read_bytes() == before


@pytest.mark.parametrize("command", [RUN, ("retry", "run")], ids=["run", "retry"])
def test_a_run_of_a_newer_igent_is_refused_and_left_as_it_is(setup: Shell, command: tuple[str, ...]):
    take(setup, RESUMED[-1], "killed")
    journal = setup.folder / "run" / "journal.jsonl"
    first, *others = journal.read_bytes().splitlines(keepends=True)
    entry = from_line(first)
    assert entry is not None
    newer = b"".join([to_line({**entry, "format": JOURNAL_FORMAT + 1}), *others])
    journal.write_bytes(newer)
    module = "igent.workflows" if command is RUN else "igent"
    refused = setup.run(*command, code=2, module=module)
    assert "a newer igent wrote this journal" in refused.err
    assert "update igent" in refused.err
    assert journal.read_bytes() == newer
