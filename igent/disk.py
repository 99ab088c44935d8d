"""The disk as a seam: every write, fsync and rename of a run folder passes here, and every read of its journal.

What a run folder promises rests on few operations and their order; through one object they can be recorded, made to
fail one by one, killed between any two, or kept in memory.
"""

from __future__ import annotations

__all__ = ["SYSTEM_DISK", "Disk", "FileState", "Mode", "SystemDisk", "read_at", "write_all"]

import errno
import os
import stat
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from io import RawIOBase
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

from filelock import FileLock, Timeout

Mode = Literal["rb", "wb", "ab", "r+b"]
"""As the built-in open's: read; write anew; append; read and write what is there."""

_OWNER_ONLY = 0o600


class FileState(NamedTuple):
    """By which one sees that a file is not what it was: device, inode, size in bytes, and the time of its last change
    in nanoseconds."""

    device: int
    inode: int
    size: int
    changed: int


class Disk(Protocol):
    """What igent asks of a file system. Every method may raise OSError, and is called from any thread."""

    def open(self, path: Path, mode: Mode) -> RawIOBase:
        """The file, unbuffered: `write` may take less than it is given (see write_all). A new one is its owner's
        alone. What is not a regular file is refused."""
        ...

    def sync(self, file: RawIOBase) -> None:
        """Make what was written to the file durable (fsync)."""
        ...

    def sync_folder(self, folder: Path) -> None:
        """Make the names in the folder durable: of files that were made, renamed or removed in it."""
        ...

    def replace(self, source: Path, target: Path) -> None:
        """Rename a file or a folder, in one step; a file may take another one's place."""
        ...

    def remove(self, path: Path) -> None:
        """Remove a file."""
        ...

    def make_folder(self, folder: Path) -> None:
        """Make the folder, for its owner alone, and those above it, durably; nothing when it is there."""
        ...

    def names(self, folder: Path) -> list[str]:
        """The names in the folder, in no order."""
        ...

    def state(self, path: Path) -> FileState | None:
        """The state of a file or a folder; None when there is none."""
        ...

    def lock(self, path: Path) -> Callable[[], None]:
        """Take the lock that this file stands for, until the function that is returned is called or the process ends.

        Raises BlockingIOError when another process, or another caller in this one, has it.
        """
        ...


def write_all(file: RawIOBase, data: bytes) -> None:
    """Write every byte, however few the system takes at a time. Raises OSError; some may then have been written."""
    left = memoryview(data)
    while left:
        written = file.write(left)
        if not written:
            raise OSError(errno.EIO, "nothing was written")
        left = left[written:]


def read_at(file: RawIOBase, offset: int, size: int) -> bytes:
    """So many bytes from there on; fewer at the end of the file. Raises OSError."""
    file.seek(offset)
    data = b""
    while len(data) < size and (more := file.read(size - len(data))):
        data += more
    return data


class SystemDisk:
    """The machine's own."""

    def open(self, path: Path, mode: Mode) -> RawIOBase:
        """See Disk.open."""
        return open(path, mode, buffering=0, opener=_open)

    def sync(self, file: RawIOBase) -> None:
        """See Disk.sync."""
        os.fsync(file.fileno())

    def sync_folder(self, folder: Path) -> None:
        """See Disk.sync_folder. A no-op where folders cannot be opened: on Windows, or one that may not be read."""
        try:
            descriptor = os.open(folder, os.O_RDONLY)
        except PermissionError:
            return
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def replace(self, source: Path, target: Path) -> None:
        """See Disk.replace."""
        os.replace(source, target)

    def remove(self, path: Path) -> None:
        """See Disk.remove."""
        os.unlink(path)

    def make_folder(self, folder: Path) -> None:
        """See Disk.make_folder."""
        for made in reversed([folder, *folder.parents]):
            if not made.exists():
                made.mkdir(mode=0o700 if made == folder else 0o777, exist_ok=True)
                self.sync_folder(made.parent)
        if not folder.is_dir():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(folder))

    def names(self, folder: Path) -> list[str]:
        """See Disk.names."""
        return os.listdir(folder)

    def state(self, path: Path) -> FileState | None:
        """See Disk.state."""
        try:
            found = os.stat(path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        return FileState(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)

    def lock(self, path: Path) -> Callable[[], None]:
        """See Disk.lock. The system gives it back when the process ends, however it does."""
        lock = FileLock(path, timeout=0, mode=_OWNER_ONLY)
        try:
            lock.acquire()
        except Timeout as error:
            raise BlockingIOError(errno.EWOULDBLOCK, "it is locked by another process", str(path)) from error
        return partial(_release, lock)


SYSTEM_DISK: Disk = SystemDisk()
"""The machine's own disk."""


def _open(path: str, flags: int) -> int:
    """A device could be read without end, and a pipe would be waited for."""
    descriptor = os.open(path, flags | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0), _OWNER_ONLY)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is not a regular file", path)
    return descriptor


def _release(lock: FileLock) -> None:
    with suppress(OSError):
        lock.release()
