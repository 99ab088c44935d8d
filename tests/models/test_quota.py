import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from igent.errors import ConfigError
from igent.models.gate import Gate
from igent.models.quota import Quota, go_duration


def test_quota_from_words():
    assert Quota.parse("requests=600,tokens=200000") == Quota(600, 200_000, "bucket", 60)
    assert Quota.parse(" tokens = 1e5, window=sliding, burst=10 ") == Quota(None, 100_000, "sliding", 10)


@pytest.mark.parametrize(
    "spec", ["", "requests", "requests=0", "requests=-1", "tokens=x", "requests=inf", "window=fixed", "calls=3",
             "requests=6,window=round", "requests=6,burst=0", "requests=6,burst=nan"],
)  # fmt: skip
def test_quota_that_is_none(spec):
    with pytest.raises(ConfigError, match=r"quota.*requests=600"):
        Quota.parse(spec)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (0.12, "120ms"), (0.0001, "1ms"), (1, "1s"), (12.5, "12.5s"), (59.9999, "1m0s"), (72.5, "1m12.5s"),
     (360, "6m0s"), (3_600, "1h0m0s"), (7_384.057, "2h3m4.057s")],
)  # fmt: skip
def test_durations_as_go_writes_them(seconds, text):
    assert go_duration(seconds) == text


def waits(allowance, *asked):
    """What each of (time, amount) is told; 0 takes it."""
    told = []
    for now, amount in asked:
        wait = allowance.wait(amount, now)
        if not wait:
            allowance.take(amount, now)
        told.append(wait)
    return pytest.approx(told)


def test_a_bucket_refills_all_the_time():
    bucket = Quota(60, burst=3).allowances()["requests"]
    assert bucket.size == 3
    assert waits(bucket, (5, 1), (5, 1), (5, 1), (5, 1), (5.5, 1), (6, 1), (6, 1)) == [0, 0, 0, 1, 0.5, 0, 1]
    assert (bucket.left(7.5), bucket.reset(7.5)) == (1.5, 1.5)
    assert (bucket.left(100), bucket.reset(100)) == (3, 0)


def test_a_fixed_window_refills_at_its_end():
    window = Quota(60, window="fixed", burst=3).allowances()["requests"]
    assert waits(window, (5, 1), (6, 2), (6, 1), (8, 2.5), (10.5, 1), (11, 1)) == [0, 0, 2, 0, 0.5, 0]
    assert (window.left(12), window.reset(12)) == (2, 2)


def test_a_sliding_window_gives_back_what_is_old():
    window = Quota(60, window="sliding", burst=3).allowances()["requests"]
    assert waits(window, (5, 1), (6, 2), (6, 1), (6, 3), (8, 1), (8, 2), (9, 2)) == [0, 0, 2, 3, 0, 1, 0]
    assert (window.left(9), window.reset(9)) == (0, 3)


@pytest.mark.parametrize("window", ["bucket", "fixed", "sliding"])
def test_what_is_more_than_there_can_be_waits_for_all_of_it(window):
    allowance = Quota(60, window=window, burst=3).allowances()["requests"]
    assert waits(allowance, (0, 2), (1 if window != "bucket" else 0, 50), (3, 50)) == [0, 2, 0]


@pytest.mark.parametrize("window", ["bucket", "fixed", "sliding"])
@given(asked=st.lists(st.tuples(st.floats(0, 3), st.integers(1, 9)), min_size=1, max_size=40))
@settings(max_examples=60)
def test_who_comes_when_told_is_let_in_and_never_more_than_allowed(window, asked):
    allowance = Quota(600, window=window, burst=2).allowances()["requests"]
    now, taken = 0.0, []
    for gap, amount in asked:
        now += gap
        now += allowance.wait(amount, now)
        assert allowance.wait(amount, now) == 0
        allowance.take(amount, now)
        taken.append((now, amount))
    most = {"bucket": 2 * allowance.size, "fixed": 2 * allowance.size, "sliding": allowance.size}[window]
    for start, _ in taken:
        assert sum(n for at, n in taken if start <= at < start + 2 - 1e-5) <= most + 1e-3


@pytest.mark.parametrize(
    ("window", "asked", "share"),
    [
        ("bucket", [(0, 3), (1, 1), (2, 1)], 1.0),
        ("bucket", [(0, 1), (3, 2)], 0.5),
        ("fixed", [(0, 3), (3, 3), (6, 1)], 1.0),
        ("fixed", [(0, 2), (4, 2)], 0.8),
        ("sliding", [(0, 3), (3, 3), (6, 1)], 1.0),
    ],
)
def test_share_of_the_quota_that_was_used(window, asked, share):
    allowance = Quota(60, window=window, burst=3).allowances()["requests"]
    assert allowance.share() is None
    waits(allowance, *asked)
    assert allowance.share() == pytest.approx(share)


def test_the_gate_refuses_for_the_limit_that_lasts_longest():
    gate = Gate(Quota(requests=60, tokens=600, burst=2))
    assert gate.admit(20, 0.0) is None
    refusal = gate.admit(15, 0.0)
    assert (refusal.kind, refusal.wait) == ("tokens", pytest.approx(1.5))
    assert refusal.headers() == {"Retry-After": "2", "retry-after-ms": "1500"}
    assert gate.admit(15, 1.5) is None
    assert gate.to_json() == {
        "admitted": 2, "refused": 1, "crowded": 0, "early": 0, "quota": {"requests": 0.5714, "tokens": 1.0},
    }  # fmt: skip


def test_the_gate_says_what_is_left():
    gate = Gate(Quota(requests=60, tokens=600, burst=60))
    gate.admit(125, 0.0)
    assert gate.headers(0.0) == {
        "x-ratelimit-limit-requests": "60", "x-ratelimit-remaining-requests": "59",
        "x-ratelimit-reset-requests": "1s", "x-ratelimit-limit-tokens": "600",
        "x-ratelimit-remaining-tokens": "475", "x-ratelimit-reset-tokens": "12.5s",
    }  # fmt: skip
    assert Gate().headers(0.0) == {}


def test_no_more_than_so_many_in_flight():
    gate = Gate(max_in_flight=2)
    assert [gate.admit(1, 0.0) for _ in range(2)] == [None, None]
    refusal = gate.admit(1, 0.0)
    assert (refusal.wait, refusal.headers()) == (None, {})
    gate.leave()
    assert gate.admit(1, 0.0) is None
    assert gate.to_json() == {"admitted": 3, "refused": 0, "crowded": 1, "early": 0, "quota": {}}


def test_early_is_who_could_know_and_came_all_the_same():
    gate = Gate()
    gate.name(1.0, 10.0)
    early = []
    for now in (10.0, 10.04, 10.06, 10.94, 10.96, 11.5):
        gate.arrive(now)
        early.append(gate.to_json()["early"])
    assert early == [0, 0, 1, 2, 2, 2]
    gate.name(0.2, 12.0)
    gate.name(5.0, 12.1)
    for now in (12.12, 12.16, 12.3, 17.0, 17.2):
        gate.arrive(now)
    assert gate.to_json()["early"] == 2 + 4
