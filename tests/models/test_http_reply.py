"""HTTP/1.1 replies, from bytes."""

import contextlib
import gzip
import zlib
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from igent.models.reply import Reply, ReplyError


def read(*pieces, end=False, **options):
    reply = Reply(**options)
    body = b"".join(reply.feed(piece) for piece in pieces)
    if end:
        reply.close()
    return reply, body


def reply_of(head, body=b""):
    return head.replace(b"\n", b"\r\n") + b"\r\n\r\n" + body


CHUNKED = b"HTTP/1.1 200 OK\nTransfer-Encoding: chunked"
COUNTED = b"HTTP/1.1 200 OK\nContent-Length: 5"
OPEN = b"HTTP/1.1 200 OK\nServer: x"


def chunks(*parts, end=b"0\r\n\r\n"):
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + end


GOOD = [
    (reply_of(COUNTED, b"hello"), b"hello", True),
    (reply_of(CHUNKED, chunks(b"he", b"llo")), b"hello", True),
    (reply_of(CHUNKED, b"2;name=value\r\nhe\r\n003 ; x\r\nllo\r\n0;y\r\nDate: x\r\nZ: y\r\n\r\n"), b"hello", True),
    (reply_of(CHUNKED, chunks(b"x" * 300, b"\r\n\r\n0\r\n\r\n")), b"x" * 300 + b"\r\n\r\n0\r\n\r\n", True),
    (reply_of(b"HTTP/1.1 100 Continue") + reply_of(b"HTTP/1.1 103 X\nLink: y") + reply_of(COUNTED, b"hello"),
     b"hello", True),
    (reply_of(COUNTED + b"\nConnection: keep-alive, Close", b"hello"), b"hello", False),
    (reply_of(COUNTED.replace(b"/1.1", b"/1.0"), b"hello"), b"hello", False),
    (reply_of(COUNTED.replace(b"/1.1", b"/1.0") + b"\nConnection: Keep-Alive", b"hello"), b"hello", True),
    (reply_of(COUNTED + b"\ncontent-length: 5", b"hello"), b"hello", True),
    (reply_of(CHUNKED + b"\nContent-Length: 99", chunks(b"hello")), b"hello", False),
    (reply_of(b"HTTP/1.1 204"), b"", True),
    (reply_of(b"HTTP/1.1 200 \nContent-Length: 0"), b"", True),
    (b"HTTP/1.1 200 OK\nContent-Length: 5\n\nhello", b"hello", True),
    (reply_of(COUNTED, b"hello, and more"), b"hello", False),
    (reply_of(CHUNKED, chunks(b"hello") + b"more"), b"hello", False),
]  # fmt: skip


@pytest.mark.parametrize(("raw", "body", "reusable"), GOOD)
def test_the_body_is_framed_as_the_head_says(raw, body, reusable):
    for pieces in ([raw], [raw[i : i + 1] for i in range(len(raw))]):
        reply, got = read(*pieces)
        assert (got, reply.done, reply.reusable) == (body, True, reusable)
        assert reply.status in (200, 204)


@settings(max_examples=200)
@given(st.sampled_from(GOOD), st.lists(st.integers(0, 500), max_size=6))
def test_any_split_gives_the_same(case, cuts):
    raw, body, reusable = case
    edges = [0, *sorted(min(cut, len(raw)) for cut in cuts), len(raw)]
    reply, got = read(*(raw[a:b] for a, b in pairwise(edges)))
    assert (got, reply.done, reply.reusable) == (body, True, reusable)


def test_headers_are_told_in_order():
    reply, _ = read(reply_of(b"HTTP/1.1 429 Slow down\nA:  1 \nRetry-After: 2\na: 3\nB: x\n  y", b""))
    assert reply.status == 429
    assert reply.headers == [("A", "1"), ("Retry-After", "2"), ("a", "3"), ("B", "x y")]


def test_a_body_without_length_lasts_until_the_end():
    reply, body = read(reply_of(OPEN, b"hel"), b"lo")
    assert (body, reply.done) == (b"hello", False)
    assert reply.close()
    assert (reply.done, reply.reusable) == (True, False)


