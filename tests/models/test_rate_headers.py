"""What `x-ratelimit-*` headers say, and what they do not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from igent.models.allowed import Allowed, read_allowed


def reset(value):
    return read_allowed([("x-ratelimit-reset-requests", value)]).get("requests", Allowed()).reset


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("2s", 2.0),
        ("6m0s", 360.0),
        ("1ms", 0.001),
        ("1m12.5s", 72.5),
        ("8.64s", 8.64),
        ("1h2m3s", 3723.0),
        ("1d", 86_400.0),
        ("0s", 0.0),
        (" 2s ", 2.0),
        ("12", 12.0),
        ("0.5", 0.5),
        ("-1", None),
        ("-1s", None),
        ("", None),
        ("soon", None),
        ("2 s", None),
        ("2s!", None),
        ("s", None),
        ("nan", None),
        ("inf", None),
        ("1e400", None),
        ("2025-01-01T00:00:00Z", None),
        ("9999999999s", 366 * 86_400.0),
        ("9999999999", None),
    ],
)
def test_a_reset_in_the_words_that_providers_use(value, seconds):
    assert reset(value) == seconds


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([], {}),
        ([("date", "x"), ("retry-after", "1")], {}),
        ([("X-RateLimit-Limit-Requests", "600")], {"requests": Allowed(limit=600.0)}),
        (
            [("x-ratelimit-remaining-tokens", "0"), ("x-ratelimit-limit-tokens", "200000")],
            {"tokens": Allowed(limit=200_000.0, remaining=0.0)},
        ),
        ([("x-ratelimit-remaining-requests", "-1"), ("x-ratelimit-reset-requests", "-1")], {}),
        ([("x-ratelimit-limit-requests", "0")], {}),
        ([("x-ratelimit-remaining-requests", "many")], {}),
        ([("x-ratelimit-remaining-requests", "1e300")], {}),
        ([("x-ratelimit-limit-images", "5"), ("x-ratelimit-other", "5"), ("x-ratelimit-", "5")], {}),
        (
            [("x-ratelimit-limit-requests", "10"), ("x-ratelimit-limit-requests", "20")],
            {"requests": Allowed(limit=10.0)},
        ),
    ],
)
def test_what_is_said_counts_and_garbage_says_nothing(headers, expected):
    assert read_allowed(headers) == expected


@given(st.lists(st.tuples(st.sampled_from(["limit", "remaining", "reset"]), st.text(max_size=20))))
def test_no_value_whatsoever_breaks_it(values):
    said = read_allowed([(f"x-ratelimit-{name}-requests", value) for name, value in values])
    for number in (said.get("requests") or Allowed()).__getstate__():
        assert number is None or 0 <= number < 1e13
