"""Files: replaced whole or not at all, appended durably, one process per folder."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from igent.disk import SYSTEM_DISK
from igent.errors import RunInUseError
from igent.files import AppendFile, FolderLock, replace_file

HOLDER = """
import sys
from pathlib import Path
from igent.files import FolderLock
lock = FolderLock(Path(sys.argv[1]))
lock.acquire()
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is asked of the system, in order: "fsync NAME" and "replace OLD NEW"."""
    seen: list[str] = []
    fsync, replace = os.fsync, os.replace

    def record_fsync(descriptor: int) -> None:
        seen.append(f"fsync {Path(os.readlink(f'/proc/self/fd/{descriptor}')).name}")
        fsync(descriptor)

    def record_replace(old: Path, new: Path) -> None:
        seen.append(f"replace {old.name} {new.name}")
        replace(old, new)

    monkeypatch.setattr(os, "fsync", record_fsync)
    monkeypatch.setattr(os, "replace", record_replace)
    return seen


needs_proc = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="descriptors are named through /proc")


@needs_proc
def test_a_replacement_is_synced_renamed_and_synced_again(tmp_path: Path, calls: list[str]) -> None:
    replace_file(tmp_path / "view.json", [b"one", b"two"])
    assert calls == ["fsync .view.json.tmp", "replace .view.json.tmp view.json", f"fsync {tmp_path.name}"]
    assert (tmp_path / "view.json").read_bytes() == b"onetwo"


@needs_proc
def test_a_replacement_that_need_not_last_is_not_synced(tmp_path: Path, calls: list[str]) -> None:
    replace_file(tmp_path / "view.json", [b"one"], durable=False)
    assert calls == ["replace .view.json.tmp view.json"]


def failing_chunks() -> Iterator[bytes]:
    yield b"new"
    raise OSError(errno.EIO, "Input/output error")


@pytest.mark.parametrize("call", ["fsync", "replace", "chunks"])
def test_a_failed_replacement_leaves_the_old_file_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    path = tmp_path / "view.json"
    path.write_bytes(b"old")

    def fail(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    if call != "chunks":
        monkeypatch.setattr(os, call, fail)
    with pytest.raises(OSError, match=r"No space|Input/output"):
        replace_file(path, failing_chunks() if call == "chunks" else [b"new"])
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["view.json"]


def test_readers_see_the_old_content_or_the_new(tmp_path: Path) -> None:
    path = tmp_path / "view.json"
    replace_file(path, [b"old"])
    seen = []

    def chunks() -> Iterator[bytes]:
        for part in (b"n", b"e", b"w"):
            seen.append(path.read_bytes())
            yield part

    replace_file(path, chunks())
    assert seen == [b"old"] * 3
    assert path.read_bytes() == b"new"


@needs_proc
def test_appended_bytes_are_on_the_disk_after_sync(tmp_path: Path, calls: list[str]) -> None:
    file = AppendFile(tmp_path / "journal.jsonl")
    assert calls == [f"fsync {tmp_path.name}"]
    file.append(b"one\n")
    file.sync()
    assert calls[1:] == ["fsync journal.jsonl"]
    assert file.path.read_bytes() == b"one\n"
    file.close()


@needs_proc
def test_what_a_killed_process_left_to_the_system_is_synced_before_it_is_built_upon(
    tmp_path: Path, calls: list[str]
) -> None:
    (tmp_path / "journal.jsonl").write_bytes(b"one\n")
    again = AppendFile(tmp_path / "journal.jsonl")
    assert calls == ["fsync journal.jsonl", f"fsync {tmp_path.name}"]
    again.append(b"two\n")
    again.close()
    assert again.path.read_bytes() == b"one\ntwo\n"


def test_what_was_not_synced_is_taken_back(tmp_path: Path) -> None:
    file = AppendFile(tmp_path / "journal.jsonl")
    file.append(b"one\n")
    file.sync()
    file.append(b"two\n")
    file.take_back()
    file.close()
    assert file.path.read_bytes() == b"one\n"


def test_syncing_a_folder_that_may_not_be_opened_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> int:
        raise PermissionError(errno.EACCES, "Permission denied")

    with pytest.raises(FileNotFoundError):
        SYSTEM_DISK.sync_folder(tmp_path / "none")
    monkeypatch.setattr(os, "open", refuse)
    SYSTEM_DISK.sync_folder(tmp_path)


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process, which holds the folder."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[1],
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_second_process_is_refused_with_the_pid_of_the_first_until_that_is_dead(
    tmp_path: Path, holder: subprocess.Popen[str]
) -> None:
    lock = FolderLock(tmp_path)
    with pytest.raises(RunInUseError, match=rf"in use by process {holder.pid}: wait for it, or .*--out") as raised:
        lock.acquire()
    assert raised.value.exit_code == 7
    holder.kill()
    holder.wait(10)
    assert (tmp_path / "run.pid").read_text() == f"{holder.pid}\n"
    lock.acquire()
    assert (tmp_path / "run.pid").read_text() == f"{os.getpid()}\n"
    lock.release()
    lock.release()
    assert not (tmp_path / "run.pid").exists()


def test_two_locks_in_one_process_exclude_each_other_too(tmp_path: Path) -> None:
    first, second = FolderLock(tmp_path), FolderLock(tmp_path)
    first.acquire()
    (tmp_path / "run.pid").unlink()
    with pytest.raises(RunInUseError, match="process unknown"):
        second.acquire()
    first.release()
    second.acquire()
    second.release()
