"""What the client makes of endpoints that fail."""

import asyncio
import traceback

import pytest
from models_support import (
    KEY,
    Loopback,
    StopAtObject,
    body_reply,
    chunked,
    event,
    head,
    replying,
    request,
    sse,
    stream_reply,
)
from pydantic import SecretStr

from igent.errors import (
    AuthError,
    ConnectError,
    DeadlineError,
    IncompleteError,
    ProtocolError,
    ProviderError,
    RateLimitError,
    RequestError,
    ServerError,
)
from igent.models.endpoint import Endpoint
from igent.models.failure import CallErrors, parse_retry_after
from igent.models.http import OpenAIModel


async def failure(*replies, respond=None, stop=None, **endpoint):
    """The error of one call, and the server it was sent to."""
    async with Loopback(respond or replying(*replies)) as server:
        options = {"base_url": server.base_url, "api_key": SecretStr(KEY), "total": 10.0, **endpoint}
        model = OpenAIModel(Endpoint(**options))
        try:
            completion = await model.complete(request(), stop)
        except ProviderError as error:
            shown = "".join(traceback.format_exception(error))
            if KEY in shown:
                pytest.fail(f"the key is shown: {shown}")
            return error, server
        finally:
            await model.close()
    pytest.fail(f"accepted: {completion}")


def refusal(status, message="no", code=None, **headers):
    return body_reply({"error": {"message": message, "type": "x", "code": code}}, status, **headers)


STATUSES = [
    (refusal(401, f"Incorrect API key provided: {KEY}"), AuthError, "OPENAI_API_KEY"),
    (refusal(403), AuthError, "permissions"),
    (refusal(404, "The model `m1` does not exist", "model_not_found"), AuthError, "--model"),
    (refusal(402), AuthError, "credit"),
    (refusal(429, "You exceeded your quota", "insufficient_quota"), AuthError, "credit"),
    (refusal(429), RateLimitError, "--concurrency"),
    (refusal(500), ServerError, "resumes"),
    (refusal(503), ServerError, "resumes"),
    (refusal(529), ServerError, "resumes"),
    (refusal(408), ServerError, "408"),
    (refusal(400, "context_length_exceeded"), RequestError, "length of the prompt"),
    (refusal(413), RequestError, "413"),
    (refusal(422), RequestError, "422"),
    (refusal(306), ProtocolError, "306"),
    (body_reply(b"<html>Bad gateway</html>", 502, "text/html"), ServerError, "Bad gateway"),
    (body_reply(b"", 500), ServerError, "500"),
    (body_reply(b"\xff\xfe", 500), ServerError, "500"),
]


@pytest.mark.parametrize(("reply", "kind", "words"), STATUSES)
async def test_statuses(reply, kind, words):
    error, server = await failure(reply)
    assert type(error) is kind
    assert words in str(error)
    assert "record R1, matches, matcher" in str(error)
    assert len(server.requests) == 1
    assert error.fatal is (kind is AuthError)


async def test_no_secret_is_shown_that_looks_like_one():
    error, _ = await failure(refusal(401, "wrong key sk-proj-abc***xyz, Bearer eyJhbGciOi"))
    assert "abc" not in str(error)
    assert "eyJ" not in str(error)


async def test_control_characters_do_not_reach_the_terminal():
    error, _ = await failure(refusal(400, "a\x1b[31mred\r\nline"))
    assert "\x1b" not in str(error)
    assert "\r" not in str(error)


KEY = "9f8e7d6c5b4a39281706f5e4d3c2b1a0deadbeef"

GARBAGE = [
    (body_reply(b"<html>log in</html>", content_type="text/html"), "log in"),
    (body_reply(b"  \n<!doctype html>"), "HTML"),
    (body_reply(b""), "empty"),
    (stream_reply(b""), "empty"),
    (body_reply({"error": {"message": "overloaded"}}), "overloaded"),
    (body_reply({"choices": []}), "without choices"),
    (body_reply({}), "without choices"),
    (body_reply(b'{"choices": ['), "not JSON"),
    (body_reply(b'{"choices": "\xff"}'), "not JSON"),
    (body_reply([{"error": "x"}]), "not an object"),
    (body_reply({"choices": [None]}), "not an object"),
    (body_reply(b"upstream timed out", content_type="text/plain"), "upstream timed out"),
    (stream_reply(sse({"model": "m"})), "without choices"),
    (stream_reply(sse(event("so"), b'{"choices": [{')), "broken event"),
    (stream_reply(sse(event("so"), b'{"choices": [{"delta": {"content": "\xff"}}]}')), "broken event"),
    (stream_reply(sse(event("so"), b'"a string"')), "not an object"),
    (stream_reply(sse(event("so"), {"error": {"message": "it broke"}})), "it broke"),
]


