"""The views of a run: files made from the outcomes, for people and other programs. They can always be made again.

Each is replaced whole and atomically, in a thread. Rewriting a view for every batch would cost the square of the number
of records; a view of n outcomes is rewritten when n has grown by half, so all its writings together are less than three
times its last one, plus that one at the end.
"""

from __future__ import annotations

__all__ = ["View", "ViewWriter", "json_list", "outcome_lines"]

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from igent.clock import SYSTEM_CLOCK, Clock
from igent.errors import InternalError, Problem, RunFolderError
from igent.files import replace_file
from igent.types import JsonObject, Outcome, StepReport
from igent.writing.lines import encode
from igent.writing.serial import SerialThread

View = Callable[[Sequence[Outcome]], Iterable[bytes]]
"""Makes a file's content from the outcomes, which come in input order."""

_GROWTH = 1.5


def outcome_lines(outcomes: Sequence[Outcome]) -> Iterator[bytes]:
    """outcomes.jsonl. Only what is the same for an interrupted and resumed run: no times, retries or recalls."""
    for outcome in outcomes:
        line = {
            "record_id": outcome.record_id,
            "status": outcome.status,
            "reason": outcome.reason,
            "cause": outcome.cause,
            "phases": [_step(step) for step in outcome.steps],
        }
        yield encode(line) + b"\n"


def json_list(output: str, outcomes: Sequence[Outcome]) -> Iterator[bytes]:
    """The view of one step's output: a JSON list, an object a line; records without that output are left out."""
    separator = b"[\n"
    for outcome in outcomes:
        value = outcome.outputs.get(output)
        if value is not None:
            yield separator + encode(value)
            separator = b",\n"
    yield b"[]\n" if separator == b"[\n" else b"\n]\n"


class ViewWriter:
    """Collects outcomes and writes outcomes.jsonl, `<output>.json` for each of `outputs`, capacity.json and the `extra`
    views (file name -> View) into `folder`.

    `capacity` gives the content of capacity.json, None for no such file; it is called in the event loop's thread, the
    views in another. A flush is due when `every` outcomes have come since the last one and `flush_seconds` have passed;
    it writes capacity.json, and the views when they have grown by half. Both are looked at when an outcome comes:
    there is no timer, `finish` writes what is left.
    """

    def __init__(
        self,
        folder: Path,
        outputs: Sequence[str],
        *,
        capacity: Callable[[], Any] | None = None,
        extra: Mapping[str, View] | None = None,
        every: int = 50,
        flush_seconds: float = 2.0,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._folder = folder
        self._views = _name_views(outputs, extra or {})
        self._capacity = capacity
        self._every = max(1, every)
        self._seconds = flush_seconds
        self._clock = clock
        self._outcomes: dict[int, Outcome] = {}
        self._flushed = self._viewed = 0
        self._flushed_at = clock.now()
        self._due = asyncio.Event()
        self._finished = False
        self._thread = SerialThread()
        self.bytes_written = self.flushes = 0

    def add(self, outcome: Outcome) -> None:
        """Take a durable outcome. Raises InternalError when the record has one already."""
        if outcome.index in self._outcomes:
            known = self._outcomes[outcome.index].record_id
            raise InternalError(f"record {outcome.record_id} has a second outcome (its place holds that of {known})")
        self._outcomes[outcome.index] = outcome
        many = len(self._outcomes) - self._flushed >= self._every
        if many and self._clock.now() - self._flushed_at >= self._seconds:
            self._due.set()

    def load(self, outcomes: Iterable[Outcome]) -> None:
        """Take the outcomes that the journal has, on resume. Raises as `add` does."""
        for outcome in outcomes:
            self.add(outcome)

    def outcomes(self) -> Sequence[Outcome]:
        """All outcomes so far, in input order; a copy."""
        return [self._outcomes[index] for index in sorted(self._outcomes)]

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
        files: dict[str, Iterable[bytes]] = {}
        if everything or count >= self._viewed * _GROWTH:
            outcomes = self.outcomes()
            files = {name: _lazily(view, outcomes) for name, view in self._views.items()}
            self._viewed = count
        if self._capacity is not None:
            files["capacity.json"] = [encode(self._capacity(), pretty=True), b"\n"]
        self._flushed, self._flushed_at = count, self._clock.now()
        self.bytes_written += await self._thread.run(partial(self._replace, files))
        self.flushes += 1

    def _replace(self, files: Mapping[str, Iterable[bytes]]) -> int:
        counter = _Counter()
        for name, chunks in files.items():
            path = self._folder / name
            try:
                replace_file(path, counter.through(chunks))
            except OSError as error:
                what = f"cannot be written: {error.strerror or error} (errno {error.errno})"
                remedy = "make room or mend the disk, then start the same command again: the journal has every outcome"
                raise RunFolderError(Problem(str(path), what, remedy)) from error
        return counter.size


class _Counter:
    """Counts the bytes that pass through."""

    def __init__(self) -> None:
        self.size = 0

    def through(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            self.size += len(chunk)
            yield chunk


def _lazily(view: View, outcomes: Sequence[Outcome]) -> Iterator[bytes]:
    yield from view(outcomes)


def _name_views(outputs: Sequence[str], extra: Mapping[str, View]) -> dict[str, View]:
    views: dict[str, View] = {"outcomes.jsonl": outcome_lines}
    more: list[tuple[str, View]] = [(f"{output}.json", partial(json_list, output)) for output in outputs]
    for name, view in [*more, *extra.items()]:
        if name in views or name == "capacity.json" or Path(name).name != name:
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
