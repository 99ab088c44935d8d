"""The cache, as a run uses it: it may forget anything at any time, and is never in the way."""

from __future__ import annotations

__all__ = ["Cache"]

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeVar

from igent.caching.faults import CacheError
from igent.caching.store import Batch, Kind, Store
from igent.clock import SYSTEM_CLOCK, Clock
from igent.disk import SYSTEM_DISK, Disk
from igent.errors import Problem

log = logging.getLogger("igent.cache")

_T = TypeVar("_T")
_MOST_BYTES = 2_000_000_000
_MOST_VALUE = 1 << 24
_MOST_WAITING = 1 << 26
_GATHER_SECONDS = 0.05
_ENTRY_BYTES = 200  # about what an entry costs beside its value


class Cache:
    """Values by kind and key, in one SQLite file that many processes and runs share. For one event loop.

    The file is opened at the first use, in a thread of the cache's own, which does all that blocks. What was put is
    committed in groups: until then it is found by this process alone, and a process that is killed takes up to 0.05 s
    of it along. Of more than 64 MiB that wait to be written, and of values above 16 MiB, nothing is kept.

    Where the file cannot be used, for whatever reason, the cache is `off` from then on: one warning of the logger
    igent.cache names the file, the reason and the remedy, everything is a miss, and nothing is kept. No method raises
    for it. For other processes nobody waits longer than about `busy_seconds`: then the cache is off.

    `most_bytes` bounds the file; entries used longest ago make room.
    """

    def __init__(
        self,
        path: Path,
        *,
        most_bytes: int = _MOST_BYTES,
        busy_seconds: float = 2.0,
        clock: Clock = SYSTEM_CLOCK,
        disk: Disk = SYSTEM_DISK,
    ) -> None:
        self.path = path
        self._open = partial(Store, path, most_bytes=most_bytes, busy_seconds=busy_seconds, clock=clock, disk=disk)
        self._store: Store | None = None
        self._thread: ThreadPoolExecutor | None = None
        self._off = self._closed = False
        self._pending: dict[tuple[Kind, bytes], bytes | None] = {}
        self._pending_bytes = self._writing_bytes = 0
        self._writing: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.dropped = 0
        """How many values were not kept because too much was waiting, or because they are too long."""

    @property
    def off(self) -> bool:
        """Whether it has given up, or was closed."""
        return self._off or self._closed

    async def get(self, kind: Kind, key: bytes) -> bytes | None:
        """The value kept under the key; None when there is none."""
        return (await self.get_many(kind, (key,))).get(key)

    async def get_many(self, kind: Kind, keys: Iterable[bytes]) -> dict[bytes, bytes]:
        """The values of those keys that there are."""
        if self.off:
            return {}
        wanted = dict.fromkeys(keys)
        waiting = {key: self._pending[kind, key] for key in wanted if (kind, key) in self._pending}
        asked = [key for key in wanted if key not in waiting]
        found: dict[bytes, bytes] = {}
        if asked:
            found = await self._in_thread(lambda store: store.read(kind, asked), found)
        return found | {key: value for key, value in waiting.items() if value is not None}

    def put_soon(self, kind: Kind, key: bytes, value: bytes) -> None:
        """Keep a value, in the place of an earlier one; returns at once."""
        self._take(kind, key, value)

    def forget_soon(self, kind: Kind, key: bytes) -> None:
        """Keep nothing under this key any more; returns at once."""
        self._take(kind, key, None)

    async def put(self, kind: Kind, key: bytes, value: bytes) -> None:
        """Keep a value, and wait until it is committed."""
        await self.put_many(kind, {key: value})

    async def put_many(self, kind: Kind, values: Mapping[bytes, bytes]) -> None:
        """Keep values by their keys, and wait until they are committed."""
        for key, value in values.items():
            if self._pending_bytes + self._writing_bytes > _MOST_WAITING // 2:
                await self.flush()
            self._take(kind, key, value)
        await self.flush()

    async def flush(self) -> None:
        """Wait until everything put so far is committed, or lost."""
        while self._pending or self._writing is not None:
            if self._writing is None:
                self._write()
            if self._writing is not None:
                await asyncio.wait([self._writing])

    async def close(self) -> None:
        """Commit what was put, and close the file; also when it is cancelled. Safe to call twice."""
        self._closed = True
        self._stop_timer()
        if self._thread is None and not self._pending:
            return
        last = self._in_thread(partial(_write_batch, self._take_pending()), None)
        thread, self._thread = self._thread, None
        if thread is not None:
            ended = asyncio.get_running_loop().run_in_executor(thread, self._close_store)
            thread.shutdown(wait=False)
            await asyncio.shield(asyncio.gather(last, ended))

    def _take(self, kind: Kind, key: bytes, value: bytes | None) -> None:
        if self.off:
            return
        size = len(value or b"") + _ENTRY_BYTES
        if len(value or b"") > _MOST_VALUE or self._pending_bytes + self._writing_bytes + size > _MOST_WAITING:
            self.dropped += 1
            return
        self._pending[kind, key] = value
        self._pending_bytes += size  # of one that is replaced while it waits, too: it is a bound, not a count
        if self._timer is None and self._writing is None:
            self._timer = asyncio.get_running_loop().call_later(_GATHER_SECONDS, self._write)

    def _write(self) -> None:
        self._stop_timer()
        if self._writing is None and self._pending:
            self._writing_bytes = self._pending_bytes
            self._writing = self._in_thread(partial(_write_batch, self._take_pending()), None)
            self._writing.add_done_callback(self._written)

    def _written(self, _: object) -> None:
        self._writing, self._writing_bytes = None, 0
        if self._pending and not self._closed:
            self._write()

    def _take_pending(self) -> Batch:
        batch, self._pending, self._pending_bytes = self._pending, {}, 0
        return batch

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _in_thread(self, function: Callable[[Store], _T], otherwise: _T) -> asyncio.Future[_T]:
        """One after the other, in the order of the calls."""
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, "igent-cache")
        return asyncio.get_running_loop().run_in_executor(self._thread, self._guarded, function, otherwise)

    def _guarded(self, function: Callable[[Store], _T], otherwise: _T) -> _T:
        if self._off:
            return otherwise
        try:
            if self._store is None:
                self._store = self._open()
            return function(self._store)
        except CacheError as error:
            self._switch_off(error.problems[0])
            return otherwise

    def _switch_off(self, problem: Problem) -> None:
        self._off = True
        log.warning("the cache is off for this run: %s", problem)
        self._close_store()

    def _close_store(self) -> None:
        if self._store is not None:
            self._store.close()
            self._store = None


def _write_batch(batch: Batch, store: Store) -> None:
    if batch:
        store.write(batch)
