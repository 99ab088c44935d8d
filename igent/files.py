"""Files as igent writes them: replaced whole or not at all, appended durably, and one run folder per process.

The order of an atomic replacement is: a temporary file in the same folder, write, fsync, rename, fsync of the folder. A
rename without the first fsync can leave an empty file after a power loss; without the second, the old one.
"""

from __future__ import annotations

__all__ = ["AppendFile", "FolderLock", "replace_file", "sync_folder"]

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from filelock import FileLock, Timeout

from igent.errors import RunInUseError


def sync_folder(folder: Path) -> None:
    """Make a rename in this folder durable. A no-op where the system cannot open folders (Windows)."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace_file(path: Path, chunks: Iterable[bytes], *, durable: bool = True) -> None:
    """Replace `path` by the chunks, in one step: a reader sees the old content or the new, never a part.

    Raises OSError; the old content is then untouched and the temporary file removed.
    """
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        with temporary.open("wb") as file:
            for chunk in chunks:
                file.write(chunk)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
    if durable:
        sync_folder(path.parent)


class AppendFile:
    """A file that only grows. What `append` was given is on the disk once `sync` has returned."""

    def __init__(self, path: Path) -> None:
        existed = path.exists()
        self.path = path
        self._file: BinaryIO = path.open("ab")
        if not existed:
            sync_folder(path.parent)

    def append(self, data: bytes) -> None:
        """Hand the bytes to the system; not yet durable. Raises OSError."""
        self._file.write(data)

    def sync(self) -> None:
        """Make everything appended so far durable. Raises OSError; the caller must then stop, never sync again: the
        system may have dropped the pages it could not write."""
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file; what was not synced is left to the system."""
        self._file.close()


class FolderLock:
    """One process per run folder: the system holds `run.lock` while the process lives, `run.pid` names it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = FileLock(folder / "run.lock", timeout=0)
        self._pid = folder / "run.pid"

    def acquire(self) -> None:
        """Take the folder. Raises RunInUseError with the other process's id when it is taken."""
        try:
            self._lock.acquire()
        except Timeout as error:
            raise RunInUseError(
                f"{self._folder} is in use by process {self._owner()}: wait for it, or choose another folder with --out"
            ) from error
        self._pid.write_text(f"{os.getpid()}\n", encoding="ascii")

    def release(self) -> None:
        """Give the folder back. Safe to call twice."""
        if self._lock.is_locked:
            with suppress(OSError):
                self._pid.unlink()
            self._lock.release()

    def _owner(self) -> str:
        try:
            return self._pid.read_text(encoding="ascii").strip() or "unknown"
        except OSError:
            return "unknown"
