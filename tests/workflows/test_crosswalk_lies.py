"""A foreign server that lies about pairs of provisions: nothing wrong gets out, and all of it is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from crosswalk_oracle import check_crosswalk
from crosswalk_small import read, small_pair
from lies import BATCH_HARMLESS, BATCH_LIES, HARMLESS, LIES, Asked, quote_of
from lying_server import LyingServer

from igent import Report, run_workflow

WRONG = {"source-bpd-1.01", "source-bpd-3.05", "source-bpd-1.04"}
SINGLE = "crosswalk"
BATCH = "crosswalk_batch"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_pair(tmp_path_factory.mktemp("lies") / "data")


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "run"


async def run(out: Path, data: Path, server: LyingServer, name: str = SINGLE, cache: bool = False) -> Report:
    """Run it, and have it judged."""
    report = await run_workflow(name, data=data, scenario="small", out=out, base_url=server.url, cache=cache)
    assert check_crosswalk(out, data) == []
    return report


def failed(report: Report) -> dict[str, str]:
    """The reasons by record."""
    return {outcome.record_id: outcome.reason for outcome in report.outcomes if outcome.status == "failed"}


def rows_of(out: Path) -> list[dict[str, Any]]:
    rows = [*read(out / "crosswalk_confirmed.json"), *read(out / "crosswalk_aa.json")]
    return [row for row in rows if row["row"] == "source"]


@pytest.mark.parametrize("name", [SINGLE, BATCH])
async def test_the_truth_comes_out_of_a_server_that_tells_it(out, data, name):
    async with LyingServer(data, rate=0.0) as server:
        assert failed(await run(out, data, server, name)) == {}
    assert check_crosswalk(out, data, truth=True) == []


async def always(out: Path, data: Path, lies: list[str], name: str) -> LyingServer:
    """Everything is a lie: no match gets out, each source has its row, and each row says why."""
    async with LyingServer(data, lies) as server:
        reasons = failed(await run(out, data, server, name))
    rows = rows_of(out)
    assert len(rows) == 14
    assert {row["is_match"] for row in rows} == {False}
    asked = {pair.partition("~")[0] for pair in server.rounds}
    assert all(row["match_type"] == "abstain" for row in rows if row["source_id"] in asked)
    assert {id_.partition("/")[2] for id_ in reasons} == set(server.rounds)
    assert set(server.rounds.values()) == {3}
    return server


@pytest.mark.parametrize("first", [0, 16])
async def test_who_always_lies_gets_no_match_out(out, data, first):
    lies = [*LIES][first : first + 16]
    server = await always(out, data, lies, SINGLE)
    assert set(server.told) == set(lies)


@pytest.mark.parametrize("lie", BATCH_LIES)
async def test_who_always_lies_about_a_batch_gets_no_match_out(out, data, lie):
    server = await always(out, data, [lie], BATCH)
    assert set(server.told) == {lie}


@pytest.mark.parametrize("first", [0, 16])
async def test_one_lie_in_a_batch_is_one_failure(out, data, first):
    lies = [*LIES][first : first + 16]
    server = await always(out, data, lies, BATCH)
    assert set(server.told) == set(lies)


@pytest.mark.parametrize(
    ("name", "lies"), [(SINGLE, [*LIES]), (BATCH, [*LIES]), *((BATCH, [x]) for x in [*BATCH_LIES][::3])]
)
async def test_who_lies_at_times_is_told_so_until_the_truth_comes_out(out, data, name, lies):
    async with LyingServer(data, lies, rate=0.3 if len(lies) > 1 else 0.5, relents=3) as server:
        assert failed(await run(out, data, server, name)) == {}
    assert sum(server.told.values()) > 0
    assert check_crosswalk(out, data, truth=True) == []


@pytest.mark.parametrize(
    ("name", "lies"),
    [(SINGLE, [*LIES]), (BATCH, [*LIES]), *((BATCH, [x]) for x in BATCH_LIES if x != "an object by number")],
)
async def test_lies_about_some_leave_the_rest_as_it_is(out, data, name, lies):
    async with LyingServer(data, lies, wrong=lambda asked: asked.source["id"] in WRONG) as server:
        reasons = failed(await run(out, data, server, name))
    lost = {id_.partition("/")[2].partition("~")[0] for id_ in reasons}
    # The answer that is doubled at the end of all is not: it was complete, and nobody has listened any longer.
    assert lost <= WRONG if "doubled" in lies[0] else lost == WRONG
    for row in rows_of(out):
        if row["source_id"] in lost:
            assert (row["match_type"], row["needs_review"], row["status"]) == ("abstain", True, "pending")
            assert "could not be verified" in row["abstain_reason"]
    told = check_crosswalk(out, data, truth=True)
    assert told
    assert all(any(f" {id_} " in problem for id_ in WRONG) or problem.endswith("new in truth") for problem in told)


@pytest.mark.parametrize("lie", HARMLESS)
async def test_odd_but_honest_answers_are_read_or_refused(out, data, lie):
    async with LyingServer(data, [lie]) as server:
        reasons = failed(await run(out, data, server))
    if not reasons:
        assert check_crosswalk(out, data, truth=True) == []
    assert bool(reasons) == (lie == "a decoy first")  # the first object of the form asked for is the answer


async def test_answers_that_break_off_are_failures_of_the_provider(out, data, monkeypatch):
    monkeypatch.setattr("igent.models.retry._FIRST_WAIT", 0.001)
    for name in (SINGLE, BATCH):
        folder = out / name
        async with LyingServer(data, ["in a list"], broken=True, wrong=lambda one: one.source["id"] in WRONG) as server:
            report = await run(folder, data, server, name)
        causes = {o.record_id: o.cause for o in report.outcomes if o.status == "failed"}
        if name == SINGLE:
            assert {id_.partition("/")[2].partition("~")[0] for id_ in causes} == WRONG
        assert set(causes.values()) <= {"provider"}


@pytest.mark.parametrize("lie", BATCH_HARMLESS)
async def test_odd_but_honest_answers_about_a_batch_are_read(out, data, lie):
    async with LyingServer(data, [lie]) as server:
        assert failed(await run(out, data, server, BATCH)) == {}
    assert set(server.rounds.values()) == {1}
    assert check_crosswalk(out, data, truth=True) == []


@pytest.mark.parametrize("name", ["crosswalk_cascade", "crosswalk_critic"])
async def test_a_cheap_model_that_lies_and_a_critic_that_sees_nothing_let_nothing_out(out, data, name):
    async with LyingServer(data) as server:
        assert len(failed(await run(out / "always", data, server, name))) == len(server.rounds)
    assert not any(row["is_match"] for row in rows_of(out / "always"))
    async with LyingServer(data, relents=2) as server:
        assert failed(await run(out / "once", data, server, name)) == {}
    assert check_crosswalk(out / "once", data, truth=True) == []


async def test_lies_about_instances_leave_the_crosswalk_as_it_is(out, data):
    async with LyingServer(data, wrong=lambda asked: asked.instances) as server:
        reasons = failed(await run(out, data, server))
    assert reasons
    assert {id_.partition("/")[0] for id_ in reasons} == {"verify_instances"}
    assert {row["variance_type"] for row in read(out / "variances.json")} == {None}
    assert check_crosswalk(out, data, truth=True) == []


async def test_no_lie_is_kept_for_a_later_run_and_the_truth_is(out, data):
    async with LyingServer(data) as server:
        await run(out / "lies", data, server, cache=True)
        lied_about = server.rounds.copy()
        server.rounds.clear()
        server.rate = 0.0
        await run(out / "truth", data, server, cache=True)
        assert server.rounds.keys() >= lied_about.keys()
        assert check_crosswalk(out / "truth", data, truth=True) == []
        server.rounds.clear()
        server.rate = 1.0
        await run(out / "kept", data, server, cache=True)
        assert not server.rounds
        assert check_crosswalk(out / "kept", data, truth=True) == []


async def test_shifted_refusals_are_found_out_by_what_they_quote(out, data):
    """An answer of no_match has no target's id: without a quote from the target nothing tells whose answer it is."""

    def bare(asked: Asked, value: dict[str, Any]) -> dict[str, Any]:
        source = [{"side": "source", "quote": quote_of(asked.source)}]
        return value if value["is_match"] else {**value, "evidence": source}

    async with LyingServer(data, ["shifted"], relents=2, answer=bare) as server:
        await run(out, data, server, BATCH)
    truth = read(data / "truth.json")
    for row in rows_of(out):
        assert row["match_type"] != "no_match" or truth[row["part"]][row["source_id"]]["target_id"] is None


async def test_who_says_exact_to_everything_gets_nothing_out_where_there_is_a_choice(out, data):
    """What breaks no rule cannot be told from the truth, but two that are both exact are none."""

    def exact(asked: Asked, value: dict[str, Any]) -> dict[str, Any]:
        same = {"target_id": asked.target["id"], "is_match": True, "match_type": "exact", "confidence_score": 1.0}
        return {**value, **same, "variance_type": "none", "impact_level": "none"}

    async with LyingServer(data, rate=0.0, answer=exact) as server:
        await run(out, data, server)
    for row in rows_of(out):
        assert row["is_match"] == (len(row["candidates"]) == 1)
        assert row["is_match"] or row["needs_review"]
