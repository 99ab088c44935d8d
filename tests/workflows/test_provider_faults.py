"""Every fault of a provider, end to end: what is passing is got over, what stays fails the record with its reason and
no other, what no call can get over ends the run. Nothing hangs, nothing is a bug of igent's."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from e2e_support import DATA, entries, json_of, lines_of, oracle
from faulty_server import FAULTS, FaultyServer, Seen

from igent import run_workflow
from igent.errors import AuthError
from igent.workflows.constellation import Constellation, load_constellation

SICK = "SPUS40003"
RECORDS = 6
RUN = """
run:
  concurrency: 3
  max_attempts: 3
  max_retry_seconds: 6
  deadlines: {connect: 2, first_token: 0.5, between_tokens: 0.5, total: 1.5}
"""
STOPS = ("401", "403", "404", "quota")
RIGHT = ("crlf", "comments", "one byte a time", "no done", "other model", "no usage")
AT_ONCE = ("400 context", "400 filter", "endless")
"""Another try would end alike."""
ANSWERS = ("finish length", "finish filter", "finish unknown", "null content")
"""Whole answers that are none: the conversation goes on with what is wrong, and ends after its rounds."""
PASSING = [name for name in FAULTS if name not in {*STOPS, *RIGHT, *AT_ONCE}]


@pytest.fixture(scope="module")
def constellation(tmp_path_factory: pytest.TempPathFactory) -> Constellation:
    shipped = (DATA.parents[1] / "constellations" / "p1m1_p2m2.yaml").read_text("utf-8")
    path = tmp_path_factory.mktemp("own") / "own.yaml"
    path.write_text(shipped.partition("\nrun:")[0] + RUN, encoding="utf-8")
    return load_constellation(str(path))


def run(constellation: Constellation, server: FaultyServer, out: Path, **options: Any) -> Any:
    given = {"data": DATA, "scenario": "overlap_only", "max_items": RECORDS, "base_url": server.url, **options}
    return asyncio.run(run_workflow(constellation, out=out, api_key="sk-nobody", **given))


def on_first_call(fault: str) -> Callable[[Seen, int], str]:
    return lambda seen, number: fault if seen.record_id == SICK and number == 1 and seen.role == "match" else ""


def on_every_call(fault: str) -> Callable[[Seen, int], str]:
    return lambda seen, number: fault if seen.record_id == SICK and seen.role == "match" else ""


@pytest.mark.parametrize("fault", PASSING)
def test_a_fault_that_passes_is_got_over(constellation, tmp_path, fault):
    with FaultyServer(on_first_call(fault)) as server:
        report = run(constellation, server, tmp_path / "run")
    assert (report.done, report.failed) == (RECORDS, 0)
    oracle(tmp_path / "run", max_items=RECORDS)
    calls = [seen for seen in server.seen if seen.record_id == SICK and seen.role == "match"]
    assert [seen.fault for seen in calls] == [fault, ""], "one call more, and no more"
    step = next(outcome for outcome in report.outcomes if outcome.record_id == SICK).steps[0]
    # What is no answer at all is sent again; what is one, if a bad one, is talked about.
    assert (step.retries, step.rounds) == ((0, 2) if fault in ANSWERS else (1, 1))


KINDS = {
    "429": "429",
    "500": "answered 500",
    "502 html": "answered 502",
    "503": "answered 503",
    "529": "answered 529",
    "407": "login",
    "302": "answered 302",
    "200 error": "it broke",
    "200 html": "hotel",
    "200 empty": "empty",
    "200 no choices": "choices",
    "400 context": "too many tokens",
    "400 filter": "the prompt was filtered",
    "stall": "first_token",
    "stall in the middle": "between_tokens",
    "slow drip": "total",
    "only comments": "first_token",
    "endless": "longer than 1048576 bytes",
    "finish length": "token limit",
    "finish filter": "filter",
    "no http": "HTTP",
}


@pytest.mark.parametrize("fault", [name for name in FAULTS if name not in {*STOPS, *RIGHT}])
def test_a_fault_that_stays_fails_its_record_and_no_other(constellation, tmp_path, fault):
    started = time.monotonic()
    with FaultyServer(on_every_call(fault)) as server:
        report = run(constellation, server, tmp_path / "run")
    took = time.monotonic() - started
    assert (report.done, report.failed) == (RECORDS - 1, 1)
    failed = next(outcome for outcome in report.outcomes if outcome.status == "failed")
    assert failed.record_id == SICK
    assert failed.cause == ("json" if fault in ANSWERS else "provider")
    assert KINDS.get(fault, "") in failed.reason
    calls = [seen for seen in server.seen if seen.record_id == SICK and seen.role == "match"]
    assert len(calls) == 1 if fault in AT_ONCE else len(calls) >= 3 if fault == "429" else len(calls) == 3
    assert took < 12, "the deadlines of three tries are 4.5 seconds together, and the waits between them short"
    oracle(tmp_path / "run", max_items=RECORDS)


@pytest.mark.parametrize("fault", STOPS)
def test_what_no_call_gets_over_ends_the_run_within_a_second_and_keeps_what_is_finished(constellation, tmp_path, fault):
    refused_at: list[float] = []

    def choose(seen: Seen, number: int) -> str:
        if refused_at or len(server.seen) > 5:
            refused_at.append(time.monotonic())
            return fault
        return ""

    with FaultyServer(choose) as server:
        with pytest.raises(AuthError) as caught:
            run(constellation, server, tmp_path / "run", max_items=40)
        took = time.monotonic() - refused_at[0]
        assert took < 1.0
        assert len(refused_at) <= 3, "no call was begun after the refusal, beside those in flight"
        assert caught.value.exit_code == 4
        kept = len(entries(tmp_path / "run", "outcome"))
        assert kept == len(lines_of(tmp_path / "run" / "outcomes.jsonl"))
        calls = len(server.seen)
    with FaultyServer(lambda seen, number: "") as well:
        report = run(constellation, well, tmp_path / "run", max_items=40)
    assert (report.done, report.failed) == (40, 0)
    assert len(well.seen) <= 80 - (calls - len(refused_at)) + 3, "what was paid for is not paid for again"
    oracle(tmp_path / "run", max_items=40)


@pytest.mark.parametrize("fault", RIGHT)
def test_what_is_unusual_but_right_is_no_fault(constellation, tmp_path, fault):
    with FaultyServer(lambda seen, number: fault) as server:
        report = run(constellation, server, tmp_path / "run")
    assert (report.done, report.failed) == (RECORDS, 0)
    assert len(server.seen) == 2 * RECORDS
    oracle(tmp_path / "run", max_items=RECORDS)


def test_a_missing_usage_is_estimated_and_says_so(constellation, tmp_path):
    with FaultyServer(lambda seen, number: "no usage") as server:
        run(constellation, server, tmp_path / "run")
    usages = [step["usage"] for line in lines_of(tmp_path / "run" / "outcomes.jsonl") for step in line["phases"]]
    assert all(usage["estimated"] and usage["input_tokens"] > 300 and usage["output_tokens"] > 20 for usage in usages)
    assert json_of(tmp_path / "run" / "summary.json")["tokens"]["estimated"]


def test_a_reply_in_another_models_name_is_warned_of_once(constellation, tmp_path, caplog):
    logging.getLogger("igent").propagate = True
    caplog.set_level(logging.WARNING, "igent")
    with FaultyServer(lambda seen, number: "other model") as server:
        run(constellation, server, tmp_path / "run")
    said = [record.getMessage() for record in caplog.records if "cheap-1" in record.getMessage()]
    assert len(said) == 1
    assert "gpt-4o" in said[0]


def test_an_endless_answer_is_left_at_the_cap(constellation, tmp_path):
    with FaultyServer(on_every_call("endless")) as server:
        run(constellation, server, tmp_path / "run")
    sent = next(seen.sent for seen in server.seen if seen.fault == "endless")
    assert sent < 12_000_000, "the cap is 1 MiB; the rest are the buffers between"


@pytest.mark.parametrize("wait", ["0.7", "date"])
def test_a_retry_after_holds_for_everybody(constellation, tmp_path, wait):
    """Nobody sends between the 429 and its end; all go on after it."""
    refused: list[float] = []
    seconds = 0.7

    def choose(seen: Seen, number: int) -> str:
        if len(server.seen) == 4:
            refused.append(time.monotonic())
            return "gate"
        return ""

    FAULTS["gate"] = gate_fault(wait, seconds)
    with FaultyServer(choose) as server:
        report = run(constellation, server, tmp_path / "run", max_items=20)
    assert report.done == 20
    slack = 0.05
    during = [seen for seen in server.seen if refused[0] + slack < seen.at < refused[0] + seconds - slack]
    assert during == []


def gate_fault(wait: str, seconds: float) -> Any:
    from faulty_server import error, status

    if wait == "date":
        # The server's clock is an hour off: the date counts against its own.
        date, then = "Tue, 24 Nov 2026 10:00:00 GMT", "Tue, 24 Nov 2026 10:00:01 GMT"
        return status(429, error("rate_limit_exceeded", "slow down"), Retry_After=then, Date=date)
    return status(429, error("rate_limit_exceeded", "slow down"), Retry_After=str(seconds))
