"""A run folder that is opened again: what its journal says counts, read when it is looked at."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from igent.errors import RunFolderError
from igent.outcome import Outcome, PhaseTiming
from igent.types import CallContext, ChatMessage, ChatRequest, Completion, JsonObject, Usage
from igent.workflows.folder import RunFolder
from igent.writing.entries import answer_to_entry, outcome_to_entry, request_key
from igent.writing.lines import to_line

RUN: JsonObject = {"kind": "run", "format": 1, "identity": {"name": "a"}, "today": "2026-11-23"}


def outcome(index: int, status: str = "done", **changed: object) -> Outcome:
    base = Outcome(f"r{index}", index, status, takes="A", timings={"p": PhaseTiming(1.0)}, total_seconds=1.0)  # type: ignore[arg-type]
    return replace(base, **changed)  # type: ignore[arg-type]


def request(index: int, text: str = "?") -> ChatRequest:
    return ChatRequest("m", (ChatMessage("user", text),), CallContext(f"r{index}", "step", "agent"))


def answer(index: int, text: str) -> JsonObject:
    return answer_to_entry(request(index), Completion(text, Usage(1, 2), "stop", "m"))


def written(index: int, seconds: float) -> JsonObject:
    return {"kind": "written", "record_id": f"r{index}", "seconds": seconds}


@contextmanager
def opened(path: Path, *entries: JsonObject) -> Iterator[RunFolder]:
    path.mkdir(exist_ok=True)
    with (path / "journal.jsonl").open("ab") as file:
        file.writelines(map(to_line, entries))
    folder = RunFolder.open(path)
    try:
        yield folder
    finally:
        folder.lock.release()


def test_a_new_folder_knows_nothing(tmp_path: Path) -> None:
    with opened(tmp_path / "run") as folder:
        assert (folder.run, dict(folder.outcomes), list(folder.kept), folder.reach) == (None, {}, [], 0)


def test_outcomes_come_back_by_record_and_in_input_order(tmp_path: Path) -> None:
    entries = [RUN, *(outcome_to_entry(outcome(index)) for index in (2, 0, 5))]
    with opened(tmp_path / "run", *entries, written(0, 0.5), written(9, 0.5)) as folder:
        slow = outcome(0, timings={"p": PhaseTiming(1.5, write=0.5)}, total_seconds=1.5)
        assert dict(folder.outcomes) == {"r2": outcome(2), "r0": slow, "r5": outcome(5)}
        assert list(folder.kept) == [slow, outcome(2), outcome(5)]
        assert folder.run == RUN
        assert folder.reach == 6
        assert "r2" in folder.outcomes
        assert "r1" not in folder.outcomes
        with pytest.raises(KeyError):
            folder.outcomes["r1"]


def test_a_retried_record_has_no_outcome_until_it_has_the_next(tmp_path: Path) -> None:
    path = tmp_path / "run"
    failed = outcome_to_entry(outcome(1, "failed"))
    begun = (RUN, outcome_to_entry(outcome(0)), failed, written(1, 0.5), {"kind": "retry", "record_ids": ["r1"]})
    with opened(path, *begun) as folder:
        assert list(folder.outcomes) == ["r0"]
        assert len(folder.kept) == 1
        assert folder.retrying == {"r1"}
        assert folder.reach == 2, "the run has gone as far as to the record that is to be tried again"
    with opened(path, failed) as folder:
        assert folder.outcomes["r1"] == outcome(1, "failed"), "the seconds of the first writing are not its own"
        assert folder.retrying == set()


def test_answers_are_kept_for_records_without_an_outcome_and_used_once(tmp_path: Path) -> None:
    entries = [answer(0, "a"), answer(1, "b"), answer(1, "c"), outcome_to_entry(outcome(0))]
    with opened(tmp_path / "run", RUN, *entries) as folder:
        assert folder.recall(request_key(request(0))) is None
        found = [folder.recall(request_key(request(1))) for _ in range(3)]
        assert [answer and answer.text for answer in found] == ["b", "c", None]
        assert folder.recall(request_key(request(1, "another question"))) is None
        assert folder.bought == 3, "what was paid for counts, whatever became of it"


def test_a_retry_forgets_the_answers_too(tmp_path: Path) -> None:
    retry: JsonObject = {"kind": "retry", "record_ids": ["r0"]}
    with opened(tmp_path / "run", RUN, answer(0, "a"), retry) as folder:
        assert folder.recall(request_key(request(0))) is None


def test_outcomes_of_records_that_are_no_more_are_left_out(tmp_path: Path) -> None:
    with opened(tmp_path / "run", RUN, *(outcome_to_entry(outcome(index)) for index in range(4))) as folder:
        folder.outcomes.keep(["r0", "r3", "r9"])
        assert list(folder.outcomes) == ["r0", "r3"]
        assert [o.index for o in folder.kept] == [0, 3]


def test_an_outcome_of_another_shape_is_refused_at_once_with_the_record(tmp_path: Path) -> None:
    with (
        pytest.raises(RunFolderError, match="outcome of record r7"),
        opened(tmp_path / "run", RUN, {"kind": "outcome", "record_id": "r7", "status": "lost"}),
    ):
        pass


def test_many_outcomes_take_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "run"
    text = {"matches": {"reasoning": "x" * 8_000}}
    with opened(path, RUN, *(outcome_to_entry(outcome(index, outputs=text)) for index in range(1_000))):
        pass
    tracemalloc.start()
    try:
        with opened(path) as folder:
            assert len(folder.outcomes) == 1_000
            kept, most = tracemalloc.get_traced_memory()
            assert kept < 400 * 1_000
            assert most < 2_000_000
            assert sum(len(o.outputs["matches"]["reasoning"]) for o in folder.kept) == 8_000 * 1_000
            assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()
