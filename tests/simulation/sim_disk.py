"""A disk in memory that knows what is durable: after a power loss only that is there, and a part of the rest."""

from __future__ import annotations

__all__ = ["KilledError", "MemoryDisk", "Session"]

import errno
import os
from collections.abc import Callable
from io import RawIOBase
from pathlib import Path
from random import Random
from typing import Any

from igent.disk import FileState, Mode


class KilledError(OSError):
    """The process that asks is dead: nothing that it still does happens."""


class _Inode:
    """A file's content: as the system has it, and as the disk has it. What was not durable when an fsync failed is
    `lost`: the system shows it, and writes it no more, whatever a later fsync says, unless it is written again."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.data = bytearray()
        self.durable = b""
        self.lost: list[tuple[int, int]] = []
        self.changed = 0

    def sync(self) -> None:
        shown = bytearray(self.data)
        for start, end in self.lost:
            shown[start:end] = bytes(end - start)  # a hole
        self.durable = bytes(shown)

    def fail_to_sync(self) -> None:
        pairs = enumerate(zip(self.data, self.durable, strict=False))
        same = next((at for at, (one, other) in pairs if one != other), min(len(self.data), len(self.durable)))
        if same < len(self.data):
            self.lost.append((same, len(self.data)))

    def write(self, at: int, data: bytes) -> None:
        self.data[at : at + len(data)] = data
        self._keep_lost_outside(at, at + len(data))

    def cut(self, size: int) -> None:
        del self.data[size:]
        self._keep_lost_outside(size, max([size, *(end for _, end in self.lost)]))

    def _keep_lost_outside(self, start: int, end: int) -> None:
        pieces = [piece for first, last in self.lost for piece in ((first, min(last, start)), (max(first, end), last))]
        self.lost = [(first, last) for first, last in pieces if first < last]


class MemoryDisk:
    """The machine's disk, which outlives its processes. Each has a `Session` on it."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self._names: dict[Path, _Inode] = {}
        self._durable: dict[Path, _Inode] = {}
        self._pending: list[tuple[Path, _Inode | None]] = []  # names that were set or taken away, not yet durable
        self._folders: set[Path] = set()
        self._locked: set[Path] = set()
        self._numbers = 0

    def read(self, path: Path) -> bytes:
        """What the file holds, "" for none."""
        return bytes(self._names[path].data) if path in self._names else b""

    def files(self) -> dict[Path, bytes]:
        return {path: bytes(inode.data) for path, inode in self._names.items()}

    def crash(self, *, power: bool) -> None:
        """The process is gone; with `power`, so is what was not durable, but for what the disk happened to have."""
        self._locked.clear()
        if not power:
            return
        reached = self.random.randint(0, len(self._pending))  # a journalling file system keeps the order of names
        for path, inode in self._pending[:reached]:
            _set(self._durable, path, inode)
        self._pending.clear()
        for inode in {id(inode): inode for inode in [*self._names.values(), *self._durable.values()]}.values():
            self._tear(inode)
        self._names = dict(self._durable)

    def _tear(self, inode: _Inode) -> None:
        data, durable = bytes(inode.data), inode.durable
        if data != durable:
            if data.startswith(durable):
                rest = data[len(durable) :]
                kept = rest[: self.random.randint(0, len(rest))]
                if self.random.random() < 0.3:
                    kept += bytes(self.random.randint(0, len(rest) - len(kept)))
                data = durable + kept
            else:
                data = self.random.choice((durable, data, data[: self.random.randint(0, len(data))]))
        inode.data, inode.durable, inode.lost = bytearray(data), data, []

    # What sessions do:

    def inode(self, path: Path, *, new: bool) -> _Inode:
        if path in self._folders:
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if path not in self._names:
            if not new or path.parent not in self._folders:
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
            self._numbers += 1
            self.name(path, _Inode(self._numbers))
        return self._names[path]

    def name(self, path: Path, inode: _Inode | None) -> None:
        _set(self._names, path, inode)
        self._pending.append((path, inode))

    def sync_folder(self, folder: Path) -> None:
        for path, inode in self._pending:
            if path.parent == folder:
                _set(self._durable, path, inode)
        self._pending = [(path, inode) for path, inode in self._pending if path.parent != folder]

    def has(self, path: Path) -> bool:
        return path in self._names or path in self._folders


