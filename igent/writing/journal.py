"""The journal: the one truth on disk. Append-only, one JSON line an entry, durable in groups.

`{"len":123,"crc":"89abcdef","entry":{"kind":"outcome",...}}`: length and CRC32 are those of the entry's exact bytes. Of
a damaged file the longest valid prefix counts; what follows is saved beside it, never thrown away and never believed.
"""

from __future__ import annotations

__all__ = ["Journal"]

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from igent.disk import SYSTEM_DISK, Disk
from igent.errors import IgentError, InternalError
from igent.files import MOST_AT_ONCE, AppendFile, disk_failure, replace_file
from igent.types import JsonObject
from igent.writing.lines import Place, to_line
from igent.writing.reader import JournalContents, chunks_from, scan_journal
from igent.writing.serial import SerialThread


@dataclass(frozen=True, slots=True)
class _Item:
    line: bytes
    audit: bytes
    waiter: asyncio.Future[IgentError | None] | None
    then: Callable[[], None] | None = None


class Journal:
    """A journal open for writing, by one process (see igent.files.FolderLock).

    `contents` is what was read from the same path; None reads it here. `audit` is a companion file, None for none: what
    `write` is given for it is durable before the entry is. Opening blocks on the disk; it saves a damaged tail as
    `journal.damaged-<n>` beside the journal and cuts it off. Raises RunFolderError.

    The caller's task group runs `run()`. While one fsync runs, the entries for the next gather; each caller of `write`
    waits for its own, so what can gather is bounded by the tasks in flight, and for `write_soon` by `max_pending`.
    """

    def __init__(
        self,
        path: Path,
        contents: JournalContents | None = None,
        *,
        audit: Path | None = None,
        max_pending: int = 100_000,
        disk: Disk = SYSTEM_DISK,
    ) -> None:
        _cut_damage(path, contents, disk)
        try:
            self._file = AppendFile(path, disk)
        except OSError as error:
            raise disk_failure(path, "opened", error) from error
        try:
            self._audit = AppendFile(audit, disk) if audit else None
        except OSError as error:
            self._file.close()
            raise disk_failure(audit or path, "opened", error) from error
        self._end = self._file.size
        self._max_pending = max_pending
        self._thread = SerialThread()
        self._pending: list[_Item] = []
        self._wake = asyncio.Event()
        self._ended = asyncio.Event()
        self._running = self._closing = self._closed = self._told = False
        self._error: IgentError | None = None
        self.entries_written = self.bytes_written = self.batches = 0

    async def write(self, entry: JsonObject, audit: bytes = b"") -> Place:
        """Append an entry, after the audit lines that belong to it; return its place when both are durable.

        A cancelled caller's entry is written all the same, once. Raises RunFolderError, naming path and errno, when the
        disk refuses: the journal has then stopped for good and takes nothing more.
        """
        waiter: asyncio.Future[IgentError | None] = asyncio.get_running_loop().create_future()
        place = self._take(_Item(to_line(entry), audit, waiter))
        if await waiter is not None:
            raise self._refusal()
        return place

    def write_soon(self, entry: JsonObject, audit: bytes = b"", then: Callable[[], None] | None = None) -> Place:
        """Append an entry without waiting, and return its place: it is durable with the next batch, before any entry
        written later. `then` is called once it is, and not at all when the disk refuses.

        Raises as `write` does for a journal that has stopped, and InternalError beyond `max_pending` entries.
        """
        if len(self._pending) >= self._max_pending:
            raise InternalError(f"{self._file.path}: more than {self._max_pending} entries wait to be written")
        return self._take(_Item(to_line(entry), audit, None, then))

    async def run(self) -> None:
        """Write what gathers until `close`; a task that outlives the writers. Raises as `write` does."""
        if self._running:
            raise InternalError(f"{self._file.path}: the journal's task was started twice")
        self._running = True
        self._ended.clear()
        try:
            while True:
                while self._pending:
                    await self._flush()
                if self._error is not None:
                    raise self._refusal()
                if self._closing:
                    return
                self._wake.clear()
                await self._wake.wait()
        finally:
            self._running = False
            self._ended.set()

    async def close(self) -> None:
        """Write what has gathered, then close; also when `run` was cancelled or never started. Safe to call twice.

        Raises RunFolderError when the disk refuses and nobody was told so before.
        """
        self._closing = True
        self._wake.set()
        try:
            while self._running:
                await self._ended.wait()
            await self._thread.idle()
            while self._pending:
                await self._flush()
        finally:
            if not self._running and not self._closed:
                self._closed = True
                self._thread.when_idle(self._close_files)
        if self._error is not None and not self._told:
            raise self._refusal()

    def _take(self, item: _Item) -> Place:
        if self._error is not None:
            raise self._refusal()
        if self._closing:
            raise InternalError(f"{self._file.path}: an entry came after the journal was closed")
        if item.audit and self._audit is None:
            raise InternalError(f"{self._file.path}: audit lines for a journal without an audit file")
        self._pending.append(item)
        self._wake.set()
        place = Place(self._end, len(item.line))
        self._end += place.size
        return place

    async def _flush(self) -> None:
        await self._thread.idle()
        if self._error is not None or not self._pending:
            return
        batch, self._pending = _one_batch(self._pending)
        piece = self._thread.start(partial(self._append, batch))
        piece.add_done_callback(partial(self._settle, batch))
        await asyncio.wait([piece])

    def _append(self, batch: Sequence[_Item]) -> int:
        audit = b"".join(item.audit for item in batch)
        if self._audit is not None and audit:
            _put(self._audit, audit)
        lines = b"".join(item.line for item in batch)
        _put(self._file, lines)
        return len(audit) + len(lines)

    def _settle(self, batch: list[_Item], piece: asyncio.Future[int]) -> None:
        """Called by the event loop when a batch has ended, whoever was cancelled meanwhile."""
        error = InternalError("a write was abandoned") if piece.cancelled() else piece.exception()
        if error is None:
            self.entries_written += len(batch)
            self.bytes_written += piece.result()
            self.batches += 1
        else:
            self._error = error if isinstance(error, IgentError) else InternalError(f"{self._file.path}: {error!r}")
            batch, self._pending = batch + self._pending, []
            self._wake.set()
        for item in batch:
            if item.waiter is not None and not item.waiter.done():
                item.waiter.set_result(self._error)
            if item.then is not None and self._error is None:
                item.then()

    def _refusal(self) -> IgentError:
        self._told = True
        error = self._error or InternalError("the journal has not failed")
        copy = type(error)(*error.problems)
        copy.__cause__ = error
        return copy

    def _close_files(self) -> None:
        for file in (self._audit, self._file):
            if file is not None:
                # What was synced is safe; of what was not, everybody concerned has been told.
                with suppress(OSError):
                    file.close()


