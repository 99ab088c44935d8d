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
LOGS = {"journal.jsonl", "conversations.jsonl"}
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
        yield every[k % len(every)]
        yield every[(k + 3) % len(every)]


def is_harmless(hit: Operation, code: int, *, lasting: bool) -> bool:
    """Whether a run may go on after it, without a word."""
    kinds = {"remove", "state"}  # of what is in the way no more; whether somebody else wrote to a view
    return hit.name in HARMLESS or hit.kind in kinds or (code == 0 and not lasting)


def refusal_of(folder: Path, disk: WatchedDisk, watch: Acknowledged) -> IgentError | None:
    try:
        go(folder, disk, watch)
    except IgentError as error:
        return error
    return None


def check_message(error: IgentError, folder: Path, hit: Operation, code: int, *, lasting: bool) -> None:
    said = str(error)
    assert isinstance(error, RunFolderError), error
    assert f"errno {code or errno.ENOSPC}" in said, said
    # The copy of a damaged tail is named, whichever of its two files was refused.
    assert hit.name.removeprefix(".").partition(".")[0] in said or lasting, (said, hit)
    assert str(folder) in said
    assert "start the same command again" in said or "--out" in said, said


def one_fault(folder: Path, fault: Fault, code: int, *, lasting: bool, whole: dict[str, bytes]) -> bool:
    """Run with it, then go on without. False when the run ended before the fault came."""
    watch = Acknowledged()
    before = set(outcome_lines(folder))
    error = refusal_of(folder, WatchedDisk(before=fault, durable=False), watch)
    if fault.hit is None:
        assert error is None
        return False
    if error is not None:
        check_message(error, folder, fault.hit, code, lasting=lasting)
    else:
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


class RefusedSync:
    """Refuses the `nth` fsync (from 0) of its kind and file, and keeps what is asked of the disk afterwards."""

    def __init__(self, kind: str, name: str, nth: int, watch: Acknowledged) -> None:
        self._kind, self._name, self._left, self._watch = kind, name, nth, watch
        self.later: list[Operation] = []
        self.hit = False
        self.acknowledged = 0

    def __call__(self, operation: Operation) -> None:
        if self.hit:
            self.later.append(operation)
        elif (operation.kind, operation.name) == (self._kind, self._name):
            self._left -= 1
            if self._left < 0:
                self.hit, self.acknowledged = True, len(self._watch.ids)
                raise OSError(errno.EIO, os.strerror(errno.EIO))

    def asked_again(self) -> str | None:
        """What is first done with the file afterwards, of what would make it durable."""
        return next((o.kind for o in self.later if o.name == self._name and o.kind in {"sync", "open wb"}), None)

    def was_put_in_place(self) -> bool:
        target = self._name.removeprefix(".").removesuffix(".tmp")
        return any(o.kind == "replace" and o.name == target for o in self.later)


def test_a_refused_fsync_stops_the_run_and_is_never_tried_again(tmp_path: Path, whole):
    """Where fsync fails, the system may have dropped the pages: a second one that succeeds would prove nothing."""
    sites = sync_sites(tmp_path / "run")
    assert len([site for site in sites if site[1] in LOGS]) >= 8
    for number, (kind, name, nth) in enumerate(sites):
        folder, watch = tmp_path / f"{number}" / "run", Acknowledged()
        fault = RefusedSync(kind, name, nth, watch)
        error = refusal_of(folder, WatchedDisk(before=fault, durable=False), watch)
        if not fault.hit:  # grouped otherwise than at the first run: so many fsyncs were not needed
            continue
        assert f"errno {errno.EIO}" in str(error), f"{name}: fsync was refused and nobody was told"
        if kind == "sync" and name in LOGS:
            assert not [o for o in fault.later if o.name == "journal.jsonl" and o.kind in {"sync", "write"}]
            assert len(watch.ids) == fault.acknowledged, "acknowledged after the disk had refused"
        elif kind == "sync":
            assert fault.asked_again() in {None, "open wb"}, "the same file was synced again"
            assert not fault.was_put_in_place() or fault.asked_again(), "what was not synced took its place"
        go(folder, WatchedDisk(durable=False))
        check_whole(folder, whole)
