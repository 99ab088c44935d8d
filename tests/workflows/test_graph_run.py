"""A graph of phases from end to end, over a small workload with a phase of each kind."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from graph_kit import CONSTELLATION, WORDS, WORKLOAD, entries_of, make_folder

from igent import run_workflow
from igent.errors import ConfigError, LimitError
from igent.models.mock import MockModel
from igent.types import ChatRequest, Completion


def run(path: Path, out: Path, **more):
    return asyncio.run(run_workflow(str(path), data=path.parents[1] / "data", out=out, **({"mock": True} | more)))


def lines(out: Path) -> list[dict]:
    return [json.loads(line) for line in (out / "outcomes.jsonl").read_text().splitlines()]


def table(out: Path) -> dict[str, list[str] | None]:
    return {row["id"]: row["partners"] for row in json.loads((out / "table.json").read_text())}


EXPECTED = {"L0": [], **{f"L{n}": [f"R{n - 1}"] for n in range(1, len(WORDS))}}


class Counting:
    """A model that counts what it is asked, and calls `do` at the n-th call."""

    def __init__(self, at: int = 0) -> None:
        self._mock, self._at, self.do = MockModel(WORKLOAD.mock), at, None
        self.asked: list[str] = []

    async def complete(self, request: ChatRequest, stop=None) -> Completion:
        self.asked.append(request.context.record_id)
        if len(self.asked) == self._at:
            await self.do()
        return await self._mock.complete(request, stop)

    async def close(self) -> None: ...


def test_every_left_entry_finds_its_partner(tmp_path):
    path = make_folder(tmp_path / "here")
    report = run(path, tmp_path / "out")
    assert table(tmp_path / "out") == EXPECTED
    assert report.failed == 0
    assert report.summary.counts.input == report.done == len(lines(tmp_path / "out"))
    assert report.summary.calls == 2 * len(WORDS)
    assert report.outputs("table")[1] == {"id": "L1", "partners": ["R0"]}


def test_the_outcomes_stand_in_the_order_of_phases_and_input(tmp_path):
    path = make_folder(tmp_path / "here")
    run(path, tmp_path / "one", concurrency=1)
    run(path, tmp_path / "many", concurrency=50)
    one, many = ((tmp_path / name / "outcomes.jsonl").read_bytes() for name in ("one", "many"))
    assert one == many
    assert [line["record_id"] for line in lines(tmp_path / "one")][:2] == ["left/left", "right/right"]


def test_what_is_lost_is_told_to_whoever_gathers_and_stops_nobody(tmp_path):
    left = [*entries_of("L", WORDS), {"id": "LX"}, {"id": "LB", "text": "break the step"}]
    path = make_folder(tmp_path / "here", left=left)
    report = run(path, tmp_path / "out")
    found = table(tmp_path / "out")
    assert {key: found[key] for key in EXPECTED} == EXPECTED
    assert found["LB"] is None
    assert found["left entry 6"] is None
    failed = {line["record_id"]: line["reason"] for line in lines(tmp_path / "out") if line["status"] == "failed"}
    assert set(failed) == {"left/left", "left_clean/LB"}
    assert "left entry 6: it has no text" in failed["left/left"]
    assert "ValueError: a bug" in failed["left_clean/LB"]
    assert report.failed == 2


def test_a_second_record_of_the_same_id_is_lost_and_told(tmp_path):
    path = make_folder(tmp_path / "here", left=[{"id": "L0", "text": "apple"}, {"id": "L0", "text": "pear"}])
    run(path, tmp_path / "out")
    failed = {line["record_id"]: line["reason"] for line in lines(tmp_path / "out") if line["status"] == "failed"}
    assert set(failed) == {"left/left", "rows/all"}  # the table has a row for either
    assert all("gives the id 'L0' twice" in reason for reason in failed.values())


def test_a_finished_run_makes_no_call_again(tmp_path):
    path = make_folder(tmp_path / "here")
    run(path, tmp_path / "out")
    before = (tmp_path / "out" / "outcomes.jsonl").read_bytes(), (tmp_path / "out" / "table.json").read_bytes()
    model = Counting()
    report = run(path, tmp_path / "out", client=model)
    assert model.asked == []
    assert report.summary.run.resumed == report.summary.counts.input
    assert before == (
        (tmp_path / "out" / "outcomes.jsonl").read_bytes(),
        (tmp_path / "out" / "table.json").read_bytes(),
    )


@pytest.mark.parametrize("at", [1, 2, 5, 9, 12])
def test_an_interrupted_run_goes_on_without_asking_twice(tmp_path, at):
    path = make_folder(tmp_path / "here")
    whole = run(path, tmp_path / "whole", client=Counting())

    first = Counting(at)
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(_interrupted(path, tmp_path / "out", first))
    second = Counting()
    run(path, tmp_path / "out", client=second)
    settled_first = [name for name in first.asked if name not in second.asked]
    assert len(settled_first) + len(second.asked) == whole.summary.calls
    assert (tmp_path / "out/table.json").read_bytes() == (tmp_path / "whole/table.json").read_bytes()
    assert (tmp_path / "out/outcomes.jsonl").read_bytes() == (tmp_path / "whole/outcomes.jsonl").read_bytes()


async def _interrupted(path: Path, out: Path, model: Counting) -> None:
    task = asyncio.current_task()

    async def stop() -> None:
        task.cancel()
        await asyncio.sleep(0)

    model.do = stop
    await run_workflow(str(path), data=path.parents[1] / "data", out=out, client=model, mock=True, concurrency=2)


def test_a_limit_of_calls_ends_the_run_and_a_higher_one_goes_on(tmp_path):
    path = make_folder(tmp_path / "here")
    with pytest.raises(LimitError):
        run(path, tmp_path / "out", max_calls=5)
    summary = json.loads((tmp_path / "out/summary.json").read_text())
    assert summary["calls"] == 5
    report = run(path, tmp_path / "out", max_calls=50)
    assert report.summary.calls == 2 * len(WORDS)
    assert table(tmp_path / "out") == EXPECTED


def test_more_than_the_queues_hold_flows_through(tmp_path):
    texts = [f"word{n} and more" for n in range(700)]
    path = make_folder(
        tmp_path / "here",
        left=entries_of("L", texts),
        right=entries_of("R", texts),
        constellation=CONSTELLATION.replace("concurrency: 8", "concurrency: 8, resources: {cpu: 1, embedding: 1}"),
    )
    report = run(path, tmp_path / "out")
    assert report.failed == 0
    assert list(table(tmp_path / "out")) == [f"L{n}" for n in range(700)]
    assert report.summary.calls == 2 * 700


BATCHED = CONSTELLATION.replace("{name: judged, needs", "{name: judged, batch: 4, needs")


def test_a_batch_asks_about_several_at_once(tmp_path):
    path = make_folder(tmp_path / "here", constellation=BATCHED)
    report = run(path, tmp_path / "out")
    assert table(tmp_path / "out") == EXPECTED
    assert report.summary.calls == 3
    again = Counting()
    run(path, tmp_path / "out", client=again)
    assert again.asked == []


def test_a_record_that_no_phase_takes_is_an_error_before_anything_is_begun(tmp_path):
    path = make_folder(
        tmp_path / "here", constellation=CONSTELLATION.replace("where: {side: left}", "where: {side: lift}")
    )
    with pytest.raises(
        ConfigError, match=r"record 'left' is taken by no phase: no `where` fits it \(it has side: left"
    ):
        run(path, tmp_path / "out")
    assert not (tmp_path / "out").exists()
