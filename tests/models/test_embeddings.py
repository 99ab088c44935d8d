import asyncio
import base64
import math
import struct
from random import Random

import aiohttp
import orjson
import pytest
from models_support import KEY, Answers, FakeClock, Loopback, body_reply, replying
from pydantic import SecretStr

from igent.errors import (
    AuthError,
    ConnectError,
    DeadlineError,
    IncompleteError,
    ProtocolError,
    RateLimitError,
    RequestError,
    ServerError,
)
from igent.models.budget import Budget
from igent.models.embeddings import EmbeddingFigures, EndpointEmbedder
from igent.models.endpoint import Endpoint
from igent.models.faults import Faults
from igent.models.mock_embeddings import MockEmbedder, mock_embedding
from igent.models.pace import Pace
from igent.models.server import MockServer

TEXTS = ["vesting", "loans", "hardship"]


def entry(index, *numbers):
    return {"object": "embedding", "index": index, "embedding": list(numbers)}


def reply(*data, model="m1", tokens=7):
    return body_reply({"object": "list", "data": list(data), "model": model, "usage": {"prompt_tokens": tokens}})


RIGHT = reply(entry(0, 3, 4), entry(1, 0, 2.0), entry(2, -1, 0))
VECTORS = [[0.6, 0.8], [0.0, 1.0], [-1.0, 0.0]]


class Asked:
    """An embedder, and the server that it talks to, which gives these replies in turn."""

    def __init__(self, *replies, respond=None, batch=100, budget=None, **endpoint):
        self.clock = FakeClock()
        self.server = Loopback(respond or replying(*replies))
        self.options = {"api_key": SecretStr(KEY), "total": 10.0, "max_attempts": 2, **endpoint}
        self.batch, self.budget = batch, budget

    async def __aenter__(self):
        await self.server.__aenter__()
        endpoint = Endpoint(base_url=self.server.base_url, **self.options)
        more = {"clock": self.clock, "random": Random(1), "budget": self.budget}
        self.embed = EndpointEmbedder(endpoint, "m1", self.batch, **more)
        return self

    async def __aexit__(self, *error):
        await self.embed.close()
        await self.server.__aexit__(*error)


def near(found, wanted):
    return len(found) == len(wanted) and all(
        v.typecode == "f" and v.tolist() == pytest.approx(w) for v, w in zip(found, wanted, strict=True)
    )


async def test_texts_become_vectors_of_length_one_in_their_order():
    async with Asked(RIGHT) as asked:
        assert near(await asked.embed(TEXTS), VECTORS)
        assert asked.server.requests == [{"model": "m1", "input": TEXTS, "encoding_format": "base64"}]
        assert "post /v1/embeddings http/1.1" in asked.server.headers[0]
        assert f"bearer {KEY}" in asked.server.headers[0]
        assert asked.embed.figures == EmbeddingFigures(calls=1, texts=3, tokens=7)
        assert asked.embed.name == f"{asked.server.base_url.split('/')[2]}:m1"


async def test_a_vector_goes_to_the_text_that_its_index_names():
    async with Asked(reply(entry(2, -1, 0), entry(0, 3, 4), entry(1, 0, 2))) as asked:
        assert near(await asked.embed(TEXTS), VECTORS)


async def test_base64():
    packed = [base64.b64encode(struct.pack("<2f", *pair)).decode() for pair in ((3, 4), (0, 2), (-1, 0))]
    async with Asked(reply(*({"index": i, "embedding": text} for i, text in enumerate(packed)))) as asked:
        assert near(await asked.embed(TEXTS), VECTORS)


def wrong(**changes):
    return reply({**entry(0, 3, 4), **changes}, entry(1, 0, 2), entry(2, -1, 0))


NAN = b'{"data":[{"index":0,"embedding":[NaN,1]},{"index":1,"embedding":[1,1]},{"index":2,"embedding":[1,1]}]}'
NAN_PACKED = base64.b64encode(struct.pack("<2f", math.nan, 1.0)).decode()
WRONG = {
    "too few": (reply(entry(0, 3, 4), entry(1, 0, 2)), "2 embeddings for 3 texts"),
    "too many": (reply(*(entry(i, 3, 4) for i in range(4))), "4 embeddings for 3 texts"),
    "doubled": (wrong(index=1), "two embeddings with the index 1"),
    "foreign": (wrong(index=3), "the index 3, of 3 texts"),
    "negative": (wrong(index=-1), "the index -1"),
    "no index": (reply({"embedding": [1, 2]}, entry(1, 0, 2), entry(2, 1, 1)), "the index None"),
    "true": (wrong(index=True), "the index True"),
    "text as index": (wrong(index="0"), "the index '0'"),
    "nan": (body_reply(NAN), "not JSON"),
    "nan packed": (wrong(embedding=NAN_PACKED), "not finite"),
    "infinite": (wrong(embedding=[1e308, 1e308]), "not finite"),
    "zeros": (wrong(embedding=[0, 0]), "no direction"),
    "sizes": (wrong(embedding=[1, 2, 3]), "2 and 3 numbers"),
    "empty": (wrong(embedding=[]), "without numbers"),
    "null": (wrong(embedding=None), "that is none"),
    "texts": (wrong(embedding=["1", "2"]), "that is none"),
    "bad base64": (wrong(embedding="@@@"), "cannot be read"),
    "odd base64": (wrong(embedding="AAA="), "cannot be read"),
    "no list": (body_reply({"data": {"0": 1}}), "without a list"),
    "a list": (body_reply([]), "not an object"),
    "html": (body_reply(b"<html>log in</html>", content_type="text/html"), "not JSON: <html>"),
    "nothing": (body_reply(b""), "an empty reply"),
}


