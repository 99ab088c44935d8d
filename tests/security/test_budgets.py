"""Limits as the brake on what a model, a provider or a loop would spend without end."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from e2e_support import Shell, lines_of, wait_until
from faulty_replies import END, HEAD, chunk, stream
from faulty_server import FAULTS, FaultyServer

from igent import run_workflow
from igent.errors import LimitError
from igent.models.mock import MockModel
from igent.reporting.cost import price
from igent.types import ChatRequest, Completion, StopFactory, Usage
from igent.workflows.constellation import load_constellation
from igent.workloads.sbus.mock import SbusMock

forks = pytest.mark.skipif(sys.platform == "win32", reason="forks processes")
AGENTS = load_constellation("p1m1c1_p2m2c2")
ANSWER_CAP = 1 << 20


class Counting:
    """A model that counts its calls, and what they cost; `critic` is what a critic says, None: what is right."""

    def __init__(self, critic: str | None = None) -> None:
        self.calls, self.cost, self.critics = 0, Decimal(0), 0
        self._mock, self._critic = MockModel(SbusMock()), critic

    async def complete(self, request: ChatRequest, stop: StopFactory | None = None) -> Completion:
        self.calls += 1
        await asyncio.sleep(0.001 * (self.calls % 5))
        done = await self._mock.complete(request, stop)
        self.cost += price(done.usage, request.model) or Decimal(0)
        if self._critic is None or "Give your verdict now." not in request.messages[-1].content:
            return done
        self.critics += 1
        return Completion(self._critic, Usage(100, 10), "stop", request.model)

    async def close(self) -> None:
        pass


def run(out: Path, client: Counting, constellation: str = "p1m1c1_p2m2c2", **options: Any) -> Any:
    return asyncio.run(run_workflow(constellation, out=out, client=client, scenario="overlap_only", **options))


@pytest.mark.parametrize("concurrency", [1, 7, 50, 1000, "auto"])
@pytest.mark.parametrize("speculate", ["on", "off"])
def test_not_one_call_too_many_at_any_concurrency(tmp_path: Path, concurrency: Any, speculate: Any):
    client, limit = Counting(), 37
    options = {"concurrency": concurrency, "speculate": speculate, "max_items": 60, "critic": "always", "hedge": True}
    with pytest.raises(LimitError, match="the limit of 37 calls is reached"):
        run(tmp_path / "run", client, max_calls=limit, **options)
    assert client.calls == limit
    with pytest.raises(LimitError):
        run(tmp_path / "run", client, max_calls=limit, **options)
    assert client.calls == limit, "the limit is the whole run's, not a session's"


@pytest.mark.parametrize("concurrency", [1, 50, "auto"])
def test_not_one_cent_too_many_at_any_concurrency(tmp_path: Path, concurrency: Any):
    client = Counting()
    with pytest.raises(LimitError, match=r"0\.3 US dollars"):
        run(tmp_path / "run", client, max_cost="0.3", concurrency=concurrency, critic="always")
    assert Decimal("0.15") < client.cost <= Decimal("0.3")


def test_a_critic_that_never_approves_is_asked_max_rounds_times(tmp_path: Path):
    never = json.dumps({"verdict": "rejected", "feedback": "once more"})
    client = Counting(never)
    report = run(tmp_path / "run", client, critic="always", max_items=10, speculate="off")
    rounds = AGENTS.spec.steps()[0][1].max_rounds
    assert report.failed == 10
    assert client.critics == 10 * rounds
    assert client.calls == 10 * 2 * rounds


def test_a_matcher_that_never_learns_is_asked_max_rounds_times(tmp_path: Path):
    class Stubborn(Counting):
        async def complete(self, request: ChatRequest, stop: StopFactory | None = None) -> Completion:
            self.calls += 1
            return Completion("I will not say.", Usage(100, 10), "stop", request.model)

    client = Stubborn()
    report = run(tmp_path / "run", client, "p1m", max_items=10)
    assert report.failed == 10
    assert client.calls == 10 * load_constellation("p1m").spec.steps()[0][1].max_rounds


def test_calls_without_usage_count_and_their_tokens_are_reckoned(tmp_path: Path):
    with FaultyServer(lambda seen, count: "no usage") as server, pytest.raises(LimitError):
        asyncio.run(
            run_workflow("p1m1m2c", base_url=server.url, api_key="k", out=tmp_path / "run", max_calls=9, concurrency=3)
        )
    assert len(server.seen) == 9
    usages = [step["usage"] for line in lines_of(tmp_path / "run" / "outcomes.jsonl") for step in line["phases"]]
    assert usages
    assert all(usage["estimated"] and usage["input_tokens"] > 300 and usage["output_tokens"] > 20 for usage in usages)


def test_failed_calls_count(tmp_path: Path):
    with FaultyServer(lambda seen, count: "500") as server, pytest.raises(LimitError):
        asyncio.run(run_workflow("p1m", base_url=server.url, api_key="k", out=tmp_path / "run", max_calls=5))
    assert len(server.seen) == 5


def test_a_model_that_answers_with_a_megabyte_each_time_is_cut_at_the_cap(tmp_path: Path):
    """Each request asks for a bound of tokens; an endpoint that breaks it is left at 1 MiB, and its call counts."""
    FAULTS["megabyte"] = stream(lambda text: [chunk("blah " * 4000)] * 60 + END, head=HEAD)
    with FaultyServer(lambda seen, count: "megabyte") as server, pytest.raises(LimitError):
        asyncio.run(run_workflow("p1m", base_url=server.url, api_key="k", out=tmp_path / "run", max_calls=6))
    assert len(server.seen) == 6
    for seen in server.seen:
        assert {"max_tokens", "max_completion_tokens"} & set(seen.body)
        assert seen.sent < 2.5 * ANSWER_CAP, "what was on its way when the connection was closed is lost"


def test_every_request_has_a_bound_of_tokens(tmp_path: Path):
    for name in ("p1m1m2c", "p1m1m2c_fast", "p1m1c1m2c2"):
        with FaultyServer(lambda seen, count: "") as server:
            asyncio.run(run_workflow(name, base_url=server.url, api_key="k", out=tmp_path / name, max_items=2))
        for seen in server.seen:
            bounds = [seen.body.get(key) for key in ("max_tokens", "max_completion_tokens")]
            assert any(isinstance(bound, int) and 0 < bound <= 4096 for bound in bounds)


@forks
def test_what_a_killed_session_spent_is_counted(shell: Shell):
    """Its answers are in the journal; what was in flight when it died nobody can know."""
    limit, in_flight = 30, 4
    with FaultyServer(lambda seen, count: "") as server:
        command = (
            "p1m1m2c",
            "--base-url",
            server.url,
            "--concurrency",
            in_flight,
            "--out",
            "run",
            "--max-calls",
            limit,
        )
        process = shell.start(*command, "--max-items", 60, IGENT_API_KEY="k")
        wait_until(lambda: len(server.seen) >= 12, "a dozen calls")
        process.send(signal.SIGKILL)
        process.wait()
        for _ in range(2):
            ended = shell.start(*command, "--max-items", 60, IGENT_API_KEY="k")
            assert ended.wait() == 6, ended.err
    assert limit <= len(server.seen) <= limit + 2 * in_flight  # a phase may begin before the one before it has ended
