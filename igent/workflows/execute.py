"""Runs a workflow for a person: signals, progress, profile; and says what to type next."""

from __future__ import annotations

__all__ = ["CostOf", "Ended", "ProgressWatch", "execute"]

import cProfile
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import click

from igent.clock import Clock
from igent.errors import IgentError
from igent.outcome import Outcome
from igent.reporting.progress import Progress
from igent.reporting.report import Report
from igent.workflows.loop import run_loop
from igent.workflows.run import Workflow
from igent.workflows.signals import Interrupts
from igent.workflows.watch import RunState

CostOf = Callable[[Outcome], Decimal | None]
"""The cost of an outcome in US dollars; None when it is not known."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run ended: its report (None when an error ended it), the error, and the exit code of a signal (or None)."""

    report: Report | None
    error: IgentError | None
    signal_code: int | None


class ProgressWatch:
    """Shows how a run goes on stderr; see reporting/progress.py. `cost_of` prices an outcome; None shows no cost."""

    def __init__(self, clock: Clock, *, quiet: bool, cost_of: CostOf | None = None) -> None:
        self._clock, self._quiet, self._cost_of = clock, quiet, cost_of
        self._progress: Progress | None = None

    def started(self, state: RunState) -> None:
        """Say what is resumed, and begin the progress."""
        _say_damage(state)
        if not self._quiet:
            _say_resumed(state)
        stream = sys.stderr
        skipped = len(state.resumed) if state.total is not None else 0  # in a graph they count when they are come by
        self._progress = Progress(state.total, stream, self._quiet, self._clock, skipped=skipped, cost_of=self._cost_of)
        self._progress.start()

    def expects(self, total: int) -> None:
        """See ExpectingWatch."""
        if self._progress is not None:
            self._progress.update(total=total)

    def in_flight(self, count: int) -> None:
        """See Watch."""
        if self._progress is not None:
            self._progress.update(in_flight=count)

    def settled(self, outcome: Outcome) -> None:
        """See Watch."""
        if self._progress is not None:
            self._progress.settled(outcome)

    def tick(self) -> None:
        """See Watch."""
        if self._progress is not None:
            self._progress.update()

    def finished(self) -> None:
        """See Watch."""
        if self._progress is not None:
            self._progress.finish()


def execute(workflow: Workflow, *, profile: Path | None = None) -> Ended:
    """Run it to its end, with Ctrl-C led to it. `profile` is the file for cProfile's data (docs/profiling.md)."""
    if profile is None:
        return run_loop(_execute(workflow))
    profiler = cProfile.Profile()
    try:
        return profiler.runcall(run_loop, _execute(workflow))
    finally:
        profiler.dump_stats(profile)


async def _execute(workflow: Workflow) -> Ended:
    with Interrupts(workflow, lambda text: click.echo(f"igent: {text}", err=True)) as interrupts:
        try:
            report: Report | None = await workflow.run()
            error: IgentError | None = None
        except IgentError as caught:
            report, error = None, caught
    return Ended(report, error, interrupts.exit_code)


def _say_damage(state: RunState) -> None:
    """Told whatever was asked: it may be the first that anybody hears of a bad disk."""
    if state.dropped_bytes:
        what = f"{state.dropped_bytes:,} damaged bytes at the end of the journal were set aside (journal.damaged-…)"
        click.echo(f"igent: {state.folder}: {what}", err=True)
    if state.forgotten:
        what = "a run was here of which the journal knows nothing any more: all its records are done again"
        click.echo(f"igent: {state.folder}: {what}", err=True)


def _say_resumed(state: RunState) -> None:
    if state.total == 0:
        click.echo(f"igent: {state.folder}: the input has no records, there is nothing to do", err=True)
    if not state.resumed:
        return
    if state.total is None:
        click.echo(f"igent: {state.folder}: {len(state.resumed):,} units were settled before", err=True)
        return
    left = state.total - len(state.resumed)
    go_on = f"{left} to go" if left else "nothing left to do (--fresh starts over)"
    click.echo(f"igent: {state.folder}: {_counts(state.resumed)} settled before, not run again; {go_on}", err=True)


def _counts(outcomes: Sequence[Outcome]) -> str:
    words = {"done": "done", "no_match": "no match", "failed": "failed"}
    counted = {word: sum(o.status == status for o in outcomes) for status, word in words.items()}
    detail = ", ".join(f"{number} {word}" for word, number in counted.items() if number)
    return f"{len(outcomes)} records ({detail})"
