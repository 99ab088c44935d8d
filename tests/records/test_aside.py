"""Work beside the event loop that nobody waits for at the end."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading

import pytest

from igent.records.aside import aside


async def test_it_gives_what_the_function_gives():
    assert await aside(lambda *given: given, 1, 2) == (1, 2)


async def test_it_raises_what_the_function_raises():
    with pytest.raises(ValueError, match="no"):
        await aside(lambda: (_ for _ in ()).throw(ValueError("no")))


async def test_one_that_was_given_up_disturbs_nobody():
    go, began = threading.Event(), threading.Event()

    def work() -> None:
        began.set()
        go.wait(10)

    task = asyncio.get_running_loop().create_task(aside(work))
    while not began.is_set():  # noqa: ASYNC110  # it is another thread that sets it
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    go.set()
    await asyncio.sleep(0)


def test_a_process_that_ends_does_not_wait_for_it():
    code = (
        "import asyncio, threading\n"
        "from igent.records.aside import aside\n"
        "async def main():\n"
        "    began = threading.Event()\n"
        "    task = asyncio.get_running_loop().create_task(aside(lambda: (began.set(), threading.Event().wait(60))))\n"
        "    while not began.is_set():\n"
        "        await asyncio.sleep(0)\n"
        "    task.cancel()\n"
        "asyncio.run(main())\n"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=20, check=False).returncode == 0