@pytest.mark.parametrize("case", WRONG)
async def test_what_is_no_complete_answer_is_asked_for_again(case):
    bad, why = WRONG[case]
    async with Asked(bad, RIGHT) as asked:
        assert near(await asked.embed(TEXTS), VECTORS)
        assert (len(asked.server.requests), asked.embed.figures.retries) == (2, 1)
    async with Asked(bad) as asked:
        with pytest.raises(ProtocolError) as caught:
            await asked.embed(TEXTS)
        assert why in str(caught.value)
        assert "gave up after 2 failed attempts" in str(caught.value)
        assert "embeddings, m1" in str(caught.value)
        assert asked.embed.figures == EmbeddingFigures(retries=1)


def error(message, status, **more):
    headers = more.pop("headers", {})
    return body_reply({"error": {"message": message, **more}}, status, **headers)


@pytest.mark.parametrize(
    ("bad", "kind", "requests"),
    [
        (error(f"Incorrect API key: {KEY}", 401), AuthError, 1),
        (error("no such model", 404), AuthError, 1),
        (error("too long", 400), RequestError, 1),
        (error("oops", 500), ServerError, 2),
        (error("quota", 429, code="insufficient_quota"), AuthError, 1),
        (body_reply({"error": {"message": "busy", "code": 503}}), ServerError, 2),
    ],
)
async def test_errors_are_igents_own_and_never_show_the_key(bad, kind, requests):
    async with Asked(bad) as asked:
        with pytest.raises(kind) as caught:
            await asked.embed(TEXTS)
        assert KEY not in str(caught.value)
        assert len(asked.server.requests) == requests


async def test_429_is_waited_out_as_long_as_it_asks():
    async with Asked(error("slow down", 429, headers={"Retry_After": "7"}), RIGHT) as asked:
        begun = asked.clock.now()
        assert near(await asked.embed(TEXTS), VECTORS)
        assert asked.clock.now() - begun >= 7.0
        figures = asked.embed.figures
        assert (figures.calls, figures.retries, figures.rate_limited) == (1, 1, 1)


async def test_429_for_ever_is_given_up():
    async with Asked(error("slow down", 429, headers={"Retry_After": "50"}), max_retry_seconds=120.0) as asked:
        with pytest.raises(RateLimitError, match="gave up"):
            await asked.embed(TEXTS)
        assert len(asked.server.requests) == 3


async def test_an_endpoint_that_knows_no_base64_is_asked_for_lists():
    refusal = error("Unknown parameter: encoding_format", 400)
    async with Asked(refusal, RIGHT) as asked:
        await asked.embed(TEXTS)
        await asked.embed(TEXTS)
        assert ["encoding_format" in request for request in asked.server.requests] == [True, False, False]
        assert asked.embed.figures.retries == 0


async def respond_right(body, writer):
    count = len(body["input"])
    writer.write(reply(*(entry(i, 1, len(text)) for i, text in enumerate(body["input"])), tokens=count))


async def test_batches_and_blanks():
    texts = ["a", "", "bb", "ccc", " \n", "dddd", "eeeee"]
    async with Asked(respond=respond_right, batch=2) as asked:
        found = await asked.embed(texts)
        assert [request["input"] for request in asked.server.requests] == [["a", "bb"], ["ccc", "dddd"], ["eeeee"]]
        assert [v.tolist() for v in (found[1], found[4])] == [[0.0, 0.0], [0.0, 0.0]]
        for vector, text in zip(found, texts, strict=True):
            if text.strip():
                assert vector[1] / vector[0] == pytest.approx(len(text))
        assert asked.embed.figures == EmbeddingFigures(calls=3, texts=5, tokens=5)
        assert asked.server.connections == 1


async def test_nothing_is_sent_for_nothing():
    async with Asked(RIGHT) as asked:
        assert await asked.embed([]) == []
        assert [v.tolist() for v in await asked.embed(["", " "])] == [[], []]
        assert asked.server.requests == []


async def test_lone_surrogates_are_sent_as_question_marks():
    async with Asked(reply(entry(0, 1, 1))) as asked:
        await asked.embed(["a\ud800b"])
        assert asked.server.requests[0]["input"] == ["a?b"]


async def test_another_size_than_before_is_an_error():
    async with Asked(reply(entry(0, 1, 1)), reply(entry(0, 1, 1, 1))) as asked:
        await asked.embed(["a"])
        with pytest.raises(RequestError, match="3 numbers, after others of 2"):
            await asked.embed(["a"])