@pytest.mark.parametrize(
    "raw", [b"", b"HTTP/1.1 200", reply_of(COUNTED, b"hell"), reply_of(CHUNKED, b"5\r\nhello\r\n"), reply_of(CHUNKED)]
)
def test_what_breaks_off_is_not_complete(raw):
    reply, _ = read(raw)
    assert not reply.close()
    assert not reply.done


def test_the_answer_to_connect_has_no_body():
    reply, body = read(reply_of(b"HTTP/1.1 200 Connection established\nContent-Length: 9"), without_body=True)
    assert (body, reply.done, reply.status) == (b"", True, 200)


@pytest.mark.parametrize("packed", [gzip.compress(b"hello" * 100), zlib.compress(b"hello" * 100)])
def test_packed_bodies_are_unpacked(packed):
    coding = b"gzip" if packed[0] == 0x1F else b"deflate"
    head = b"HTTP/1.1 200 OK\nContent-Encoding: %b\nContent-Length: %d" % (coding, len(packed))
    for step in (1, 1000):
        pieces = [packed[i : i + step] for i in range(0, len(packed), step)]
        reply, body = read(reply_of(head), *pieces)
        assert (body, reply.done) == (b"hello" * 100, True)
    cut, _ = read(reply_of(b"HTTP/1.1 200 OK\nContent-Encoding: " + coding, packed[:-9]))
    assert not cut.close()


BAD = [
    (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "not HTTP"),
    (b"<html>", "not HTTP"),
    (b"HTTP/2 200 OK\r\n\r\n", "not HTTP"),
    (b"HTTP/1.1 2000 OK\r\n\r\n", "not HTTP"),
    (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000, "does not end"),
    (reply_of(b"HTTP/1.1 101 Switching Protocols\nUpgrade: x"), "change of protocol"),
    (reply_of(b"HTTP/1.1 100 Continue") * 5000, "change of protocol"),
    (reply_of(b"HTTP/1.1 200 OK\nno colon"), "header"),
    (reply_of(b"HTTP/1.1 200 OK\n: x"), "header"),
    (reply_of(b"HTTP/1.1 200 OK\nLength : 5"), "header"),
    (reply_of(b"HTTP/1.1 200 OK\nContent-Length: 5\nContent-Length: 6"), "length"),
    (reply_of(b"HTTP/1.1 200 OK\nContent-Length: -5"), "length"),
    (reply_of(b"HTTP/1.1 200 OK\nContent-Length: +5"), "length"),
    (reply_of(b"HTTP/1.1 200 OK\nContent-Length: 1_0"), "length"),
    (reply_of(b"HTTP/1.1 200 OK\nTransfer-Encoding: gzip, chunked"), "transfer coding"),
    (reply_of(b"HTTP/1.1 200 OK\nContent-Encoding: br"), "not asked for"),
    (reply_of(b"HTTP/1.1 200 OK\nContent-Encoding: gzip", b"plain"), "unpacked"),
    (reply_of(CHUNKED, b"x\r\n"), "chunk"),
    (reply_of(CHUNKED, b"-5\r\nhello\r\n"), "chunk"),
    (reply_of(CHUNKED, b"0x5\r\nhello\r\n"), "chunk"),
    (reply_of(CHUNKED, b"5\r\nhelloworld\r\n"), "chunk"),
    (reply_of(CHUNKED, b"5" * 5000), "chunk"),
    (reply_of(CHUNKED, b"0\r\nX: " + b"x" * 70_000), "trailer"),
]


@pytest.mark.parametrize(("raw", "words"), BAD)
def test_what_is_no_reply_is_refused(raw, words):
    with pytest.raises(ReplyError, match=words):
        read(raw)


def test_what_unfolds_without_bound_is_refused():
    bomb = gzip.compress(bytes(64 << 20))
    with pytest.raises(ReplyError, match="without bound"):
        read(reply_of(b"HTTP/1.1 200 OK\nContent-Encoding: gzip", bomb))


@settings(max_examples=200)
@given(st.binary(max_size=60), st.sampled_from([b"", b"HTTP/1.1 200 OK\r\n", reply_of(CHUNKED), reply_of(COUNTED)]))
def test_no_bytes_break_it(data, head):
    with contextlib.suppress(ReplyError):
        read(head, data, end=True)
