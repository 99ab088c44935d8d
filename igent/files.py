"""Files as igent writes them: replaced whole or not at all, appended durably, and one run folder per process.

The order of an atomic replacement is: a temporary file in the same folder, write, fsync, rename, fsync of the folder. A
rename without the first fsync can leave an empty file after a power loss; without the second, the old one.
"""

from __future__ import annotations

__all__ = ["MOST_AT_ONCE", "AppendFile", "FolderLock", "disk_failure", "replace_file"]

import errno
import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from igent.disk import SYSTEM_DISK, Disk, read_at, write_all
from igent.errors import Problem, RunFolderError, RunInUseError

MOST_AT_ONCE = 1 << 25
"""How many bytes may be appended to a file between two syncs: so many are not known to be on the disk when it is
opened."""

_PIECE = 1 << 20
_REMEDY = "make room or mend the disk, then start the same command again: what the journal has is kept"


def disk_failure(path: Path, verb: str, error: OSError, remedy: str = _REMEDY) -> RunFolderError:
    """What the disk refused, as an error of ours: which file could not be (read, written …), why, and what to do."""
    what = f"cannot be {verb}: {error.strerror or error} (errno {error.errno})"
    if error.errno in {errno.EMFILE, errno.ENFILE}:
        remedy = "lower --concurrency or raise the limit of open files (ulimit -n), then start the same command again"
    return RunFolderError(Problem(str(path), what, remedy))


def replace_file(path: Path, chunks: Iterable[bytes], *, durable: bool = True, disk: Disk = SYSTEM_DISK) -> None:
    """Replace `path` by the chunks, in one step: a reader sees the old content or the new, never a part.

    Raises OSError; the old content is then untouched and the temporary file removed.
    """
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        with disk.open(temporary, "wb") as file:
            for chunk in chunks:
                write_all(file, chunk)
            if durable:
                disk.sync(file)
        disk.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            disk.remove(temporary)
        raise
    if durable:
        disk.sync_folder(path.parent)


class AppendFile:
    """A file that only grows. What `append` was given is on the disk once `sync` has returned; what is there already is
    once it is open: a process that was killed, or refused by the disk, may have left its end to the system.

    A file is to be appended to by at most MOST_AT_ONCE bytes between two syncs.
    """

    def __init__(self, path: Path, disk: Disk = SYSTEM_DISK) -> None:
        self.path, self._disk = path, disk
        self._file = disk.open(path, "ab")
        try:
            found = disk.state(path)
            self.size = found.size if found else 0
            self._synced = self.size
            if self.size:
                _write_anew(path, self.size, disk)
            disk.sync_folder(path.parent)
        except BaseException:
            self._file.close()
            raise

    def append(self, data: bytes) -> None:
        """Hand the bytes to the system; not yet durable. Raises OSError; the file is then good for nothing more."""
        write_all(self._file, data)
        self.size += len(data)

    def sync(self) -> None:
        """Make everything appended so far durable. Raises OSError; the caller must then stop, never sync again: the
        system may have dropped the pages it could not write."""
        self._disk.sync(self._file)
        self._synced = self.size

    def take_back(self) -> None:
        """Cut off what was not synced, once something has failed. It may stand in the system's memory and not on the
        disk: whoever read it there would take for kept what the next power loss takes away."""
        with suppress(OSError), self._disk.open(self.path, "r+b") as file:
            file.truncate(self._synced)

    def close(self) -> None:
        """Close the file; what was not synced is left to the system."""
        self._file.close()


def _write_anew(path: Path, size: int, disk: Disk) -> None:
    """Write the end of the file once more, byte for byte as it is, and sync. After an fsync that failed, the system
    shows bytes that it no longer means to write: the next fsync would say that all is well, and a power loss take them.
    Written again they are on the disk, or the disk refuses again. What a torn write leaves is what was there."""
    with disk.open(path, "r+b") as file:
        at = max(0, size - MOST_AT_ONCE)
        while data := read_at(file, at, min(_PIECE, size - at)):
            file.seek(at)
            write_all(file, data)
            at += len(data)
        disk.sync(file)


class FolderLock:
    """One process per run folder: the system holds `run.lock` while the process lives, `run.pid` names it."""

    def __init__(self, folder: Path, disk: Disk = SYSTEM_DISK) -> None:
        self._folder, self._disk = folder, disk
        self._pid = folder / "run.pid"
        self._release: Callable[[], None] | None = None

    def acquire(self) -> None:
        """Take the folder. Raises RunInUseError with the other process's id when it is taken, RunFolderError when it
        cannot be locked."""
        path = self._folder / "run.lock"
        try:
            self._release = self._disk.lock(path)
        except BlockingIOError as error:
            raise RunInUseError(
                f"{self._folder} is in use by process {self._owner()}: wait for it, or choose another folder with --out"
            ) from error
        except OSError as error:
            raise disk_failure(path, "locked", error, "choose another folder with --out") from error
        with suppress(OSError), self._disk.open(self._pid, "wb") as file:  # a help for people; the lock is what counts
            write_all(file, b"%d\n" % os.getpid())

    def release(self) -> None:
        """Give the folder back. Safe to call twice."""
        if self._release is not None:
            with suppress(OSError):
                self._disk.remove(self._pid)
            self._release()
            self._release = None

    def _owner(self) -> str:
        try:
            with self._disk.open(self._pid, "rb") as file:
                return read_at(file, 0, 20).decode("ascii", "replace").strip() or "unknown"
        except OSError:
            return "unknown"
