"""Any order of calls, crashes and resumes included, conserves the units.

500 runs of 50 steps; IGENT_NIGHTLY=1 makes them 20,000 of 100."""

from __future__ import annotations

import os
from collections import Counter

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from igent.capacity.ledger import Ledger
from igent.errors import InternalError, RunFolderError
from igent.types import Stock

NIGHTLY = os.environ.get("IGENT_NIGHTLY") == "1"  # noqa: TID251
UNITS = ("A", "B", "C")
records = st.integers(0, 11).map("r{}".format)
units = st.sampled_from(UNITS)


class LedgerMachine(RuleBasedStateMachine):
    """`place` is the model: record -> (unit, state); `admitted` the records that the order view counts."""

    @initialize(stock=st.fixed_dictionaries({u: st.builds(Stock, st.integers(0, 4), st.integers(0, 2)) for u in UNITS}))
    def open(self, stock: dict[str, Stock]) -> None:
        self.stock = stock
        self.ledger = Ledger(stock)
        self.place: dict[str, tuple[str, str]] = {}
        self.admitted: set[str] = set()

    def free(self, unit: str) -> int:
        return self.stock[unit].free - sum(1 for u, _ in self.place.values() if u == unit)

    def state(self, record: str) -> str:
        return self.place.get(record, ("", "none"))[1]

    @rule(record=records, unit=units)
    def hold(self, record: str, unit: str) -> None:
        if self.state(record) != "none":
            return
        fits = self.free(unit) > 0
        assert self.ledger.hold(record, unit) is fits
        if fits:
            self.place[record] = (unit, "held")
            self.admitted.add(record)

    @rule(record=records, unit=units)
    def reserve(self, record: str, unit: str) -> None:
        if self.state(record) in {"committed", "kept"}:
            return
        fits = self.place.get(record, ("", ""))[0] == unit or self.free(unit) > 0
        assert self.ledger.reserve(record, unit) is fits
        if fits:
            self.place[record] = (unit, "reserved")
            self.admitted.add(record)

    @rule(record=records)
    def commit(self, record: str) -> None:
        if self.state(record) == "reserved":
            self.ledger.commit(record)
            self.place[record] = (self.place[record][0], "committed")

    @rule(record=records)
    def release(self, record: str) -> None:
        if self.state(record) == "committed":
            with pytest.raises(InternalError, match=record):
                self.ledger.release(record)
            return
        self.ledger.release(record)
        if self.state(record) in {"held", "reserved"}:
            del self.place[record]
            self.admitted.discard(record)

    @rule(record=records, held=units, wanted=units)
    def cancelled_on_its_way(self, record: str, held: str, wanted: str) -> None:
        """Admitted, perhaps settled on another unit, and given up: as if it had never been there."""
        if self.state(record) != "none":
            return
        before = self.ledger.snapshot(), self.ledger.view()
        self.ledger.hold(record, held)
        self.ledger.reserve(record, wanted)
        self.ledger.release(record)
        assert (self.ledger.snapshot(), self.ledger.view()) == before

    @rule(record=records)
    def keep(self, record: str) -> None:
        if self.state(record) in {"held", "reserved"}:
            self.ledger.keep(record)
            self.place[record] = (self.place[record][0], "kept")

    @rule(record=records)
    def admit(self, record: str) -> None:
        self.ledger.admit(record)
        if record in self.place:
            self.admitted.add(record)

    @rule()
    def crash_and_resume(self) -> None:
        before = self.ledger.committed()
        self.resume()
        assert self.ledger.committed() == before
        assert self.ledger.view() == self.stock

    @rule(unit=units, free=st.integers(0, 4))
    def crash_and_resume_with_another_capacity(self, unit: str, free: int) -> None:
        """Fewer units than are committed are refused; any other capacity is the one that counts from now on."""
        old = self.stock
        self.stock = old | {unit: Stock(old[unit].used + free, old[unit].used)}
        committed = sum(1 for u, state in self.place.values() if (u, state) == (unit, "committed"))
        if committed > free:
            with pytest.raises(RunFolderError, match="none is left"):
                self.resume()
            self.stock = old
        self.resume()

    def resume(self) -> None:
        self.place = {r: p for r, p in self.place.items() if p[1] == "committed"}
        self.admitted = set()
        self.ledger = Ledger(self.stock)
        for record, (unit, _) in self.place.items():
            self.ledger.load_commit(record, unit)

    @invariant()
    def conserves(self) -> None:
        counted = Counter(self.place.values())
        view, committed = self.ledger.view(), self.ledger.committed()
        for unit, counts in self.ledger.snapshot().items():
            start = self.stock[unit]
            assert counts.total == counts.held + counts.reserved + counts.committed + counts.free == start.free
            assert min(counts.held, counts.reserved, counts.committed, counts.free) >= 0
            assert counts.held == counted[unit, "held"] + counted[unit, "kept"]
            assert counts.reserved == counted[unit, "reserved"]
            assert committed[unit].used == start.used + counted[unit, "committed"]
            in_order = sum(1 for r in self.admitted if self.place[r][0] == unit)
            assert view[unit] == Stock(start.capacity, start.used + in_order)
            assert view[unit].used <= max(start.capacity, start.used)


TestLedgerMachine = LedgerMachine.TestCase
TestLedgerMachine.settings = settings(
    max_examples=20_000 if NIGHTLY else 500, stateful_step_count=100 if NIGHTLY else 50, deadline=None
)
