"""The short way to the text of a stream gives what the long way gives."""

from itertools import pairwise
from unittest.mock import patch

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models_support import KEY, USAGE, StopAtObject, event, request, sse

from igent.errors import ProviderError
from igent.models import wire
from igent.models.failure import CallErrors
from igent.models.shape import EventShape
from igent.models.wire import AnswerReader


def outcome(chunks, *, short, stop=None, linger=False, max_bytes=1 << 20):
    """What comes of a stream: the completion or the error, and what the reader says of it."""
    with patch.object(wire, "_LEARNING", 4 if short else 0):
        reader = AnswerReader(
            request(), CallErrors("place", "host", KEY), stop() if stop else None, max_bytes, linger=linger
        )
    try:
        if not any(reader.feed(chunk) for chunk in chunks):
            reader.close()
    except ProviderError as error:
        return type(error), str(error), reader.started, reader.spent
    return reader.completion(), reader.started, reader.finished, reader.done


def split(data, cuts):
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[a:b] for a, b in pairwise(edges)]


TEXTS = st.text(st.sampled_from('ab {}":,\\\n\t\x00\x1f`ü中😀\u2028\x7f[]'), max_size=6)
STRINGS = TEXTS.map(orjson.dumps)
ODDITIES = st.sampled_from([
    *(rb'"\u00e9\ud83d\ude00"', rb'"\ud83d"', rb'"\ude00"', rb'"a\/b"', b'"a', b'a"', b'"a","b"', b'"\xc3', b'"\\"'),
    *(b'"\\', b'"a" ', b"null", b"1", b'["x"]', b'[{"text": "x"}]', b'"x", "content": "y"', b"{}", b'"\x01"'),
])  # fmt: skip
USUAL = [
    b'{"model": "m1", "choices": [{"index": 0, "delta": {"content": %b}, "finish_reason": null}]}',
    b'{"id":"x","model":"m1","choices":[{"delta":{"content":%b,"role":"assistant"}}],"usage":null}',
    b'{"choices":[{"index":0,"delta":{"content":%b}}],"model":"m2"}',
]
UNUSUAL = [
    b'{"choices":[{"index":1,"delta":{"content":%b}}]}',
    b'{"choices":[{"index":0,"delta":{"content":%b,"reasoning":"hm"}}]}',
    b'{"choices":[{"index":0,"delta":{"note":{"content":%b},"content":"x"}}]}',
    b'{"choices":[{"index":0,"delta":{"content":%b}}],"usage":{"prompt_tokens":3,"completion_tokens":4}}',
    b'{"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":6},"model":%b}',
    b'{"choices":[{"index":0,"delta":{"content":%b}}],"obfuscation":"xyz"}',
    b'{"choices":[{"delta":{"content":%b},"finish_reason":"stop"}]}',
    b'{"error":{"message":%b}}',
    b"[DONE]",
    b"{",
]
FRAMES = [
    b"data: %b\n\n",
    b"data: %b\r\n\r\n",
    b"data:%b\n\n",
    b": hm\ndata: %b\n\n",
    b"data: %b\r\r",
    b": data: %b\n\n",
]


@st.composite
def streams(draw):
    """Few shapes, so that each comes often, and comes back after another; cut anywhere, and before events."""
    shapes = [draw(st.sampled_from(USUAL)), draw(st.sampled_from(USUAL)), draw(st.sampled_from(UNUSUAL))]
    frames = [draw(st.sampled_from(FRAMES[:2])), draw(st.sampled_from(FRAMES))]
    odd = draw(st.booleans())
    data, cuts = b"", draw(st.lists(st.integers(0, 4000), max_size=4))
    for shape in draw(st.lists(st.sampled_from([0, 0, 0, 0, 1, 1, 2]), max_size=20)):
        content = draw(STRINGS | ODDITIES if odd else STRINGS)
        frame = frames[draw(st.sampled_from([0, 0, 0, 1]))]
        if draw(st.integers(0, 3)) == 0:
            cuts.append(len(data) + draw(st.sampled_from([0, 2])))
        data += frame.replace(b"%b", shapes[shape].replace(b"%b", content))
    return split(data + (sse(event(finish="stop")) if draw(st.booleans()) else b""), cuts)


