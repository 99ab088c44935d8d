"""The decoder finds complete objects and arrays, whatever is around them and however the text is cut into pieces."""

import json
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from igent.parsing.decoder import Decoder
from igent.parsing.events import Ending, Event, Field, Place, Value
from igent.parsing.grammar import MAX_DEPTH, MAX_SCALAR


def read(text: str, size: int | None = None) -> tuple[list[Event], Ending]:
    decoder = Decoder()
    size = size or len(text) or 1
    events = [event for at in range(0, len(text), size) for event in decoder.feed(text[at : at + size])]
    return events, decoder.close()


def values(text: str) -> list[object]:
    """The values in the text; that one-character pieces give the same events and ending is checked on the way."""
    events, ending = read(text)
    assert read(text, 1) == (events, ending)
    found = [event for event in events if isinstance(event, Value)]
    assert all(json.loads(text[e.start : e.end]) is not None for e in found)
    return [event.value for event in found]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"a": 1}', [{"a": 1}]),
        ('Sure!\n```json\n{"a": 1}\n```\nHope this helps.', [{"a": 1}]),
        ('```\r\n{\r\n  "a": 1\r\n}\r\n```\r\n', [{"a": 1}]),
        ('\ufeff{"a": 1}', [{"a": 1}]),
        ('For example {"a": 0}. The answer: {"a": 1}', [{"a": 0}, {"a": 1}]),
        ('As [1] and [2, 3] say: {"a": 1}', [[1], [2, 3], {"a": 1}]),
        ('See [section] and {curly} and {{"a": 1}}', [{"a": 1}]),
        ('{"a": "}{][\\"", "b": "```"}', [{"a": '}{]["', "b": "```"}]),
        ('{"a": "\\ud83d\\ude00 \\u00e9 \\\\ud83d"}', [{"a": "\U0001f600 é \\ud83d"}]),
        ('He said "{" and {"a": 1}', [{"a": 1}]),
        ('["quoted text] and then {"a": 1}', [{"a": 1}]),
        ('{"stray quote\n{"a": 1}', [{"a": 1}]),
        ('in [0, 1) lies {"a": 1}', [{"a": 1}]),
        ('[1, 2, and 3] give {"a": 1}', [{"a": 1}]),
        ('[see [{"a": 1}]', [[{"a": 1}]]),
        ('{"n": 123456789012345678901234567890, "f": -0.5e-3}', [{"n": 123456789012345678901234567890, "f": -0.0005}]),
        ('{"a": 1}}', [{"a": 1}]),
        ("{}[]", [{}, []]),
        ('"scalar" 42 true', []),
    ],
)
def test_values_are_found_in_prose(text: str, found: list[object]) -> None:
    assert values(text) == found


@pytest.mark.parametrize(
    "text",
    [
        '{"a": NaN}', '{"a": Infinity}', '{"a": 01}', '{"a": +1}', '{"a": 1.}', '{"a": .5}', '{"a": 1e}', '{"a": 1,}',
        '{"a" 1}', '{a: 1}', "{'a': 1}", '{"a": True}', '{"a": "\t"}', '{"a": "\n"}', '{"a": "\\x41"}',
        '{"a": "\\u12g4"}', '{"a": 1 "b": 2}', '{"a": 1e999}', '{"a": /* c */ 1}', '{"a": 1\u00a0}', '{"a": \uff11}',
    ],
)  # fmt: skip
def test_what_is_not_json_is_refused(text: str) -> None:
    assert values(text) == []
    assert read(text)[1].fault


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1, \'b\': {"c": 2}',
        '{"a": 1, \'b\': {"c": 2}}',
        '{"a": {"b": 1}',
        '[{"a": 1}, {"b": 2}',
        '[{"a": 1}, {"b": 2} {"c": 3}]',
        '{"a": "he said "hi" there", "b": {"c": 1}}',
        '{"a": "5" tall", "b": {"c": 1}}',
        '{"code": "f() {\n  return 1;\n}", "b": {"c": 1}}',
        '{"a": "C:\\dir", "b": {"c": 1}}',
        '{"a": "\n```{}```\n", "b": {"c": 1}}',
        '{"a": [1, 2}, "b": {"c": 1}}',
        '{"a": [1]], "b": {"c": 1}}',
        '{"a": 1, // it\'s\n "b": {"c": 1}}',
        '[1, 2 {"c": 1}]',
        '["a", "b" {"c": 1}]',
        '[3[4]]',
        '{"a": ```{"b": 1}```',
    ],
)  # fmt: skip
def test_nothing_inside_a_broken_or_cut_off_value_counts(text: str) -> None:
    assert values(text) == []


