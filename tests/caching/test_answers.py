"""Answers as bytes: exactly back, or not at all; and kept when their record has ended well."""

from dataclasses import replace

import orjson
import pytest
from caching_kit import cache_at

from igent.caching import shelf as shelf_module
from igent.caching.answers import answer_from_bytes, answer_to_bytes
from igent.caching.shelf import AnswerShelf
from igent.types import CallContext, ChatMessage, ChatRequest, Completion, Usage

ANSWER = Completion("größer {1}", Usage(11, 7, estimated=True), "cut", "m-2025", 0.1, 2.0, 3, 1, value={"a": 1})


def test_there_and_back():
    kept = answer_from_bytes(answer_to_bytes(ANSWER))
    assert kept == Completion(ANSWER.text, ANSWER.usage, "cut", "m-2025", cached=True)


@pytest.mark.parametrize("finish", ["length", "content_filter", "unknown"])
def test_what_was_not_finished_is_not_kept(finish):
    assert answer_to_bytes(replace(ANSWER, finish=finish)) is None


def test_what_cannot_be_written_is_not_kept():
    assert answer_to_bytes(replace(ANSWER, text="\ud800")) is None
    assert answer_to_bytes(replace(ANSWER, usage=Usage(1 << 70, 1))) is None


@pytest.mark.parametrize(
    "change",
    [
        {"form": 2}, {"text": None}, {"text": 1}, {"finish": "length"}, {"finish": ["cut"]}, {"model": None},
        {"input_tokens": -1}, {"output_tokens": 1.5}, {"input_tokens": True}, {"estimated": 1}, {"more": 1},
    ],
)  # fmt: skip
def test_what_is_odd_is_no_answer(change):
    content = orjson.loads(answer_to_bytes(ANSWER))
    assert answer_from_bytes(orjson.dumps(content)) is not None
    assert answer_from_bytes(orjson.dumps(content | change)) is None


def test_what_is_no_object_is_no_answer():
    whole = answer_to_bytes(ANSWER)
    for data in (b"", b"null", b"[1]", whole[:-1], whole + b"x", b"\xff", orjson.dumps({"form": 1})):
        assert answer_from_bytes(data) is None


def asked(record, text="Which?"):
    return ChatRequest("m", (ChatMessage("user", text),), CallContext(record, "match", "matcher"))


def key_of(request):
    if request.messages[0].content == "unkeyed":
        raise TypeError
    return request.messages[0].content.encode().ljust(32)


@pytest.fixture
async def cache(tmp_path):
    async with cache_at(tmp_path / "cache.db") as opened:
        yield opened


async def test_answers_wait_for_their_record(cache):
    shelf = AnswerShelf(cache, key_of)
    assert await shelf.find(asked("R1")) is None
    shelf.keep(asked("R1"), ANSWER)
    shelf.keep(asked("R2", "What?"), ANSWER)
    assert await shelf.find(asked("R3")) is None
    shelf.commit("R1")
    shelf.drop("R2")
    shelf.commit("R2")
    assert (await shelf.find(asked("R4"))).text == ANSWER.text
    assert await shelf.find(asked("R4", "What?")) is None
    assert shelf._size == 0


async def test_who_asks_again_wants_another_answer(cache):
    shelf = AnswerShelf(cache, key_of)
    await cache.put("answer", key_of(asked("R1")), answer_to_bytes(ANSWER))
    assert (await shelf.find(asked("R1"))).cached
    assert await shelf.find(asked("R1")) is None
    shelf.keep(asked("R1"), replace(ANSWER, text="first"))
    shelf.keep(asked("R1"), replace(ANSWER, text="last"))
    shelf.commit("R1")
    assert (await shelf.find(asked("R1"))).text == "last"


async def test_a_failed_record_is_not_given_the_same_answer_again(cache):
    shelf = AnswerShelf(cache, key_of)
    await cache.put("answer", key_of(asked("R1")), answer_to_bytes(ANSWER))
    assert await shelf.find(asked("R1")) is not None
    shelf.drop("R1", forget=False)
    assert await shelf.find(asked("R1")) is not None
    shelf.drop("R1")
    assert await shelf.find(asked("R1")) is None


async def test_what_waits_is_bounded(cache, monkeypatch):
    monkeypatch.setattr(shelf_module, "_MOST_OF_ONE", 1000)
    monkeypatch.setattr(shelf_module, "_MOST_BYTES", 1700)
    shelf = AnswerShelf(cache, key_of)
    for record in ("R1", "R2"):
        for place in range(3):
            shelf.put(record, b"%d" % place, bytes(200))
    assert [len(held.answers) for held in shelf._held.values()] == [2, 2]
    shelf.drop("R1")
    shelf.put("R3", b"1", bytes(200))
    assert shelf._size == 3 * 400


async def test_what_has_no_key_passes_by(cache):
    shelf = AnswerShelf(cache, key_of)
    assert await shelf.find(asked("R1", "unkeyed")) is None
    shelf.keep(asked("R1", "unkeyed"), ANSWER)
    assert not shelf._held
