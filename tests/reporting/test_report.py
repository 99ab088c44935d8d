from __future__ import annotations

import json
from pathlib import Path

import pytest
from made_outcomes import FACTS, outcome, step, summary_of

from igent.errors import RunFolderError
from igent.reporting.report import Report, load_report
from igent.writing.views import outcome_line


def write(folder: Path, outcomes, total=None) -> Report:
    folder.mkdir(parents=True)
    summary = summary_of(outcomes, FACTS, len(outcomes) if total is None else total)
    (folder / "summary.json").write_text(json.dumps(summary.to_json()), encoding="utf-8")
    (folder / "outcomes.jsonl").write_bytes(b"".join(map(outcome_line, outcomes)))
    (folder / "matches.json").write_text(json.dumps([o.outputs["matches"] for o in outcomes if o.outputs]))
    return Report(summary, tuple(outcomes), folder)


@pytest.fixture
def made():
    return [outcome(i, s, steps=(step(), step(step="pos"))) for i, s in enumerate(["done", "failed", "no_match"])]


def test_a_report_counts_and_lists_outputs(tmp_path, made):
    report = write(tmp_path / "run", made)
    assert (report.done, report.no_match, report.failed) == (1, 1, 1)
    assert report.outputs("matches") == [{"registration_id": "REG-0000"}]
    assert report.outputs("nothing") == []


def test_a_folder_gives_the_same_report_back(tmp_path, made):
    report = write(tmp_path / "run", made, total=5)
    loaded = load_report(tmp_path / "run")
    assert loaded.summary.to_json() == report.summary.to_json()
    assert [(o.record_id, o.index, o.status, o.reason) for o in loaded.outcomes] == [
        (o.record_id, o.index, o.status, o.reason) for o in made
    ]
    assert [s.step for s in loaded.outcomes[0].steps] == ["matches", "pos"]
    assert loaded.outcomes[0].steps[0].usage == made[0].steps[0].usage
    assert loaded.outputs("matches") == report.outputs("matches")
    assert loaded.outputs("../run/matches") == []
    assert loaded.outputs("nothing") == []


def test_outcomes_of_the_journal_are_taken_as_they_are(tmp_path, made):
    write(tmp_path / "run", made)
    assert load_report(tmp_path / "run", made).outcomes == tuple(made)


def test_an_empty_run_can_be_read(tmp_path):
    write(tmp_path / "run", [])
    assert load_report(tmp_path / "run").outcomes == ()


def test_odd_text_survives(tmp_path):
    odd = [outcome(0, "failed", record_id="a\ud800", reason="12345678901234567890123")]
    write(tmp_path / "run", odd)
    assert load_report(tmp_path / "run").outcomes[0].record_id == "a\ud800"


def test_a_wrong_name_gets_the_nearest_run(tmp_path, made):
    write(tmp_path / "runs" / "p1m1m2c-overlap", made)
    for wrong in (tmp_path / "runs" / "p1m1m2c-overlp", tmp_path / "p1m1m2c-overlap"):
        with pytest.raises(RunFolderError, match="p1m1m2c-overlap") as caught:
            load_report(wrong)
        assert "there is no such run folder" in str(caught.value)
        assert "did you mean" in str(caught.value)


def test_a_folder_of_runs_is_no_run(tmp_path, made):
    write(tmp_path / "runs" / "one", made)
    with pytest.raises(RunFolderError, match="this folder holds no run") as caught:
        load_report(tmp_path / "runs")
    assert "one" in str(caught.value)


def test_without_any_run_the_remedy_names_what_is_wanted(tmp_path):
    with pytest.raises(RunFolderError, match="--out"):
        load_report(tmp_path / "none")


def test_an_unfinished_run_says_how_it_goes_on(tmp_path):
    (tmp_path / "journal.jsonl").touch()
    with pytest.raises(RunFolderError, match="no summary yet"):
        load_report(tmp_path)


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"schema_version": 1}', '{"schema_version": "x"}', "\udcff"])
def test_a_damaged_summary_is_named(tmp_path, made, content):
    write(tmp_path / "run", made)
    (tmp_path / "run" / "summary.json").write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(RunFolderError, match=r"summary\.json: this is no summary of a run"):
        load_report(tmp_path / "run")


def test_a_newer_summary_is_refused(tmp_path, made):
    write(tmp_path / "run", made)
    (tmp_path / "run" / "summary.json").write_text('{"schema_version": 2}')
    with pytest.raises(RunFolderError, match="newer igent"):
        load_report(tmp_path / "run")


@pytest.mark.parametrize(
    "line", ["{", "[]", "{}", '{"record_id": "a", "status": "lost"}', '{"record_id":"a","status":"done","phases":[{}]}']
)
def test_a_damaged_outcome_is_named_by_its_line(tmp_path, made, line):
    write(tmp_path / "run", made)
    path = tmp_path / "run" / "outcomes.jsonl"
    path.write_bytes(path.read_bytes() + line.encode() + b"\n")
    with pytest.raises(RunFolderError, match=r"outcomes\.jsonl:4: this is no outcome"):
        load_report(tmp_path / "run")


def test_a_missing_outcomes_file_is_named(tmp_path, made):
    write(tmp_path / "run", made)
    (tmp_path / "run" / "outcomes.jsonl").unlink()
    with pytest.raises(RunFolderError, match=r"outcomes\.jsonl: cannot be read"):
        load_report(tmp_path / "run")


def test_damaged_outputs_are_named(tmp_path, made):
    write(tmp_path / "run", made)
    loaded = load_report(tmp_path / "run")
    (tmp_path / "run" / "matches.json").write_text("[{")
    with pytest.raises(RunFolderError, match=r"matches\.json: this is no JSON"):
        loaded.outputs("matches")
