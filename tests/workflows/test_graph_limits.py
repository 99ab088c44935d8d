"""What a run of a graph may spend and hold at once, and how it ends when that is all."""

from __future__ import annotations

import asyncio
import json

import pytest
from graph_kit import CONSTELLATION, WORDS, entries_of, make_folder
from graph_lab import Lab
from test_graph_run import EXPECTED, Counting, lines, run, table

from igent.clock import SYSTEM_CLOCK
from igent.errors import LimitError
from igent.types import ChatRequest, Completion

BATCHED = CONSTELLATION.replace("{name: judged, needs", "{name: judged, batch: 4, needs")
MANY = [f"word{n} and more" for n in range(150)]


class Flight(Counting):
    """A model that counts how many ask it at once, each until all that could come have."""

    def __init__(self) -> None:
        super().__init__()
        self.now = self.most = 0

    async def complete(self, request: ChatRequest, stop=None) -> Completion:
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            for _ in range(40):
                await asyncio.sleep(0)
            return await super().complete(request, stop)
        finally:
            self.now -= 1


@pytest.mark.parametrize(
    ("text", "limit", "asked"), [(CONSTELLATION, 5, 5), (CONSTELLATION, 11, 11), (BATCHED, 1, 1), (BATCHED, 2, 2)]
)
def test_a_limit_of_calls_is_kept_to_the_call_and_no_reduce_is_made_of_a_part(tmp_path, text, limit, asked):
    path = make_folder(tmp_path / "here", constellation=text)
    model = Counting()
    with pytest.raises(LimitError):
        run(path, tmp_path / "out", client=model, max_calls=limit)
    assert len(model.asked) == asked
    assert "rows/all" not in {line["record_id"] for line in lines(tmp_path / "out")}
    assert not (tmp_path / "out/table.json").exists()
    more = Counting()
    run(path, tmp_path / "out", client=more)
    assert table(tmp_path / "out") == EXPECTED
    assert len(more.asked) == (12 if text is CONSTELLATION else 3) - asked


def test_under_a_limit_of_cost_more_than_one_is_asked_at_once(tmp_path):
    """Once it is seen what one costs."""
    path = make_folder(tmp_path / "here", left=entries_of("L", MANY[:30]), right=entries_of("R", MANY[:30]))
    model = Flight()
    run(path, tmp_path / "out", client=model, max_cost="5")
    assert model.most == 8


def test_a_limit_of_cost_ends_the_run_near_it(tmp_path):
    path = make_folder(tmp_path / "here", left=entries_of("L", MANY[:30]), right=entries_of("R", MANY[:30]))
    model = Counting()
    with pytest.raises(LimitError):
        run(path, tmp_path / "out", client=model, max_cost="0.05")
    cost = json.loads((tmp_path / "out/summary.json").read_text())["calls"]
    assert 0 < cost < 60
    run(path, tmp_path / "out", client=Counting())
    assert len(table(tmp_path / "out")) == 30


def test_a_phase_holds_as_many_conversations_as_there_are_places_when_they_grow(tmp_path):
    """With `concurrency: auto` they are 20 at first, and 1,000 at most."""

    async def go() -> int:
        begun, let = [], asyncio.Event()

        async def waits(item, context):
            begun.append(item.id)
            await let.wait()
            return {}

        lab = Lab("[{name: a, kind: map, step: waits, uses: llm}]", locals(), places=2, most=1000)
        probe = lab.build([f"r{n}" for n in range(100)])["a"]
        async with asyncio.TaskGroup() as group:
            group.create_task(lab.feeds[0].give(SYSTEM_CLOCK))
            group.create_task(lab.nodes["a"].run())
            for _ in range(300):
                await asyncio.sleep(0)
            assert len(begun) == 2
            lab.gates["llm"]._slots.resize(60)
            for _ in range(300):
                await asyncio.sleep(0)
            grown = len(begun)
            let.set()
        assert probe.qsize() == 101
        return grown

    assert asyncio.run(go()) == 60


@pytest.mark.parametrize("many", [1, 2, 5])
def test_only_the_first_records_are_taken(tmp_path, many):
    path = make_folder(tmp_path / "here")
    report = run(path, tmp_path / "out", max_items=many)
    assert table(tmp_path / "out") == (EXPECTED if many > 1 else {key: [] for key in EXPECTED})
    assert report.failed == 0
    assert report.summary.calls == (12 if many > 1 else 0)


def test_both_sides_may_be_empty(tmp_path):
    path = make_folder(tmp_path / "here", left=[], right=[])
    report = run(path, tmp_path / "out")
    assert table(tmp_path / "out") == {}
    assert (report.failed, report.summary.calls) == (0, 0)


def test_a_run_asked_to_end_before_it_begins_does_nothing_and_goes_on_later(tmp_path):
    from igent import load_constellation
    from igent.config.settings import load_settings
    from igent.workflows.run import Workflow

    path = make_folder(tmp_path / "here")
    settings = load_settings(data=path.parents[1] / "data", out=tmp_path / "out", mock=True)
    model = Counting()
    workflow = Workflow(load_constellation(str(path)), settings, client=model)
    workflow.drain()
    report = asyncio.run(workflow.run())
    assert report.summary.run.interrupted
    assert model.asked == []
    run(path, tmp_path / "out", client=model)
    assert (len(model.asked), table(tmp_path / "out")) == (2 * len(WORDS), EXPECTED)
