"""The edges of a run: constellations that reserve nothing, agents that hang, endpoints that are not there."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from autogen_agentchat.agents import AssistantAgent
from autogen_agentchat.base import Response
from e2e_support import DATA, FINAL, Shell, final_files, json_of, lines_of

from igent import ConfigError, DataError, ProviderError, run_workflow
from igent.errors import ServerError
from igent.models.mock import MockModel
from igent.types import ChatRequest, Completion, StopFactory
from igent.workflows.signals import Interrupts
from igent.workloads.sbus.mock import SbusMock
from igent.workloads.sbus.workload import Sbus

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="forks processes")
SHIPPED = (DATA.parents[1] / "constellations" / "p1m1m2c.yaml").read_text("utf-8")


def constellation(folder: Path, *changes: tuple[str, str]) -> str:
    text = SHIPPED
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = folder / "own.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def run(name: str, out: Path, **options: Any) -> Any:
    given = {"data": DATA, "mock": True, "max_items": 6, **options}
    return asyncio.run(run_workflow(name, out=out, **given))


def test_without_reserves_nothing_is_taken(tmp_path):
    name = constellation(tmp_path, ("    reserves: supplier_id\n", ""), ("lowest_use, ", ""))
    report = run(name, tmp_path / "run")
    assert report.done == 6
    assert {o.takes for o in report.outcomes} == {None}
    assert all(stock["Used"] == 0 for stock in json_of(tmp_path / "run" / "capacity.json").values())


def test_a_retry_reaches_all_that_failed_however_many_the_first_session_had(shell: Shell):
    shell.run("p1m1m2c", "--mock", "--mock-errors", "1", "--max-items", 3, "--out", "run", code=1)
    shell.run("p1m1m2c", "--mock", "--mock-errors", "1", "--max-items", 7, "--out", "run", code=1)
    assert "trying 7 failed records" in shell.igent("retry", "run", code=1).err
    assert len(lines_of(shell.folder / "run" / "outcomes.jsonl")) == 7
    assert json_of(shell.folder / "run" / "summary.json")["counts"]["input"] == 7


def test_a_retry_that_cannot_begin_forgets_nothing(shell: Shell):
    name = constellation(shell.folder)
    shell.run(name, "--mock", "--mock-errors", "1", "--max-items", 2, "--out", "run", "--data", DATA, code=1)
    before = (shell.folder / "run" / "journal.jsonl").read_bytes()
    constellation(shell.folder, ("max_rounds: 3", "max_rounds: 2"))
    assert "the constellation file has changed" in shell.igent("retry", "run", code=2).err
    assert (shell.folder / "run" / "journal.jsonl").read_bytes() == before


class Drained:
    def __init__(self) -> None:
        self.drained = self.stopped = False

    def drain(self) -> None:
        self.drained = True

    def stop(self) -> None:
        self.stopped = True


async def test_a_terminal_that_is_gone_does_not_keep_a_run_from_ending():
    def broken(text: str) -> None:
        raise OSError("nobody reads this")

    workflow = Drained()
    interrupts = Interrupts(workflow, broken)  # type: ignore[arg-type]
    interrupts._terminate()
    assert workflow.drained
    assert interrupts.exit_code == 143
    interrupts._interrupt()
    interrupts._interrupt()
    assert workflow.stopped


def test_what_an_address_holds_of_secrets_is_in_no_file(tmp_path):
    with pytest.raises(ProviderError, match=r"127\.0\.0\.1:9"):
        run("p1m1m2c", tmp_path / "run", mock=False, base_url="http://127.0.0.1:9/v1?key=QSECRET", max_items=1)
    for path in (tmp_path / "run").iterdir():
        assert b"QSECRET" not in path.read_bytes(), path.name


def test_a_password_in_the_address_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(ConfigError, match="OPENAI_API_KEY") as caught:
        run("p1m1m2c", tmp_path / "run", mock=False, base_url="http://me:s3cret@127.0.0.1:9/v1")
    assert "s3cret" not in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_an_endpoint_that_is_not_there_ends_the_run_and_fails_no_record(shell: Shell):
    process = shell.run("p1m1m2c", "--base-url", "http://127.0.0.1:9/v1", "--out", "run", code=4)
    assert "no connection to 127.0.0.1:9" in process.err
    assert "go on with" in process.err
    assert lines_of(shell.folder / "run" / "outcomes.jsonl") == []


class Choosy(MockModel):
    """Names a supplier that does not exist, until it is told that it has no unit."""

    def __init__(self) -> None:
        super().__init__(SbusMock())
        self.closed = False

    async def complete(self, request: ChatRequest, stop: StopFactory | None = None) -> Completion:
        answer = await super().complete(request, stop)
        if request.context.agent == "matcher1" and request.round == 1:
            value = {**(answer.value[0] if isinstance(answer.value, list) else answer.value), "supplier_id": "Nobody"}
            return replace(answer, value=value)
        return answer

    async def close(self) -> None:
        self.closed = True


def test_an_unknown_unit_goes_back_to_the_matcher_and_the_client_stays_open(tmp_path):
    name = constellation(tmp_path, ("[registration, served_area, free_capacity, offers_product, lowest_use, ", "["))
    client = Choosy()
    report = run(name, tmp_path / "run", client=client)
    assert report.done == 6
    assert {o.steps[0].rounds for o in report.outcomes} == {2}
    assert not client.closed


class Broken(MockModel):
    async def complete(self, request: ChatRequest, stop: StopFactory | None = None) -> Completion:
        raise ServerError("503", retry_after=0.0)


def test_calls_that_fail_in_the_end_are_counted_and_their_retries_logged(tmp_path, caplog):
    caplog.set_level("INFO", logger="igent")
    name = constellation(tmp_path, ("run: {", "run: {max_attempts: 2, "))
    report = run(name, tmp_path / "run", client=Broken(SbusMock()), max_items=2)
    assert (report.failed, report.summary.calls, report.summary.retries) == (2, 4, 4)  # both phases at once
    assert sum("again in" in message and "503" in message for message in caplog.messages) == 4


class Hangs(AssistantAgent):
    async def on_messages(self, messages: Sequence[Any], cancellation_token: Any) -> Response:
        await asyncio.Event().wait()
        raise AssertionError


class Cancels(AssistantAgent):
    async def on_messages(self, messages: Sequence[Any], cancellation_token: Any) -> Response:
        raise asyncio.CancelledError


@pytest.mark.parametrize(
    ("agent", "cause", "said"),
    [("Hangs", "provider", "the deadline `turn` of 0.05 s passed"), ("Cancels", "internal", "cancelled its own turn")],
)
def test_an_agent_that_hangs_or_cancels_fails_its_record(tmp_path, agent, cause, said):
    name = constellation(
        tmp_path,
        ("matcher2: {", f"matcher2: {{type: '{__name__}:{agent}', "),
        ("run: {", "run: {deadlines: {turn: 0.05}, "),
    )
    report = run(name, tmp_path / "run", max_items=2)
    assert [(o.status, o.cause) for o in report.outcomes] == [("failed", cause)] * 2
    assert all(said in o.reason for o in report.outcomes)
    assert report.outcomes[0].steps[0].step == "matches", "what was done before is told"


def test_outcomes_do_not_depend_on_the_folder_a_run_is_started_from(shell: Shell, tmp_path, monkeypatch):
    data = shell.folder / "data" / "mine"
    data.parent.mkdir()
    shutil.copytree(DATA, data)
    rows = json_of(data / "registrations_overlap_only.json")
    rows[1]["Contact_Zip"] = None
    (data / "registrations_overlap_only.json").write_text(json.dumps(rows[:3]))
    monkeypatch.chdir(shell.folder)
    run("p1m1m2c", tmp_path / "a", data="data/mine")
    monkeypatch.chdir(tmp_path)
    run("p1m1m2c", tmp_path / "b", data=data)
    assert final_files(tmp_path / "a", FINAL) == final_files(tmp_path / "b", FINAL)
    assert "registrations_overlap_only.json:" in lines_of(tmp_path / "a" / "outcomes.jsonl")[1]["reason"]


class Doubling(Sbus):
    def open(self, documents: Any) -> Any:
        dataset = super().open(documents)
        return replace(dataset, records=[*dataset.records[:2], replace(dataset.records[0], index=2)])


DOUBLING = Doubling()


def test_a_workload_that_gives_an_id_twice_is_told_so(tmp_path):
    name = constellation(tmp_path, ("workload: sbus", f"workload: '{__name__}:DOUBLING'"))
    with pytest.raises(DataError, match=r"gives the id 'SPUS40001' twice, first at registrations_overlap_only\.json:2"):
        run(name, tmp_path / "run")


class Wavering(MockModel):
    """A critic that rejects a draft and approves the same draft when it is asked again."""

    def __init__(self) -> None:
        super().__init__(SbusMock())
        self.asked = 0

    async def complete(self, request: ChatRequest, stop: StopFactory | None = None) -> Completion:
        answer = await super().complete(request, stop)
        if request.context.agent == "matcher2" and self.asked < 3:
            await asyncio.Event().wait()  # the run is ended here, once
        if request.context.agent != "critic":
            return answer
        self.asked += 1
        word = "approved" if self.asked % 2 == 0 else "rejected"
        value = {"verdict": word, "feedback": "hm"}
        return replace(answer, value=value, text=json.dumps(value), finish="stop")


def test_the_same_question_asked_twice_recalls_both_answers_in_their_order(tmp_path):
    async def interrupted() -> None:
        task = asyncio.ensure_future(  # noqa: TID251 the test is its owner
            run_workflow(
                "p1m1m2c", data=DATA, out=tmp_path / "a", mock=True, max_items=1, critic="always", client=first
            )
        )
        while first.asked < 2:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    first, second, whole = Wavering(), Wavering(), Wavering()
    asyncio.run(interrupted())
    second.asked = whole.asked = 4  # neither waits; nor is the second one's critic asked at all
    run("p1m1m2c", tmp_path / "a", max_items=1, critic="always", client=second)
    run("p1m1m2c", tmp_path / "b", max_items=1, critic="always", client=whole)
    assert second.asked == 4
    assert whole.asked == 6
    assert final_files(tmp_path / "a", FINAL) == final_files(tmp_path / "b", FINAL)
    assert lines_of(tmp_path / "a" / "outcomes.jsonl")[0]["phases"][0]["rounds"] == 2
