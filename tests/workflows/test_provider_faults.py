"""Every fault of a provider, end to end: what is passing is got over, what stays fails the record with its reason and
no other, what no call can get over ends the run. Nothing hangs, nothing is a bug of igent's.

A run has a fault for each of several records, and some records without."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from e2e_support import DATA, entries, json_of, lines_of, oracle
from faulty_server import END, FAULTS, UNUSUAL, FaultyServer, Seen, error, status, stream, whole

from igent import run_workflow
from igent.errors import AuthError
from igent.workflows.constellation import Constellation, load_constellation

HEALTHY = 4
IDS = [row["RegistrationNumber"] for row in json_of(DATA / "registrations_overlap_only.json")[:40]]
RUN = """
run:
  concurrency: 3
  max_attempts: 3
  max_retry_seconds: 6
  deadlines: {connect: 2, first_token: 0.5, between_tokens: 0.5, total: 1.5}
"""
STOPS = ("401", "403", "404", "quota")
RIGHT = list(UNUSUAL)
AT_ONCE = ("400 context", "400 filter", "endless", "50 MB body")
"""Another try would end alike."""
ANSWERS = ("finish length", "finish filter", "finish unknown", "null content", "tool calls", "two answers mixed")
"""Whole answers that are none: the conversation goes on with what is wrong, and ends after its rounds."""
SLOW = (
    "stall",
    "stall in the middle",
    "stall in a size line",
    "stall in an error",
    "slow drip",
    "headers drip",
    "only comments",
)
PASSING = [name for name in FAULTS if name not in {*STOPS, *RIGHT, *AT_ONCE}]
STAYING = [name for name in FAULTS if name not in {*STOPS, *RIGHT, *SLOW, "429"}]


def groups(names: list[str], count: int) -> list[list[str]]:
    """Neighbours, which are alike, in different ones: so many 5xx that the breaker trips are another test."""
    return [names[at::count] for at in range(count)]


@pytest.fixture(scope="module")
def constellation(tmp_path_factory: pytest.TempPathFactory) -> Constellation:
    shipped = (DATA.parents[1] / "constellations" / "p1m1_p2m2.yaml").read_text("utf-8")
    path = tmp_path_factory.mktemp("own") / "own.yaml"
    path.write_text(shipped.partition("\nrun:")[0] + RUN, encoding="utf-8")
    return load_constellation(str(path))


def run(constellation: Constellation, server: FaultyServer, out: Path, **options: Any) -> Any:
    given = {"data": DATA, "scenario": "overlap_only", "max_items": HEALTHY, "base_url": server.url, **options}
    return asyncio.run(run_workflow(constellation, out=out, api_key="sk-nobody", **given))


class Sick:
    """A run in which the first records have these faults, each record its own, on so many of its first calls."""

    def __init__(self, constellation: Constellation, out: Path, faults: list[str], times: int) -> None:
        self.faults = dict(zip(IDS, faults, strict=False))
        self.records = len(faults) + HEALTHY

        def choose(seen: Seen, number: int) -> str:
            return self.faults.get(seen.record_id, "") if number <= times and seen.role == "match" else ""

        started = time.monotonic()
        with FaultyServer(choose) as server:
            self.report = run(constellation, server, out, max_items=self.records, concurrency=self.records)
        self.seconds = time.monotonic() - started
        self.calls = {
            name: [seen.fault for seen in server.seen if seen.record_id == record_id and seen.role == "match"]
            for record_id, name in self.faults.items()
        }
        found = {outcome.record_id: outcome for outcome in self.report.outcomes}
        self.outcomes = {name: found[record_id] for record_id, name in self.faults.items()}
        oracle(out, max_items=self.records)


@pytest.mark.parametrize("faults", groups(PASSING, 4), ids="abcd")
def test_a_fault_that_passes_is_got_over(constellation, tmp_path, faults):
    sick = Sick(constellation, tmp_path / "run", faults, 1)
    assert (sick.report.done, sick.report.failed) == (sick.records, 0)
    assert sick.calls == {name: [name, ""] for name in faults}, "one call more, and no more"
    had = {name: (outcome.steps[0].retries, outcome.steps[0].rounds) for name, outcome in sick.outcomes.items()}
    # What is no answer at all is sent again; what is one, if a bad one, is talked about.
    assert had == {name: (0, 2) if name in ANSWERS else (1, 1) for name in faults}


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
    "200 invalid utf-8": "not JSON",
    "invalid utf-8": "broken event",
    "bad event": "broken event in the stream: {not json",
    "error event": "it broke",
    "400 context": "too many tokens",
    "400 filter": "the prompt was filtered",
    "reset": "closed before an answer came",
    "polite cut": "cut off after",
    "done without finish": "cut off after",
    "rude cut": "cut off after",
    "stall": "first_token",
    "stall in the middle": "between_tokens",
    "stall in a size line": "between_tokens",
    "stall in an error": "answered 500",
    "headers drip": "first_token",
    "slow drip": "total",
    "only comments": "first_token",
    "endless": "longer than 1048576 bytes",
    "50 MB body": "longer than 1048576 bytes",
    "length too short": "not JSON",
    "stream longer than its length": "cut off after",
    "gzip cut": "cut off after",
    "gzip that is none": "cannot be unpacked",
    "packing unknown": "not asked for: br",
    "finish length": "token limit",
    "finish filter": "filter",
    "no http": "HTTP",
}


def check_staying(sick: Sick) -> None:
    assert (sick.report.done, sick.report.failed) == (HEALTHY, len(sick.faults))
    causes = {name: outcome.cause for name, outcome in sick.outcomes.items()}
    assert causes == {name: "json" if name in ANSWERS else "provider" for name in sick.calls}
    reasons = {name: outcome.reason for name, outcome in sick.outcomes.items()}
    assert {name: said for name, said in reasons.items() if KINDS.get(name, "") not in said} == {}
    calls = {name: len(made) for name, made in sick.calls.items() if name != "429"}
    assert calls == {name: 1 if name in AT_ONCE else 3 for name in calls}


@pytest.mark.parametrize("faults", groups(STAYING, 6), ids="abcdef")
def test_a_fault_that_stays_fails_its_record_and_no_other(constellation, tmp_path, faults):
    sick = Sick(constellation, tmp_path / "run", faults, 99)
    check_staying(sick)
    assert sick.seconds < 12


def test_an_endpoint_that_is_too_slow_is_given_up_at_its_deadlines(constellation, tmp_path):
    sick = Sick(constellation, tmp_path / "run", list(SLOW), 99)
    check_staying(sick)
    assert sick.seconds < 12, "the deadlines of three tries are 4.5 seconds together, and the waits between them short"


def test_a_429_that_stays_fails_its_record_and_no_other(constellation, tmp_path):
    sick = Sick(constellation, tmp_path / "run", ["429"], 99)
    check_staying(sick)
    assert 3 <= len(sick.calls["429"]) <= 30


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


def test_what_is_unusual_but_right_is_no_fault(constellation, tmp_path):
    sick = Sick(constellation, tmp_path / "run", RIGHT, 99)
    assert (sick.report.done, sick.report.failed) == (sick.records, 0)
    assert sick.calls == {name: [name] for name in RIGHT}, "none was asked twice"
    assert sick.seconds < 5


def test_a_missing_usage_is_estimated_and_says_so(constellation, tmp_path):
    with FaultyServer(lambda seen, number: "no usage") as server:
        run(constellation, server, tmp_path / "run")
    usages = [step["usage"] for line in lines_of(tmp_path / "run" / "outcomes.jsonl") for step in line["phases"]]
    assert all(usage["estimated"] and usage["input_tokens"] > 300 and usage["output_tokens"] > 20 for usage in usages)
    assert json_of(tmp_path / "run" / "summary.json")["tokens"]["estimated"]


def test_a_reply_in_another_models_name_is_warned_of_once(constellation, tmp_path, caplog):
    caplog.set_level(logging.WARNING, "igent")
    with FaultyServer(lambda seen, number: "other model") as server:
        run(constellation, server, tmp_path / "run")
    said = [record.getMessage() for record in caplog.records if "cheap-1" in record.getMessage()]
    assert len(said) == 1
    assert "gpt-4o" in said[0]


@pytest.mark.parametrize("fault", ["endless", "50 MB body"])
def test_an_endless_answer_is_left_at_the_cap(constellation, tmp_path, fault):
    with FaultyServer(lambda seen, number: fault if seen.record_id == IDS[0] else "") as server:
        run(constellation, server, tmp_path / "run")
    sent = next(seen.sent for seen in server.seen if seen.fault == fault)
    assert sent < 12_000_000, "the cap is 1 MiB; the rest are the buffers between"
    assert all(seen.body["max_tokens"] > 0 for seen in server.seen)


def waits(seconds: float, name: str, value: str, **more: str) -> Any:
    return status(429, error("rate_limit_exceeded", "slow down"), **{name: value}, **more)


def used_up(**headers: str) -> Any:
    """A right answer that says that nothing is left."""
    lines = [f"x-ratelimit-{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    head = "\r\n".join(["HTTP/1.1 200 OK", "Connection: close", *lines, "", ""]).encode()
    return stream(lambda text: [*whole(text), *END], head=head)


# The server's clock is an hour off: the date counts against its own.
DATES = {"Date": "Tue, 24 Nov 2026 10:00:00 GMT", "Retry_After": "Tue, 24 Nov 2026 10:00:01 GMT"}
GATES: Mapping[str, Any] = {
    "Retry-After: 0.7": waits(0.7, "Retry_After", "0.7"),
    "Retry-After: a date": waits(1.0, "Date", DATES["Date"], Retry_After=DATES["Retry_After"]),
    "retry-after-ms": waits(0.7, "retry-after-ms", "700"),
    "nothing left, 700ms": used_up(limit_requests="6000", remaining_requests="0", reset_requests="700ms"),
    "no tokens left, 0m0.7s": used_up(
        limit_tokens="9000000",
        remaining_tokens="0",
        reset_tokens="0m0.7s",
        remaining_requests="9",
        reset_requests="1ms",
    ),
}


@pytest.mark.parametrize("gate", GATES)
def test_what_the_endpoint_asks_for_holds_for_everybody(constellation, tmp_path, monkeypatch, gate):
    """Nobody sends between the reply and the end of what it asks for; all go on after it."""
    told: list[float] = []
    monkeypatch.setitem(FAULTS, "gate", GATES[gate])

    def choose(seen: Seen, number: int) -> str:
        if len(server.seen) == 4:
            told.append(time.monotonic())
            return "gate"
        return ""

    with FaultyServer(choose) as server:
        report = run(constellation, server, tmp_path / "run", max_items=8)
    assert report.done == 8
    slack = 0.05
    during = [seen for seen in server.seen if told[0] + slack < seen.at < told[0] + 0.7 - slack]
    assert during == []
    assert [seen for seen in server.seen if seen.at > told[0] + 0.7 - slack]


def test_a_longer_wait_than_a_call_has_fails_records_and_sends_nothing(constellation, tmp_path, monkeypatch):
    monkeypatch.setitem(FAULTS, "gate", waits(300, "Retry_After", "300"))
    choose: Callable[[Seen, int], str] = lambda seen, number: "gate" if len(server.seen) == 4 else ""  # noqa: E731
    started = time.monotonic()
    with FaultyServer(choose) as server:
        report = run(constellation, server, tmp_path / "run", max_items=20)
    assert time.monotonic() - started < 3
    assert len(server.seen) <= 6, "nobody was sent, beside those in flight"
    assert report.done + report.failed == 20
    failed = [outcome for outcome in report.outcomes if outcome.status == "failed"]
    assert {outcome.cause for outcome in failed} == {"provider"}
    assert all("429" in outcome.reason or "lets nobody in for" in outcome.reason for outcome in failed)
