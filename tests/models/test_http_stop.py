"""Endpoints that are asked to end by themselves behind the JSON (`stop`), and parameters that endpoints refuse."""

import asyncio

import pytest
from models_support import (
    USAGE,
    StopAtObject,
    body_reply,
    chunked,
    event,
    head,
    request,
    serving,
    sse,
    stream_reply,
)

from igent.errors import RequestError
from igent.models.call import Refused
from igent.models.manners import Manners
from igent.models.tokens import estimate_usage
from igent.types import Usage

STOP = {"stop": ["\n```\n"]}
TEXT = 'So:\n```json\n{"a": 1}'


def ending(*pieces, finish="stop", usage=True):
    return sse(*map(event, pieces), event(finish=finish), *([USAGE] if usage else []))


@pytest.mark.parametrize("step", [1, 40, None])
@pytest.mark.parametrize("after", [(), ("\n",), ("\n", "``", "`\n"), ("\n```",)])
async def test_an_answer_that_ends_by_itself_keeps_its_connection_and_exact_usage(step, after):
    async with serving(stream_reply(ending(*TEXT, *after), step)) as (model, server):
        answers = [await model.complete(request(**STOP), StopAtObject) for _ in range(3)]
    assert server.connections == 1
    assert {answer.text for answer in answers} == {TEXT}
    assert {answer.finish for answer in answers} == {"stop"}
    assert [answer.value for answer in answers] == [{"a": 1}] * 3
    assert [answer.usage for answer in answers] == [Usage(11, 7)] * 3
    assert server.requests[0]["stop"] == ["\n```\n"]


async def test_text_behind_the_fence_ends_the_call_at_once_and_is_remembered():
    async def respond(_, writer):
        writer.write(head() + chunked(sse(event(TEXT), event("\n```\n"), event("\nAnd so"), done=False)))

    async with serving(respond=respond) as (model, server):
        answer = await model.complete(request(**STOP), StopAtObject)
        async with asyncio.timeout(5):
            await server.gone.wait()
        assert not model._manners.ends_by_itself(request(**STOP))
    assert (answer.text, answer.finish, answer.value) == (TEXT, "cut", {"a": 1})
    assert answer.usage == estimate_usage(request().messages, TEXT)


@pytest.mark.parametrize("rest", [b"", sse(event("\n"), done=False)])
async def test_silence_behind_the_value_is_cut_after_a_moment(rest):
    async def respond(_, writer):
        writer.write(head() + chunked(sse(event(TEXT), done=False) + rest))

    async with serving(respond=respond) as (model, server):
        answer = await model.complete(request(**STOP), StopAtObject)
        async with asyncio.timeout(5):
            await server.gone.wait()
        assert not model._manners.ends_by_itself(request(**STOP))
    assert (answer.text, answer.finish, answer.value) == (TEXT, "cut", {"a": 1})


async def test_a_stream_that_ends_without_a_word_behind_the_value_is_enough():
    async with serving(stream_reply(sse(event(TEXT), done=False))) as (model, _):
        answer = await model.complete(request(**STOP), StopAtObject)
    assert (answer.text, answer.finish, answer.value) == (TEXT, "cut", {"a": 1})


async def test_a_finish_without_usage_has_it_estimated():
    async def respond(_, writer):
        writer.write(head() + chunked(sse(event(TEXT), event(finish="stop"), done=False)))

    async with serving(respond=respond) as (model, _):
        answer = await model.complete(request(**STOP), StopAtObject)
    assert (answer.text, answer.finish) == (TEXT, "stop")
    assert answer.usage == estimate_usage(request().messages, TEXT)


async def test_an_answer_without_the_value_is_read_to_its_end():
    async with serving(stream_reply(ending("I cannot tell."))) as (model, _):
        answer = await model.complete(request(**STOP), StopAtObject)
    assert (answer.text, answer.finish, answer.value, answer.usage) == ("I cannot tell.", "stop", None, Usage(11, 7))


async def test_nothing_is_waited_for_where_no_stop_was_asked_for():
    async def respond(_, writer):
        writer.write(head() + chunked(sse(event(TEXT), done=False)))

    async with serving(respond=respond) as (model, server):
        answer = await model.complete(request(), StopAtObject)
        assert answer.finish == "cut"
        assert model._manners.ends_by_itself(request(**STOP))
        async with asyncio.timeout(5):
            await server.gone.wait()


def test_a_model_that_went_on_is_given_another_chance_later():
    manners, asked = Manners(), request(**STOP)
    assert manners.ends_by_itself(asked)
    assert not manners.ends_by_itself(request())
    manners.note_end("m1", by_itself=False)
    assert [manners.ends_by_itself(asked) for _ in range(51)] == [False] * 50 + [True]
    manners.note_end("m1", by_itself=True)
    assert manners.ends_by_itself(asked)


def refusing(*names):
    """Refuses requests that hold one of these parameters, naming the first of them."""

    async def respond(body, writer):
        named = [name for name in names if name in body]
        error = {"message": f"Unsupported parameter: '{named[0]}' is not supported." if named else "", "param": None}
        writer.write(body_reply({"error": error}, 400) if named else stream_reply(ending(TEXT)))

    return respond


async def test_a_refused_stop_is_left_out_for_that_model_from_then_on():
    async with serving(respond=refusing("stop")) as (model, server):
        answers = [await model.complete(request(**STOP), StopAtObject) for _ in range(2)]
    assert ["stop" in sent for sent in server.requests] == [True, False, False]
    assert all("stream_options" in sent for sent in server.requests)
    assert {answer.text for answer in answers} == {TEXT}


async def test_several_refused_parameters_are_left_out_one_after_the_other():
    async with serving(respond=refusing("stop", "stream_options")) as (model, server):
        await model.complete(request(**STOP), StopAtObject)
        await model.complete(request(**STOP), StopAtObject)
    sent = [("stop" in sent, "stream_options" in sent) for sent in server.requests]
    assert sent == [(True, True), (False, True), (False, False), (False, False)]


async def test_calls_that_were_in_flight_beside_the_refused_one_are_sent_again():
    async with serving(respond=refusing("stop")) as (model, server), asyncio.TaskGroup() as group:
        tasks = [group.create_task(model.complete(request(**STOP), StopAtObject)) for _ in range(5)]
        assert {(await task).text for task in tasks} == {TEXT}
    assert len(server.requests) == 10


async def test_a_refusal_of_something_else_is_an_error():
    refusal = body_reply({"error": {"message": "please stop: the prompt is too long"}}, 400)
    async with serving(refusal) as (model, server):
        for options in ({}, STOP, STOP):
            with pytest.raises(RequestError, match="too long"):
                await model.complete(request(**options))
    assert ["stop" in sent for sent in server.requests] == [False, True, False, False]


def test_only_what_was_sent_can_be_refused():
    manners, refused = Manners(), Refused(422, ())
    refused.body = b"unknown: stop, stream_options, seed"
    assert not manners.note_refusal(request(), refused, frozenset({"stream_options"}))
    assert manners.note_refusal(request(**STOP), refused, frozenset({"stream_options"}))
    assert manners.refused("m1") == {"stop"}
    assert manners.refused("m2") == frozenset()
    refused.status = 500
    assert not manners.note_refusal(request(**STOP), refused, frozenset())
