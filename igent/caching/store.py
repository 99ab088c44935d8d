"""The cache file as a store: what SQLite is asked, by one thread at a time."""

from __future__ import annotations

__all__ = ["KINDS", "Batch", "Kind", "Store"]

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from hashlib import blake2b
from pathlib import Path
from typing import Literal, get_args

from igent.caching.faults import CacheError, faults
from igent.caching.schema import connect
from igent.clock import SYSTEM_CLOCK, Clock
from igent.disk import SYSTEM_DISK, Disk

Kind = Literal["extraction", "embedding", "answer"]
"""What the values are: the text of a file, the vector of a text, the answer of a model."""
KINDS: tuple[Kind, ...] = get_args(Kind)
Batch = Mapping[tuple[Kind, bytes], bytes | None]
"""What is to be kept, by kind and key; None: what is to be forgotten."""

_AT_ONCE = 500  # parameters of one statement: older SQLites take 999
_CHECKSUM_BYTES = 16
_USED_TO_THE = 3600  # seconds: a use is noted when the one noted before is older than this
_MOST_TOUCHED = 50_000
_PUT = "INSERT OR REPLACE INTO entries (kind, key, size, created, used, checksum, value) VALUES (?, ?, ?, ?, ?, ?, ?)"
_DELETE = "DELETE FROM entries WHERE kind = ? AND key = ?"
_TOUCH = "UPDATE entries SET used = max(used, ?) WHERE kind = ? AND key = ?"


class Store:
    """The entries of a cache file, which is opened (and made) here; see `connect`.

    Above `most_bytes` in the file, entries that were used longest ago are deleted; a use is noted to the hour. Every
    method may block for `busy_seconds` when another process writes, and raises CacheError when the file is of no use;
    the store is then to be closed.
    """

    def __init__(
        self,
        path: Path,
        *,
        most_bytes: int,
        busy_seconds: float = 2.0,
        clock: Clock = SYSTEM_CLOCK,
        disk: Disk = SYSTEM_DISK,
    ) -> None:
        self._path, self._most_bytes, self._clock = path, most_bytes, clock
        self._touched: dict[tuple[Kind, bytes], int] = {}
        self._connection = connect(path, busy_seconds=busy_seconds, disk=disk)

    def read(self, kind: Kind, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        """The values of those keys that there are. An entry that is not as it was written counts as none."""
        found: dict[bytes, bytes] = {}
        now, wanted = self._now(), set(keys)
        with faults(self._path):
            for start in range(0, len(keys), _AT_ONCE):
                asked = keys[start : start + _AT_ONCE]
                marks = ",".join("?" * len(asked))
                query = f"SELECT key, value, checksum, used FROM entries WHERE kind = ? AND key IN ({marks})"  # noqa: S608  # marks are question marks
                for key, value, checksum, used in self._connection.execute(query, (kind, *asked)).fetchall():
                    if key not in wanted or not isinstance(value, bytes) or checksum != _checksum(kind, key, value):
                        continue
                    found[key] = value
                    if not isinstance(used, int) or now - used > _USED_TO_THE:
                        self._touch(kind, key, now)
        return found

    def write(self, batch: Batch) -> None:
        """Keep and forget, all of it or nothing; then make room where there is too little."""
        now = self._now()
        kept = [
            (kind, key, len(value), now, now, _checksum(kind, key, value), value)
            for (kind, key), value in batch.items()
            if value is not None
        ]
        with self._transaction() as connection:
            connection.executemany(_DELETE, [entry for entry, value in batch.items() if value is None])
            connection.executemany(_PUT, kept)
            self._note_uses(connection)
        while self._evict():
            pass

    def close(self) -> None:
        """Note what was used, and close the file."""
        if self._touched:
            with suppress(CacheError), self._transaction() as connection:
                self._note_uses(connection)
        with suppress(sqlite3.Error):
            self._connection.close()

    def _evict(self) -> bool:
        """Delete some of the entries that were used longest ago; False when there is room."""
        with faults(self._path):
            excess = self._bytes() - self._most_bytes
            if excess <= 0:
                return False
            doomed = []
            for row, size in self._connection.execute("SELECT rowid, size FROM entries ORDER BY used LIMIT 1000"):
                doomed.append((row,))
                excess -= size if isinstance(size, int) else 0
                if excess <= 0:
                    break
        with self._transaction() as connection:
            connection.executemany("DELETE FROM entries WHERE rowid = ?", doomed)
        return bool(doomed)

    def _bytes(self) -> int:
        """What is in use of the file: its free pages are filled again before it grows."""
        page_size, pages, free = (
            int(self._connection.execute(f"PRAGMA {name}").fetchone()[0])
            for name in ("page_size", "page_count", "freelist_count")
        )
        return page_size * (pages - free)

    def _touch(self, kind: Kind, key: bytes, now: int) -> None:
        if len(self._touched) < _MOST_TOUCHED:
            self._touched[kind, key] = now

    def _note_uses(self, connection: sqlite3.Connection) -> None:
        touched, self._touched = self._touched, {}
        connection.executemany(_TOUCH, [(used, kind, key) for (kind, key), used in touched.items()])

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with faults(self._path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    self._connection.execute("ROLLBACK")
                raise

    def _now(self) -> int:
        return int(datetime.fromisoformat(self._clock.timestamp()).timestamp())


def _checksum(kind: str, key: bytes, value: bytes) -> bytes:
    """Of the value where it stands: one that has come under another key is as wrong as one that was changed."""
    digest = blake2b(b"%s:%d:" % (kind.encode(), len(key)), digest_size=_CHECKSUM_BYTES)
    digest.update(key)
    digest.update(value)
    return digest.digest()