def _set(names: dict[Path, _Inode], path: Path, inode: _Inode | None) -> None:
    if inode is None:
        names.pop(path, None)
    else:
        names[path] = inode


class Session:
    """The disk as one process sees it. `before` is told each operation (kind, name) and may raise; returning True lets
    a write take only a part. Once `dead`, nothing that is asked happens."""

    def __init__(self, disk: MemoryDisk, before: Callable[[str, str], bool]) -> None:
        self._disk, self._before = disk, before
        self.dead = False

    def do(self, kind: str, path: Path) -> bool:
        if self.dead:
            raise KilledError(errno.ENODEV, "the process is dead")
        return self._before(kind, path.name)

    def open(self, path: Path, mode: Mode) -> RawIOBase:
        self.do(f"open {mode}", path)
        inode = self._disk.inode(path, new=mode in {"wb", "ab"})
        if mode == "wb":
            inode.cut(0)
            inode.changed += 1
        return _File(self, path, inode, mode)

    def sync(self, file: RawIOBase) -> None:
        assert isinstance(file, _File)
        try:
            self.do("sync", file.path)
        except KilledError:
            raise
        except OSError:
            file.inode.fail_to_sync()
            raise
        file.inode.sync()

    def sync_folder(self, folder: Path) -> None:
        self.do("sync_folder", folder)
        self._disk.sync_folder(folder)

    def replace(self, source: Path, target: Path) -> None:
        self.do("replace", target)
        inode = self._disk.inode(source, new=False)
        self._disk.name(target, inode)
        self._disk.name(source, None)

    def remove(self, path: Path) -> None:
        self.do("remove", path)
        self._disk.inode(path, new=False)
        self._disk.name(path, None)

    def make_folder(self, folder: Path) -> None:
        self.do("make_folder", folder)
        self._disk._folders.add(folder)

    def names(self, folder: Path) -> list[str]:
        self.do("names", folder)
        return sorted(path.name for path in self._disk._names if path.parent == folder)

    def state(self, path: Path) -> FileState | None:
        self.do("state", path)
        if not self._disk.has(path):
            return None
        inode = self._disk.inode(path, new=False)
        return FileState(1, inode.number, len(inode.data), inode.changed)

    def lock(self, path: Path) -> Callable[[], None]:
        self.do("lock", path)
        if path in self._disk._locked:
            raise BlockingIOError(errno.EWOULDBLOCK, "locked")
        self._disk._locked.add(path)
        return lambda: None if self.dead else self._disk._locked.discard(path)


class _File(RawIOBase):
    def __init__(self, session: Session, path: Path, inode: _Inode, mode: Mode) -> None:
        self.path, self.inode, self._session, self._mode = path, inode, session, mode
        self._at = 0

    def write(self, data: Any) -> int:
        data = bytes(data)
        if self._session.do("write", self.path):
            data = data[: max(1, len(data) // 2)]
        at = len(self.inode.data) if self._mode == "ab" else self._at
        self.inode.write(at, data)
        self._at = at + len(data)
        self.inode.changed += 1
        return len(data)

    def readinto(self, buffer: Any) -> int:
        self._session.do("read", self.path)
        data = self.inode.data[self._at : self._at + len(buffer)]
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = {0: 0, 1: self._at, 2: len(self.inode.data)}[whence] + offset
        return self._at

    def tell(self) -> int:
        return self._at

    def truncate(self, size: int | None = None) -> int:
        self._session.do("truncate", self.path)
        size = self._at if size is None else size
        self.inode.cut(size)
        self.inode.changed += 1
        return size

    def readable(self) -> bool:
        return self._mode in {"rb", "r+b"}

    def writable(self) -> bool:
        return self._mode != "rb"

    def seekable(self) -> bool:
        return True
