"""What can be wrong with a cache file, in words: which file, what, and what to do."""

from __future__ import annotations

__all__ = ["CacheError", "fault", "faults"]

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from igent.errors import IgentError, Problem

_CLEAR = "igent cache clear makes a new one; --no-cache goes without"
_PERMIT = "make it writable, name another file in IGENT_CACHE_FILE, or give --no-cache"
_WORDS = {
    sqlite3.SQLITE_BUSY: ("another process keeps it locked", "end that process, or give --no-cache"),
    sqlite3.SQLITE_LOCKED: ("another process keeps it locked", "end that process, or give --no-cache"),
    sqlite3.SQLITE_FULL: ("the disk is full", "make room, empty it with igent cache clear, or give --no-cache"),
    sqlite3.SQLITE_READONLY: ("it cannot be written", _PERMIT),
    sqlite3.SQLITE_PERM: ("it cannot be written", _PERMIT),
    sqlite3.SQLITE_CANTOPEN: ("it cannot be opened", _PERMIT),
    sqlite3.SQLITE_IOERR: ("the disk refuses it", "mend the disk, or give --no-cache"),
    sqlite3.SQLITE_CORRUPT: ("it is damaged", _CLEAR),
    sqlite3.SQLITE_NOTADB: ("it is damaged, or no cache at all", _CLEAR),
}


class CacheError(IgentError):
    """A cache file cannot be used. In a run nobody sees it: the cache is off then, and a warning says why."""

    exit_code = 2


def fault(path: Path, error: Exception) -> CacheError:
    """What SQLite or the system said of the file, as an error of ours."""
    if isinstance(error, OSError):
        return CacheError(Problem(str(path), f"it cannot be used: {error.strerror or error}", _PERMIT))
    code = getattr(error, "sqlite_errorcode", None)
    what, remedy = _WORDS.get((code or 0) & 0xFF, ("it cannot be used", _CLEAR))
    return CacheError(Problem(str(path), f"{what} ({error})", remedy))


@contextmanager
def faults(path: Path) -> Iterator[None]:
    """Turns what SQLite and the system raise inside into CacheError."""
    try:
        yield
    except (sqlite3.Error, OSError, ValueError) as error:  # ValueError: a path that the system cannot even ask for
        raise fault(path, error) from error
