from __future__ import annotations

import io
import re
from collections import Counter
from dataclasses import replace
from decimal import Decimal

import pytest
from made_outcomes import FACTS, HOSTILE, facts, outcome, step, summary_of, timings

from igent.reporting.failures import failures
from igent.reporting.figures import Spread, Tokens
from igent.reporting.phase_table import phase_lines
from igent.reporting.phase_totals import PhasePlan, PhaseTotals
from igent.reporting.summary import Summary, summarise
from igent.reporting.table import failure_table, render, summary_table
from igent.reporting.totals import Totals
from igent.types import Usage


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch):
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "COLUMNS", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")


def shown(renderable, stream=None):
    stream = stream or io.StringIO()
    render(renderable, stream)
    return stream.getvalue()


def made(**changed):
    steps = (step(critic="skipped", rounds=2, invalid_drafts=1, speculation="hit"),)
    outcomes = [outcome(i, s, steps=steps) for i, s in enumerate(["done", "done", "no_match", "failed"])]
    return summary_of(outcomes, facts(**changed), 5)


def test_the_figures_are_there():
    text = shown(summary_table(made()))
    for words in (
        "p1m1m2c on overlap_only",
        "5: 2 done, 1 no match, 1 failed, 1 not run",
        "p50 2.00 s, p95 4.00 s, max 4.00 s",
        "4,000 in, 400 out",
        "8, 4 invalid (50.0 %)",
        "critic of matches",
        "skipped 100.0 %",
        "4 hits, 0 misses",
        "autogen-agentchat 0.7.5",
        "runs/p1m1m2c-overlap_only",
    ):
        assert words in text
    assert "match" in text


def test_the_last_line_is_the_bottleneck_and_the_advice():
    last = shown(summary_table(made())).rstrip("\n").splitlines()[-1]
    assert last.startswith("Bottleneck: models (")
    assert last.endswith(".")
    assert shown(summary_table(summary_of([], FACTS, 0))).rstrip("\n").splitlines()[-1].startswith("Bottleneck: none")


def test_what_is_special_about_a_run_is_said():
    text = shown(summary_table(made(resumed=2, interrupted=True, limit="--max-calls 9", dropped_bytes=17)))
    for words in ("2 were settled before", "interrupted", "limit reached: --max-calls 9", "17 damaged bytes"):
        assert words in text
    assert "settled before" not in shown(summary_table(made()))


def test_what_made_it_fast_is_said_where_it_did_something():
    guesses = [
        step(speculation="hit"),
        step(speculation="miss", wasted=Usage(1200, 34)),
        step(hedged=2, wasted=Usage(5, 6, estimated=True)),
    ]
    history = ((0.0, 20, "start"), (1.0, 40, "grown"), (2.0, 32, "429"), (3.0, 33, "grown"), (4.0, 26, "429"))
    told = facts(
        speculation_off="34 % of 50 guesses were wrong",
        concurrency_history=history,
        requests_sent=1234,
        quota_wait_seconds=75.0,
    )
    text = shown(summary_table(summary_of([outcome(steps=tuple(guesses))], told, 1)))
    for words in (
        "speculation    1 hits, 1 misses (50.0 %), tokens in vain: 1,200 in, 34 out\n",
        "34 % of 50 guesses were wrong",
        "hedges         2 second calls beside slow ones",
        "wasted         tokens in vain: 1,205 in, 40 out (in part estimated)",
        "concurrency    20 at first, 26 at last, 40 at most, cut 2 times",
        "requests       1,234 sent",
        "quota          calls waited 1 min 15 s for the provider's limits",
    ):
        assert words in text
    silent = shown(summary_table(summary_of([outcome()], FACTS, 1)))
    for row in ("speculation", "hedges", "wasted", "concurrency ", "requests", "quota"):
        assert row not in silent


def test_an_unknown_cost_is_no_0():
    unknown = summary_of([outcome(steps=(step(model="m1"),))], FACTS, 1)
    assert re.search(r"cost +unknown", shown(summary_table(unknown)))
    assert re.search(r"cost +none \(mock answers\)", shown(summary_table(made(mock=True))))
    assert re.search(r"cost +\$0\.0008", shown(summary_table(made())))


def test_without_a_terminal_there_is_no_escape_sequence():
    assert "\x1b" not in shown(summary_table(made()))


def test_a_terminal_gets_colours_unless_no_color_is_set(monkeypatch):
    assert "\x1b[1" in shown(summary_table(made()), Terminal())
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in shown(summary_table(made()), Terminal())


def test_a_dumb_terminal_gets_plain_text(monkeypatch):
    monkeypatch.setenv("TERM", "dumb")
    assert "\x1b" not in shown(summary_table(made()), Terminal())


def test_failures_are_listed_with_examples():
    bad = [outcome(i, "failed", reason=f"{i} is bad", cause="rules") for i in range(5)]
    text = shown(failure_table(failures(bad)))
    assert re.search(r"5 +rules +# is bad", text)
    assert "REG-0002: 2 is bad" in text
    assert "REG-0003" not in text
    assert shown(failure_table([])) == "No record failed.\n"


def test_many_kinds_of_failure_are_counted_not_listed():
    bad = [outcome(i, "failed", reason="x" * (i + 1), cause="rules") for i in range(25)]
    assert "and 5 more, of 5 other kinds" in shown(failure_table(failures(bad)))


HARMLESS = "[red]Acme[/red] Solar evil [/nope] :smile: %s {0}"


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_hostile_text_is_shown_as_text(stream):
    bad = [outcome(0, "failed", record_id=HOSTILE, reason=HOSTILE, cause=HOSTILE)]
    text = re.sub(r"\x1b\[[0-9;]*m", "", shown(failure_table(failures(bad)), stream()))
    assert not Counter(text).keys() & set("\x1b\u202e\u200b\r\x07\ud800")
    assert HARMLESS in re.sub(r"\s+", " ", text)


