"""A foreign OpenAI-compatible server that knows the truth about two plans, and lies: always, at times, or of some."""

from __future__ import annotations

__all__ = ["LyingServer", "asked_in"]

import asyncio
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

from aiohttp import web
from foreign_server import Behaviour, Call, ForeignServer, _envelope, _event
from lies import BATCH_HARMLESS, BATCH_LIES, HARMLESS, LIES, Asked, right_answer

BLOCK = re.compile(r"^## ([A-Z_ ]+)\n```json\n(.*)\n```$", re.MULTILINE)
RECORD = re.compile(r"^# RECORD (\d+)$", re.MULTILINE)
SIZE = 60
BATCHES = {**BATCH_LIES, **BATCH_HARMLESS}


def asked_in(messages: Sequence[Mapping[str, Any]]) -> list[Asked]:
    """The pairs that the last message with any shows."""
    for message in reversed(messages):
        if message["role"] == "user" and (found := list(_asked(message["content"]))):
            return found
    return []


def _asked(text: str) -> Iterator[Asked]:
    shared, *records = RECORD.split(text)
    common = dict(BLOCK.findall(shared))
    parts = zip(records[::2], records[1::2], strict=True) if records else [(None, "")]
    for number, part in parts:
        blocks = {**common, **dict(BLOCK.findall(part))}
        for ending in ("", "_INSTANCE"):
            if f"SOURCE{ending}" in blocks:
                sides = (json.loads(blocks[f"{side}{ending}"]) for side in ("SOURCE", "TARGET"))
                yield Asked(*sides, bool(ending), number and int(number))


class LyingServer(ForeignServer):
    """Answers by `data`/truth.json, but for the pairs that `wrong` names: about those, at the rate `rate`, with one of
    the `lies` (names of those in lies.py): the first pair with the first, the next with the next. From the time
    `relents` on that it is asked about a pair, it says the truth. `broken`: of calls about a wrong pair, the stream
    ends in the middle. Critics approve of everything. `told` counts the lies by name; `rounds` how often
    each pair was asked about."""

    def __init__(
        self,
        data: Path,
        lies: Sequence[str] = tuple(LIES),
        *,
        rate: float = 1.0,
        relents: int = 1000,
        wrong: Callable[[Asked], bool] = lambda _: True,
        broken: bool = False,
        seed: int = 0,
        answer: Callable[[Asked, dict[str, Any]], Any] | None = None,
    ) -> None:
        super().__init__(Behaviour())
        truth = json.loads((data / "truth.json").read_text("utf-8"))
        self._truth = {**truth["bpd"], **truth["aa"]}
        self.rate = rate
        self._lies, self._relents, self._wrong = lies, relents, wrong
        self._broken, self._seed, self._answer = broken, seed, answer
        self._chosen: dict[str, str] = {}
        self.rounds: Counter[str] = Counter()
        self.told: Counter[str] = Counter()

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        asked = asked_in(body["messages"])
        call = Call(body["model"], asked[0].pair if asked else "", "verifier", messages=body["messages"])
        self.calls.append(call)
        if "## DRAFT\n" in body["messages"][-1]["content"]:  # a critic that never sees anything
            call.role, call.text = "critic", '{"verdict": "approved", "feedback": "All is well."}'
            return await self._send(request, call, {}, None)
        random = Random(f"{self._seed}/{call.record_id}/{self.rounds[call.record_id]}")
        bad = [self._is_wrong(one, random) for one in asked]
        call.text = self._text(asked, bad, random)
        usage = {"prompt_tokens": 100, "completion_tokens": len(call.text) // 4, "total_tokens": 100}
        if not body.get("stream"):
            choice = {"index": 0, "message": {"role": "assistant", "content": call.text}, "finish_reason": "stop"}
            return web.json_response(_envelope(call, "chat.completion", [choice], usage=usage))
        cut = len(call.text) // 2 if self._broken and any(bad) else None
        return await self._send(request, call, usage, cut)

    def _is_wrong(self, asked: Asked, random: Random) -> bool:
        self.rounds[asked.pair] += 1
        return self.rounds[asked.pair] < self._relents and self._wrong(asked) and random.random() < self.rate

    def _text(self, asked: Sequence[Asked], bad: Sequence[bool], random: Random) -> str:
        values = [right_answer(one, self._truth) for one in asked]
        if self._answer is not None:
            values = [self._answer(one, value) for one, value in zip(asked, values, strict=True)]
        names = [self._lie_about(one) if is_bad else "" for one, is_bad in zip(asked, bad, strict=True)]
        batched = next((name for name in names if name in BATCHES), "")  # one text is wrong as a whole in one way
        names = [batched if name in BATCHES else name for name in names]
        self.told.update(filter(None, names))
        if asked and asked[0].number is None:
            said = ({**LIES, **HARMLESS}[names[0]])(asked[0], values[0], random) if names[0] else values[0]
            return said if isinstance(said, str) else f"```json\n{json.dumps(said)}\n```"
        numbered: list[dict[str, Any]] = []
        for one, value, name in zip(asked, values, names, strict=True):
            said = LIES[name](one, value, random) if name in LIES else value
            if isinstance(said, dict):  # what is no object is left out, as a model leaves out what it does not know
                numbered.append({"number": one.number, **said})
        if not batched:
            return f"```json\n{json.dumps(numbered)}\n```"
        kept = {value["number"] for value in numbered}
        flags = [name == batched for one, name in zip(asked, names, strict=True) if one.number in kept]
        said = BATCHES[batched](numbered, flags, random)
        return said if isinstance(said, str) else f"Here they are:\n{json.dumps(said)}"

    def _lie_about(self, asked: Asked) -> str:
        able = [lie for lie in self._lies if lie not in (HARMLESS if asked.number is not None else BATCHES)]
        return self._chosen.setdefault(asked.pair, able[len(self._chosen) % len(able)])

    async def _send(
        self, request: web.Request, call: Call, usage: dict[str, int], cut: int | None
    ) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        try:
            for start in range(0, max(1, len(call.text)), SIZE):
                if cut is not None and start >= cut:
                    call.fault = "cut"
                    if request.transport is not None:
                        request.transport.abort()
                    return response
                delta = {"role": "assistant", "content": call.text[start : start + SIZE]}
                await response.write(_event(call, [{"index": 0, "delta": delta, "finish_reason": None}]))
            await response.write(_event(call, [{"index": 0, "delta": {}, "finish_reason": "stop"}]))
            await response.write(_event(call, [], usage=usage))
            await response.write(b"data: [DONE]\n\n")
            await response.write_eof()
        except (ConnectionError, asyncio.CancelledError):
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
        return response