@settings(max_examples=500, deadline=None)
@given(streams(), st.sampled_from([None, StopAtObject]), st.booleans(), st.sampled_from([10, 1 << 20]))
def test_both_ways_lead_to_the_same(chunks, stop, linger, max_bytes):
    short, long = (outcome(chunks, short=s, stop=stop, linger=linger, max_bytes=max_bytes) for s in (True, False))
    assert short == long


@settings(max_examples=100, deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=30), st.lists(st.integers(0, 9000), max_size=6))
def test_any_text_in_any_split_is_read_exactly(texts, cuts):
    data = sse(event(""), *map(event, texts), event(finish="stop"), USAGE)
    assert outcome(split(data, cuts), short=True)[0].text == "".join(texts)


GIVEN = {"prompt_tokens": 1, "completion_tokens": 2}


@pytest.mark.parametrize(
    ("often", "once"),
    [(event("a"), {**event("b"), "model": "m2"}), ({**event("a"), "usage": GIVEN}, {**USAGE, "model": "m1-2025"})],
)
def test_what_changes_and_changes_back_is_followed(often, once):
    end = {"choices": [{"delta": {}, "finish_reason": "stop"}]}
    chunks = [sse(e, done=False) for e in (often, often, often, once, often, end)]
    assert outcome(chunks, short=True) == outcome(chunks, short=False)


def test_an_event_in_a_comment_is_none():
    line = sse(event("a"), done=False)
    assert outcome([line, b": ", line, sse(event(finish="stop"))], short=True)[0].text == "a"


def learn(payload, chunk=None):
    return EventShape.learn(payload, chunk or b"data: " + payload + b"\n\n")


PAYLOAD = b'{"choices":[{"delta":{"content":"a"}}]}'


def test_events_of_one_shape_are_read_at_once():
    shape = learn(PAYLOAD)
    line = b"data: " + PAYLOAD + b"\n\n"
    other = line.replace(b'"a"', '"b\\n\\"ü"'.encode())
    assert shape.read(line) == ("a", 1, b"")
    assert shape.read(line + other + line) == ('ab\n"üa', 3, b"")
    assert shape.read(line + b"data: [DONE]\n\n") == ("a", 1, b"data: [DONE]\n\n")
    assert shape.read(line + line[:-5]) == ("a", 1, line[:-5])
    assert shape.read(line[:-1]) is None
    assert shape.read(b": hm\n\n" + line) is None


@pytest.mark.parametrize("content", [b"\\", b'x"y', b"\xc3", b"\x01", b"\\x", b"\\ud83d", b"a\nb", b"\x00"])
def test_what_is_no_string_is_left_to_the_long_way(content):
    line = b"data: " + PAYLOAD + b"\n\n"
    broken = line.replace(b'"a"', b'"' + content + b'"')
    for chunk in (broken, line + broken, broken + line, broken + broken):
        assert learn(PAYLOAD).read(chunk) is None


@pytest.mark.parametrize(
    "payload",
    [
        b'{"choices":[{"delta":{"content":"a"},"message":{"content":"a"}}]}',
        b'{"choices":[{"delta":{"note":{"content":"a"}}}]}',
        b'{"choices":[{"delta":{"content":null}}]}',
    ],
)
def test_a_text_that_is_not_found_for_certain_makes_no_shape(payload):
    assert learn(payload) is None


def test_unusual_framing_makes_no_shape():
    assert learn(PAYLOAD, b"data:" + PAYLOAD + b"\n\n") is None
    assert learn(PAYLOAD, b"data: " + PAYLOAD + b"\r\r") is None