@pytest.mark.parametrize(
    "broken",
    ['{"id": <number>}, that is ', '{"a": 1,}\n', '{"a": [1, 2,]} ', '{"a": 1, "b": \n```json\n', '{"a": "x" y}, so '],
)
def test_reading_goes_on_where_a_broken_value_ends(broken: str) -> None:
    assert values(broken + '{"good": 1}') == [{"good": 1}]


@pytest.mark.parametrize("tag", ["think", "thinking", "Think"])
def test_think_blocks_are_passed_over(tag: str) -> None:
    assert values(f'<{tag}>draft {{"a": 0}} [</{tag}> {{"a": "<think>"}}') == [{"a": "<think>"}]
    assert values(f'<{tag}>draft {{"a": 0}} \n{{"a": 1}}') == []
    assert read(f'x\n <{tag}>{{"a": 0}}')[1].thinking == Place(2, 2)


def test_a_tag_that_is_none_hides_nothing() -> None:
    assert values('a < b, <thinner> <thin {"a": 1} <') == [{"a": 1}]


def test_half_a_surrogate_pair_becomes_a_replacement_character() -> None:
    text = '{"a\\ud800": "\\udc00x\\ud83d\\ud83d\\ude00\\uDFFF", "raw": "\ud800"}'
    (value,) = values(text)
    assert value == {"a\ufffd": "\ufffdx\ufffd\U0001f600\ufffd", "raw": "\ufffd"}
    json.dumps(value, ensure_ascii=False).encode()


def test_depth_is_limited() -> None:
    deepest = "[" * MAX_DEPTH + "]" * MAX_DEPTH
    assert len(values(deepest)) == 1
    assert values('{"a":' + deepest + "}") == []
    assert "deeper" in read('{"a":' + deepest + "}")[1].message


def test_long_numbers_are_exact_up_to_a_limit() -> None:
    assert values("[" + "9" * MAX_SCALAR + "]") == [[int("9" * MAX_SCALAR)]]
    assert values("[" + "9" * (MAX_SCALAR + 1) + "]") == []


def test_fields_come_as_they_close() -> None:
    decoder = Decoder()
    text = 'So: {"supplier_id": "S1", "why": {"n": [1, 2]}, "k": -1.50 ,"e":{}}'
    fields = [event for event in decoder.feed(text[:-1]) if isinstance(event, Field)]
    assert [(f.path, f.name, f.value) for f in fields] == [
        (("supplier_id",), "supplier_id", "S1"),
        (("why",), "why", {"n": [1, 2]}),
        (("k",), "k", -1.5),
        (("e",), "e", {}),
    ]
    assert [text[f.start : f.end] for f in fields] == ['"S1"', '{"n": [1, 2]}', "-1.50", "{}"]
    assert {f.root for f in fields} == {4}
    (value,) = decoder.feed(text[-1:])
    assert value == Value(json.loads(text[4:]), 4, len(text))


