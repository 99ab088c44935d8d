"""The answers about several records are found by their numbers, whatever is around them and however the text is cut."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from igent.parsing.decoder import Decoder
from igent.parsing.elements import Elements
from igent.parsing.events import Element, Field, Value

ASKED = {1, 2}


def read(text: str, sizes: list[int] | None = None) -> tuple[Elements, list[tuple[int, Any]]]:
    """What was found, and what the check was told, when the text comes in pieces that end at these places."""
    told: list[tuple[int, Any]] = []

    def check(number: int, value: Any) -> None:
        told.append((number, value))

    elements = Elements(ASKED, check)
    for start, end in pairwise([0, *sorted(sizes or ()), len(text)]):
        if elements.feed(text[start : max(start, end)]):
            break
    return elements, told


def all_of(elements: Elements) -> Any:
    problem = elements.problem
    return elements.value, elements.found, elements.doubled, elements.end, elements.foreign, elements.nameless, problem


@pytest.mark.parametrize(
    "text",
    [
        ('[{"number": 1, "a": 1}, {"number": 2, "a": 2}'),
        ('Here: [1] [{"number": 2, "a": 2}, {"number": 1, "a": 1}'),
        ('{"answers": [{"number": 1, "a": 1}, {"number": 2, "a": 2}]}'),
        ('{"n": [], "list": [{"number": 1, "a": 1}, {"number": "2", "a": 2}], "k": 1}'),
        ('{"number": 1, "a": 1}\n{"number": 2, "a": 2}'),
        ('[{"number": 1, "a": 1}]\n[{"number": 2, "a": 2}'),
        ('[{"number": 1, "a": 1}, x {"number": 9}]\n[{"number": 2, "a": 2}'),
        ('<think>[{"number": 1, "a": 3}]</think>[{"number": 1, "a": 1}, {"number": 2, "a": 2}'),
        ('[{"a": 1, "number": 1}, 7, null, {"number": 2, "a": 2}'),
    ],
)
def test_complete_with_the_last_number_that_was_missing(text):
    elements, told = read(text + '\n{"number": 1}, {"number": 2}]')
    assert elements.value == elements.found == {1: {"a": 1}, 2: {"a": 2}}
    assert elements.end == len(text)
    assert sorted(number for number, _ in told) == [1, 2]
    assert elements.problem.count("never closed") == 0
    assert not elements.doubled


@pytest.mark.parametrize(
    ("text", "found", "doubled"),
    [
        ('[{"number": 1, "a": 1}, {"number": 1, "a": 1}, {"number": 2}]', {2: {}}, {1}),
        ('[{"number": 1}]\n[{"number": 1}, {"number": 2}]', {2: {}}, {1}),
        ('[{"number": 1}, {"number": 3}]', {1: {}}, set()),
        ('[{"number": 1}, {"a": 2}]', {1: {}}, set()),
        ('[{"number": 1}, {"number": true}, {"number": 2.0}, {"number": null}, {"number": [2]}]', {1: {}}, set()),
        ('[{"number": 1}, {"number": " 2"}, {"number": "²"}, {"number": "-2"}]', {1: {}}, set()),
        ('[{"number": 1}, {"number": 2, "number": 1}]', {1: {}}, set()),
        ('[{"number": 1}, {"number": 2, "n\\u0075mber": 1}]', {1: {}}, set()),
        ('{"number": 2, "number": 1}\n{"number": 1}', {1: {}}, set()),
        ('[{"number": 1}, [{"number": 2}], {"a": {"number": 2}}]', {1: {}}, set()),
        ('{"a": {"b": [{"number": 1}, {"number": 2}]}}', {}, set()),
        ('{"a": [{"number": 1}], "b": [{"number": 2}]}', {}, set()),
        ('{"a": [{"number": 1}], "a": [{"number": 2}]}', {}, set()),
        ('{"": [{"number": 1}], "b": [{"number": 2}]}', {}, set()),
        ('[{"number": 1}, {"number": 2', {1: {}}, set()),
        ('{"a": [{"number": 1}, {"number": 2', {1: {}}, set()),
        ("[{\"number\": 1}, {'number': 2}]", {1: {}}, set()),
        ("", {}, set()),
    ],
)
def test_what_counts_for_nothing(text, found, doubled):
    elements, _ = read(text)
    assert (elements.value, elements.end) == (None, 0)
    assert elements.found == found
    assert elements.doubled == doubled


def test_the_lists_inside_an_answer_are_parts_of_it():
    lines = '"lines": [{"number": 1, "q": 1}, {"number": 2, "q": 2}]'
    for text in (f'{{"number": 1, {lines}}}', f'{{{lines}, "number": 1}}'):
        elements, _ = read(f'{text} {{"number": 2}}')
        assert elements.value == {1: {"lines": [{"number": 1, "q": 1}, {"number": 2, "q": 2}]}, 2: {}}


def test_a_list_in_an_object_is_awaited_to_its_end():
    text = '{"answers": [{"number": 1}, {"number": 2}]'
    elements, _ = read(text)
    assert elements.value is None
    assert elements.found == {1: {}, 2: {}}, "it counts all the same, should no more come"
    assert elements.feed("}")
    assert elements.end == len(text) + 1
    part, _ = read(text + ', "number": 3}')
    assert (part.value, part.found, part.foreign) == (None, {}, ["3"])


def test_what_a_check_raises_passes_through():
    def check(number: int, value: Any) -> None:
        raise LookupError(number)

    with pytest.raises(LookupError):
        Elements(ASKED, check).feed('[{"number": 1}')


def test_the_problem_says_what_a_model_can_act_on():
    elements, _ = read('[{"number": 1}, {"number": 7}, {"number": 8}, {"number": 7}, {"a": 1}, {"number": 2')
    assert "never closed" in elements.problem
    assert "not asked for: 7, 8." in elements.problem
    assert "without a number of their own: 1." in elements.problem
    many, _ = read(json.dumps([{"number": n} for n in range(3, 500)]))
    assert len(many.problem) < 300
    huge, _ = read('[{"number": ' + "9" * 500 + "}]")
    assert len(huge.problem) < 100


def test_elements_come_as_they_close():
    decoder = Decoder(fields=False, elements=True)
    assert decoder.feed('x [{"a": {"b": [{}]}') == []
    assert decoder.feed("}, 1") == [Element(None, {"a": {"b": [{}]}}, 3, 21, 2)]
    assert [type(event) for event in decoder.feed(', {"a": 2}]')] == [Element, Value]
    events = decoder.feed('{"k": 1, "list": [{"a": 1, "a": 2}, {}], "z": {"l": [{}]}}')
    shown = [(type(e), e.name, e.value) for e in events if not isinstance(e, Value)]
    assert shown == [
        (Field, "k", 1),
        (Element, "list", {"a": 2}),
        (Element, "list", {}),
        (Field, "list", [{"a": 2}, {}]),
        (Field, "z", {"l": [{}]}),
    ]
    assert [e.repeated for e in events if isinstance(e, Element)] == [{"a"}, set()]


NUMBERED = st.builds(lambda n, v: {"number": n, "v": v}, st.integers(0, 3), st.text(max_size=3))
BITS = st.one_of(
    st.lists(NUMBERED, max_size=4).map(json.dumps),
    st.lists(NUMBERED, max_size=4).map(lambda found: json.dumps({"answers": found})),
    st.lists(NUMBERED, max_size=3).map(lambda found: json.dumps({"l": found, "number": 2, "m": found})),
    NUMBERED.map(json.dumps),
    st.sampled_from(
        ['[{"number": 1', "[", "{", '"', "]", "}", ", ", "<think>", "</think>", "text ", "\n```json\n", "[1, "]
    ),
)
TEXTS = st.lists(BITS, max_size=8).map("".join)


@given(TEXTS, st.lists(st.integers(0, 200), max_size=8))
@settings(max_examples=300)
def test_any_split_gives_the_same(text: str, cuts: list[int]) -> None:
    whole = read(text)
    for sizes in (cuts, list(range(len(text)))):
        parts = read(text, sizes)
        if whole[0].value is None:
            assert all_of(parts[0]) == all_of(whole[0])
        assert (parts[0].value, parts[0].found, parts[0].end) == (whole[0].value, whole[0].found, whole[0].end)
        assert parts[1] == whole[1]


@given(TEXTS)
@settings(max_examples=200)
def test_the_values_are_the_same_with_elements_and_without(text: str) -> None:
    plain = [event for event in Decoder(fields=False).feed(text) if isinstance(event, Value)]
    assert [event for event in Decoder(elements=True).feed(text) if isinstance(event, Value)] == plain
