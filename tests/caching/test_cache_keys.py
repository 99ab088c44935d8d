"""Two things that differ have different keys, and the same thing has one."""

import pytest

from igent.caching.keys import answer_key, embedding_key, endpoint_name, extraction_key
from igent.fence import fenced
from igent.types import CallContext, ChatMessage, ChatRequest

HERE = endpoint_name("http://localhost:8000/v1")


def request(*said, model="m", record="R1", **options):
    messages = tuple(ChatMessage(role, text) for role, text in said or [("user", "Which?")])
    return ChatRequest(model, messages, CallContext(record, "match", "matcher"), options)


def test_whatever_decides_an_answer_is_in_its_key():
    keys = {
        answer_key(where, asked)
        for where in (HERE, endpoint_name(None))
        for asked in (
            request(),
            request(model="n"),
            request(temperature=0),
            request(temperature=1),
            request(seed=1, temperature=1),
            request(("system", "Which?")),
            request(("user", "Which?"), ("assistant", "")),
            request(("user", "Which"), ("assistant", "?")),
            request(("user", "Whic"), ("assistant", "h?")),
            request(("user", "Which?assistant")),
            request(model="m{}"),
        )
    }
    assert len(keys) == 22
    assert {len(key) for key in keys} == {32}


def test_who_asks_in_which_order_of_options_and_behind_which_fence_is_not():
    one = request(("user", "Of this:\n" + fenced("row 1\n") + "Which?"), a={"x": 1, "y": 2}, b=None)
    two = request(("user", "Of this:\n" + fenced("row 1\n") + "Which?"), b=None, a={"y": 2, "x": 1}, record="R2")
    assert one.messages != two.messages
    assert answer_key(HERE, one) == answer_key(HERE, two)


def test_no_two_parts_meet():
    keys = [
        embedding_key("m", "text"),
        embedding_key("mt", "ext"),
        embedding_key("m", "text", HERE),
        embedding_key(HERE, "text", "m"),
        extraction_key("ab" * 32, "text"),
        extraction_key("ab" * 32, "text 2"),
        embedding_key("ab" * 32, "text"),
        embedding_key("m", "half a character \ud800"),
    ]
    assert len(set(keys)) == len(keys)
    assert extraction_key("AB" * 32, "text") == extraction_key("ab" * 32, "text")


def test_options_that_are_no_json():
    with pytest.raises(TypeError):
        answer_key(HERE, request(tools=object()))


@pytest.mark.parametrize(
    ("written", "name"),
    [
        (None, "https://api.openai.com/v1"),
        ("HTTPS://API.OpenAI.com:443/v1/", "https://api.openai.com/v1"),
        ("http://user:pw@localhost:8000/v1", "http://localhost:8000/v1"),
        ("http://localhost:80/v1#x", "http://localhost/v1"),
        ("http://[::1]:8000/v1", "http://[::1]:8000/v1"),
        ("https://a.example/v1?api-version=2&API_KEY=abc&token=t", "https://a.example/v1?api-version=2"),
        ("http://localhost:port/v1", "(not a URL)"),
    ],
)
def test_an_address_has_one_name(written, name):
    assert endpoint_name(written) == name