def test_fields_of_a_list_carry_the_index() -> None:
    events, _ = read('[{"a": 1, "b": {"x": 0}}, 7, [{"no": 1}], {"a\\n": 2}]')
    assert [(e.path, e.value) for e in events if isinstance(e, Field)] == [
        ((0, "a"), 1),
        ((0, "b"), {"x": 0}),
        ((3, "a\n"), 2),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("I cannot help.", "no JSON object or array"),
        ('Here:\n  {"a": 1, "b": [', "begun at line 2, column 3 is never closed"),
        ('{"a": 1}\n[{"b": ', "begun at line 2, column 1 is never closed"),
        ("{\n  'a': 1}", 'line 2, column 3: "\'" where a key in double quotes, or "}", is expected'),
        ('{"a": None}\n[section]', "line 1, column 7: 'None' where a value is expected"),
        ('{"a": "C:\\dir"}', "line 1, column 10: '\\\\d' is no escape"),
        ('{"a": "x\n"}', "line 1, column 9: '\\n' may not stand in a string"),
        ("<think>hmm", "think block begun at line 1, column 1 is never closed"),
    ],
)
def test_the_ending_says_what_is_wrong_and_where(text: str, message: str) -> None:
    for size in (None, 1):
        assert message in read(text, size)[1].message


def test_nothing_is_wrong_with_a_complete_value() -> None:
    assert read('{"a": 1}')[1] == Ending(values=1)
    assert Ending(values=1).message == ""


SINGLE = '{}[]",:<>`\\\n\t 1-.eé'
JSON_PARTS = [
    '{"a":',
    '"b"',
    '[{"c": 1}',
    '{"d": [1, 2]}',
    '["',
    ', "',
    '"}',
    "}]",
    "true",
    "nul",
    "1.5e3",
    "\\u00",
    "\\ud8",
]
PROSE_PARTS = ["\\n", "\r\n", "<think>", "</think>", "<thinking>", "```", "\n  ```json\n", "word ", "[1, "]
PARTS = st.sampled_from([*SINGLE, *JSON_PARTS, *PROSE_PARTS])
TEXTS = st.lists(PARTS, max_size=40).map("".join)


@given(TEXTS, st.lists(st.integers(0, 120), max_size=8))
@settings(max_examples=200)
def test_any_split_gives_the_same_events(text: str, cuts: list[int]) -> None:
    whole = read(text)
    assert read(text, 1) == whole
    decoder = Decoder()
    places = [0, *sorted(cuts), len(text)]
    events = [event for a, b in pairwise(places) for event in decoder.feed(text[a : max(a, b)])]
    assert (events, decoder.close()) == whole


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)
CONTAINERS = st.lists(JSON, max_size=4) | st.dictionaries(st.text(max_size=6), JSON, max_size=4)


@given(CONTAINERS, st.booleans(), st.sampled_from([None, 1, "\t"]), st.integers(1, 7))
@settings(max_examples=150)
def test_whatever_json_writes_is_read_back(value: object, ascii_only: bool, indent: object, size: int) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    events, ending = read(f"Here: {text} done", size)
    assert [e.value for e in events if isinstance(e, Value)] == [value]
    assert ending == Ending(values=1)


@given(st.dictionaries(st.text(max_size=6), CONTAINERS, min_size=1, max_size=3), st.data())
@settings(max_examples=150)
def test_a_cut_off_object_is_never_a_value(value: dict[str, object], data: st.DataObject) -> None:
    text = json.dumps(value)
    cut = data.draw(st.integers(0, len(text) - 1))
    assert not [event for event in read(text[:cut], 3)[0] if isinstance(event, Value)]


@given(st.text(alphabet=st.sampled_from('{}[]",:01-.eEtrufalsn\\/ \n\x00'), max_size=30))
@settings(max_examples=200)
def test_every_value_is_what_the_json_module_reads(text: str) -> None:
    def refuse(name: str) -> None:
        raise AssertionError(name)

    for event in read(text)[0]:
        if isinstance(event, Value):
            assert json.loads(text[event.start : event.end], parse_constant=refuse) == event.value


@given(
    st.lists(
        st.tuples(st.sampled_from(["[", "[ ", '["', '{"', "{", "]", "1", '"', " x"]), st.integers(1, 120)), max_size=5
    )
)
@settings(max_examples=100)
def test_short_cuts_in_long_runs_change_nothing(runs: list[tuple[str, int]]) -> None:
    text = "".join(unit * times for unit, times in runs)
    assert read(text, 1) == read(text)
