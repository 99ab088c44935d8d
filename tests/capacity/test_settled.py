"""Settled records: each is known, and takes some bytes."""

from __future__ import annotations

import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from igent.capacity import settled
from igent.capacity.ledger import Ledger
from igent.capacity.settled import SettledIds
from igent.types import Stock


@given(st.lists(st.text(max_size=3), max_size=300), st.lists(st.text(max_size=3), max_size=50))
def test_it_knows_what_was_added_and_nothing_else(added: list[str], others: list[str]) -> None:
    found = SettledIds()
    for number, record in enumerate(added):
        assert (record in found) == (record in added[:number])
        found.add(record)
    assert len(found) == len(set(added))
    assert all(record in found for record in added)
    assert [record in found for record in others] == [record in added for record in others]


def test_ids_that_want_the_same_slot_are_told_apart(monkeypatch) -> None:
    monkeypatch.setattr(settled, "_code", lambda record: 64 * int(record) + 63)
    found = SettledIds()
    for number in range(40):
        found.add(str(number))
    assert [str(number) in found for number in range(42)] == [True] * 40 + [False] * 2


def test_a_committed_record_takes_some_bytes() -> None:
    ledger = Ledger({"A": Stock(20_000, 0)})
    tracemalloc.start()
    try:
        for number in range(10_000):
            record = f"a rather long id of a record, number {number}"
            assert ledger.hold(record, "A")
            assert ledger.reserve(record, "A")
            ledger.commit(record)
        assert tracemalloc.get_traced_memory()[0] < 40 * 10_000
    finally:
        tracemalloc.stop()
    assert ledger.snapshot()["A"].committed == 10_000
