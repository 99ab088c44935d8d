"""How long records in flight may go on after a signal; what comes after it is in test_e2e_interrupts.py."""

from __future__ import annotations

import asyncio
import signal
import sys

import pytest

from igent.workflows.signals import INT_SECONDS, TERM_SECONDS, Interrupts

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="event loops take no signals there")


class Draining:
    """A workflow whose records in flight never end by themselves."""

    def __init__(self) -> None:
        self.did: list[str] = []
        self.drained, self.stopped = asyncio.Event(), asyncio.Event()

    def drain(self) -> None:
        self.did.append("drain")
        self.drained.set()

    def stop(self) -> None:
        self.did.append("stop")
        self.stopped.set()


async def after(
    *numbers: signal.Signals, int_seconds: float = 60.0, term_seconds: float = 60.0
) -> tuple[Draining, Interrupts, list[str]]:
    """Send these, and wait until the workflow is stopped."""
    workflow, said = Draining(), list[str]()
    with Interrupts(workflow, said.append, int_seconds=int_seconds, term_seconds=term_seconds) as interrupts:
        for number in numbers:
            signal.raise_signal(number)
            await asyncio.sleep(0.01)  # a second signal of the same number would be one with the first
        async with asyncio.timeout(3):
            await workflow.stopped.wait()
    return workflow, interrupts, said


def test_the_limits_are_those_that_are_promised() -> None:
    assert (INT_SECONDS, TERM_SECONDS) == (30.0, 10.0)


async def test_after_ctrl_c_records_in_flight_have_only_so_long() -> None:
    workflow, interrupts, said = await after(signal.SIGINT, int_seconds=0.05)
    assert workflow.did == ["drain", "stop"]
    assert interrupts.exit_code == 130
    assert "for at most 0.05 s" in said[0]
    assert said[1:] == ["0.05 s have passed: giving up the records in flight (they can be resumed)"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
async def test_after_sigterm_or_sighup_too(number: signal.Signals) -> None:
    workflow, interrupts, said = await after(number, term_seconds=0.05)
    assert (workflow.did, interrupts.exit_code) == (["drain", "stop"], 143)
    assert "0.05 s have passed" in said[-1]


async def test_the_shorter_limit_counts_and_a_second_signal_makes_it_no_longer() -> None:
    workflow, interrupts, _ = await after(signal.SIGTERM, signal.SIGINT, signal.SIGTERM, term_seconds=0.1)
    assert workflow.did == ["drain", "drain", "drain", "stop"]
    assert interrupts.exit_code == 143
    workflow, _, _ = await after(signal.SIGINT, signal.SIGTERM, term_seconds=0.05)
    assert workflow.did == ["drain", "drain", "stop"]


async def test_the_limit_ends_with_the_run_and_with_a_second_ctrl_c() -> None:
    workflow, said = Draining(), list[str]()
    with Interrupts(workflow, said.append, int_seconds=0.02) as interrupts:
        signal.raise_signal(signal.SIGINT)
        await workflow.drained.wait()
    await asyncio.sleep(0.05)
    assert (workflow.did, interrupts.exit_code) == (["drain"], 130)
    workflow, _, said = await after(signal.SIGINT, signal.SIGINT, int_seconds=0.05)
    await asyncio.sleep(0.08)
    assert workflow.did == ["drain", "stop"]
    assert "again" in said[-1]
