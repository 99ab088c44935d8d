"""Whole runs of a graph in which something fails, in a folder with a journal."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from graph_kit import CONSTELLATION, WORDS, Toy, entries_of, make_folder
from test_graph_run import EXPECTED, Counting, run, table

from igent.outcome import Outcome
from igent.types import ChatRequest, Completion, Record
from igent.workflows.graph.books import UnitBooks
from igent.workload import Dataset

CHAINED = CONSTELLATION.replace(
    "needs: [pairs], agents: [judge], output: verdicts, schema: verdict, rules: [right_pair]}",
    """needs: [pairs], steps: [
    {agents: [judge], output: verdicts, schema: verdict, rules: [right_pair]},
    {agents: [judge], output: second, schema: verdict, rules: [right_pair], max_rounds: 1}]}""",
)


class Wrong(Counting):
    """A model that answers wrongly where `step` asks about `pair`."""

    def __init__(self, step: str, pair: str) -> None:
        super().__init__()
        self._wrong = step, f"judged/{pair}"

    async def complete(self, request: ChatRequest, stop=None) -> Completion:
        completion = await super().complete(request, stop)
        if (request.context.step, request.context.record_id) != self._wrong:
            return completion
        return Completion('```json\n{"id": "x", "same": true}\n```', completion.model, completion.usage)


def folder(out: Path) -> dict[str, bytes]:
    return {name: (out / name).read_bytes() for name in ("outcomes.jsonl", "table.json", "verdicts.json")}


def test_a_conversation_that_failed_after_its_first_answer_does_not_go_on_when_the_run_is_resumed(tmp_path):
    path = make_folder(tmp_path / "here", constellation=CHAINED)
    first = run(path, tmp_path / "out", client=Wrong("second", "L1~R0"))
    assert first.failed == 1
    assert table(tmp_path / "out") == {**EXPECTED, "L1": []}
    before = folder(tmp_path / "out")
    model = Counting()
    again = run(path, tmp_path / "out", client=model)
    assert (again.failed, model.asked) == (1, [])
    assert folder(tmp_path / "out") == before


@pytest.mark.parametrize("bad", [{"id": "LB", "text": "break the step"}, {"id": "LX"}])
def test_a_finished_run_with_failures_writes_nothing_when_it_is_started_again(tmp_path, bad):
    path = make_folder(tmp_path / "here", left=[*entries_of("L", WORDS), bad])
    run(path, tmp_path / "out")
    size = (tmp_path / "out/journal.jsonl").stat().st_size
    report = run(path, tmp_path / "out")
    assert (tmp_path / "out/journal.jsonl").stat().st_size == size
    counts = report.summary.counts
    assert report.summary.run.resumed == counts.done + counts.failed


class Problems(Toy):
    """Of whose records most cannot be worked on."""

    def open(self, documents):
        data = super().open(documents)
        bad = [Record(f"bad{n}", 2 + n, {"side": "left"}, "left.json:1", f"no {n}") for n in range(600)]
        return Dataset([*data.records, *bad], data.reference)


PROBLEMS = Problems()


def test_more_bad_records_than_the_journal_takes_at_once_stop_nobody(tmp_path):
    text = CONSTELLATION.replace("graph_kit:WORKLOAD", "test_graph_failures:PROBLEMS")
    path = make_folder(tmp_path / "here", constellation=text)
    report = run(path, tmp_path / "out")
    assert report.failed == 600
    assert {key: partners for key, partners in table(tmp_path / "out").items() if "bad" not in key} == EXPECTED
    size = (tmp_path / "out/journal.jsonl").stat().st_size
    assert run(path, tmp_path / "out").failed == 600
    assert (tmp_path / "out/journal.jsonl").stat().st_size == size


def test_outcomes_say_what_failed_and_what_it_cost_the_others(tmp_path):
    path = make_folder(tmp_path / "here", left=[*entries_of("L", WORDS), {"id": "LB", "text": "break the step"}])
    run(path, tmp_path / "out")
    phases = json.loads((tmp_path / "out/summary.json").read_text())["phases"]
    assert (phases["left_clean"]["failed"], phases["left_clean"]["skipped"]) == (1, 0)
    for name in ("left_vectors", "pairs", "judged", "chosen"):
        assert (phases[name]["failed"], phases[name]["skipped"]) == (0, 1)


def test_a_unit_is_given_again_only_on_the_same_basis():
    known = Outcome("a/r", 0, "done", basis="one")
    folder_ = SimpleNamespace(outcomes={"a/r": known}, reach=1)
    books = UnitBooks(folder_, None, None, None, None, ended=lambda _: None, keep_audit=False, rank=lambda _: 0)
    assert books.settled("a/r", "one") is known
    assert books.settled("a/r", "other") is None
    assert books.settled("a/s", "one") is None
