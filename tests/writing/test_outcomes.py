"""The outcomes of a journal: what was written comes back, in input order, whatever happens to the folder meanwhile."""

from __future__ import annotations

import copy
import gc
import os
import pickle
import tracemalloc
from dataclasses import replace
from itertools import islice
from pathlib import Path
from random import Random

import pytest
from writing_support import Book, outcome

from igent.errors import InternalError, RunFolderError
from igent.outcome import PhaseTiming
from igent.writing.lines import Place
from igent.writing.outcomes import JournalOutcomes, with_write_time


def test_they_come_back_as_they_were_and_in_input_order(tmp_path: Path) -> None:
    book = Book(tmp_path)
    made = [outcome(index) for index in range(30)]
    mixed = list(made)
    Random(1).shuffle(mixed)
    book.add(*mixed)
    assert list(book.outcomes) == made
    assert len(book.outcomes) == 30
    assert [book.outcomes[at] for at in (0, 7, -1)] == [made[0], made[7], made[-1]]
    assert book.outcomes[3:9:2] == tuple(made[3:9:2])
    assert made[4] in book.outcomes
    with pytest.raises(IndexError):
        book.outcomes[30]


def test_records_without_an_outcome_leave_no_gap_in_the_list(tmp_path: Path) -> None:
    book = Book(tmp_path)
    book.add_all([5, 0, 1, 3])
    assert [o.index for o in book.outcomes] == [0, 1, 3, 5]
    assert [book.outcomes[at].index for at in range(4)] == [0, 1, 3, 5]
    assert [o.index for o in book.outcomes.since(2)] == [3, 5]
    assert [book.outcomes.has(index) for index in (1, 2, 5, 6)] == [True, False, True, False]
    assert book.outcomes.unbroken == 2
    book.add_all([2])
    assert book.outcomes.unbroken == 4
    assert [book.outcomes[at].index for at in range(5)] == [0, 1, 2, 3, 5]


def test_the_seconds_of_writing_are_put_in(tmp_path: Path) -> None:
    book = Book(tmp_path)
    book.add(outcome(0), seconds=0.25)
    book.add(outcome(1))
    book.outcomes.wrote(1, 0.5)
    book.outcomes.wrote(9, 0.5)
    assert list(book.outcomes) == [with_write_time(outcome(0), 0.25), with_write_time(outcome(1), 0.5)]
    assert book.outcomes[0].timings["phase2"] == PhaseTiming(2.25, 1.5, write=0.25)
    assert book.outcomes[0].total_seconds == 3.25


def test_a_record_that_was_not_worked_on_waited_for_no_disk() -> None:
    idle = replace(outcome(0), timings={}, total_seconds=0.0)
    assert with_write_time(idle, 1.0) == idle


def test_a_dropped_outcome_may_be_replaced_but_no_other(tmp_path: Path) -> None:
    book = Book(tmp_path)
    book.add_all([0, 1])
    with pytest.raises(InternalError, match=r"record r1 has a second outcome \(its place holds that of r1\)"):
        book.add_all([1])
    book.outcomes.drop(1)
    book.outcomes.drop(7)
    assert [o.index for o in book.outcomes] == [0]
    again = replace(outcome(1), status="failed", reason="later")
    book.add(again)
    assert book.outcomes[1] == again


def test_a_copy_stays_as_it_is(tmp_path: Path) -> None:
    book = Book(tmp_path)
    book.add_all([0, 2])
    before = book.outcomes.copy()
    book.add_all([1, 3])
    assert [o.index for o in before] == [0, 2]
    assert [o.index for o in book.outcomes] == [0, 1, 2, 3]


@pytest.mark.parametrize("protocol", ["pickle", "deepcopy"])
def test_elsewhere_they_are_in_memory(tmp_path: Path, protocol: str) -> None:
    book = Book(tmp_path)
    book.add_all(range(3))
    found = pickle.loads(pickle.dumps(book.outcomes)) if protocol == "pickle" else copy.deepcopy(book.outcomes)
    assert found == tuple(book.outcomes)


def test_a_renamed_and_deleted_journal_is_read_on(tmp_path: Path) -> None:
    book = Book(tmp_path)
    book.add_all(range(3))
    assert book.outcomes[0].index == 0
    book.path.rename(tmp_path / "elsewhere")
    book.path.write_text("another run's")
    (tmp_path / "elsewhere").unlink()
    assert [o.index for o in book.outcomes] == [0, 1, 2]


def test_what_else_stands_there_is_never_taken_for_an_outcome(tmp_path: Path) -> None:
    book = Book(tmp_path)
    book.add_all(range(3))
    book.outcomes.drop(2)
    book.outcomes.add("r2", 2, Place(0, book.path.stat().st_size // 3))
    with pytest.raises(RunFolderError, match=r"journal.jsonl: the outcome at byte 0 is no longer there"):
        list(book.outcomes)
    with book.path.open("r+b") as file:
        file.write(b"#")
    with pytest.raises(RunFolderError, match=r"something else wrote to this file \(start"):
        list(book.outcomes)


def test_a_journal_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    outcomes = JournalOutcomes(tmp_path / "none.jsonl")
    assert list(outcomes) == []
    outcomes.add("r0", 0, Place(0, 10))
    with pytest.raises(RunFolderError, match=r"none.jsonl: cannot be read: .*errno 2"):
        list(outcomes)


def test_the_file_is_closed_with_the_last_who_has_them(tmp_path: Path) -> None:
    book = Book(tmp_path)
    book.add_all(range(2))
    before = len(os.listdir("/proc/self/fd")) if os.path.exists("/proc/self/fd") else None
    first = book.outcomes[0]
    copies = [book.outcomes.copy() for _ in range(5)]
    assert [c[0] for c in copies] == [first] * 5
    del book, copies
    gc.collect()
    if before is not None:
        assert len(os.listdir("/proc/self/fd")) == before


def test_a_record_takes_some_bytes_and_not_its_outcome(tmp_path: Path) -> None:
    book = Book(tmp_path)
    place = book.write(outcome(0))
    tracemalloc.start()
    try:
        for index in range(10_000):
            book.outcomes.add("r", index, place)
        assert tracemalloc.get_traced_memory()[0] < 40 * 10_000
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        assert book.outcomes[0].index == 0
        for _ in islice(book.outcomes.since(0), 1):
            pass
        assert tracemalloc.get_traced_memory()[1] - before < 100_000
    finally:
        tracemalloc.stop()