async def test_tokens_are_estimated_where_the_endpoint_does_not_say():
    async with Asked(body_reply({"data": [entry(0, 1, 1)]})) as asked:
        await asked.embed(["12345678"])
        assert asked.embed.figures == EmbeddingFigures(calls=1, texts=1, tokens=2, estimated=True)


async def test_a_deadline_and_a_reply_that_breaks_off():
    async def silent(_, __):
        pass

    async with Asked(respond=silent, total=0.05, max_attempts=1) as asked:
        with pytest.raises(DeadlineError, match=r"of 0\.05 s passed"):
            await asked.embed(TEXTS)

    async def half(_, writer):
        writer.write(RIGHT[: len(RIGHT) - 20])
        writer.close()

    async with Asked(respond=half, max_attempts=1) as asked:
        with pytest.raises(IncompleteError, match="cut off"):
            await asked.embed(TEXTS)


async def test_nobody_there():
    async with Asked(RIGHT) as asked:
        pass
    embed = EndpointEmbedder(Endpoint(base_url=asked.server.base_url, max_attempts=2), "m1", clock=FakeClock())
    with pytest.raises(ConnectError) as caught:
        await embed(TEXTS)
    assert caught.value.fatal
    await embed.close()


async def test_the_budget_is_charged():
    budget = Budget(None, 2, lambda *_: None)
    async with Asked(RIGHT, budget=budget) as asked:
        await asked.embed(TEXTS)
        assert budget.spent_calls == 1


async def test_cancelling_closes_the_connection():
    arrived = asyncio.Event()

    async def silent(_, __):
        arrived.set()

    async with Asked(respond=silent) as asked:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(asked.embed(TEXTS))
            await arrived.wait()
            task.cancel()
        async with asyncio.timeout(5):
            await asked.server.gone.wait()
        assert task.cancelled()


async def fetch(server, body, **headers):
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{server.base_url}/embeddings", data=orjson.dumps(body), headers=headers) as response,
    ):
        return response.status, orjson.loads(await response.read())


def served(server, **options):
    return EndpointEmbedder(Endpoint(base_url=server.base_url, max_attempts=4), "mock", random=Random(1), **options)


async def test_the_mock_server_gives_the_same_as_the_mock_in_process():
    local = MockEmbedder()
    async with MockServer(Answers()) as server:
        embed = served(server)
        found = await embed([*TEXTS, "größer {als} 中", ""])
        await embed.close()
        status, plain = await fetch(server, {"model": "x", "input": "loans"})
        assert (status, plain["data"][0]["embedding"]) == (200, mock_embedding("loans").tolist())
        assert server.stats()["embeddings"]["calls"] == 2
        assert server.stats()["embeddings"]["texts"] == 5
        assert server.stats()["requests"] == 0
        assert server.stats()["in_flight"] == 0
    for one, other in zip(found, await local([*TEXTS, "größer {als} 中", ""]), strict=True):
        assert one.tolist() == pytest.approx(other.tolist(), abs=1e-6)
    assert (local.calls, local.texts) == (1, 5)


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"model": "m", "input": ""},
        {"model": "m", "input": [1]},
        {"model": "m", "input": []},
        {"model": "m", "input": "a", "encoding_format": "x"},
    ],
)
async def test_the_mock_server_refuses_what_is_no_request(body):
    async with MockServer(Answers()) as server:
        status, answer = await fetch(server, body)
        assert (status, answer["error"]["type"]) == (400, "invalid_request_error")


async def test_the_mock_server_makes_faults():
    faults = {
        "429": RateLimitError,
        "500": ServerError,
        "html": ProtocolError,
        "garbage": ProtocolError,
        "polite": ProtocolError,
        "empty": ProtocolError,
        "cut": IncompleteError,
    }
    for fault, kind in faults.items():
        async with MockServer(Answers(), faults=Faults.parse(f"{fault}=1,retry-after=0.001")) as server:
            embed = EndpointEmbedder(Endpoint(base_url=server.base_url, max_attempts=1), "m", clock=FakeClock())
            with pytest.raises(kind):
                await embed(["a"])
            await embed.close()
            assert server.stats()["faults"][fault] >= 1


async def test_the_mock_takes_the_first_token_time_of_its_pace():
    clock = FakeClock()
    await MockEmbedder(Pace(0.5, 0.1), clock=clock)(["a"])
    assert clock.sleeps == [0.5]
    async with MockServer(Answers(), pace=Pace(0.05, 10.0)) as server:
        embed = served(server)
        begun = asyncio.get_running_loop().time()
        await embed(["a"])
        assert 0.04 < asyncio.get_running_loop().time() - begun < 5.0
        await embed.close()


def test_mock_embeddings_know_what_is_alike():
    def cosine(one, other):
        return sum(map(float.__mul__, mock_embedding(one).tolist(), mock_embedding(other).tolist()))

    text = "a participant is fully vested after three years of service"
    assert cosine(text, text) == pytest.approx(1.0)
    near = cosine(text, "participants are fully vested after 3 years of service")
    far = cosine(text, "loans are repaid in quarterly installments")
    assert near > 0.6 > 0.35 > far
    assert not any(mock_embedding(" "))
