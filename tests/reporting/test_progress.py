from __future__ import annotations

import io
import threading
from decimal import Decimal

import pytest
from made_outcomes import HandClock, outcome

from igent.reporting.progress import Progress


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


class Broken(io.StringIO):
    def write(self, _text):
        raise BrokenPipeError


class BrokenTerminal(Broken):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch):
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "120")


def test_without_a_terminal_a_line_at_most_every_5_seconds_and_at_the_end():
    clock, stream = HandClock(), io.StringIO()
    progress = Progress(100, stream, False, clock)
    progress.start()
    for second in range(20):
        clock.seconds += 1
        progress.update(done=second + 1, in_flight=7)
    lines = stream.getvalue().splitlines()
    assert len(lines) == 4
    assert lines[0] == (
        "5/100 records, 1.0/s, ETA 1 min 35 s: 5 done, 0 failed, 0 no match, 7 in flight, tokens 0 in 0 out"
    )
    progress.finish()
    assert len(stream.getvalue().splitlines()) == 5
    assert "\x1b" not in stream.getvalue()


def test_outcomes_are_counted_with_their_tokens_and_cost():
    clock, stream = HandClock(), io.StringIO()
    progress = Progress(4, stream, False, clock, cost_of=lambda _: Decimal("0.5"))
    progress.start()
    clock.seconds += 2
    for index, status in enumerate(["done", "done", "no_match", "failed"]):
        progress.settled(outcome(index, status))
    progress.finish()
    assert stream.getvalue() == (
        "4/4 records, 2.0/s: 2 done, 1 failed, 1 no match, 0 in flight, $2.00, tokens 4.0k in 400 out\n"
    )


def test_an_unknown_price_hides_the_cost():
    prices = iter([Decimal(1), None])
    stream = io.StringIO()
    progress = Progress(3, stream, False, HandClock(), cost_of=lambda _: next(prices))
    for index in range(3):
        progress.settled(outcome(index))
    progress.finish()
    assert "$" not in stream.getvalue()


def test_resumed_records_count_as_settled_but_not_as_work():
    clock, stream = HandClock(), io.StringIO()
    progress = Progress(100, stream, False, clock, skipped=40)
    progress.start()
    clock.seconds += 10
    progress.update(done=20)
    assert "60/100 records, 2.0/s, ETA 20 s, 40 resumed: 20 done" in stream.getvalue()


def test_quiet_says_nothing():
    for stream in (io.StringIO(), Terminal()):
        clock = HandClock()
        progress = Progress(10, stream, True, clock)
        progress.start()
        clock.seconds += 60
        progress.update(done=5)
        progress.finish()
        assert stream.getvalue() == ""


def test_a_terminal_gets_a_bar_drawn_at_most_10_times_a_second():
    clock, stream = HandClock(), Terminal()
    before = threading.active_count()
    progress = Progress(1000, stream, False, clock)
    progress.start()
    assert threading.active_count() == before
    drawn = 0
    for done in range(1000):
        clock.seconds += 0.01
        size = len(stream.getvalue()) if done < 200 else 0
        progress.update(done=done + 1, cost=Decimal("0.25"))
        drawn += done < 200 and len(stream.getvalue()) > size
    progress.finish()
    text = stream.getvalue()
    assert 15 <= drawn <= 21
    assert "━" in text
    assert "1,000/1,000 records" in text
    assert "$0.2500" in text
    assert text.count("\x1b[?25l") == text.count("\x1b[?25h") == 1  # the cursor is given back


def test_a_dumb_terminal_gets_lines(monkeypatch):
    monkeypatch.setenv("TERM", "dumb")
    stream = Terminal()
    progress = Progress(1, stream, False, HandClock())
    progress.start()
    progress.finish()
    assert stream.getvalue().startswith("0/1 records: 0 done")


@pytest.mark.parametrize("stream", [Broken(), BrokenTerminal()])
def test_a_broken_stream_ends_the_progress_not_the_run(stream):
    clock = HandClock()
    progress = Progress(10, stream, False, clock)
    progress.start()
    clock.seconds += 10
    progress.update(done=1)
    progress.settled(outcome())
    progress.finish()


def test_a_closed_stream_is_no_error():
    stream = io.StringIO()
    progress = Progress(10, stream, False, HandClock())
    stream.close()
    progress.finish()


def test_an_empty_run_and_a_second_finish():
    for stream in (io.StringIO(), Terminal()):
        progress = Progress(0, stream, False, HandClock())
        progress.start()
        progress.finish()
        size = len(stream.getvalue())
        progress.finish()
        progress.update(done=1)
        assert len(stream.getvalue()) == size
        assert "0/0 records" in stream.getvalue()
