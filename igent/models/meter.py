"""Counts what goes through the stack, and looks whose answers they are."""

from __future__ import annotations

__all__ = ["Meter", "StackFigures"]

import asyncio
import logging
import re
from dataclasses import dataclass

from igent.types import ChatRequest, Completion, Model, StopFactory

log = logging.getLogger("igent.models")

# What a name may go on with and be of the same model: "gpt-4o-2024-08-06", "m@20250101", "m:latest", "m-v2".
_VERSION = re.compile(r"[-@:.](?:v?\d[\d.-]*|latest)", re.ASCII)


@dataclass(frozen=True, slots=True)
class StackFigures:
    """What the agents asked of the stack, and the stack of the endpoint.

    `calls` were begun; `finished` of them have an answer (`recalled`: from the journal), `failed` an error, `given_up`
    were cancelled, and `in_flight` are the rest, `peak_in_flight` the most at once. `requests_sent` counts what the
    client was asked, retries and second calls (`hedged`) included. All calls together waited `quota_seconds` for the
    rate limits, and `door_seconds` because the endpoint had asked to wait, or was down.
    """

    calls: int = 0
    finished: int = 0
    failed: int = 0
    given_up: int = 0
    in_flight: int = 0
    peak_in_flight: int = 0
    recalled: int = 0
    hedged: int = 0
    requests_sent: int = 0
    quota_seconds: float = 0.0
    door_seconds: float = 0.0


class Meter:
    """A Model that passes calls on to `model`, and counts; see StackFigures for what.

    Warns, once for each pair of names, when another model answers than the one that was asked.
    """

    def __init__(self, model: Model) -> None:
        self._model = model
        self._calls = self._finished = self._failed = self._given_up = 0
        self._peak = self._recalled = self._hedged = 0
        self._others: set[tuple[str, str]] = set()

    async def complete(self, request: ChatRequest, stop: StopFactory | None = None) -> Completion:
        """See Model.complete."""
        self._calls += 1
        self._peak = max(self._peak, self._in_flight)
        try:
            completion = await self._model.complete(request, stop)
        except asyncio.CancelledError:
            self._given_up += 1
            raise
        except BaseException:
            self._failed += 1
            raise
        self._finished += 1
        self._recalled += completion.recalled
        self._hedged += completion.hedged if not completion.recalled else 0
        self._compare(request.model, completion.model)
        return completion

    def _compare(self, asked: str, answered: str) -> None:
        if asked == answered or (asked, answered) in self._others:
            return
        self._others.add((asked, answered))
        if not _is_same(asked, answered):
            log.warning("model %.100r was asked, and %.100r says that it answered: check --model", asked, answered)

    @property
    def _in_flight(self) -> int:
        return self._calls - self._finished - self._failed - self._given_up

    def figures(self, requests_sent: int, quota_seconds: float, door_seconds: float) -> StackFigures:
        """The counts so far; the arguments are what the layers below know."""
        return StackFigures(
            calls=self._calls,
            finished=self._finished,
            failed=self._failed,
            given_up=self._given_up,
            in_flight=self._in_flight,
            peak_in_flight=self._peak,
            recalled=self._recalled,
            hedged=self._hedged,
            requests_sent=requests_sent,
            quota_seconds=quota_seconds,
            door_seconds=door_seconds,
        )

    async def close(self) -> None:
        """See Model.close."""
        await self._model.close()


def _is_same(asked: str, answered: str) -> bool:
    """Whether the names may be of one model: but for upper case, the provider in front, and a version behind."""
    one, other = (name.lower().rpartition("/")[2] for name in (asked, answered))
    return other.startswith(one) and (one == other or _VERSION.fullmatch(other[len(one) :]) is not None)
