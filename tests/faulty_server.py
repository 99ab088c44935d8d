"""A server that answers rightly (foreign_brain.py), but for the calls that a test has set a fault on: those of
faulty_replies.py."""

from __future__ import annotations

__all__ = ["END", "FAULTS", "RIGHT", "UNUSUAL", "FaultyServer", "Seen", "error", "status", "stream", "whole"]

import asyncio
import contextlib
import json
import threading
import time
from collections.abc import Callable
from typing import Self

from faulty_replies import END, FAULTS, RIGHT, UNUSUAL, Seen, Writer, error, status, stream, whole
from foreign_brain import read_chat, role_of


class FaultyServer:
    """In a thread of its own. `choose` names the fault of a request, given its number for its record and role (from 1);
    "" for none. `seen` are all requests in order."""

    def __init__(self, choose: Callable[[Seen, int], str]) -> None:
        self._choose = choose
        self.seen: list[Seen] = []
        self.url = ""

    def __enter__(self) -> Self:
        ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(ready)), daemon=True)
        self._thread.start()
        assert ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    async def _serve(self, ready: threading.Event) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._answer, "127.0.0.1", 0, backlog=512)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        ready.set()
        await self._stop.wait()
        server.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    async def _answer(self, reader: asyncio.StreamReader, writer: Writer) -> None:
        seen: Seen | None = None
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            try:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                length = int(head.lower().partition("content-length:")[2].partition("\r\n")[0])
                body = json.loads(await reader.readexactly(length))
                chat = read_chat(body["messages"])
                role = role_of(body["model"], chat)
                earlier = sum((one.record_id, one.role) == (chat.record_id, role) for one in self.seen)
                seen = Seen(chat.record_id, role, time.monotonic(), head, body)
                self.seen.append(seen)
                seen.fault = self._choose(seen, earlier + 1)
                await (FAULTS[seen.fault] if seen.fault else RIGHT)(seen, writer)
                await writer.drain()
            finally:
                if seen is not None:
                    seen.left_at = time.monotonic()
                writer.close()
