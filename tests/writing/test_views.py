"""The views: right, whole, in input order, the same after a resume, and linear in the number of records."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

import pytest
from writing_support import Book, outcome

from igent.errors import InternalError, RunFolderError
from igent.outcome import Outcome, PhaseTiming
from igent.writing.rewriting import View
from igent.writing.views import ViewWriter, outcome_line


class Hand:
    """A clock that stands until it is turned."""

    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        return self.time

    def today(self) -> date:
        return date(2026, 1, 1)

    def timestamp(self) -> str:
        return "2026-01-01T00:00:00+00:00"

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("nothing sleeps here")


NAMES = View(lambda one: one.record_id.encode(), between=b",")


class Views:
    """A writer of views, and the journal of its outcomes."""

    def __init__(self, folder: Path, outputs: Sequence[str], **options: Any) -> None:
        self.book = Book(folder)
        self.writer = ViewWriter(folder, outputs, self.book.outcomes, **options)

    def add(self, made: Outcome) -> None:
        self.writer.add(made, self.book.write(made))


def views_in(folder: Path) -> list[str]:
    return sorted(set(os.listdir(folder)) - {"journal.jsonl"})


def lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


async def settle(writer: ViewWriter, flushes: int) -> None:
    async with asyncio.timeout(10):
        while writer.flushes < flushes:  # noqa: ASYNC110 - the writer offers no event for this
            await asyncio.sleep(0)


async def test_everything_is_written_in_input_order(tmp_path: Path) -> None:
    views = Views(tmp_path, ["matches", "pos"], capacity=lambda: {"A": {"Used": 3}}, extra={"names.txt": NAMES})
    for index in (2, 0, 1):
        views.add(outcome(index, pos=index != 1))
    await views.writer.finish()
    assert [json.loads(line)["record_id"] for line in (tmp_path / "outcomes.jsonl").read_bytes().splitlines()] == [
        "r0",
        "r1",
        "r2",
    ]
    assert [o["registration_id"] for o in json.loads((tmp_path / "matches.json").read_text())] == ["r0", "r1", "r2"]
    assert [o["registration_id"] for o in json.loads((tmp_path / "pos.json").read_text())] == ["r0", "r2"]
    assert json.loads((tmp_path / "capacity.json").read_text()) == {"A": {"Used": 3}}
    assert (tmp_path / "names.txt").read_text() == "r0,r1,r2"
    assert views_in(tmp_path) == ["capacity.json", "matches.json", "names.txt", "outcomes.jsonl", "pos.json"]
    assert views.writer.bytes_written == sum((tmp_path / name).stat().st_size for name in views_in(tmp_path))


async def test_a_run_without_outcomes_has_empty_views(tmp_path: Path) -> None:
    await Views(tmp_path, ["matches"]).writer.finish()
    assert json.loads((tmp_path / "matches.json").read_text()) == []
    assert (tmp_path / "outcomes.jsonl").read_bytes() == b""


def test_an_outcome_line_tells_what_was_decided_and_nothing_that_differs_between_runs() -> None:
    first = outcome(0)
    again = replace(
        first,
        steps=tuple(replace(s, recalled=1, retries=3, rate_limited=2, calls=9, cut=1) for s in first.steps),
        timings={"phase1": PhaseTiming(1.0)},
        total_seconds=7.0,
    )
    assert outcome_line(again) == outcome_line(first)
    line = json.loads(outcome_line(first))
    assert list(line) == ["record_id", "status", "reason", "cause", "phases"]
    assert line["phases"][0] == {
        "phase": "phase1",
        "step": "matches",
        "agent": "matcher1",
        "model": "gpt-4o",
        "critic": "skipped",
        "critic_model": "",
        "critic_prompt_checksum": "",
        "critic_asked": 0,
        "rounds": 1,
        "invalid_drafts": 0,
        "usage": {"input_tokens": 900, "output_tokens": 80, "estimated": False},
        "prompt_checksum": "0123456789ab",
        "speculation": "none",
    }


async def test_a_list_has_one_object_a_line(tmp_path: Path) -> None:
    views = Views(tmp_path, ["matches", "none"])
    for index in range(2):
        views.add(outcome(index))
    await views.writer.finish()
    assert lines(tmp_path / "matches.json") == 4
    assert (tmp_path / "none.json").read_bytes() == b"[]\n"


async def test_any_order_and_any_resume_give_the_same_bytes(tmp_path: Path) -> None:
    contents = []
    for seed in range(4):
        folder = tmp_path / str(seed)
        folder.mkdir()
        outcomes = [outcome(index) for index in range(40)]
        Random(seed).shuffle(outcomes)
        views = Views(folder, ["matches"])
        views.book.add(*outcomes[: seed * 10])  # on resume
        for one in outcomes[seed * 10 :]:
            views.add(one)
        await views.writer.finish()
        contents.append({name: (folder / name).read_bytes() for name in views_in(folder)})
    assert contents[1:] == contents[:-1]


async def test_flushes_wait_for_enough_outcomes_and_for_their_time(tmp_path: Path) -> None:
    clock = Hand()
    views = Views(tmp_path, [], capacity=dict, every=10, flush_seconds=2, clock=clock)
    writer = views.writer
    view = tmp_path / "outcomes.jsonl"
    async with asyncio.TaskGroup() as group:
        group.create_task(writer.run())

        async def add(first: int, count: int) -> None:
            for index in range(first, first + count):
                views.add(outcome(index))
            await asyncio.sleep(0)

        await add(0, 30)
        assert writer.flushes == 0
        clock.time = 2.0
        await add(30, 1)
        await settle(writer, 1)
        assert lines(view) == 31
        clock.time = 4.0
        await add(31, 9)
        assert writer.flushes == 1
        await add(40, 1)
        await settle(writer, 2)
        assert lines(view) == 31, "41 outcomes are not half as many again: only capacity.json is written"
        clock.time = 6.0
        await add(41, 10)
        await settle(writer, 3)
        assert lines(view) == 51
        await writer.finish()
    assert writer.flushes == 4


async def test_the_bytes_written_are_linear_in_the_number_of_records(tmp_path: Path) -> None:
    per_record = {}
    for count in (100, 400, 1_600):
        folder = tmp_path / str(count)
        folder.mkdir()
        views = Views(folder, ["matches"], capacity=dict, every=10, flush_seconds=0)
        writer = views.writer
        async with asyncio.TaskGroup() as group:
            group.create_task(writer.run())
            for index in range(count):
                views.add(outcome(index))
                if index % 10 == 9:
                    await settle(writer, (index + 1) // 10)
            await writer.finish()
        size = sum((folder / name).stat().st_size for name in views_in(folder))
        per_record[count] = writer.bytes_written / count
        assert writer.bytes_written <= 4.2 * size
    assert max(per_record.values()) < 1.5 * min(per_record.values())


async def test_a_second_outcome_of_a_record_is_a_bug(tmp_path: Path) -> None:
    views = Views(tmp_path, [])
    views.add(outcome(1))
    with pytest.raises(InternalError, match="r1 has a second outcome"):
        views.add(outcome(1))


@pytest.mark.parametrize("name", ["capacity", "outcomes", "../matches", "a/b", "matches"])
def test_names_that_are_taken_or_leave_the_folder_are_refused(tmp_path: Path, name: str) -> None:
    extension = ".jsonl" if name == "outcomes" else ".json"
    with pytest.raises(InternalError, match="cannot be the name of a view"):
        Views(tmp_path, ["matches"], extra={name + extension: NAMES})


async def test_a_refusing_disk_names_the_file_and_leaves_the_old_view(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    views = Views(tmp_path, ["matches"])
    writer = views.writer
    views.add(outcome(0))
    await writer.finish()
    before = (tmp_path / "matches.json").read_bytes()
    views.add(outcome(1))

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(RunFolderError, match=r"outcomes.jsonl: cannot be written: No space.*errno 28"):
            await writer.finish()
    assert (tmp_path / "matches.json").read_bytes() == before
    await writer.finish()
    assert lines(tmp_path / "outcomes.jsonl") == 2


async def test_finish_waits_for_the_flush_of_a_cancelled_run(tmp_path: Path) -> None:
    gate, running, most = threading.Event(), 0, 0
    loop, begun = asyncio.get_running_loop(), asyncio.Event()

    def slow(one: Outcome) -> bytes:
        nonlocal running, most
        running += 1
        most = max(most, running)
        loop.call_soon_threadsafe(begun.set)
        assert gate.wait(10)
        running -= 1
        return b"%d\n" % one.index

    views = Views(tmp_path, [], extra={"slow.txt": View(slow)}, every=1, flush_seconds=0)
    writer = views.writer
    with suppress(asyncio.CancelledError):
        async with asyncio.TaskGroup() as group:
            task = group.create_task(writer.run())
            views.add(outcome(0))
            async with asyncio.timeout(10):
                await begun.wait()
            task.cancel()
    views.add(outcome(1))
    async with asyncio.TaskGroup() as group:
        group.create_task(writer.finish())
        await asyncio.sleep(0)
        gate.set()
    assert most == 1
    assert (tmp_path / "slow.txt").read_text() == "0\n1\n"
