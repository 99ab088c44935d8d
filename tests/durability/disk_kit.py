"""A disk whose every operation passes a hook: to be recorded, refused, cut short, or the last one before a kill."""

from __future__ import annotations

__all__ = ["Operation", "Short", "WatchedDisk", "lead_system_disk_through", "nothing"]

import itertools
import threading
from collections.abc import Callable
from io import RawIOBase
from pathlib import Path
from typing import Any, NamedTuple

from igent.disk import SYSTEM_DISK, Disk, FileState, Mode, SystemDisk


class Operation(NamedTuple):
    """What is asked of the disk: the number counts from 1 on; the name is the file's, without its folder."""

    number: int
    kind: str
    name: str


class Short(BaseException):
    """Raised by a hook: let a write take only a part of its bytes."""


Hook = Callable[[Operation], None]


def nothing(operation: Operation) -> None:
    """A hook that lets everything pass."""


class WatchedDisk:
    """Another disk, whose operations `before` may refuse, by raising, and `after` hears of once they are done.

    `durable=False` leaves out the fsyncs themselves: where nothing is unplugged they only cost time.
    """

    def __init__(
        self, disk: Disk = SYSTEM_DISK, before: Hook = nothing, after: Hook = nothing, *, durable: bool = True
    ):
        self.before, self.after = before, after
        self._disk, self._durable = disk, durable
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def do(self, kind: str, path: Path, action: Callable[[], Any]) -> Any:
        with self._lock:
            operation = Operation(next(self._numbers), kind, path.name)
            self.before(operation)
        done = action()
        with self._lock:
            self.after(operation)
        return done

    def open(self, path: Path, mode: Mode) -> RawIOBase:
        return self.do(f"open {mode}", path, lambda: WatchedFile(self, path, self._disk.open(path, mode)))

    def sync(self, file: RawIOBase) -> None:
        assert isinstance(file, WatchedFile)
        self.do("sync", file.path, lambda: self._durable and self._disk.sync(file.raw))

    def sync_folder(self, folder: Path) -> None:
        self.do("sync_folder", folder, lambda: self._durable and self._disk.sync_folder(folder))

    def replace(self, source: Path, target: Path) -> None:
        self.do("replace", target, lambda: self._disk.replace(source, target))

    def remove(self, path: Path) -> None:
        self.do("remove", path, lambda: self._disk.remove(path))

    def make_folder(self, folder: Path) -> None:
        self.do("make_folder", folder, lambda: self._disk.make_folder(folder))

    def names(self, folder: Path) -> list[str]:
        return self.do("names", folder, lambda: self._disk.names(folder))

    def state(self, path: Path) -> FileState | None:
        return self.do("state", path, lambda: self._disk.state(path))

    def lock(self, path: Path) -> Callable[[], None]:
        return self.do("lock", path, lambda: self._disk.lock(path))


class WatchedFile(RawIOBase):
    """A file of such a disk."""

    def __init__(self, disk: WatchedDisk, path: Path, raw: RawIOBase) -> None:
        self.path, self.raw, self._disk = path, raw, disk

    def write(self, data: Any) -> int | None:
        try:
            return self._disk.do("write", self.path, lambda: self.raw.write(data))
        except Short:
            taken = self.raw.write(memoryview(data)[: max(1, len(data) // 2)])
            self._disk.after(Operation(0, "short write", self.path.name))
            return taken

    def readinto(self, buffer: Any) -> int | None:  # `read` comes here too
        return self._disk.do("read", self.path, lambda: self.raw.readinto(buffer))

    def seek(self, offset: int, whence: int = 0) -> int:
        return self.raw.seek(offset, whence)

    def truncate(self, size: int | None = None) -> int:
        return self._disk.do("truncate", self.path, lambda: self.raw.truncate(size))

    def readable(self) -> bool:
        return self.raw.readable()

    def writable(self) -> bool:
        return self.raw.writable()

    def seekable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self.raw.fileno()

    def close(self) -> None:
        self.raw.close()
        super().close()


def lead_system_disk_through(before: Hook, after: Hook) -> None:
    """Let everything that is asked of the machine's own disk pass these hooks; for a process that ends with it."""
    names = [name for name in vars(SystemDisk) if not name.startswith("_")]
    plain = type("PlainDisk", (), {name: vars(SystemDisk)[name] for name in names})()
    watched = WatchedDisk(plain, before, after)
    for name in names:
        setattr(SystemDisk, name, staticmethod(getattr(watched, name)))
