"""The critical path: chains made by hand, what is passed on to the phase that holds others back, and that the shares
sum to the wall time whatever the spans say."""

from __future__ import annotations

import heapq
import math
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from igent.reporting.critical_path import ENGINE, PathShare, critical_path
from igent.reporting.in_flight import Pieces, Taken, pieces_of
from igent.reporting.spans import NO_TRIGGER, SpanLog


def path(log: SpanLog, began: float, ended: float, limits: dict[str, int] | None = None) -> dict[str, PathShare]:
    pieces = pieces_of(log, ended, {})
    taken = {phase: Taken([pieces[phase]], limit) for phase, limit in (limits or {}).items()}
    return critical_path(log, began, ended, taken or None)


def shares(found: dict[str, PathShare]) -> dict[str, tuple[float, float]]:
    return {phase: (round(share.seconds, 6), round(share.waiting, 6)) for phase, share in found.items()}


def test_a_chain_of_three_with_gaps():
    log = SpanLog()
    read = log.add("read", 1, 1, 3)
    log.add("read", 1, 3, 9)
    talk = log.add("talk", 3.5, 5, 10, read)
    log.add("sum", 10, 10, 12, talk)
    assert shares(path(log, 0, 13)) == {"": (2.5, 0), "read": (2, 0), "talk": (6.5, 1.5), "sum": (2, 0)}


def test_nothing_was_worked_on():
    assert shares(path(SpanLog(), 5, 8)) == {ENGINE: (3, 0)}
    assert shares(path(SpanLog(), 8, 5)) == {ENGINE: (0, 0)}


def test_the_unit_that_ended_last_is_the_end_of_the_chain():
    log = SpanLog()
    slow = log.add("slow", 0, 0, 10)
    fast = log.add("fast", 0, 0, 1)
    log.add("after", 1, 1, 4, fast)
    assert shares(path(log, 0, 10)) == {"": (0, 0), "slow": (10, 0)}
    log.add("after", 10, 10, 11, slow)
    assert shares(path(log, 0, 11)) == {"": (0, 0), "slow": (10, 0), "after": (1, 0)}


def test_a_unit_that_has_not_ended_counts_to_the_end():
    log = SpanLog()
    log.add("a", 0, 0, 3)
    open_ = log.begin("b", 0, 1)
    assert shares(path(log, 0, 5)) == {"": (0, 0), "b": (5, 1)}
    log.end(open_, 2)
    assert shares(path(log, 0, 5)) == {"": (2, 0), "a": (3, 0)}


def test_what_was_given_on_the_way_is_cut_off_there():
    log = SpanLog()
    book = log.begin("read", 0, 0)
    log.add("talk", 4, 4, 9, book)
    log.end(book, 6)
    assert shares(path(log, 0, 9)) == {"": (0, 0), "read": (4, 0), "talk": (5, 0)}


def test_a_trigger_is_a_span_before():
    log = SpanLog()
    log.add("a", 0, 0, 1, 0)
    log.add("a", 0, 0, 1, 7)
    log.add("a", 1, 1, 2, 1)
    assert [span.trigger for span in log] == [NO_TRIGGER, NO_TRIGGER, 1]


def test_a_clock_in_disorder_makes_no_negative_times():
    log = SpanLog()
    first = log.add("a", 5, 4, 3)
    log.add("b", 2, 6, 5.5, first)
    assert [(span.ready, span.started, span.ended) for span in log] == [(5, 5, 5), (2, 6, 6)]
    found = path(log, 0, 7)
    assert all(share.seconds >= share.waiting >= 0 for share in found.values())
    assert sum(share.seconds for share in found.values()) == 7


def pipeline(many: int, quick: float, slow: float, places: int, room: int) -> SpanLog:
    """`many` records through a quick step of one place and a slow one of some. No more than `room` wait between them:
    then the quick one is held back."""
    log = SpanLog()
    free = [0.0] * places
    starts: list[float] = []
    at = 0.0
    for number in range(many):
        started = max(at, starts[number - room]) if number >= room else at
        at = started + quick
        given_by = log.add("quick", 0.0, started, at)
        begun = max(at, heapq.heappop(free))
        starts.append(begun)
        heapq.heappush(free, begun + slow)
        log.add("slow", at, begun, begun + slow, given_by)
    return log


def test_a_phase_that_is_held_back_is_not_the_bottleneck():
    log = pipeline(500, 0.001, 1.0, 10, 30)
    _, ended = log.bounds()
    blind = path(log, 0, ended)
    assert blind["quick"].seconds > 0.9 * ended, "without a look at the places it would be blamed"
    found = path(log, 0, ended, {"quick": 1, "slow": 10})
    assert found["slow"].seconds > 0.95 * ended
    assert found["slow"].waiting > 0.9 * ended
    assert math.isclose(sum(share.seconds for share in found.values()), ended)


