"""A file that is made beside the old one, a piece at a time, and then put into its place."""

from __future__ import annotations

__all__ = ["FileState", "StagedFile", "state_of"]

import errno
import os
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from igent.errors import Problem, RunFolderError
from igent.files import sync_folder

FileState = tuple[int, int, int, int]
"""By which one sees that a file is not what it was: device, inode, size, time of the last change in nanoseconds."""

_CHUNK = 1 << 18
_REMEDY = "make room or mend the disk, then start the same command again: the journal has every outcome"


class StagedFile:
    """The new content of the file at `path`: several can be made in one pass over what they are made of, which
    igent.files.replace_file cannot. As there, a reader sees the old content or the new, never a part.

    A context manager: without a `commit` the old content stays, and nothing else remains. Raises RunFolderError that
    names the file and the errno.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._temporary = path.with_name(f".{path.name}.tmp")
        self.bytes_written = 0
        try:
            self._file = self._temporary.open("wb")
        except OSError as error:
            raise self._refusal(error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):  # what could not be written is told already
            self._file.close()
        with suppress(OSError):
            self._temporary.unlink()

    def write(self, data: bytes) -> None:
        """Add to the new content."""
        try:
            self._file.write(data)
        except OSError as error:
            raise self._refusal(error) from error
        self.bytes_written += len(data)

    def copy(self, size: int) -> None:
        """Add so many bytes from the beginning of the old content."""
        try:
            with self._path.open("rb") as old:
                for left in range(size, 0, -_CHUNK):
                    data = old.read(min(left, _CHUNK))
                    if len(data) < min(left, _CHUNK):
                        raise OSError(errno.EIO, "it was cut off meanwhile")
                    self._file.write(data)
        except OSError as error:
            raise self._refusal(error) from error
        self.bytes_written += size

    def commit(self) -> FileState:
        """Put the new content into place, durably; what `state_of` says of it then."""
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            state = _state(os.fstat(self._file.fileno()))
            self._file.close()
            os.replace(self._temporary, self._path)
            sync_folder(self._path.parent)
        except OSError as error:
            raise self._refusal(error) from error
        return state

    def _refusal(self, error: OSError) -> RunFolderError:
        what = f"cannot be written: {error.strerror or error} (errno {error.errno})"
        return RunFolderError(Problem(str(self._path), what, _REMEDY))


def state_of(path: Path) -> FileState | None:
    """The state of a file; None when there is none."""
    try:
        return _state(path.stat())
    except OSError:
        return None


def _state(found: os.stat_result) -> FileState:
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