@pytest.mark.parametrize(("reply", "words"), GARBAGE)
async def test_replies_that_are_not_the_protocol(reply, words):
    error, _ = await failure(reply)
    assert type(error) is ProtocolError
    assert words in str(error)
    assert error.retryable


@pytest.mark.parametrize("said", [KEY, KEY.upper(), KEY[:-1], KEY[:7], f"{KEY} and {KEY[:20]}"])
def test_a_key_is_not_shown_in_capitals_nor_cut_off(said):
    shown = CallErrors("place", "host", KEY).excerpt(f"your key is {said}")
    assert shown.startswith("your key is [key]")
    assert KEY[:4] not in shown.lower()


async def test_protocol_errors_keep_the_first_200_bytes():
    error, _ = await failure(body_reply(b"<html>" + b"x" * 300))
    assert "x" * 194 in str(error)
    assert "x" * 195 not in str(error)


@pytest.mark.parametrize(
    ("inner", "kind"),
    [
        ({"code": 429}, RateLimitError),
        ({"code": 502}, ServerError),
        ({"code": "insufficient_quota"}, AuthError),
        ({"type": "rate_limit_exceeded"}, RateLimitError),
        ({"code": "context_length_exceeded"}, RequestError),
    ],
)
async def test_errors_in_a_stream_are_what_they_say(inner, kind):
    error, _ = await failure(stream_reply(sse(event("so"), {"error": {"message": "no", **inner}})))
    assert type(error) is kind


CUT = '{"a": {"b": 1}, "c"'


@pytest.mark.parametrize("done", [True, False])
async def test_polite_end_without_finish_reason_is_incomplete(done):
    error, _ = await failure(stream_reply(sse(event(CUT), done=done)), stop=StopAtObject)
    assert type(error) is IncompleteError
    assert f"{len(CUT)} bytes" in str(error)


@pytest.mark.parametrize("abort", [True, False])
async def test_abrupt_end_is_incomplete(abort):
    async def respond(_, writer):
        writer.write(head() + chunked(sse(event(CUT), done=False)))
        await writer.drain()
        writer.transport.abort() if abort else writer.close()

    error, _ = await failure(respond=respond, stop=StopAtObject)
    assert type(error) is IncompleteError


async def test_plain_body_that_breaks_off_is_incomplete():
    async def respond(_, writer):
        writer.write(head(content_type="application/json", length=500) + b'{"choices": [')
        writer.close()

    error, _ = await failure(respond=respond)
    assert type(error) is IncompleteError


async def test_last_event_cut_in_its_json_is_incomplete():
    error, _ = await failure(stream_reply(sse(event("so"), done=False) + b'data: {"choices": [{"finish_reason": "st'))
    assert type(error) is IncompleteError


async def silence(_, writer):
    pass


async def one_token(_, writer):
    writer.write(head() + chunked(sse(event("so"), done=False)))


async def comments(_, writer):
    writer.write(head())
    for _ in range(400):
        writer.write(chunked(b": still here\n\n"))
        await asyncio.sleep(0.005)
        await writer.drain()


async def drip(_, writer):
    writer.write(head())
    for _ in range(400):
        writer.write(chunked(sse(event("so"), done=False)))
        await asyncio.sleep(0.005)
        await writer.drain()


