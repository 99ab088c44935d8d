"""The ledger: who takes which unit of the shared capacity. Plain, synchronous, for one thread; no I/O.

It answers two questions, and keeps a tally for each:

- *Is a unit free right now?* `free = capacity - used at the start - held - reserved - committed`. No sequence of calls
  makes it negative; that is all that "never oversold" needs, whatever is interleaved or cancelled.
- *What will the capacity be when this record is decided?* Records are admitted in input order; the order view is what
  was used at the start plus one unit for each record admitted so far, whether it has settled or not. After a resume the
  commits of the journal count at once for the first question, and for the second one only when their record is
  admitted: every record is shown what an uninterrupted run would have shown it.
"""

from __future__ import annotations

__all__ = ["Ledger", "UnitCounts"]

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import NoReturn

from igent.capacity.settled import SettledIds
from igent.errors import InternalError, RunFolderError
from igent.types import CapacityView, Stock


class _State(Enum):
    HELD = "held"
    KEPT = "kept"
    RESERVED = "reserved"
    COMMITTED = "committed"


@dataclass(slots=True)
class _Place:
    unit: str
    state: _State
    admitted: bool


@dataclass(frozen=True, slots=True)
class UnitCounts:
    """One unit's places, in registrations: `total` (free at the start) = `held` + `reserved` + `committed` + `free`.

    `held` includes the places that failed records keep.
    """

    total: int
    held: int
    reserved: int
    committed: int
    free: int


