from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from igent.models.sse import EventReader


def read(*chunks):
    reader = EventReader()
    return [event for chunk in chunks for event in reader.feed(chunk)] + reader.close()


STREAM = (
    b"\xef\xbb\xbf: hello\r\n\r\ndata: one\r\n\r\nevent: x\nid: 3\ndata:two\ndata\ndata:  three\n\n"
    b"retry: 1\n\n\rdata: \xc3\xbc\xe4\xb8\xad\r\rdata: [DONE]\n\n"
)
EVENTS = [b"one", b"two\n\n three", "ü中".encode(), b"[DONE]"]


def test_all_rules_at_once():
    assert read(STREAM) == EVENTS


def test_one_byte_at_a_time():
    assert read(*(STREAM[i : i + 1] for i in range(len(STREAM)))) == EVENTS


@settings(max_examples=100)
@given(st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_any_split_gives_the_same(cuts):
    edges = [0, *sorted(cuts), len(STREAM)]
    assert read(*(STREAM[a:b] for a, b in pairwise(edges))) == EVENTS


def test_crlf_split_between_the_chunks_is_one_line_end():
    assert read(b"data: a\r", b"\ndata: b\r", b"\n\r", b"\n") == [b"a\nb"]


def test_end_without_blank_line_hands_out_the_rest():
    assert read(b"data: a\n\ndata: b") == [b"a", b"b"]
    assert read(b"data: a\n\n: only a comment") == [b"a"]


def test_pending_bytes_count_what_waits():
    reader = EventReader()
    reader.feed(b"data: a\n\ndata: " + b"x" * 100)
    reader.feed(b"y" * 50)
    assert reader.pending_bytes == 156


@settings(max_examples=100)
@given(st.binary(max_size=200))
def test_no_bytes_break_it(data):
    assert read(data) == read(*(data[i : i + 1] for i in range(len(data))))