@pytest.mark.parametrize(
    ("respond", "name", "bounds"),
    [
        (silence, "first_token", {"first_token": 0.05}),
        (comments, "first_token", {"first_token": 0.05}),
        (one_token, "between_tokens", {"between_tokens": 0.05}),
        (drip, "total", {"total": 0.1, "between_tokens": 0.05}),
        (silence, "total", {"total": 0.05, "stream": False, "first_token": 0.01}),
    ],
)
async def test_deadlines_are_named(respond, name, bounds):
    error, server = await failure(respond=respond, **bounds)
    assert type(error) is DeadlineError
    assert f"`{name}` of {bounds[name]:g} s" in str(error)
    async with asyncio.timeout(5):
        await server.gone.wait()


async def test_refused_connection():
    async with Loopback(silence) as server:
        pass
    model = OpenAIModel(Endpoint(base_url=server.base_url))
    with pytest.raises(ConnectError, match=r"localhost:.*nothing listens there.*--base-url"):
        await model.complete(request())
    await model.close()


async def test_connection_lost_before_the_answer():
    async def respond(_, writer):
        writer.transport.abort()

    error, _ = await failure(respond=respond)
    assert type(error) is ConnectError


async def test_reply_that_is_not_http():
    error, _ = await failure(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")
    assert type(error) is ProtocolError
    assert "not HTTP" in str(error)


@pytest.mark.parametrize(
    "reply",
    [
        stream_reply(sse(*[event("x" * 100)] * 30)),
        stream_reply(b": comment\n" * 100_000, 100_000),
        stream_reply(b"data: " + b"x" * 20_000, 1000),
        stream_reply(b"\n" * 20_000),
        body_reply(b'{"choices": "' + b"x" * 20_000 + b'"}'),
    ],
)
async def test_endless_answers_are_refused_and_not_bought_again(reply):
    error, _ = await failure(reply, max_answer_bytes=2000)
    assert type(error) is ProtocolError
    assert "longer than 2000 bytes" in str(error)
    assert not error.retryable


async def test_endless_error_body_is_not_read():
    async def respond(_, writer):
        writer.write(head(500))
        for _ in range(10_000):
            writer.write(chunked(b"x" * 10_000))
            await writer.drain()

    error, server = await failure(respond=respond)
    assert type(error) is ServerError
    async with asyncio.timeout(5):
        await server.gone.wait()


async def test_request_that_is_not_json():
    model = OpenAIModel(Endpoint(base_url="http://localhost:9/v1"))
    for bad in (request("\ud800"), request(temperature=object())):
        with pytest.raises(RequestError, match="not JSON"):
            await model.complete(bad)
    await model.close()


async def test_rate_limit_carries_retry_after():
    error, _ = await failure(refusal(429, Retry_After="7"))
    assert error.retry_after == 7
    error, _ = await failure(refusal(503, Retry_After_ms="1500"))
    assert error.retry_after == 1.5


DATE = ("Date", "Wed, 21 Oct 2015 07:28:00 GMT")


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ([("Retry-After", "1")], 1),
        ([("retry-after", " 2.5 ")], 2.5),
        ([("Retry-After", "0")], 0),
        ([("Retry-After", "300")], 300),
        ([("Retry-After", "-1")], None),
        ([("Retry-After", "soon")], None),
        ([("Retry-After", "")], None),
        ([("Retry-After", "nan")], None),
        ([("Retry-After", "1e400")], 86_400),
        ([("Retry-After", "999999999")], 86_400),
        ([("Retry-After", "0x10")], None),
        ([("Retry-After", "1, 2")], None),
        ([("Retry-After", "1"), ("Retry-After", "3")], 3),
        ([("Retry-After", "junk"), ("Retry-After", "3")], 3),
        ([("retry-after-ms", "1500")], 1.5),
        ([("retry-after-ms", "x"), ("Retry-After", "4")], 4),
        ([DATE, ("Retry-After", "Wed, 21 Oct 2015 07:28:30 GMT")], 30),
        ([DATE, ("Retry-After", "Wed, 21 Oct 2015 07:27:30 GMT")], 0),
        ([("Retry-After", "Wed, 21 Oct 2015 07:28:30 GMT")], None),
        ([DATE, ("Retry-After", "Wed, 99 Oct 2015 07:28:30 GMT")], None),
        ([DATE, ("Retry-After", "Wed, 21 Oct 2015 07:28:30")], None),
        ([("x", "y")], None),
    ],
)
def test_retry_after(headers, seconds):
    assert parse_retry_after(headers) == seconds
