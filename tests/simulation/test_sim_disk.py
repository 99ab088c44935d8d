"""What a file that is appended to promises, on a disk that forgets what it refused."""

from __future__ import annotations

import errno
from pathlib import Path
from random import Random

import pytest
from sim_disk import MemoryDisk, Session

from igent.files import AppendFile

PATH = Path("/disk/run/journal.jsonl")


class Refusing:
    """Refuses the operations of these kinds."""

    def __init__(self) -> None:
        self.kinds: set[str] = set()

    def __call__(self, kind: str, name: str) -> bool:
        if kind in self.kinds:
            raise OSError(errno.EIO, "refused")
        return False


def session(disk: MemoryDisk, refusing: Refusing) -> Session:
    made = Session(disk, refusing)
    made.make_folder(PATH.parent)
    return made


def test_what_a_failed_fsync_left_is_on_the_disk_once_the_file_is_open_again():
    disk, refusing = MemoryDisk(Random(1)), Refusing()
    file = AppendFile(PATH, session(disk, refusing))
    file.append(b"one\n")
    file.sync()
    file.append(b"two\n")
    refusing.kinds = {"sync", "open r+b"}
    with pytest.raises(OSError, match="refused"):
        file.sync()
    file.take_back()
    refusing.kinds = set()
    assert disk.read(PATH) == b"one\ntwo\n", "it could not be taken back: the next process reads it"
    again = AppendFile(PATH, session(disk, refusing))
    again.append(b"three\n")
    again.sync()
    disk.crash(power=True)
    assert disk.read(PATH) == b"one\ntwo\nthree\n"


def test_what_was_taken_back_is_gone_and_the_file_goes_on():
    disk, refusing = MemoryDisk(Random(1)), Refusing()
    file = AppendFile(PATH, session(disk, refusing))
    file.append(b"one\n")
    refusing.kinds = {"sync"}
    with pytest.raises(OSError, match="refused"):
        file.sync()
    file.take_back()
    refusing.kinds = set()
    assert disk.read(PATH) == b""
    again = AppendFile(PATH, session(disk, refusing))
    again.append(b"two\n")
    again.sync()
    disk.crash(power=True)
    assert disk.read(PATH) == b"two\n"
