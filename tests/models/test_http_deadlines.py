"""The deadlines of a call, in a time of their own."""

import asyncio

import pytest

from igent.models.deadlines import CallDeadlines
from igent.models.endpoint import Endpoint


class Timer:
    def __init__(self, when, ring):
        self.when, self.ring = when, ring

    def cancel(self):
        self.ring = None


class Time:
    """Stands for an event loop: its time, and its timers."""

    def __init__(self):
        self.now = 1000.0
        self.timers = []
        self.rung = 0

    def time(self):
        return self.now

    def call_at(self, when, ring):
        self.timers.append(Timer(when, ring))
        return self.timers[-1]

    def call_later(self, seconds, ring):
        return self.call_at(self.now + seconds, ring)

    def pass_until(self, when, before_rings=None):
        """All timers up to then ring, each at its time; a loop that was held up rings late."""
        while due := [timer for timer in self.timers if timer.ring and timer.when <= when]:
            timer = min(due, key=lambda timer: timer.when)
            self.timers.remove(timer)
            self.now = max(self.now, timer.when)
            self.rung += 1
            timer.ring()
            if before_rings:
                before_rings()
        self.now = max(self.now, when)


@pytest.fixture
def time(monkeypatch):
    time = Time()
    monkeypatch.setattr(asyncio, "get_running_loop", lambda: time)
    return time


def deadlines(time, **bounds):
    expired = []
    endpoint = Endpoint(**{"first_token": 60.0, "between_tokens": 30.0, "total": 120.0, **bounds})
    return CallDeadlines(endpoint, lambda *what: expired.append((*what, time.now)), time.now), expired


def test_the_first_token_has_its_own_deadline(time):
    _, expired = deadlines(time)
    time.pass_until(1059.9)
    assert not expired
    time.pass_until(1200)
    assert expired == [("first_token", 60.0, 1060.0)]


def test_the_call_may_have_begun_before(time):
    time.now = 1050.0
    expired = []
    CallDeadlines(Endpoint(), lambda *what: expired.append((*what, time.now)), 1000.0)
    time.pass_until(1200)
    assert expired == [("first_token", 60.0, 1060.0)]


def test_from_the_first_token_on_each_has_the_time_between_tokens(time):
    call, expired = deadlines(time)
    for moment in (1010, 1030, 1055):
        time.pass_until(moment)
        call.progress()
    time.pass_until(1200)
    assert expired == [("between_tokens", 30.0, 1085.0)]


def test_total_bounds_it_all(time):
    call, expired = deadlines(time)
    for moment in range(1001, 1121):
        time.pass_until(moment)
        call.progress()
    time.pass_until(1200)
    assert expired == [("total", 120.0, 1120.0)]


def test_a_whole_answer_knows_only_the_total(time):
    _, expired = deadlines(time, stream=False, first_token=1.0)
    time.pass_until(1200)
    assert expired == [("total", 120.0, 1120.0)]


def test_winding_down_is_counted_from_the_first_time(time):
    call, expired = deadlines(time)
    call.progress()
    for moment in (1001.0, 1001.5, 1002.5):
        time.pass_until(moment)
        call.wind_down(2.0)
    time.pass_until(1200)
    assert expired == [("wind_down", 2.0, 1003.0)]


def test_nothing_expires_once_it_is_closed(time):
    call, expired = deadlines(time)
    call.progress()
    call.close()
    time.pass_until(1200)
    assert not expired


def test_tokens_cost_no_timers(time):
    call, _ = deadlines(time)
    for moment in range(1, 1000):
        time.pass_until(1000 + moment / 100)
        call.progress()
    assert time.rung + len(time.timers) < 5


def test_what_waits_to_be_read_counts_where_the_loop_was_held_up(time):
    """The machine sleeps for a minute; when it wakes, the timer rings before the tokens are read that have come."""
    call, expired = deadlines(time)
    call.progress()
    time.now = 1060.0
    time.pass_until(1060.0, before_rings=call.progress)
    assert not expired
    time.pass_until(1200)
    assert expired == [("between_tokens", 30.0, 1090.0)]