class Ledger:
    """The capacity of one run: `capacity` maps each unit (supplier) to its stock at the start.

    A record's way: hold (at admission, when a prediction names a unit) -> reserve (its answer is accepted) -> commit
    (its outcome is durable); or release (no match, cancelled), or keep (failed). All methods raise InternalError when
    they are called out of that order, naming the record, and its unit unless that is committed: of those only counts
    are kept, and who they are.
    """

    def __init__(self, capacity: Mapping[str, Stock]) -> None:
        self._start = dict(capacity)
        self._total = {unit: stock.free for unit, stock in capacity.items()}
        self._taken: Counter[str] = Counter()
        self._committed: Counter[str] = Counter()
        self._order = dict(capacity)
        self._places: dict[str, _Place] = {}
        # A committed place changes no more. Until it is admitted, all that took the unit share one; then it is a count.
        self._loaded = {unit: _Place(unit, _State.COMMITTED, admitted=False) for unit in capacity}
        self._settled = SettledIds()

    def load_commit(self, record_id: str, unit: str) -> None:
        """Restore a unit that an outcome in the journal took. Call it for all of them before the first `hold`.

        Raises RunFolderError when the capacity does not have that unit, or not so many of it: the journal then belongs
        to other inputs.
        """
        if record_id in self._places or record_id in self._settled:
            self._misuse(record_id, unit, "is loaded twice")
        if unit not in self._start or not self._free(unit):
            what = "of which none is left" if unit in self._start else "which the capacity does not list"
            raise RunFolderError(
                f"the journal's record {record_id} took a unit of {unit!r}, {what}: the run folder belongs to other "
                "inputs; start over with --fresh, or choose another folder with --out"
            )
        self._places[record_id] = self._loaded[unit]
        self._taken[unit] += 1
        self._committed[unit] += 1

    def view(self) -> CapacityView:
        """The capacity as it will be when the record admitted next is decided; a frozen copy."""
        return MappingProxyType(dict(self._order))

    def free_view(self, without: str | None = None) -> CapacityView:
        """The capacity as it is right now, all places counted; a frozen copy. `without` leaves that record's own place
        out: it is what a record is asked again with, when the unit it chose was full."""
        own = self._places.get(without) if without is not None else None
        return MappingProxyType(
            {
                unit: Stock(stock.capacity, stock.used + self._taken[unit] - (own is not None and own.unit == unit))
                for unit, stock in self._start.items()
            }
        )

    def admit(self, record_id: str) -> None:
        """The admission pass has come to this record: if the journal has its unit, the order view counts it now."""
        place = self._places.get(record_id)
        if place is not None and not place.admitted:
            self._count(place.unit, 1)
            self._settle(record_id)

    def hold(self, record_id: str, unit: str) -> bool:
        """Keep a predicted unit for a record at its admission. False when none is free: the record then holds nothing.

        For a record whose unit the journal has, it is `admit`.
        """
        place = self._place(record_id, unit, "cannot hold")
        if place is not None:
            if place.state is not _State.COMMITTED:
                self._misuse(record_id, unit, f"already has a place ({place.state.value} {place.unit!r})")
            self.admit(record_id)
            return True
        return self._take(record_id, unit, _State.HELD)

    def reserve(self, record_id: str, unit: str) -> bool:
        """Take the unit of an accepted answer: always possible when the record holds it, else when one is free.

        False when the unit is full; what the record held, or had reserved before, then stays as it was.
        """
        place = self._place(record_id, unit, "cannot reserve")
        if place is None:
            return self._take(record_id, unit, _State.RESERVED)
        if place.state in {_State.COMMITTED, _State.KEPT}:
            self._misuse(record_id, unit, f"is {place.state.value} and cannot reserve")
        if place.unit != unit:
            if not self._is_free(record_id, unit):
                return False
            self._move(place, unit)
        place.state = _State.RESERVED
        return True

    def commit(self, record_id: str) -> None:
        """The record's outcome is durable: its reserved unit is taken for good."""
        place = self._place(record_id, "", "cannot commit")
        if place is None or place.state is not _State.RESERVED:
            state = f"is {place.state.value}" if place else "has no place"
            self._misuse(record_id, place.unit if place else "", f"{state} and cannot commit")
        self._committed[place.unit] += 1
        self._settle(record_id)

    def release(self, record_id: str) -> None:
        """Give back what the record holds or has reserved. Harmless when it has nothing, or keeps its place."""
        place = self._place(record_id, "", "cannot be released")
        if place is None or place.state is _State.KEPT:
            return
        if place.state is _State.COMMITTED:
            self._misuse(record_id, place.unit, "is committed and cannot be released")
        del self._places[record_id]
        self._taken[place.unit] -= 1
        self._count(place.unit, -1)

    def keep(self, record_id: str) -> None:
        """The record failed: its unit, if it has one, stays held to the end of the run, so that no other record's
        result depends on the failure, and a later `retry` finds the unit free."""
        place = self._place(record_id, "", "cannot fail")
        if place is None:
            return
        if place.state is _State.COMMITTED:
            self._misuse(record_id, place.unit, "is committed and cannot fail")
        place.state = _State.KEPT

    def committed(self) -> CapacityView:
        """The capacity after what is durable: used at the start plus commits. For capacity.json."""
        return MappingProxyType(
            {unit: Stock(stock.capacity, stock.used + self._committed[unit]) for unit, stock in self._start.items()}
        )

    def snapshot(self) -> Mapping[str, UnitCounts]:
        """The places of each unit by state."""
        states = Counter((place.unit, place.state) for place in self._places.values())
        return {
            unit: UnitCounts(
                total=total,
                held=states[unit, _State.HELD] + states[unit, _State.KEPT],
                reserved=states[unit, _State.RESERVED],
                committed=self._committed[unit],
                free=self._free(unit),
            )
            for unit, total in self._total.items()
        }

    def _place(self, record_id: str, unit: str, refused: str) -> _Place | None:
        if record_id in self._settled:
            self._misuse(record_id, unit, f"is committed and {refused}")
        return self._places.get(record_id)

    def _settle(self, record_id: str) -> None:
        del self._places[record_id]
        self._settled.add(record_id)

    def _free(self, unit: str) -> int:
        return self._total[unit] - self._taken[unit]

    def _is_free(self, record_id: str, unit: str) -> bool:
        if unit not in self._start:
            self._misuse(record_id, unit, "names a unit that the capacity does not list")
        return self._free(unit) > 0

    def _take(self, record_id: str, unit: str, state: _State) -> bool:
        if not self._is_free(record_id, unit):
            return False
        self._places[record_id] = _Place(unit, state, admitted=True)
        self._taken[unit] += 1
        self._count(unit, 1)
        return True

    def _move(self, place: _Place, unit: str) -> None:
        self._taken[place.unit] -= 1
        self._count(place.unit, -1)
        place.unit = unit
        self._taken[unit] += 1
        self._count(unit, 1)

    def _count(self, unit: str, step: int) -> None:
        stock = self._order[unit]
        self._order[unit] = Stock(stock.capacity, stock.used + step)

    def _misuse(self, record_id: str, unit: str, what: str) -> NoReturn:
        raise InternalError(f"ledger: record {record_id} {what} (unit {unit!r})")