def test_hostile_names_in_the_summary_are_harmless():
    steps = (step(step=HOSTILE, critic="approved"),)
    odd = facts(constellation=HOSTILE, out=HOSTILE, limit=HOSTILE, phases=(HOSTILE,), versions={HOSTILE: HOSTILE})
    bad = outcome(steps=steps, timings=timings(**{HOSTILE: (1, 1, 0, 0, 0)}))
    text = shown(summary_table(summary_of([bad], odd, 1)))
    assert not set(text) & set("\x1b\u202e\u200b\r\x07\ud800")
    assert "[red]Acme[/red]" in text


def test_what_the_encoding_lacks_becomes_a_question_mark():
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    render(failure_table(failures([outcome(0, "failed", reason="Müller 東京")])), stream)
    stream.flush()
    assert b"M?ller ??" in raw.getvalue()


def test_a_summary_read_back_shows_the_same():
    summary = made()
    again = type(summary).from_json(summary.to_json())
    assert shown(summary_table(again)) == shown(summary_table(replace(summary, cost=again.cost)))


PLANS = {
    "provisions": PhasePlan("expand", "cpu", 4),
    "similar": PhasePlan("embed", "embedding", 4, 50),
    "judge": PhasePlan("converse", "llm", None, 5),
}


def graph(plans: dict[str, PhasePlan] | None = None, units: int = 1, found: int = 0, **changed) -> Summary:
    plans = PLANS if plans is None else plans
    run = facts(wall_seconds=10.0, phases=tuple(plans), **changed)
    models = None if run.mock else run.models
    totals, phases = Totals(run.phases, models), PhaseTotals(plans, models)
    span = -1
    for at, (name, plan) in enumerate(plans.items()):
        for number in range(units):
            steps = () if plan.resource == "cpu" else (step(phase=name),)
            unit = outcome(number, "failed" if found and not number else "done", steps=steps)
            totals.add(unit)
            phases.add(name, unit)
            last = phases.add_span(name, at, at, at + 1 + 5 * (name == "judge"), span)
        span = last
        if found:
            phases.skipped(name)
            phases.found(name, found)
    return summarise(totals, run, totals.outcomes, phases)


def test_a_graph_has_a_line_a_phase_and_no_figures_of_a_record():
    text = shown(summary_table(graph()))
    lines = text.splitlines()
    heading = lines[1].split()
    assert heading == ["phase", "kind", "units", "/s", "calls", "in/out", "cost", "in", "use", "p50/p95", "path"]
    assert lines[2].split() == [
        "provisions",
        "expand",
        "1",
        "1",
        "-",
        "-",
        "-",
        "1/4",
        "1.0",
        "s/1.0",
        "s",
        "10.0",
        "%",
    ]
    assert lines[4].split()[:8] == ["judge", "converse", "1", "0.167", "1", "1.0k/100", "$0.0002", "1/8"]
    assert re.search(r"units +3: 3 done, 0 no match, 0 failed, 0 not run\n", text)
    assert " units/s, 8 in flight at most" in text
    for words in ("a record", "share of time", "records", "skipped"):
        assert words not in text
    assert lines[-1].startswith("Bottleneck: judge (60.0 % of the wall time on the critical path). Its calls take")


def test_a_phase_table_shows_what_there_is():
    text = shown(summary_table(graph(found=7)))
    heading, first, *_ = text.splitlines()[1:]
    assert heading.split()[2:6] == ["units", "failed", "skipped", "/s"]
    assert "cached" in heading
    assert first.split()[:6] == ["provisions", "expand", "2", "1", "1", "1"]
    assert re.search(r"units +6: 0 done, 0 no match, 3 failed, 0 not run, 3 skipped\n", text)
    assert phase_lines({}) == []
    mock = shown(summary_table(graph(mock=True)))
    assert "cost" not in mock.splitlines()[1]
    assert "cost         none (mock answers)" in mock


def test_a_phase_table_fits_however_large_its_figures_are():
    summary = graph({f"phase-with-a-long-name-{n}": PhasePlan("converse", "llm", 10_000) for n in range(3)}, 2, 123_456)
    assert summary.phases is not None
    large = {
        name: replace(
            figures,
            units=999_949,
            failed=123_456,
            skipped=123_456,
            items_per_second=123_456.0,
            calls=999_949,
            tokens=Tokens(999_949, 999_949, estimated=True),
            cost=Decimal("123456.78"),
            most_in_flight=10_000,
            seconds=Spread(1000.0, 1000.0, 1000.0),
            critical_share=1.0,
        )
        for name, figures in summary.phases.items()
    }
    lines = phase_lines(large)
    assert max(map(len, lines)) <= 120
    assert len({len(line) for line in lines}) == 1
    assert lines[1].startswith("phase-… converse")
    text = shown(summary_table(replace(summary, phases=large)))
    assert all(line in text.splitlines() for line in lines)


def test_hostile_names_of_phases_are_harmless():
    text = shown(summary_table(graph({HOSTILE: PhasePlan(HOSTILE, HOSTILE, 1)})))
    assert not set(text) & set("\x1b\u202e\u200b\r\x07\ud800")
    assert "[red]Acme[/red]" in text


def test_a_graph_read_back_shows_the_same():
    summary = graph(found=3)
    again = Summary.from_json(summary.to_json())
    assert shown(summary_table(again)) == shown(summary_table(summary))