def _one_batch(pending: list[_Item]) -> tuple[list[_Item], list[_Item]]:
    """What can be written before one fsync, and the rest."""
    audit = lines = 0
    for number, item in enumerate(pending):
        audit += len(item.audit)
        lines += len(item.line)
        if number and max(audit, lines) > MOST_AT_ONCE:
            return pending[:number], pending[number:]
    return pending, []


def _put(file: AppendFile, data: bytes) -> None:
    try:
        file.append(data)
        file.sync()
    except OSError as error:
        file.take_back()
        raise disk_failure(file.path, "written", error) from error


def _cut_damage(path: Path, contents: JournalContents | None, disk: Disk) -> None:
    at = path
    try:
        state = disk.state(path)
        size = state.size if state else 0
        # Contents read before somebody else appended would cut off good entries.
        if contents is None or contents.valid_bytes + contents.dropped_bytes != size:
            contents = scan_journal(path, lambda entry, place: None, disk)
        if contents.valid_bytes == size:
            return
        taken = set(disk.names(path.parent))
        number = next(n for n in range(1, len(taken) + 2) if f"journal.damaged-{n}" not in taken)
        with disk.open(path, "r+b") as file:
            at = path.with_name(f"journal.damaged-{number}")
            replace_file(at, chunks_from(file, contents.valid_bytes), disk=disk)
            at = path
            file.truncate(contents.valid_bytes)
            disk.sync(file)
    except OSError as error:
        raise disk_failure(at, "opened" if at == path else "written", error) from error
