"""The k-th operation on the disk fails, for every k: the run ends with a message, keeps what it acknowledged, and the
same command finishes it once the disk is well. IGENT_NIGHTLY=1 tries every kind of fault at every operation."""

from __future__ import annotations

import errno
import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from disk_kit import Operation, Short, WatchedDisk
from run_kit import NIGHTLY, Acknowledged, check_whole, go, outcome_lines, whole_run

from igent import IgentError, RunFolderError

ERRORS = (errno.ENOSPC, errno.EIO, errno.EMFILE, errno.EROFS)
HARMLESS = {"run.pid"}
"""A help for people; the lock counts."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return whole_run(tmp_path_factory.mktemp("whole") / "run")


class Fault:
    """Refuses operation `k`, and with `lasting` every one that changes something after it; `code` is the errno, 0 for a
    write that takes a part."""

    def __init__(self, k: int, code: int, *, lasting: bool) -> None:
        self._k, self._code, self._lasting = k, code, lasting
        self.hit: Operation | None = None
        self._short = False

    def __call__(self, operation: Operation) -> None:
        if operation.number < self._k or (self.hit and not self._lasting and not self._short):
            return
        if self._code == 0:
            self._cut_short(operation)
        elif self.hit is None or operation.kind not in {"read", "names", "state", "remove"}:
            self.hit = self.hit or operation
            raise OSError(self._code, os.strerror(self._code), operation.name)

    def _cut_short(self, operation: Operation) -> None:
        """A write takes half; the rest is refused for want of room when it lasts, and taken when it does not."""
        if self.hit is None and operation.kind == "write":
            self.hit, self._short = operation, self._lasting
            raise Short
        if self._short and operation.kind == "write":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), operation.name)


def faults_of(k: int) -> Iterator[tuple[int, bool]]:
    every = [*itertools.product(ERRORS, (False, True)), (0, False), (0, True)]
    if NIGHTLY:
        yield from every
    else:  # each k meets two of them, and neighbours others: a file is written by several operations
        yield every[(2 * k) % len(every)]
        yield every[(2 * k + 3) % len(every)]


def is_harmless(hit: Operation, code: int, *, lasting: bool) -> bool:
    """Whether a run may go on after it, without a word."""
    kinds = {"remove", "state"}  # of what is in the way no more; whether somebody else wrote to a view
    return hit.name in HARMLESS or hit.kind in kinds or (code == 0 and not lasting)


def one_fault(folder: Path, fault: Fault, code: int, *, lasting: bool, whole: dict[str, bytes]) -> bool:
    """Run with it, then go on without. False when the run ended before the fault came."""
    watch = Acknowledged()
    before = set(outcome_lines(folder))
    try:
        go(folder, WatchedDisk(before=fault, durable=False), watch)
    except IgentError as error:
        assert fault.hit is not None, error
        assert isinstance(error, RunFolderError), error
        said, number = str(error), code or errno.ENOSPC
        assert f"errno {number}" in said, said
        # The copy of a damaged tail is named, whichever of its two files was refused.
        assert fault.hit.name.removeprefix(".").partition(".")[0] in said or lasting, (said, fault.hit)
        assert str(folder) in said
        assert "start the same command again" in said or "--out" in said, said
    else:
        if fault.hit is None:
            return False
        assert is_harmless(fault.hit, code, lasting=lasting), f"{fault.hit} was refused, and nobody was told"
    kept = outcome_lines(folder)
    assert before | set(watch.ids) <= set(kept), "what was acknowledged is lost"
    go(folder, WatchedDisk(durable=False))
    assert {record_id: outcome_lines(folder)[record_id] for record_id in kept} == kept
    check_whole(folder, whole)
    return True


@pytest.mark.parametrize("resumed", [False, True], ids=["a new run", "a run gone on with"])
def test_whichever_operation_fails_nothing_acknowledged_is_lost(tmp_path: Path, whole, resumed: bool):
    met = 0
    for k in itertools.count(1):
        more = False
        for n, (code, lasting) in enumerate(faults_of(k)):
            folder = tmp_path / f"{k}-{n}"
            if resumed:
                half_done(folder)
            met += (hit := one_fault(folder, Fault(k, code, lasting=lasting), code, lasting=lasting, whole=whole))
            more = more or hit
        # A short write finds none after the last one: only when nothing is met for a while is it the end.
        if not more and k > 75:
            break
    assert met > 100


def half_done(folder: Path) -> None:
    """A run of which two records are done, and whose journal ends in the middle of a line."""
    go(folder, WatchedDisk(durable=False), records=2)
    with (folder / "journal.jsonl").open("ab") as file:
        file.write(b'{"len":99,"crc":"0')
    with (folder / "conversations.jsonl").open("ab") as file:
        file.write(b'{"record_id":"of a record that was not settled"}\n')


def sync_sites(folder: Path) -> list[tuple[str, str, int]]:
    """Every fsync of a run: kind, name, and the how-manieth of its kind and name it is."""
    seen: list[tuple[str, str]] = []
    disk = WatchedDisk(before=lambda o: seen.append((o.kind, o.name)) if o.kind.startswith("sync") else None)
    go(folder, disk)
    return [(*site, seen[:at].count(site)) for at, site in enumerate(seen)]


def test_a_refused_fsync_stops_the_run_and_is_never_tried_again(tmp_path: Path, whole):
    """Where fsync fails, the system may have dropped the pages: a second one that succeeds would prove nothing."""
    sites = sync_sites(tmp_path / "run")
    journalled = [site for site in sites if site[1] in {"journal.jsonl", "conversations.jsonl"}]
    assert len(journalled) >= 8
    for number, (kind, name, nth) in enumerate(sites):
        asked: list[Operation] = []
        at: list[int] = []
        acknowledged_at_failure: list[int] = []
        watch = Acknowledged()

        def refuse(
            o: Operation, asked=asked, at=at, site=(kind, name, nth), watch=watch, then=acknowledged_at_failure
        ) -> None:
            asked.append(o)
            if not at and (o.kind, o.name) == site[:2] and count(asked, o) > site[2]:
                at.append(len(asked))
                then.append(len(watch.ids))
                raise OSError(errno.EIO, os.strerror(errno.EIO))

        folder = tmp_path / f"{number}" / "run"
        try:
            go(folder, WatchedDisk(before=refuse, durable=False), watch)
            assert not at, f"{name}: fsync was refused and nobody was told"
            continue  # grouped otherwise than at the first run: so many fsyncs were not needed
        except RunFolderError as error:
            assert f"errno {errno.EIO}" in str(error)
        later = asked[at[0] :]
        if name in {"journal.jsonl", "conversations.jsonl"}:
            assert not [o for o in later if o.name in {"journal.jsonl"} and o.kind in {"sync", "write"}], later
            assert len(watch.ids) == acknowledged_at_failure[0], "acknowledged after the disk had refused"
        if kind == "sync":
            reopened = [o for o in later if o.name == name and o.kind in {"sync", "open wb"}]
            assert not reopened or reopened[0].kind == "open wb", "the same file was synced again"
            target = name.removeprefix(".").removesuffix(".tmp")
            assert not [o for o in later if o.kind == "replace" and o.name == target and not reopened]
        go(folder, WatchedDisk(durable=False))
        check_whole(folder, whole)


def count(asked: list[Operation], like: Operation) -> int:
    return sum((o.kind, o.name) == (like.kind, like.name) for o in asked)
