"""A file that is made beside the old one, a piece at a time, and then put into its place."""

from __future__ import annotations

__all__ = ["StagedFile"]

import errno
from contextlib import suppress
from io import BufferedWriter
from pathlib import Path
from types import TracebackType
from typing import Self

from igent.disk import SYSTEM_DISK, Disk, FileState, read_at
from igent.errors import RunFolderError
from igent.files import disk_failure

_CHUNK = 1 << 18
_REMEDY = "make room or mend the disk, then start the same command again: the journal has every outcome"


class StagedFile:
    """The new content of the file at `path`: several can be made in one pass over what they are made of, which
    igent.files.replace_file cannot. As there, a reader sees the old content or the new, never a part.

    A context manager: without a `commit` the old content stays, and nothing else remains. Raises RunFolderError that
    names the file and the errno.
    """

    def __init__(self, path: Path, disk: Disk = SYSTEM_DISK) -> None:
        self._path, self._disk = path, disk
        self._temporary = path.with_name(f".{path.name}.tmp")
        self.bytes_written = 0
        try:
            self._raw = disk.open(self._temporary, "wb")
        except OSError as error:
            raise self._refusal(error) from error
        self._file = BufferedWriter(self._raw)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):  # what could not be written is told already
            self._file.close()
        with suppress(OSError):
            self._disk.remove(self._temporary)

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
            with self._disk.open(self._path, "rb") as old:
                for at in range(0, size, _CHUNK):
                    data = read_at(old, at, min(size - at, _CHUNK))
                    if len(data) < min(size - at, _CHUNK):
                        raise OSError(errno.EIO, "it was cut off meanwhile")
                    self._file.write(data)
        except OSError as error:
            raise self._refusal(error) from error
        self.bytes_written += size

    def commit(self) -> FileState | None:
        """Put the new content into place, durably; the state of the file then (see Disk.state)."""
        try:
            self._file.flush()
            self._disk.sync(self._raw)
            self._file.close()
            state = self._disk.state(self._temporary)
            self._disk.replace(self._temporary, self._path)
            self._disk.sync_folder(self._path.parent)
        except OSError as error:
            raise self._refusal(error) from error
        return state

    def _refusal(self, error: OSError) -> RunFolderError:
        return disk_failure(self._path, "written", error, _REMEDY)
