"""The ledger's rules, one by one."""

from __future__ import annotations

from random import Random

import pytest

from igent.capacity.ledger import Ledger, UnitCounts
from igent.errors import InternalError, RunFolderError
from igent.types import Stock


def make() -> Ledger:
    return Ledger({"A": Stock(3, 1), "B": Stock(1, 0)})


def test_a_hold_shows_in_the_view_at_once_and_survives_reserve_and_commit() -> None:
    ledger = make()
    assert ledger.hold("r1", "A")
    assert ledger.view()["A"] == Stock(3, 2)
    assert ledger.reserve("r1", "A")
    ledger.commit("r1")
    assert ledger.view()["A"] == Stock(3, 2)
    assert ledger.committed()["A"] == Stock(3, 2)
    assert ledger.snapshot()["A"] == UnitCounts(total=2, held=0, reserved=0, committed=1, free=1)


def test_committed_counts_neither_held_nor_reserved() -> None:
    ledger = make()
    ledger.hold("r1", "A")
    ledger.reserve("r2", "B")
    assert ledger.committed() == {"A": Stock(3, 1), "B": Stock(1, 0)}


def test_settling_elsewhere_moves_the_hold_and_frees_the_first_unit() -> None:
    ledger = make()
    ledger.hold("r1", "A")
    assert ledger.reserve("r1", "B")
    assert ledger.view() == {"A": Stock(3, 1), "B": Stock(1, 1)}


def test_a_full_unit_is_refused_and_the_hold_stays() -> None:
    ledger = make()
    ledger.hold("r1", "A")
    ledger.hold("r2", "B")
    assert not ledger.reserve("r1", "B")
    assert not ledger.hold("r3", "B")
    assert ledger.snapshot()["A"].held == 1
    assert ledger.reserve("r1", "A")


def test_a_record_without_a_prediction_reserves_from_the_free_ones() -> None:
    ledger = make()
    assert ledger.reserve("r1", "B")
    assert not ledger.reserve("r2", "B")
    assert ledger.view()["B"].free == 0


def test_release_gives_back_once_and_twice_is_harmless() -> None:
    ledger = make()
    ledger.hold("r1", "B")
    ledger.release("r1")
    ledger.release("r1")
    ledger.release("never seen")
    assert ledger.snapshot()["B"].free == 1
    assert ledger.view()["B"] == Stock(1, 0)


@pytest.mark.parametrize("reserved", [False, True])
def test_a_failed_record_keeps_its_unit_to_the_end(reserved: bool) -> None:
    ledger = make()
    ledger.hold("r1", "B")
    if reserved:
        ledger.reserve("r1", "B")
    ledger.keep("r1")
    ledger.release("r1")
    ledger.keep("nothing to keep")
    assert ledger.snapshot()["B"] == UnitCounts(total=1, held=1, reserved=0, committed=0, free=0)
    assert ledger.committed()["B"].used == 0
    assert not ledger.reserve("r2", "B")


def test_after_a_resume_commits_count_at_once_but_show_only_in_their_turn() -> None:
    ledger = make()
    ledger.load_commit("r2", "B")
    assert ledger.snapshot()["B"].free == 0
    assert ledger.view()["B"].used == 0
    assert not ledger.reserve("r1", "B")
    ledger.admit("r2")
    ledger.admit("r2")
    ledger.admit("without a unit")
    assert ledger.view()["B"].used == 1


def test_hold_for_a_record_of_the_journal_is_admit() -> None:
    ledger = make()
    ledger.load_commit("r1", "B")
    assert ledger.hold("r1", "A")
    assert ledger.view() == {"A": Stock(3, 1), "B": Stock(1, 1)}
    assert ledger.snapshot()["A"].free == 2


def test_the_free_view_counts_every_place_and_can_leave_out_ones_own() -> None:
    ledger = make()
    ledger.load_commit("r9", "B")
    ledger.hold("r1", "A")
    assert ledger.free_view() == {"A": Stock(3, 2), "B": Stock(1, 1)}
    assert ledger.free_view(without="r1") == {"A": Stock(3, 1), "B": Stock(1, 1)}


def test_views_are_copies_that_cannot_be_changed() -> None:
    ledger = make()
    before = ledger.view()
    ledger.hold("r1", "A")
    assert before["A"].used == 1
    with pytest.raises(TypeError):
        before["A"] = Stock(9, 9)  # type: ignore[index]


def test_more_used_than_there_is_leaves_nothing_free() -> None:
    ledger = Ledger({"A": Stock(1, 5)})
    assert not ledger.hold("r1", "A")
    assert ledger.snapshot()["A"] == UnitCounts(0, 0, 0, 0, 0)


def test_misuse_names_record_and_unit() -> None:
    ledger = make()
    ledger.hold("held", "A")
    ledger.reserve("done", "B")
    ledger.commit("done")
    ledger.hold("kept", "A")
    ledger.keep("kept")
    cases = [
        lambda: ledger.commit("held"),
        lambda: ledger.commit("done"),
        lambda: ledger.commit("kept"),
        lambda: ledger.commit("unknown"),
        lambda: ledger.hold("held", "A"),
        lambda: ledger.hold("done", "B"),
        lambda: ledger.hold("new", "Z"),
        lambda: ledger.reserve("new", "Z"),
        lambda: ledger.reserve("held", "Z"),
        lambda: ledger.reserve("done", "B"),
        lambda: ledger.reserve("kept", "A"),
        lambda: ledger.release("done"),
        lambda: ledger.keep("done"),
        lambda: ledger.load_commit("done", "B"),
    ]
    before = ledger.snapshot()
    for case in cases:
        with pytest.raises(InternalError, match=r"record (held|done|kept|new|unknown) .*unit '[ABZ]?'"):
            case()
    assert ledger.snapshot() == before


@pytest.mark.parametrize(("unit", "what"), [("Z", "does not list"), ("B", "none is left")])
def test_a_journal_of_other_inputs_is_refused(unit: str, what: str) -> None:
    ledger = make()
    ledger.load_commit("r1", "B")
    with pytest.raises(RunFolderError, match=rf"r2 .*'{unit}', .*{what}.*--fresh"):
        ledger.load_commit("r2", unit)


def one_run(done: dict[str, str]) -> tuple[list[object], dict[str, str]]:
    """The views that 30 records are shown, and what they take, when each takes the least used supplier as predicted."""
    ledger = Ledger({"A": Stock(20, 2), "B": Stock(15, 0), "C": Stock(5, 1)})
    for record, unit in done.items():
        ledger.load_commit(record, unit)
    views: list[object] = []
    takes: dict[str, str] = {}
    for number in range(30):
        record = f"r{number}"
        view = ledger.view()
        views.append(dict(view))
        takes[record] = min((u for u in view if view[u].free), key=lambda u: view[u].used / view[u].capacity)
        assert ledger.hold(record, takes[record])
        if record not in done:
            assert ledger.reserve(record, takes[record])
            ledger.commit(record)
    return views, takes


@pytest.mark.parametrize("seed", range(20))
def test_a_resumed_run_shows_each_record_the_same_view(seed: int) -> None:
    views, takes = one_run({})
    some = Random(seed).sample(sorted(takes), 12)
    assert one_run({record: takes[record] for record in some}) == (views, takes)
