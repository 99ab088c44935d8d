"""Pictures of pages through the chat protocol: what is sent, counted and filed, and what an answer means."""

import base64

import pytest
from models_support import CONTEXT, body_reply, serving

from igent.caching.keys import answer_key
from igent.errors import IncompleteError, RequestError
from igent.models.tokens import count_messages
from igent.models.vision import read_page_image
from igent.types import ChatMessage, ChatRequest
from igent.writing.entries import request_key

PNG = b"\x89PNG\r\n\x1a\n and so on"
TEXT = "Section 3.01\nAn employee who is 21 is eligible."


def answer(text, finish="stop"):
    message = {"role": "assistant", "content": text}
    return body_reply({"model": "v1", "choices": [{"index": 0, "message": message, "finish_reason": finish}]})


async def read(text, finish="stop"):
    async with serving(answer(text, finish)) as (model, server):
        return await read_page_image(model, "v1", PNG, "plan.pdf page 7"), server.requests[0]


async def test_the_picture_is_sent_behind_the_question():
    text, sent = await read(TEXT)
    assert text == TEXT
    system, user = sent["messages"]
    assert (sent["model"], system["role"], user["role"]) == ("v1", "system", "user")
    assert isinstance(system["content"], str)
    question, picture = user["content"]
    assert question["type"] == "text"
    kind, _, data = picture["image_url"]["url"].partition(",")
    assert (picture["type"], kind, base64.b64decode(data)) == ("image_url", "data:image/png;base64", PNG)


@pytest.mark.parametrize(
    ("said", "text"),
    [
        (f"```text\n{TEXT}\n```", TEXT),
        ("NO TEXT", ""),
        (" \n", ""),
        ("I am a participant of the plan.", "I am a participant of the plan."),
        (
            "I cannot be held liable. " + "The plan pays. " * 40,
            ("I cannot be held liable. " + "The plan pays. " * 40).strip(),
        ),
    ],
)
async def test_what_an_answer_means(said, text):
    assert (await read(said))[0] == text


@pytest.mark.parametrize(
    ("said", "finish"),
    [("I'm sorry, but I can't help with that.", "stop"), ("I’m unable to read it.", "stop"), ("Sec", "content_filter")],
)
async def test_a_model_that_declines(said, finish):
    with pytest.raises(RequestError, match=r"plan\.pdf page 7: v1 declined to read it"):
        await read(said, finish)


async def test_half_a_page_is_none():
    with pytest.raises(IncompleteError, match=r"plan\.pdf page 7: v1 did not come to the end of the page"):
        await read(TEXT, "length")


def test_a_picture_is_counted_and_is_part_of_the_key():
    def request(*images):
        return ChatRequest("v1", (ChatMessage("user", "The page:", images),), CONTEXT)

    plain = ChatRequest("v1", (ChatMessage("user", "The page:"),), CONTEXT)
    assert count_messages(request(PNG, PNG).messages) == count_messages(plain.messages) + 2 * 1_536
    assert request_key(request()) == request_key(plain)
    keys = {request_key(request(*images)) for images in ((), (PNG,), (PNG, PNG), (PNG + b"!",))}
    assert len(keys) == 4
    cached = {answer_key("", request(*images)) for images in ((), (PNG,), (PNG, PNG), (PNG + b"!",))}
    assert len(cached) == 4
    assert "PNG" not in repr(request(PNG))
