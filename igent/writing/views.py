"""The views of a run: files made from the outcomes, for people and other programs. They can always be made again.

Each is replaced whole and atomically, in a thread. Rewriting a view for every batch would cost the square of the number
of records; a view of n outcomes is rewritten when n has grown by half, so all its writings together are less than three
times its last one, plus that one at the end.
"""

from __future__ import annotations

__all__ = ["OUTCOMES", "ViewWriter", "json_list", "outcome_line"]

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from igent.clock import SYSTEM_CLOCK, Clock
from igent.disk import SYSTEM_DISK, Disk
from igent.errors import InternalError
from igent.outcome import Outcome, StepReport
from igent.types import JsonObject
from igent.writing.lines import Place, encode
from igent.writing.outcomes import JournalOutcomes
from igent.writing.rewriting import View, ViewFiles
from igent.writing.serial import SerialThread

_CAPACITY = "capacity.json"
_GROWTH = 1.5


def outcome_line(outcome: Outcome) -> bytes:
    """A line of outcomes.jsonl. Only what is the same for an interrupted and resumed run: no times, retries.

    (Where agents answer otherwise than expected, `speculation` may tell the one from the other.)
    """
    line = {
        "record_id": outcome.record_id,
        "status": outcome.status,
        "reason": outcome.reason,
        "cause": outcome.cause,
        "phases": [_step(step) for step in outcome.steps],
    }
    return encode(line) + b"\n"


OUTCOMES = View(outcome_line)
"""The view outcomes.jsonl."""


def json_list(output: str) -> View:
    """The view of one step's output: a JSON list, an object a line; records without that output are left out."""

    def line(outcome: Outcome) -> bytes | None:
        value = outcome.outputs.get(output)
        return None if value is None else encode(value)

    return View(line, head=b"[\n", between=b",\n", tail=b"\n]\n", empty=b"[]\n")


class ViewWriter:
    """Notes in `outcomes` what is settled, and writes outcomes.jsonl, `<output>.json` for each of `outputs`,
    capacity.json and the `extra` views (file name -> View) into `folder`.

    `capacity` gives the content of capacity.json, None for no such file; it is called in the event loop's thread, the
    views in another, all of them in one pass over the journal. A flush is due when `every` outcomes have come since the
    last one and `flush_seconds` have passed; it writes capacity.json, and the views when they have grown by half. Both
    are looked at when an outcome comes: there is no timer, `finish` writes what is left.
    """

    def __init__(
        self,
        folder: Path,
        outputs: Sequence[str],
        outcomes: JournalOutcomes,
        *,
        capacity: Callable[[], Any] | None = None,
        extra: Mapping[str, View] | None = None,
        every: int = 50,
        flush_seconds: float = 2.0,
        clock: Clock = SYSTEM_CLOCK,
        disk: Disk = SYSTEM_DISK,
    ) -> None:
        self._files = ViewFiles(folder, _name_views(outputs, extra or {}), disk)
        self._outcomes = outcomes
        self._capacity = capacity
        self._every = max(1, every)
        self._seconds = flush_seconds
        self._clock = clock
        self._flushed = self._viewed = 0
        self._flushed_at = clock.now()
        self._due = asyncio.Event()
        self._finished = False
        self._thread = SerialThread()
        self.bytes_written = self.flushes = 0

    def add(self, outcome: Outcome, place: Place, seconds: float = 0.0) -> None:
        """Take an outcome that is durable at this place of the journal, and took `seconds` to become so. Raises
        InternalError when the record has one already."""
        self._outcomes.add(outcome.record_id, outcome.index, place, seconds)
        many = len(self._outcomes) - self._flushed >= self._every
        if many and self._clock.now() - self._flushed_at >= self._seconds:
            self._due.set()

    async def run(self) -> None:
        """Flush whenever it is due, until `finish`; to be run as a task. Raises RunFolderError if the disk refuses."""
        while not self._finished:
            await self._due.wait()
            self._due.clear()
            if not self._finished:
                await self._flush(everything=False)

    async def finish(self) -> None:
        """Write everything once more and end `run`; also when that was cancelled. Raises RunFolderError."""
        self._finished = True
        self._due.set()
        await self._flush(everything=True)

    async def _flush(self, *, everything: bool) -> None:
        count = len(self._outcomes)
        outcomes: JournalOutcomes | None = None
        if everything or count >= self._viewed * _GROWTH:
            outcomes = self._outcomes.copy()
            self._viewed = count
        capacity = {}
        if self._capacity is not None:
            capacity[_CAPACITY] = encode(self._capacity(), pretty=True) + b"\n"
        self._flushed, self._flushed_at = count, self._clock.now()
        self.bytes_written += await self._thread.run(partial(self._files.replace, outcomes, capacity))
        self.flushes += 1


def _name_views(outputs: Sequence[str], extra: Mapping[str, View]) -> dict[str, View]:
    views = {"outcomes.jsonl": OUTCOMES}
    for name, view in [*((f"{output}.json", json_list(output)) for output in outputs), *extra.items()]:
        if name in views or name == _CAPACITY or Path(name).name != name:
            raise InternalError(f"{name!r} cannot be the name of a view: it is taken, or not a plain file name")
        views[name] = view
    return views


def _step(step: StepReport) -> JsonObject:
    return {
        "phase": step.phase,
        "step": step.step,
        "agent": step.agent,
        "model": step.model,
        "critic": step.critic,
        "critic_model": step.critic_model,
        "critic_prompt_checksum": step.critic_checksum,
        "critic_asked": step.critic_calls,
        "rounds": step.rounds,
        "invalid_drafts": step.invalid_drafts,
        "usage": step.usage.to_json(),
        "prompt_checksum": step.prompt_checksum,
        "speculation": step.speculation,
    }
