import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models_support import Answers, request

from igent.models.mock import Mocker
from igent.models.prose import padded, tokens_in, value_span
from igent.models.script import tokens_to_json_end

VALUES = st.dictionaries(
    st.text(max_size=5),
    st.recursive(st.none() | st.integers() | st.text(max_size=9), st.lists, max_leaves=4),
    min_size=1,
)


def around(text):
    """How many tokens stand before the value, and after it."""
    start, end = value_span(text)
    ends, length = [], 0
    for token in tokens_in(text):
        length += len(token)
        ends.append(length)
    return sum(place <= start for place in ends), sum(place > end for place in ends)


@given(VALUES, st.booleans(), st.booleans(), st.sampled_from([None, 2]), st.integers(2, 90), st.integers(6, 90))
@settings(max_examples=150)
def test_so_many_tokens_stand_around_the_value(value, array, fenced, indent, before, after):
    body = json.dumps([value] if array else value, indent=indent)
    text = f"I see.\n\n```json\n{body}\n```\n\nAPPROVED. So be it." if fenced else f"I see. {body} APPROVED. So be it."
    made = padded(text, before, after)
    assert around(made) == (before, after)
    assert made[slice(*value_span(made))] == body
    assert re.findall(r"```json\n(.*?)\n```", made, re.DOTALL) == [body]


@pytest.mark.parametrize("word", ["APPROVED", "REJECTED", "TERMINATE"])
def test_the_word_that_ends_a_talk_stays_behind_the_value(word):
    for after in (0, 1, 5, 60):
        made = padded(f'Hm.\n\n```json\n{{"a": 1}}\n```\n\n{word}. Bye.', 40, after)
        assert word in made[value_span(made)[1] :]
        assert "Bye" not in made


def test_prose_is_no_verdict_and_no_json():
    made = padded('Hm.\n\n```json\n{"a": 1}\n```\n\nBye.', 400, 600)
    prose = made.replace('```json\n{"a": 1}\n```', "")
    assert not re.search(r"[\[\]{}`]|approve|reject|terminate|not", prose, re.IGNORECASE)


def test_at_least_the_fence_stands_there():
    assert padded('Hm. {"a": 1} Bye.', 0, 0) == '```json\n{"a": 1}\n```'


def test_one_side_alone():
    text = 'Hm.\n\n```json\n{"a": 1}\n```\n\nBye.'
    assert padded(text, None, 1) == 'Hm.\n\n```json\n{"a": 1}\n```'
    assert padded(text, 2, None) == '```json\n{"a": 1}\n```\n\nBye.'
    assert padded('{"a": 1} Bye.', 2, None) == '```json\n{"a": 1}\n``` Bye.'


def test_a_broken_value_is_what_is_in_the_fence():
    made = padded('Hm.\n\n```json\n{"a": 1, "b": [{"c": 2}\n```\n\nBye.', 4, 3)
    assert made == 'Here is\n```json\n{"a": 1, "b": [{"c": 2}\n```\nHere is'
    assert padded("I cannot answer.", 40, 60) == "I cannot answer."


def test_the_mocker_pads_and_the_value_stays():
    plain = Mocker(Answers(), seed=3).answer(request().messages, {})
    answer = Mocker(Answers(), seed=3, before=40, after=60).answer(request().messages, {})
    assert around(answer.text) == (40, 60)
    assert len(answer.tokens) - tokens_to_json_end(answer) == 60
    assert answer.usage.output_tokens == len(answer.tokens)
    assert answer.text[slice(*value_span(answer.text))] == plain.text[slice(*value_span(plain.text))]