def test_a_phase_that_waits_for_its_own_places_keeps_the_blame():
    log = pipeline(500, 1.0, 0.001, 10, 30)
    _, ended = log.bounds()
    found = path(log, 0, ended, {"quick": 1, "slow": 10})
    assert found["quick"].seconds > 0.99 * ended
    assert found["quick"].waiting > 0.99 * (ended - 1)


def test_a_reader_that_gives_faster_than_is_taken_is_held_back():
    """One unit gives 100 items, each as soon as there is room; two are worked on at a time, a second each."""
    log = SpanLog()
    book = log.begin("read", 0, 0)
    for number in range(100):
        ready = max(0.001 * number, (number - 10) / 2)
        started = number // 2
        log.add("talk", min(ready, started), started, started + 1, book)
    log.end(book, 45)
    found = path(log, 0, 50, {"read": 1, "talk": 2})
    assert found["talk"].seconds > 49
    assert path(log, 0, 50)["read"].seconds > 40


@st.composite
def logs(draw: st.DrawFn) -> SpanLog:
    log = SpanLog()
    times = st.floats(-2, 12, allow_nan=False)
    for number in range(draw(st.integers(0, 25))):
        phase = draw(st.sampled_from("abc"))
        ready, started, ended = draw(times), draw(times), draw(times | st.just(math.inf))
        log.add(phase, ready, started, ended, draw(st.integers(-1, number + 1)))
    return log


@given(logs(), st.floats(-1, 5), st.floats(0, 15), st.integers(1, 3))
def test_the_shares_sum_to_the_wall_time(log: SpanLog, began: float, length: float, limit: int):
    ended = began + length
    pieces = pieces_of(log, ended, {"b": 2})
    taken = {phase: Taken([found], limit) for phase, found in pieces.items()}
    for given_taken in (None, taken):
        found = critical_path(log, began, ended, given_taken)
        assert sum(share.seconds for share in found.values()) == pytest.approx(ended - began, abs=1e-9)
        assert all(-1e-9 <= share.waiting <= share.seconds + 1e-9 for share in found.values())


def overlaps(pieces: Pieces, at: float) -> int:
    return sum(since <= at < until for since, until in zip(pieces.starts, pieces.ends, strict=True))


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(1, 9)), min_size=1, max_size=20))
def test_in_flight_is_what_overlaps(some: list[tuple[int, int]]):
    log = SpanLog()
    for start, length in some:
        log.add("a", 0, start, start + length)
    pieces = pieces_of(log, 100, {})["a"]
    flight = pieces.in_flight()
    assert flight.peak == max(overlaps(pieces, at) for at in range(30))
    assert flight.busy == sum(length for _, length in some)
    assert flight.mean == pytest.approx(flight.busy / flight.seconds)
    for limit in (1, 2, 4):
        many = math.ceil(0.75 * limit)
        assert Taken([pieces], limit).seconds(3, 17) == sum(overlaps(pieces, at) >= many for at in range(3, 17))
    peaks = Taken([pieces])
    assert peaks.seconds(0, 100) == sum(overlaps(pieces, at) >= math.ceil(0.75 * flight.peak) for at in range(100))


def test_a_batch_is_one_piece():
    log = SpanLog()
    for batch in range(4):
        for unit in range(5):
            log.add("embed", 0, batch // 2 + batch / 100, batch // 2 + 0.5 + unit / 100)
    pieces = pieces_of(log, 10, {"embed": 5})["embed"]
    assert (pieces.units, len(pieces.starts), pieces.in_flight().peak) == (20, 4, 2)
    assert pieces_of(log, 10, {})["embed"].in_flight().peak == 10
    same = SpanLog()
    for _ in range(11):
        same.add("embed", 0, 1, 2)
    assert pieces_of(same, 10, {"embed": 5})["embed"].in_flight().peak == 3, "more than one batch at one moment"


def test_what_an_earlier_session_settled_is_no_work():
    log = SpanLog()
    log.add("a", 3, 3, 3)
    assert pieces_of(log, 10, {}) == {}
    assert Pieces().in_flight().mean is None


def test_spans_are_compact():
    log = SpanLog()
    for number in range(100_000):
        log.add("phase", number, number + 1, number + 2, number - 1)
    size = sum(sys.getsizeof(values) for values in vars(log).values())
    assert size < 5_000_000
    assert log.last(1e9) == 99_999
    assert log.bounds() == (0, 100_001)
