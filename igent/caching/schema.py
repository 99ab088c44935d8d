"""The cache file: one SQLite database with one table, which says whose it is and in which version.

A file that is not exactly that is never written to, nor believed.
"""

from __future__ import annotations

__all__ = ["APPLICATION_ID", "SIDE_FILES", "VERSION", "connect"]

import os
import sqlite3
import stat
import threading
from contextlib import suppress
from pathlib import Path

from igent.caching.faults import CacheError, faults
from igent.disk import SYSTEM_DISK, Disk
from igent.errors import Problem

APPLICATION_ID = 0x69676E74
"""In the header of the file: "ignt"."""
VERSION = 1
"""Of the table and of what its values mean (user_version)."""
SIDE_FILES = ("-wal", "-shm", "-journal")
"""What SQLite puts beside the file, by the ends of the names."""

_TABLE = """CREATE TABLE entries (kind TEXT NOT NULL, key BLOB NOT NULL, size INTEGER NOT NULL,
created INTEGER NOT NULL, used INTEGER NOT NULL, checksum BLOB NOT NULL, value BLOB NOT NULL, UNIQUE (kind, key))"""
_INDEX = "CREATE INDEX entries_used ON entries (used)"

_SMALLEST = 512  # bytes of a page
_TRIES = 10
# Closing any descriptor of a file gives up all locks that the process has on it, those of SQLite included (POSIX): a
# file is made by one caller at a time, before anybody has it open.
_making = threading.Lock()
_pause = threading.Event()


def connect(path: Path, *, busy_seconds: float = 2.0, disk: Disk = SYSTEM_DISK) -> sqlite3.Connection:
    """The database at `path`, made (for its owner alone) where there is none; to be used by one thread at a time.

    Blocks for about `busy_seconds` at most, as every statement does later. Raises CacheError: no permission, a damaged
    file, one of another program, or of another version of igent; such a file is left as it is.
    """
    with faults(path):
        _make(path, disk)
        _check(path)
        effective = os.access in os.supports_effective_ids
        if not os.access(path, os.R_OK | os.W_OK, effective_ids=effective):
            raise PermissionError(0, "no permission to read and write it", str(path))
        connection = _opened(path, busy_seconds)
        connection.execute(f"PRAGMA busy_timeout={round(busy_seconds * 1000)}")
        return connection


def _make(path: Path, disk: Disk) -> None:
    with _making:
        if disk.state(path) is None:
            disk.make_folder(path.parent)
            disk.open(path, "ab").close()


def _check(path: Path) -> None:
    """What SQLite would hang on, or take for an empty database."""
    found = os.stat(path)
    if not stat.S_ISREG(found.st_mode):
        raise CacheError(Problem(str(path), "it is no regular file", "name another one in IGENT_CACHE_FILE"))
    if 0 < found.st_size < _SMALLEST:
        raise CacheError(Problem(str(path), "it is damaged, or no cache at all", "igent cache clear makes a new one"))


def _opened(path: Path, busy_seconds: float) -> sqlite3.Connection:
    """Tried some times: to change to WAL, and to recover from one, SQLite does not wait for others by itself."""
    each = busy_seconds / _TRIES / 2
    for number in range(1, _TRIES + 1):
        connection = sqlite3.connect(path, timeout=each, isolation_level=None, check_same_thread=False)
        try:
            _prepare(connection, path)
            return connection
        except BaseException as error:
            with suppress(sqlite3.Error):
                connection.close()
            busy = getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY
            if not busy or number == _TRIES:
                raise
        _pause.wait(each)
    raise AssertionError("unreachable")


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("PRAGMA trusted_schema=OFF")
    connection.execute("PRAGMA cell_size_check=ON")
    made = _is_ours(connection, path)
    connection.execute("PRAGMA journal_mode=WAL")
    if not made:
        _create(connection)
        _is_ours(connection, path)
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute("PRAGMA journal_size_limit=67108864")


def _is_ours(connection: sqlite3.Connection, path: Path) -> bool:
    """False for an empty database; raises CacheError for one that is not ours, or not of this version."""
    connection.execute("BEGIN")  # else another process might make it between two of these looks
    owner, version = _number(connection, "application_id"), _number(connection, "user_version")
    found = {sql for (sql,) in connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()}
    connection.execute("COMMIT")
    if not found and owner == version == 0:
        return False
    if owner != APPLICATION_ID:
        remedy = "name another file in IGENT_CACHE_FILE, or give --no-cache"
        raise CacheError(Problem(str(path), "it is a database of another program", remedy))
    if version != VERSION:
        whose = "a newer" if version > VERSION else "an older"
        remedy = "igent cache clear makes a new one, IGENT_CACHE_FILE names another, --no-cache goes without"
        raise CacheError(Problem(str(path), f"it is of {whose} igent (version {version}, not {VERSION})", remedy))
    if found != {_TABLE, _INDEX}:
        remedy = "igent cache clear makes a new one; --no-cache goes without"
        raise CacheError(Problem(str(path), "it holds other tables than a cache does", remedy))
    return True


def _create(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Another process may have been faster.
        if not _number(connection, "user_version"):
            connection.execute(_TABLE)
            connection.execute(_INDEX)
            connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version={VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise


def _number(connection: sqlite3.Connection, pragma: str) -> int:
    return int(connection.execute(f"PRAGMA {pragma}").fetchone()[0])
