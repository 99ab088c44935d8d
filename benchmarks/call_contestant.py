"""One way to make the calls that igent makes under `p1m1m2c`; each answer is read to its end.

    python benchmarks/call_contestant.py --base-url URL --data DIR --scenario NAME --as igent|raw|events|raw-response
        [--loop uvloop|asyncio]

"igent" is its client as a run has it: the stop condition watches every word, but is never content. "raw" is a socket,
a split into lines, orjson for each event, and a join. The others are the `openai` SDK's event stream, and its raw
response on its aiohttp transport, read like the raw socket.
"""

from __future__ import annotations

__all__ = ["main"]

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from itertools import cycle, islice
from typing import Any
from urllib.parse import urlsplit

import openai
import orjson
from measure import Row, measured, options, report
from recorded import requests_of

from igent.models.endpoint import Endpoint
from igent.models.http import OpenAIModel
from igent.models.protocol import request_body
from igent.parsing.answer import AnswerStop
from igent.types import ChatRequest
from igent.workflows.loop import run_loop

Ask = Callable[[ChatRequest], Awaitable[str]]
_LARGEST_READ = 1 << 16


class Lines:
    """What a stream of events needs at least: lines, and the text in their JSON."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.done = False
        self._rest = b""

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            if not line.startswith(b"data: "):
                continue
            if line == b"data: [DONE]":
                self.done = True
                return
            if choices := orjson.loads(line[6:])["choices"]:
                self.parts.append(choices[0]["delta"].get("content") or "")


def on_sockets(base_url: str) -> Ask:
    """Bare connections, kept for the next call."""
    address = urlsplit(base_url)
    idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def ask(request: ChatRequest) -> str:
        body = request_body(request, stream=True)
        reader, writer = idle.pop() if idle else await asyncio.open_connection(address.hostname, address.port)
        head = f"POST {address.path}/chat/completions HTTP/1.1\r\nHost: {address.netloc}\r\n"
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        lines, data = Lines(), b""
        while not (lines.done and data.endswith(b"0\r\n\r\n")):
            data = await reader.read(_LARGEST_READ)
            if not data:
                raise SystemExit("the server closed the connection")
            if not lines.done:
                lines.feed(data)
        idle.append((reader, writer))
        return "".join(lines.parts)

    return ask


def with_igent(base_url: str) -> Ask:
    """igent's client, without the layers around it."""
    model = OpenAIModel(Endpoint(base_url=base_url))

    async def ask(request: ChatRequest) -> str:
        return (await model.complete(request, lambda: AnswerStop(lambda _: False))).text

    return ask


def _arguments(request: ChatRequest) -> dict[str, Any]:
    messages = [{"role": message.role, "content": message.content} for message in request.messages]
    return {"model": request.model, "messages": messages, "stream": True, **request.options}


def with_events(base_url: str) -> Ask:
    """The SDK as its documentation shows it."""
    client = openai.AsyncOpenAI(base_url=base_url, api_key="none")

    async def ask(request: ChatRequest) -> str:
        stream = await client.chat.completions.create(**_arguments(request))
        return "".join([chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices])

    return ask


def with_raw_response(base_url: str) -> Ask:
    """The SDK's bytes, without its event objects."""
    client = openai.AsyncOpenAI(base_url=base_url, api_key="none", http_client=openai.DefaultAioHttpClient())

    async def ask(request: ChatRequest) -> str:
        lines = Lines()
        create = client.chat.completions.with_streaming_response.create
        async with create(**_arguments(request)) as response:
            async for data in response.iter_bytes():
                lines.feed(data)
        return "".join(lines.parts)

    return ask


WAYS = {"igent": with_igent, "raw": on_sockets, "events": with_events, "raw-response": with_raw_response}


async def main(args: Any) -> None:
    """Warm up, then measure."""
    found = await requests_of("p1m1m2c", args)
    requests: Sequence[ChatRequest] = [request for asked in found.values() for request in asked]
    ask = WAYS[args.way](args.base_url)

    async def call(row: Row) -> Row | None:
        return row if await ask(row["request"]) else None

    rows: list[Row] = [{"request": request} for request in islice(cycle(requests), max(args.n, args.warm))]
    report(await measured(args, rows, call))


if __name__ == "__main__":
    parser = options("One way to make igent's calls.")
    parser.add_argument("--as", dest="way", choices=sorted(WAYS), required=True)
    parser.add_argument("--loop", choices=("asyncio", "uvloop"), default="uvloop")
    given = parser.parse_args()
    (run_loop if given.loop == "uvloop" else asyncio.run)(main(given))
