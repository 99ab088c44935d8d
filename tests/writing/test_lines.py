"""A journal line gives back exactly what it was made from, or nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from igent.errors import InternalError
from igent.writing.lines import decode, encode, from_line, to_line

texts = st.text(st.characters(), max_size=20)
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts
values = st.recursive(scalars, lambda v: st.lists(v, max_size=4) | st.dictionaries(texts, v, max_size=4), max_leaves=12)


@given(values)
@settings(max_examples=200, deadline=None)
def test_any_json_value_comes_back_exactly(value: Any) -> None:
    entry = {"kind": "outcome", "value": value}
    line = to_line(entry)
    assert line.count(b"\n") == 1
    assert repr(from_line(line)) == repr(entry)


@pytest.mark.parametrize(
    "value", ["\ud800", "a\udfffb", {"\ud83d": 1}, 2**70, -(2**64), 12345678901234567890.0, "\\ud800"]
)
def test_what_orjson_would_refuse_or_round_comes_back_too(value: Any) -> None:
    assert repr(decode(encode(value))) == repr(value)
    assert repr(decode(encode({"a": value}, pretty=True))) == repr({"a": value})


@pytest.mark.parametrize(
    "value",
    [
        0.000040100000660459045,
        [1.5e-20, 2**70],
        [0.1234567890123456789, -(2**65), "1.2345678901234567890123"],
        "0.1234567890123456789012345678901234567890",
        {"1.2345678901234567890123": 10**19},
    ],
)
def test_digits_after_a_point_hide_no_long_integer(value: Any) -> None:
    assert repr(decode(encode(value))) == repr(value)
    assert repr(decode(json.dumps(value).encode())) == repr(value)


def test_what_else_writes_a_long_fraction_is_read_as_it_is_meant() -> None:
    fraction = b"0.00000000000000000000000000000000000000000000000123"
    assert decode(b'{"a":%b,"b":123456789012345678901}' % fraction) == {"a": 1.23e-48, "b": 123456789012345678901}


@pytest.mark.parametrize("value", [object(), {"a": {1, 2}}, b"bytes", {("a",): 1}])
def test_what_is_not_json_is_a_bug_of_ours(value: Any) -> None:
    with pytest.raises(InternalError, match=r"outcome of record r1: this cannot be written as JSON: .*value"):
        to_line({"kind": "outcome", "record_id": "r1", "value": value})


def test_a_value_nested_beyond_all_limits_is_refused_not_a_crash() -> None:
    deep: Any = 1
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(InternalError, match="cannot be written"):
        to_line({"value": deep})
    while isinstance(deep, list):
        deep = deep.pop()


def test_deep_values_come_back() -> None:
    value: Any = 1
    for _ in range(600):
        value = [value]
    assert decode(encode(value)) == value


def test_pretty_is_indented_and_plain_is_not() -> None:
    assert encode({"a": [1]}, pretty=True) == b'{\n  "a": [\n    1\n  ]\n}'
    assert encode({"a": [1]}) == b'{"a":[1]}'


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\n",
        b"{}\n",
        b"\0" * 40,
        b'{"len":2,"crc":"a6ec7bd8","entry":{}}',
        b'{"len":02,"crc":"99fcd9ac","entry":{}}\n',
        b'{"len":2,"crc":"00000000","entry":{}}\n',
        b'{"len":99999999999,"crc":"00000000","entry":{}}\n',
        b'{"len":2,"crc":"0617bb01","entry":[]}\n',
    ],
)
def test_anything_else_is_no_entry(line: bytes) -> None:
    assert from_line(line) is None
