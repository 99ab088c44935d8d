"""What people do with the cache file: look what is in it, and empty it."""

from __future__ import annotations

__all__ = ["CacheStats", "KindStats", "cache_stats", "clear_cache"]

import os
import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from igent.caching.faults import CacheError, fault, faults
from igent.caching.schema import APPLICATION_ID, SIDE_FILES, connect
from igent.caching.store import Kind
from igent.errors import Problem
from igent.types import JsonObject

_AT_ONCE = 5000


@dataclass(frozen=True, slots=True)
class KindStats:
    """The entries of one kind: how many, the bytes of their values, and when the first was made and the last used
    (to the hour), as ISO 8601 in UTC."""

    entries: int
    bytes: int
    oldest: str
    last_used: str

    def to_json(self) -> JsonObject:
        """The shape of `igent cache stats --json`."""
        return {"entries": self.entries, "bytes": self.bytes, "oldest": self.oldest, "last_used": self.last_used}


@dataclass(frozen=True, slots=True)
class CacheStats:
    """What is in a cache file: `kinds` by name, those with entries; `disk_bytes` are those of the file and what SQLite
    keeps beside it, 0 where there is no file yet."""

    path: Path
    disk_bytes: int
    kinds: dict[str, KindStats]

    def to_json(self) -> JsonObject:
        """The shape of `igent cache stats --json`."""
        return {
            "file": str(self.path),
            "disk_bytes": self.disk_bytes,
            "entries": sum(kind.entries for kind in self.kinds.values()),
            "bytes": sum(kind.bytes for kind in self.kinds.values()),
            "kinds": {name: kind.to_json() for name, kind in self.kinds.items()},
        }


def cache_stats(path: Path) -> CacheStats:
    """What is in the file; nothing where there is none. Raises CacheError when it cannot be read as a cache."""
    with faults(path):
        if not path.exists():
            return CacheStats(path, 0, {})
        with closing(connect(path)) as connection:
            rows = connection.execute(
                "SELECT kind, count(*), sum(size), min(created), max(used) FROM entries GROUP BY kind ORDER BY kind"
            ).fetchall()
        kinds = {str(kind): KindStats(int(n), int(size), _date(old), _date(new)) for kind, n, size, old, new in rows}
        return CacheStats(path, _size(path), kinds)


def clear_cache(path: Path, kind: Kind | None = None, *, busy_seconds: float = 2.0) -> str:
    """Delete all entries, or those of one kind; returns what was done, in words.

    Without a kind, also a file that cannot be read is dealt with: one that was a cache of igent's is removed, with what
    SQLite keeps beside it, any other is renamed, never deleted. Raises CacheError when the file is in use, or may not
    be changed, and for a `kind` of a file that cannot be read.
    """
    with faults(path):
        if not os.path.lexists(path):
            return f"{path}: there is no cache yet"
    try:
        with faults(path), closing(connect(path, busy_seconds=busy_seconds)) as connection:
            return f"{path}: {_delete(connection, kind):,} entries deleted"
    except CacheError as error:
        if not _is_unreadable(error):
            raise
        if kind is not None:
            what = f"{error.problems[0].what}: its entries cannot be told apart"
            raise CacheError(Problem(str(path), what, "igent cache clear, without --kind")) from error
    try:
        return _put_away(path)
    except OSError as error:
        raise fault(path, error) from error


def _delete(connection: sqlite3.Connection, kind: Kind | None) -> int:
    connection.execute("PRAGMA secure_delete=ON")  # what it holds was in somebody's files
    if kind is None:
        count = connection.execute("SELECT count(*) FROM entries").fetchone()[0]
        connection.execute("DELETE FROM entries")
        with suppress(sqlite3.OperationalError):  # who reads it meanwhile keeps it as long as it is
            connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        return int(count)
    deleted, last = 0, _AT_ONCE
    while last == _AT_ONCE:  # in short transactions: a run may be writing
        some = "DELETE FROM entries WHERE rowid IN (SELECT rowid FROM entries WHERE kind = ? LIMIT ?)"
        last = connection.execute(some, (kind, _AT_ONCE)).rowcount
        deleted += last
    with suppress(sqlite3.OperationalError):
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    return deleted


def _is_unreadable(error: CacheError) -> bool:
    """Whether another file in its place would help, as it does not for one that is locked or on a full disk."""
    cause = error.__cause__
    if isinstance(cause, sqlite3.Error):
        return getattr(cause, "sqlite_errorcode", 0) & 0xFF in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
    return cause is None  # another program's, another version, no regular file


def _put_away(path: Path) -> str:
    beside = [side for end in SIDE_FILES if (side := path.with_name(path.name + end)).exists()]
    if _was_ours(path):
        for each in [*beside, path]:
            each.unlink()
        return f"{path}: it could not be read, and was removed"
    taken = set(os.listdir(path.parent))
    number = next(n for n in range(1, len(taken) + 2) if f"{path.name}.aside-{n}" not in taken)
    for each in [*beside, path]:
        each.rename(path.with_name(f"{path.name}.aside-{number}{each.name.removeprefix(path.name)}"))
    return f"{path}: it was no cache of igent's, and is now {path.name}.aside-{number}"


def _was_ours(path: Path) -> bool:
    """By its header, which says whose it is (the SQLite file format, "Application ID")."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        header = file.read(72)
    return header.startswith(b"SQLite format 3\0") and header[68:72] == APPLICATION_ID.to_bytes(4, "big")


def _size(path: Path) -> int:
    sides = [path.with_name(path.name + end) for end in SIDE_FILES]
    return sum(each.stat().st_size for each in (path, *sides) if each.exists())


def _date(seconds: object) -> str:
    return datetime.fromtimestamp(int(str(seconds)), UTC).isoformat(timespec="seconds")
