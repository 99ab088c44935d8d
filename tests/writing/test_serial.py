"""One piece of blocking work at a time, each whole, whoever is cancelled."""

from __future__ import annotations

import asyncio
import threading
from functools import partial

import pytest

from igent.errors import InternalError
from igent.writing.serial import SerialThread


async def spin() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_a_cancelled_callers_piece_ends_before_the_next_begins() -> None:
    thread, gate, done = SerialThread(), threading.Event(), []

    def piece(name: str) -> None:
        assert gate.wait(10)
        done.append(name)

    async with asyncio.TaskGroup() as group:
        first = group.create_task(thread.run(partial(piece, "first")))
        await spin()
        first.cancel()
        rest = [group.create_task(thread.run(partial(piece, name))) for name in ("second", "third")]
        await spin()
        assert first.cancelled()
        assert thread.busy
        with pytest.raises(InternalError, match="before the first had ended"):
            thread.start(gate.wait)
        thread.when_idle(lambda: done.append("idle"))
        gate.set()
        await asyncio.gather(*rest)
    assert done[0] == "first"
    assert sorted(done) == ["first", "idle", "second", "third"]
    assert not thread.busy


async def test_results_and_errors_come_back() -> None:
    thread = SerialThread()
    assert await thread.run(lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        await thread.run(lambda: 1 / 0)
    called: list[int] = []
    thread.when_idle(lambda: called.append(1))
    assert called == [1]
