from __future__ import annotations

from decimal import Decimal

import pytest

from igent.reporting.words import compact, count, duration, money, percent, seconds


@pytest.mark.parametrize(
    ("value", "words"), [(None, "-"), (0.0004, "0.4 ms"), (0.1, "0.10 s"), (3.214, "3.21 s"), (1234.5, "1,234 s")]
)
def test_seconds(value, words):
    assert seconds(value) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [(-1, "0 s"), (28.4, "28 s"), (59.6, "1 min 00 s"), (185, "3 min 05 s"), (7620, "2 h 07 min")],
)
def test_duration(value, words):
    assert duration(value) == words


@pytest.mark.parametrize(
    ("value", "words"), [(None, "unknown"), ("0", "$0.0000"), ("0.01234", "$0.0123"), ("1234.5", "$1,234.50")]
)
def test_money(value, words):
    assert money(None if value is None else Decimal(value)) == words


@pytest.mark.parametrize(
    ("value", "words"), [(0, "0"), (999, "999"), (12_345, "12.3k"), (999_949, "999.9k"), (999_950, "1.00M")]
)
def test_compact(value, words):
    assert compact(value) == words


def test_counts_and_percents():
    assert (count(12345), percent(0.125), percent(None)) == ("12,345", "12.5 %", "-")
