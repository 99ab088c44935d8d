from __future__ import annotations

import csv
import io

import pytest
from made_outcomes import outcome, timings

from igent.reporting.timings import timings_heading, timings_row


def read(outcomes, phases=("match", "price")):
    rows = (timings_row(one, phases) for one in outcomes)
    text = b"".join([timings_heading(phases), *rows]).decode("utf-8")
    return list(csv.reader(io.StringIO(text, newline="")))


def test_the_columns_are_those_of_the_interface():
    assert read([]) == [
        [
            "registration_id",
            "phase1_total_seconds",
            "phase1_agent_conversation_seconds",
            "phase1_critic_seconds",
            "phase1_capacity_update_seconds",
            "phase1_file_write_seconds",
            "phase2_total_seconds",
            "phase2_agent_conversation_seconds",
            "phase2_critic_seconds",
            "phase2_capacity_update_seconds",
            "phase2_file_write_seconds",
            "total_seconds",
        ]
    ]


def test_a_row_holds_each_phase_by_its_place_with_6_decimals():
    made = outcome(timings=timings(price=(1, 2, 3, 4, 5), match=(0.1234567, 0, 0, 0, 0)), total_seconds=9)
    five = ["1.000000", "2.000000", "3.000000", "4.000000", "5.000000"]
    zeros = ["0.000000"] * 4
    assert read([made])[1] == ["REG-0000", "0.123457", *zeros, *five, "9.000000"]


def test_a_phase_that_did_not_run_has_empty_cells():
    row = read([outcome(timings={}, total_seconds=0.0)])[1]
    assert row == ["REG-0000", *[""] * 10, "0.000000"]


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\nx", " =1", "＝1", "=cmd|'/c calc'!A0"]
)
def test_a_formula_is_guarded(text):
    assert read([outcome(record_id=text)])[1][0] == "'" + text


@pytest.mark.parametrize("text", ['a,"b"', "a\nb", "7", "", "Müller", "\x00", "R=1", "\x1b[31m"])
def test_other_ids_are_kept_as_they_are(text):
    assert read([outcome(record_id=text)])[1][0] == text


def test_a_lone_surrogate_is_written_as_an_escape():
    assert read([outcome(record_id="a\ud800")])[1][0] == "a\\ud800"


def test_each_row_is_a_line():
    assert timings_row(outcome(), ["match"]).endswith(b"\n")
    assert timings_row(outcome(), ["match"]).count(b"\n") == timings_heading(["match"]).count(b"\n") == 1
