"""The same over HTTP: igent's own mock server, and a foreign server on data that the project has never seen."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from e2e_support import CONSTELLATIONS, DATA, RESULTS, final_files, json_of, lines_of, oracle
from foreign_data import make_dataset
from foreign_server import ForeignServer

from igent import AuthError, Report, run_workflow
from igent.models.faults import Faults
from igent.models.mock import Mocker, MockModel
from igent.models.script import whole_body
from igent.models.server import MockServer
from igent.types import ChatMessage
from igent.workloads.sbus.mock import SbusMock

MODELS = ("matcher1=m1", "critic=critic", "matcher2=m2")


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "IGENT_BASE_URL", "IGENT_API_KEY", "IGENT_MODEL"):
        monkeypatch.delenv(name, raising=False)


async def run(out: Path, url: str, constellation: str = "p1m1m2c", **options: Any) -> Report:
    given = {"data": DATA, "scenario": "overlap_only", "concurrency": 50, **options}
    return await run_workflow(constellation, out=out, base_url=url, **given)


@pytest.mark.parametrize(("constellation", "errors"), [*((name, 0.3) for name in CONSTELLATIONS), ("p1m1m2c", 0.0)])
async def test_the_mock_server_gives_what_the_mock_gives(tmp_path, constellation, errors):
    async with MockServer(SbusMock(), errors=errors) as server:
        report = await run(tmp_path / "http", server.base_url, constellation, max_items=25)
        stats = server.stats()
    await run_workflow(
        constellation, data=DATA, scenario="overlap_only", out=tmp_path / "mock", mock=True, mock_errors=errors,
        max_items=25,
    )  # fmt: skip
    assert final_files(tmp_path / "http", RESULTS) == final_files(tmp_path / "mock", RESULTS)
    oracle(tmp_path / "http", max_items=25)
    assert stats["requests"] == report.summary.calls
    stops_by_itself = constellation in ("p1m", "p1r_p2r", "p1m1m2c_fast")  # they ask the endpoint to, at the fence
    assert (report.summary.early_stops == 0) == stops_by_itself


async def test_faults_of_the_server_change_no_result(tmp_path):
    """So many faults as a run of this size has retries for: further ones would wait for 10 to 20 s each."""
    faults = Faults.parse("429=0.06,500=0.03,cut=0.03,polite=0.03,garbage=0.03,html=0.02,retry-after=0.1")
    async with MockServer(SbusMock(), errors=0.3, faults=faults) as server:
        report = await run(tmp_path / "http", server.base_url, max_items=30)
        made = server.stats()["faults"]
    assert {"429", "500", "cut", "polite", "garbage"} <= set(made), made
    await run_workflow(
        "p1m1m2c", data=DATA, scenario="overlap_only", out=tmp_path / "mock", mock=True, mock_errors=0.3, max_items=30
    )
    assert final_files(tmp_path / "http", RESULTS) == final_files(tmp_path / "mock", RESULTS)
    assert report.summary.retries >= report.summary.rate_limited > 0


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_a_foreign_server_on_foreign_data(tmp_path, seed):
    name = make_dataset(tmp_path / "data", seed, 60, suppliers=3 + seed, tight=0.8, unusable=0.05, offer_holes=True)
    async with ForeignServer(tricky=True, wrong=0.2, seed=seed) as server:
        report = await run(tmp_path / "run", server.url, data=tmp_path / "data", scenario=name, model=MODELS)
        asked = {call.model for call in server.calls}
    oracle(tmp_path / "run", name, tmp_path / "data")
    assert asked == {"m1", "m2", "critic"}
    assert report.done > 15
    assert report.no_match > 0
    failed = [o for o in report.outcomes if o.status == "failed"]
    assert {o.cause for o in failed} <= {"input"}, failed


async def test_the_foreign_server_is_asked_by_the_policy(tmp_path):
    name = make_dataset(tmp_path / "data", 4, 20)
    async with ForeignServer(plain_critic=True) as server:
        await run(tmp_path / "a", server.url, data=tmp_path / "data", scenario=name, model=MODELS)
        assert "critic" not in {call.role for call in server.calls}
        report = await run(
            tmp_path / "b", server.url, data=tmp_path / "data", scenario=name, model=MODELS, critic="always"
        )
    drafts = [call for call in server.calls if call.role == "critic"]
    assert len(drafts) == report.done + report.no_match
    assert final_files(tmp_path / "a", RESULTS) == final_files(tmp_path / "b", RESULTS)
    first = server.calls[0].messages
    assert [message["role"] for message in first] == ["system", "user"]
    headings = re.findall(r"^## (\w+)$", str(first[1]["content"]), re.MULTILINE)
    assert headings == ["OFFERS", "REGISTRATION", "CAPACITY"]


async def test_a_foreign_server_with_faults_ends_every_record_rightly(tmp_path):
    name = make_dataset(tmp_path / "data", 5, 30, tight=0.8)
    rates = {"rate_429": 0.08, "rate_500": 0.04, "rate_cut": 0.05, "rate_nonsense": 0.1, "wrong": 0.3}
    async with ForeignServer(seed=5, **rates) as server:
        report = await run(tmp_path / "run", server.url, data=tmp_path / "data", scenario=name, model=MODELS)
        assert {"429", "500", "cut", "nonsense", "wrong"} <= {call.fault for call in server.calls}
    oracle(tmp_path / "run", name, tmp_path / "data")
    assert report.summary.counts.not_run == 0
    assert len(report.outcomes) == 30
    assert report.failed < 6
    assert {o.cause for o in report.outcomes if o.status == "failed"} <= {"json", "rules", "schema", "provider"}


async def test_an_endpoint_without_streaming(tmp_path):
    name = make_dataset(tmp_path / "data", 6, 10)
    async with ForeignServer(stream=False) as server:
        report = await run(tmp_path / "run", server.url, data=tmp_path / "data", scenario=name, model=MODELS)
    oracle(tmp_path / "run", name, tmp_path / "data")
    assert report.failed == report.summary.early_stops == 0


async def test_a_key_refused_in_the_middle_stops_the_run_and_keeps_what_is_finished(tmp_path):
    """The first 20 calls are answered, every later one is refused: nothing is asked for long after the refusal."""
    async with _Gate(20) as gate:
        with pytest.raises(AuthError, match="401"):
            await run(tmp_path / "run", gate.url, concurrency=5, api_key="sk-refused-1234567890")
        assert gate.refused <= 10  # both phases of five records
        outcomes = lines_of(tmp_path / "run" / "outcomes.jsonl")
        assert 5 <= len(outcomes) <= 10
        assert {o["status"] for o in outcomes} == {"done"}
        assert len(json_of(tmp_path / "run" / "matches.json")) == len(outcomes)
        for path in (tmp_path / "run").iterdir():
            assert b"sk-refused" not in path.read_bytes(), path
        gate.left = 1000
        report = await run(tmp_path / "run", gate.url, concurrency=5, max_items=30)
    assert report.summary.run.resumed == len(outcomes)
    oracle(tmp_path / "run", max_items=30)


class _Gate:
    """Answers so many calls as the mock does, in whole bodies, and refuses the key of the others."""

    def __init__(self, left: int) -> None:
        self._mocker, self.left, self.refused, self.url = Mocker(SbusMock()), left, 0, ""

    async def __aenter__(self) -> _Gate:
        app = web.Application()
        app.router.add_post("/v1/chat/completions", self._call)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/v1"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _call(self, request: web.Request) -> web.Response:
        self.left -= 1
        if self.left < 0:
            self.refused += 1
            key = request.headers.get("Authorization", "")
            error = {"error": {"message": f"Incorrect API key: {key}", "code": "invalid_api_key"}}
            return web.json_response(error, status=401)
        body = await request.json()
        answer = self._mocker.answer([ChatMessage(m["role"], m["content"]) for m in body["messages"]], {})
        assert answer is not None
        return web.Response(body=whole_body(answer, body["model"], "1"), content_type="application/json")


async def test_a_model_of_the_callers_own_needs_no_key(tmp_path):
    report = await run_workflow(
        "p1m1_p2m2", data=DATA, scenario="overlap_only", out=tmp_path / "run", max_items=3, client=MockModel(SbusMock())
    )
    assert report.done == 3
    oracle(tmp_path / "run", max_items=3)
