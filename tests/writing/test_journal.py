"""Writing the journal: durable when `write` returns, in groups, whoever is cancelled and whatever the disk does."""

from __future__ import annotations

import asyncio
import errno
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest

from igent.errors import IgentError, InternalError, RunFolderError
from igent.files import AppendFile
from igent.writing.audit import audit_line
from igent.writing.journal import Journal
from igent.writing.lines import from_line
from igent.writing.reader import read_journal


class Disk:
    """Records what the journal asks of the disk; fails the k-th of it; holds fsyncs back while `gate` is closed."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.fail_at = 0
        self.sticky = False
        self.error = errno.ENOSPC
        self.gate = threading.Event()
        self.gate.set()

    def call(self, name: str) -> None:
        self.calls.append(name)
        if self.fail_at and (len(self.calls) == self.fail_at or (self.sticky and len(self.calls) > self.fail_at)):
            raise OSError(self.error, os.strerror(self.error))


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
    disk = Disk()
    append, sync = AppendFile.append, AppendFile.sync

    def recorded(name: str, real: Callable[..., None]) -> Callable[..., None]:
        def act(file: AppendFile, *data: bytes) -> None:
            if name == "sync":
                assert disk.gate.wait(10)
            disk.call(f"{name} {file.path.stem}")
            real(file, *data)

        return act

    monkeypatch.setattr(AppendFile, "append", recorded("append", append))
    monkeypatch.setattr(AppendFile, "sync", recorded("sync", sync))
    yield disk
    disk.gate.set()


def outcome(number: int) -> dict[str, object]:
    return {"kind": "outcome", "record_id": f"r{number}"}


def ids(path: Path) -> list[str]:
    return [entry["record_id"] for entry in read_journal(path).entries]


async def spin(times: int = 20) -> None:
    for _ in range(times):
        await asyncio.sleep(0)


async def test_a_written_entry_is_synced_when_write_returns(tmp_path: Path, disk: Disk) -> None:
    path = tmp_path / "journal.jsonl"
    journal = Journal(path)
    async with asyncio.TaskGroup() as group:
        group.create_task(journal.run())
        await journal.write(outcome(1))
        assert disk.calls == ["append journal", "sync journal"]
        assert ids(path) == ["r1"]
        await journal.close()
    await journal.close()
    assert (journal.entries_written, journal.batches, journal.bytes_written) == (1, 1, path.stat().st_size)


async def test_what_gathers_during_one_fsync_shares_the_next(tmp_path: Path, disk: Disk) -> None:
    path = tmp_path / "journal.jsonl"
    journal = Journal(path)
    async with asyncio.TaskGroup() as group:
        group.create_task(journal.run())
        disk.gate.clear()
        writers = [group.create_task(journal.write(outcome(0)))]
        await spin()
        writers += [group.create_task(journal.write(outcome(n))) for n in range(1, 50)]
        await spin()
        assert not any(task.done() for task in writers)
        disk.gate.set()
        await asyncio.gather(*writers)
        await journal.close()
    assert journal.batches == 2
    assert disk.calls == ["append journal", "sync journal"] * 2
    assert ids(path) == [f"r{n}" for n in range(50)]


async def test_write_says_where_the_entry_stands(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    for session in range(2):  # the second appends to what the first left, cut off in the middle of a line
        journal = Journal(path)
        async with asyncio.TaskGroup() as group:
            group.create_task(journal.run())
            journal.write_soon({"kind": "written", "record_id": "é"})
            entries = [outcome(10 * session + number) for number in range(3)]
            places = await asyncio.gather(*(journal.write(entry) for entry in entries))
            await journal.close()
        data = path.read_bytes()
        assert [from_line(data[offset : offset + size]) for offset, size in places] == entries
        path.write_bytes(data + b'{"len":12')


async def test_write_soon_is_durable_before_a_later_write(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    journal = Journal(path)
    async with asyncio.TaskGroup() as group:
        group.create_task(journal.run())
        journal.write_soon(outcome(1))
        await journal.write(outcome(2))
        assert ids(path) == ["r1", "r2"]
        journal.write_soon(outcome(3))
        await journal.close()
    assert ids(path) == ["r1", "r2", "r3"]


async def test_write_soon_is_bounded(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl", max_pending=3)
    for number in range(3):
        journal.write_soon(outcome(number))
    with pytest.raises(InternalError, match="more than 3 entries"):
        journal.write_soon(outcome(3))
    await journal.close()


async def test_audit_lines_are_durable_before_their_outcome(tmp_path: Path, disk: Disk) -> None:
    audit = tmp_path / "conversations.jsonl"
    journal = Journal(tmp_path / "journal.jsonl", audit=audit)
    async with asyncio.TaskGroup() as group:
        group.create_task(journal.run())
        await journal.write(outcome(1), audit_line("r1", role="user", content="hello"))
        await journal.close()
    assert disk.calls == ["append conversations", "sync conversations", "append journal", "sync journal"]
    assert audit.read_bytes() == b'{"record_id":"r1","role":"user","content":"hello"}\n'


async def test_audit_lines_without_a_file_are_not_silently_lost(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    with pytest.raises(InternalError, match="without an audit file"):
        journal.write_soon(outcome(1), b"line\n")
    await journal.close()


@pytest.mark.parametrize("seed", range(30))
async def test_cancelled_writers_lose_and_double_nothing(tmp_path: Path, seed: int) -> None:
    random = Random(seed)
    path = tmp_path / "journal.jsonl"
    journal = Journal(path)
    begun: list[str] = []

    async def write(number: int) -> None:
        for _ in range(random.randrange(6)):
            await asyncio.sleep(0)
        begun.append(f"r{number}")
        await journal.write(outcome(number))

    async with asyncio.TaskGroup() as group:
        group.create_task(journal.run())
        tasks = [group.create_task(write(number)) for number in range(40)]
        for _ in range(6):
            await asyncio.sleep(0)
            random.choice(tasks).cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await journal.close()
    assert ids(path) == begun


async def test_close_finishes_the_work_of_a_cancelled_run(tmp_path: Path, disk: Disk) -> None:
    path = tmp_path / "journal.jsonl"
    journal = Journal(path)
    disk.gate.clear()
    with suppress(asyncio.CancelledError):
        async with asyncio.TaskGroup() as group:
            runner = group.create_task(journal.run())
            journal.write_soon(outcome(1))
            await spin()
            journal.write_soon(outcome(2))
            runner.cancel()
    assert disk.calls == ["append journal"]
    disk.gate.set()
    await journal.close()
    assert ids(path) == ["r1", "r2"]


async def test_a_second_run_takes_over_from_a_cancelled_one(tmp_path: Path, disk: Disk) -> None:
    path = tmp_path / "journal.jsonl"
    journal = Journal(path)
    async with asyncio.TaskGroup() as group:
        first = group.create_task(journal.run())
        disk.gate.clear()
        journal.write_soon(outcome(1))
        await spin()
        first.cancel()
        await spin()
        group.create_task(journal.run())
        journal.write_soon(outcome(2))
        await spin()
        disk.gate.set()
        await journal.close()
    assert ids(path) == ["r1", "r2"]


async def test_a_close_that_is_cancelled_can_be_done_again(tmp_path: Path, disk: Disk) -> None:
    path = tmp_path / "journal.jsonl"
    journal = Journal(path)
    journal.write_soon(outcome(1))
    disk.gate.clear()
    async with asyncio.TaskGroup() as group:
        closing = group.create_task(journal.close())
        await spin()
        closing.cancel()
    disk.gate.set()
    await journal.close()
    assert ids(path) == ["r1"]


async def test_a_close_cancelled_while_the_task_writes_leaves_it_writing(tmp_path: Path, disk: Disk) -> None:
    path = tmp_path / "journal.jsonl"
    journal = Journal(path)
    async with asyncio.TaskGroup() as group:
        group.create_task(journal.run())
        disk.gate.clear()
        journal.write_soon(outcome(1))
        await spin()
        journal.write_soon(outcome(2))
        closing = group.create_task(journal.close())
        await spin()
        closing.cancel()
        await spin()
        disk.gate.set()
    await journal.close()
    assert ids(path) == ["r1", "r2"]


async def test_after_close_nothing_is_taken(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    await journal.close()
    with pytest.raises(InternalError, match="after the journal was closed"):
        await journal.write(outcome(1))


async def test_one_task_only(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    async with asyncio.TaskGroup() as group:
        group.create_task(journal.run())
        await spin()
        with pytest.raises(InternalError, match="started twice"):
            await journal.run()
        await journal.close()


async def test_a_failed_fsync_stops_at_once_tells_everybody_and_is_not_retried(tmp_path: Path, disk: Disk) -> None:
    path = tmp_path / "journal.jsonl"
    journal = Journal(path)
    disk.fail_at, disk.error = 2, errno.EIO
    told: list[RunFolderError] = []

    async def write(number: int) -> None:
        try:
            await journal.write(outcome(number))
        except RunFolderError as error:
            told.append(error)

    async def use() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(journal.run())
            disk.gate.clear()
            writers = [group.create_task(write(0))]
            await spin()
            writers += [group.create_task(write(n)) for n in (1, 2)]
            await spin()
            disk.gate.set()
            await asyncio.gather(*writers)

    with pytest.raises(ExceptionGroup) as raised:
        await use()
    assert raised.group_contains(RunFolderError, match=rf"{path}: cannot be written: .* \(errno {errno.EIO}\)")
    assert len(told) == 3
    with pytest.raises(RunFolderError, match="errno 5"):
        await journal.write(outcome(4))
    with pytest.raises(RunFolderError, match="errno 5"):
        journal.write_soon(outcome(4))
    await journal.close()
    assert disk.calls == ["append journal", "sync journal"]


async def test_a_failure_that_nobody_saw_is_told_by_close(tmp_path: Path, disk: Disk) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    journal.write_soon(outcome(1))
    disk.fail_at = 1
    with pytest.raises(RunFolderError, match="cannot be written"):
        await journal.close()
    await journal.close()


@pytest.mark.parametrize("sticky", [False, True])
@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO, errno.EROFS])
async def test_the_kth_failure_loses_nothing_that_was_acknowledged(
    tmp_path: Path, disk: Disk, error: int, sticky: bool
) -> None:
    disk.error, disk.sticky = error, sticky
    for k in range(1, 100):
        disk.calls.clear()
        disk.fail_at = k
        path = tmp_path / f"journal-{k}.jsonl"
        acknowledged: list[str] = []
        journal = Journal(path, audit=tmp_path / f"audit-{k}.jsonl")

        async def work(journal: Journal = journal, acknowledged: list[str] = acknowledged) -> None:
            for number in range(4):
                await journal.write(outcome(number), audit_line(f"r{number}"))
                acknowledged.append(f"r{number}")

        failures: list[IgentError] = []
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(journal.run())
                await work()
                await journal.close()
        except* IgentError as group_error:
            failures.extend(e for e in group_error.exceptions if isinstance(e, IgentError))
        finally:
            await journal.close()
        assert ids(path)[: len(acknowledged)] == acknowledged
        assert len(ids(path)) <= len(acknowledged) + 1
        if not failures:
            break
        assert all(f"errno {error}" in str(failure) for failure in failures)
    assert (k, len(acknowledged)) == (17, 4)


async def test_a_folder_that_is_not_there_is_ours(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match=r"none.journal.jsonl: cannot be opened: .*errno 2"):
        Journal(tmp_path / "none" / "journal.jsonl")
    with pytest.raises(RunFolderError, match=r"audit.jsonl: cannot be opened"):
        Journal(tmp_path / "journal.jsonl", audit=tmp_path / "none" / "audit.jsonl")
