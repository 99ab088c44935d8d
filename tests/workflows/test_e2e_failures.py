"""What fails, how it is told, and how it is tried again."""

from __future__ import annotations

import asyncio
import json
import pstats
import re
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from e2e_support import DATA, Shell, entries, final_files, json_of, lines_of, oracle, wait_until

from igent import run_workflow
from igent.errors import ProviderError, RequestError, ServerError
from igent.models.mock import MockModel
from igent.types import ChatRequest, Completion, StopFactory
from igent.workloads.sbus.mock import SbusMock

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="forks processes")
SICK = {"SPUS40003", "SPUS40008"}


class Flaky:
    """The mock, but for some records, whose calls of one agent fail."""

    def __init__(self, error: ProviderError, agent: str) -> None:
        self._mock, self._error, self._agent = MockModel(SbusMock()), error, agent

    async def complete(self, request: ChatRequest, stop: StopFactory | None = None) -> Completion:
        if request.context.record_id in SICK and request.context.agent == self._agent:
            raise self._error
        return await self._mock.complete(request, stop)

    async def close(self) -> None:
        pass


def run(out: Path, client: Any = None, **options: Any) -> Any:
    return asyncio.run(
        run_workflow(
            "p1m1m2c",
            data=DATA,
            scenario="overlap_only",
            out=out,
            mock=True,
            max_items=20,
            client=client,
            **{"concurrency": 2, **options},
        )
    )


@pytest.mark.parametrize("agent", ["matcher1", "matcher2"])
def test_a_failed_record_keeps_its_unit_and_a_retry_completes_it(shell: Shell, agent):
    here = shell.folder
    report = run(here / "run", Flaky(RequestError("the prompt is too long"), agent))
    run(here / "whole")
    assert (report.done, report.failed) == (18, 2)
    failed = {o.record_id: o for o in report.outcomes if o.status == "failed"}
    assert set(failed) == SICK
    assert {o.cause for o in failed.values()} == {"provider"}
    assert report.summary.held_for_failed == 2
    wanted = {m["registration_id"]: m for m in json_of(here / "whole" / "matches.json")}
    for match in json_of(here / "run" / "matches.json"):
        assert match == wanted[match["registration_id"]], "another record took the unit of a failed one"
    oracle(here / "run", max_items=20)

    shown = shell.igent("report", "run").out
    assert re.search(r"2 +provider +.*the prompt is too long", shown)
    assert all(record in shown for record in SICK)
    process = shell.igent("retry", "run")
    assert "trying 2 failed records again" in process.err
    assert final_files(here / "run") == final_files(here / "whole")
    oracle(here / "run", max_items=20)
    counts = json_of(here / "run" / "summary.json")["counts"]
    assert counts == {"input": 20, "done": 20, "no_match": 0, "failed": 0, "not_run": 0}
    assert "nothing to retry" in shell.igent("retry", "run").err


def test_an_interrupted_retry_can_be_retried(shell: Shell):
    here = shell.folder
    run(here / "run", Flaky(RequestError("no"), "matcher1"))
    run(here / "whole")
    process = shell.start("retry", "run", "--mock-latency", "ttft=3600", module="igent")
    wait_until(lambda: len(entries(here / "run", "retry")) > 0, "the retry")
    wait_until(lambda: "trying 2" in process.err, "what is tried")
    process.send(signal.SIGKILL)
    process.wait()
    assert "trying 2 failed records again" in shell.igent("retry", "run").err
    assert final_files(here / "run") == final_files(here / "whole")


def test_a_retry_that_fails_again_says_so(shell: Shell):
    run(shell.folder / "run", Flaky(RequestError("no"), "matcher2"))
    run(shell.folder / "run", Flaky(RequestError("no"), "matcher2"))
    assert len(entries(shell.folder / "run", "outcome")) == 20, "a failed record is not tried again unasked"
    quiet = shell.igent("retry", "run", "--quiet")
    assert quiet.out + quiet.err == ""


def test_retryable_errors_are_tried_again_within_bounds(tmp_path, shell: Shell):
    """A custom client stands under the retry layer, as an endpoint does."""
    name = shell.folder / "few.yaml"
    shipped = (DATA.parents[1] / "constellations" / "p1m1m2c.yaml").read_text()
    name.write_text(shipped.replace("run: {", "run: {max_attempts: 2, "))
    report = asyncio.run(
        run_workflow(
            str(name), data=DATA, scenario="overlap_only", out=tmp_path / "run", mock=True, max_items=10,
            client=Flaky(ServerError("503"), "matcher1"),
        )
    )  # fmt: skip
    assert report.failed == 2
    assert all("gave up after 2 failed attempts" in o.reason for o in report.outcomes if o.status == "failed")


def test_an_answer_that_stays_wrong_fails_with_its_violations(shell: Shell):
    process = shell.run("p1m1m2c", "--mock", "--mock-errors", "1", "--max-items", 8, "--out", "run", code=1)
    oracle(shell.folder / "run", max_items=8)
    failed = [o for o in lines_of(shell.folder / "run" / "outcomes.jsonl") if o["status"] == "failed"]
    assert len(failed) == 8
    assert {o["cause"] for o in failed} <= {"rules", "schema", "json"}
    assert all("no valid answer in 3 rounds; the last one: " in o["reason"] for o in failed)
    assert json_of(shell.folder / "run" / "matches.json") == []
    assert "igent retry run" in process.err


def test_json_is_the_only_thing_on_stdout(shell: Shell):
    process = shell.run("p1m1m2c", "--mock", "--max-items", 3, "--out", "run", "--json")
    assert json.loads(process.out) == json_of(shell.folder / "run" / "summary.json")
    assert process.err == ""
    report = shell.igent("report", "run", "--json")
    assert json.loads(report.out) == json.loads(process.out)


def test_quiet_says_nothing(shell: Shell):
    for arguments in ((), ("--mock-errors", "1", "--fresh")):
        process = shell.run(
            "p1m1m2c", "--mock", "--max-items", 3, "--out", "run", "--quiet", *arguments, code=bool(arguments)
        )
        assert process.out + process.err == ""


def test_a_profile_can_be_read(shell: Shell):
    shell.run("p1m1m2c", "--mock", "--max-items", 3, "--out", "run", "--profile", "run.prof")
    names = {function for _, _, function in pstats.Stats(str(shell.folder / "run.prof")).stats}  # type: ignore[attr-defined]
    assert {"work", "complete", "verify"} <= names


def test_without_conversations_none_are_kept(shell: Shell):
    shell.run("p1m1m2c", "--mock", "--max-items", 3, "--out", "run", "--no-conversations")
    assert not (shell.folder / "run" / "conversations.jsonl").exists()
    oracle(shell.folder / "run", max_items=3)


def test_verbose_and_log_file(shell: Shell):
    shell.run("p1m1m2c", "--mock", "--max-items", 3, "--out", "run", "--verbose", "--log-file", "log.txt")
    assert (shell.folder / "log.txt").exists()
