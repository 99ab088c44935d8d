"""Where input comes from: regular files held open, or bytes made of one; how large they may be, and what is said of
those that cannot be read."""

from __future__ import annotations

__all__ = [
    "MOST_BYTES",
    "MOST_OF_A_RECORD",
    "MOST_RECORDS",
    "MOST_WHOLE",
    "HeldBytes",
    "HeldFile",
    "Source",
    "file_errors",
    "kind_of",
    "open_file",
]

import difflib
import errno
import os
import stat
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol

from igent.errors import DataError, Problem

MOST_BYTES = 2 << 30
"""How many bytes an input file may have: 2 GB."""

MOST_OF_A_RECORD = 10 << 20
"""How many bytes one record may have in its file: 10 MB."""

MOST_RECORDS = 10_000_000
"""How many records a file may have: their places alone are 20 bytes each."""

MOST_WHOLE = 64 << 20
"""How many bytes are read into memory at once, where there is no list that could be read piece by piece: 64 MB."""

_KINDS = (
    (b"PK\x03\x04", "a ZIP file (such as .xlsx or .ods)"),
    (b"PK\x05\x06", "an empty ZIP file"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel file (.xls), or one with a password"),
    (b"\xff\xfe", "UTF-16, not UTF-8"),
    (b"\xfe\xff", "UTF-16, not UTF-8"),
    (b"\x1f\x8b", "compressed with gzip"),
    (b"%PDF", "a PDF file"),
)


class Source(Protocol):
    """Bytes that can be read again at any place."""

    def read(self, offset: int, size: int) -> bytes:
        """So many bytes from there on, fewer at the end. Raises OSError."""
        ...


class HeldFile:
    """A regular file for reading, closed when nobody has it any more; `size` is that at the beginning, in bytes.

    Raises OSError, also for a pipe, which would be waited for, and a device, which may have no end.
    """

    def __init__(self, path: Path) -> None:
        flags = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
        try:
            self.descriptor = os.open(path, flags)
        except ValueError as error:  # a name with a NUL
            raise OSError(errno.EINVAL, str(error), str(path)) from error
        weakref.finalize(self, os.close, self.descriptor)
        state = os.fstat(self.descriptor)
        if stat.S_ISDIR(state.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(state.st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file", str(path))
        self.size = state.st_size

    def read(self, offset: int, size: int) -> bytes:
        """See Source.read."""
        os.lseek(self.descriptor, offset, os.SEEK_SET)
        data = os.read(self.descriptor, size)
        while data and len(data) < size and (more := os.read(self.descriptor, size - len(data))):
            data += more
        return data

    def stream(self) -> BinaryIO:
        """The file from its beginning, for one walk through it; closing that leaves the file open."""
        os.lseek(self.descriptor, 0, os.SEEK_SET)
        return open(self.descriptor, "rb", closefd=False)


class HeldBytes:
    """Bytes in memory, as a Source."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def read(self, offset: int, size: int) -> bytes:
        """See Source.read."""
        return self._data[offset : offset + size]


def open_file(path: Path, shown: str) -> HeldFile:
    """The file, held open; `shown` is its name for messages. Raises OSError, and DataError when it is too large."""
    file = HeldFile(path)
    if file.size > MOST_BYTES:
        what = f"the file has {file.size:,} bytes, and at most {MOST_BYTES:,} are read"
        raise DataError(Problem(shown, what, "split it, and run each part"))
    return file


@contextmanager
def file_errors(path: Path, shown: str) -> Iterator[None]:
    """What the system refuses in here is raised as DataError, with what to do about it."""
    try:
        yield
    except FileNotFoundError as error:
        raise DataError(Problem(shown, "there is no such file", _nearest(path))) from error
    except IsADirectoryError as error:
        raise DataError(Problem(shown, "this is a folder, not a file", "name a file in it")) from error
    except PermissionError as error:
        raise DataError(Problem(shown, "the file may not be read", "give yourself the right to read it")) from error
    except OSError as error:
        raise DataError(Problem(shown, f"the file cannot be read: {error.strerror or error}")) from error
    except MemoryError as error:
        raise DataError(Problem(shown, "there is not enough memory to read it", "split the file")) from error


def kind_of(data: bytes) -> str | None:
    """What a file that begins with these bytes is, in words, where it is clearly no text in UTF-8; else None."""
    return next((kind for mark, kind in _KINDS if data.startswith(mark)), None)


def _nearest(path: Path) -> str:
    try:
        names = [entry.name for entry in os.scandir(path.parent) if entry.is_file()]
    except OSError:
        return f"the folder {path.parent} is not there either"
    close = difflib.get_close_matches(path.name, names, n=1)
    return f"did you mean {close[0]}?" if close else "check the name in the scenario"
