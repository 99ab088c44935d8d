"""Small files that people write, read within bounds: a pipe, a device or a folder is not waited for, nor read."""

from __future__ import annotations

__all__ = ["read_small_file"]

import os
import stat
from pathlib import Path

from igent.errors import ConfigError, Problem

# Opening a pipe that nobody writes into would wait for ever. Windows knows neither flag.
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOCTTY", 0)


def read_small_file(path: Path, most: int, shown: str, what: str = "") -> str:
    """The text of a file of at most `most` bytes; `shown` is its name in errors, before which `what` may stand.

    Raises ConfigError with file, and line where there is one: missing, no regular file, too large, not UTF-8.
    """
    place, said = ("", f"{what} {shown} ") if what else (shown, "")
    try:
        data = _read(path, most)
    except FileNotFoundError as error:
        raise ConfigError(Problem(place, f"{said}no such file")) from error
    except OSError as error:
        raise ConfigError(Problem(place, f"{said}cannot be read: {error.strerror}")) from error
    except ValueError as error:  # a NUL in the path
        raise ConfigError(Problem(place, f"{said}is no name of a file")) from error
    if data is None:
        raise ConfigError(Problem(place, f"{said}is no regular file", "name a file, not a folder, pipe or device"))
    if len(data) > most:
        raise ConfigError(Problem(place, f"{said}is larger than {most:,} bytes"))
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        where = f"{place}:{line}" if place else ""
        raise ConfigError(Problem(where, f"{said}is not UTF-8", "save the file as UTF-8")) from error


def _read(path: Path, most: int) -> bytes | None:
    """One byte more than allowed, where there is one; None for what is no regular file."""
    if path.is_dir():  # Windows refuses to open one at all
        return None
    descriptor = os.open(path, _FLAGS)
    with os.fdopen(descriptor, "rb") as file:
        return file.read(most + 1) if stat.S_ISREG(os.fstat(descriptor).st_mode) else None
