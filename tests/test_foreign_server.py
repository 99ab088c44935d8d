"""The foreign server speaks the protocol and does what it is told to do."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from foreign_data import make_dataset
from foreign_server import ForeignServer
from oracle import load_scenario


@pytest.fixture
def prompt(tmp_path: Path) -> str:
    make_dataset(tmp_path, 3, 5, unserved=0.0, tight=0.0)
    case = load_scenario(tmp_path, "foreign")
    blocks = {"REGISTRATION": case.registrations[0], "OFFERS": case.offers, "CAPACITY": case.capacity}
    return "\n".join(f"### {k}:\n\n```json\n{json.dumps(v, default=str)}\n```\n" for k, v in blocks.items())


async def ask(server: ForeignServer, model: str, *users: str, stream: bool = True) -> tuple[int, str, bool]:
    """Status, text, and whether the stream ended as it should."""
    messages: list[dict[str, Any]] = [{"role": "system", "content": "Match."}]
    messages += [{"role": "user", "content": user} for user in users]
    body = {"model": model, "messages": messages, "stream": stream, "stream_options": {"include_usage": True}}
    async with aiohttp.ClientSession() as session, session.post(f"{server.url}/chat/completions", json=body) as reply:
        if reply.content_type != "text/event-stream":
            answer = await reply.json()
            return reply.status, answer["choices"][0]["message"]["content"] if reply.ok else "", True
        raw = (await reply.text()).strip().split("\n\n")
        events = [json.loads(line.removeprefix("data: ")) for line in raw if line != "data: [DONE]"]
        text = "".join(c["delta"].get("content", "") for e in events for c in e["choices"])
        finished = any(c["finish_reason"] == "stop" for e in events for c in e["choices"])
        return reply.status, text, finished and raw[-1] == "data: [DONE]" and events[-1]["usage"]["total_tokens"] > 0


def json_of(text: str) -> Any:
    value = json.loads(re.search(r"```json\n(.*?)\n```", text, re.S)[1])
    return value[0] if isinstance(value, list) else value


@pytest.mark.parametrize("stream", [True, False])
async def test_match_order_and_critic(prompt: str, stream: bool) -> None:
    async with ForeignServer() as server:
        status, text, whole = await ask(server, "m1", prompt, stream=stream)
        match = json_of(text)
        assert (status, whole, match["supplier_id"] != "") == (200, True, True)
        assert list(match)[-1] == "reasoning"
        block = f"MATCH\n```json\n{json.dumps(match)}\n```"
        order = json_of((await ask(server, "m2", prompt + block, stream=stream))[1])
        assert order["product_price"] == sum(line["price"] for line in order["lines"]) > 0
        draft = f"DRAFT\n```json\n{json.dumps(match)}\n```"
        assert json_of((await ask(server, "critic", prompt + draft))[1])["verdict"] == "approve"
        bad = draft.replace(match["supplier_id"], "SUP-X")
        verdict = json_of((await ask(server, "critic", prompt, bad))[1])
        assert (verdict["verdict"], "supplier_id" in verdict["feedback"]) == ("reject", True)
        assert [c.role for c in server.calls] == ["match", "order", "critic", "critic"]


async def test_a_plain_critic_answers_in_words(prompt: str) -> None:
    async with ForeignServer(plain_critic=True) as server:
        violations = 'VIOLATIONS\n```json\n[{"message": "wrong price"}]\n```\nDRAFT\n```json\n{}\n```'
        text = (await ask(server, "critic", prompt, violations))[1]
        assert text.startswith("REJECTED: wrong price")


async def test_faults_are_dealt_as_asked(prompt: str) -> None:
    async with ForeignServer(rate_429=0.2, rate_500=0.2, rate_cut=0.2, rate_nonsense=0.2, seed=4) as server:
        for _ in range(60):
            try:
                await ask(server, "m1", prompt)
            except (aiohttp.ClientError, IndexError, KeyError):
                continue
        assert {c.fault for c in server.calls} == {"", "429", "500", "cut", "nonsense"}


async def test_wrong_answers_differ_from_right_ones(prompt: str) -> None:
    async with ForeignServer(wrong=1.0) as bad, ForeignServer(stream=False) as good:
        right = json_of((await ask(good, "m1", prompt))[1])
        for _ in range(10):
            assert json_of((await ask(bad, "m1", prompt))[1]) != right


async def test_a_client_that_leaves_is_noticed(prompt: str) -> None:
    async with ForeignServer(itl=0.001) as server:
        body = {"model": "m1", "messages": [{"role": "user", "content": prompt}], "stream": True}
        async with aiohttp.ClientSession() as session:
            reply = await session.post(f"{server.url}/chat/completions", json=body)
            await reply.content.readany()
            reply.close()
        async with aiohttp.ClientSession() as session, session.get(server.url.replace("/v1", "/stats")) as stats:
            assert (await stats.json())["calls"] == 1
    assert server.calls[0].sent < server.calls[0].tokens


def test_it_runs_in_a_thread_of_its_own() -> None:
    with ForeignServer() as one, ForeignServer() as two:
        assert one.url.startswith("http://127.0.0.1:")
        assert one.url != two.url
