from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_outcomes import HOSTILE

from igent.reporting.plain import csv_cell, one_line


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Müller & Söhne, 東京", "Müller & Söhne, 東京"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]8;;http://x\x07link\x1b]8;;\x07", "link"),
        ("\x1b]0;title\x1b\\rest", "rest"),
        ("\x9b31mred", "red"),
        ("\x1bcreset", "reset"),
        ("a\r\n\t b\x00\x08\x7f", "a b"),
        ("\u202eevil\u200b", "evil"),
        ("a\ud800b", "ab"),
        ("line\u2028para", "line para"),
        ("[ \ud800 [", "[ ["),
        (" \x00 \u200b \x00 ", ""),
        ("\x1b", ""),
        ("\x1b[", ""),
        ("", ""),
    ],
)
def test_what_is_shown(text, shown):
    assert one_line(text) == shown


def test_a_long_text_is_cut():
    assert one_line("x" * 10_000_000, 10) == "x" * 9 + "…"
    assert one_line("x" * 10, 10) == "x" * 10


@given(st.text(max_size=80) | st.lists(st.sampled_from([*HOSTILE, "\x1b", "[", "m", "\x9b"])).map("".join))
def test_nothing_of_control_gets_through(text):
    shown = one_line(text, 50)
    assert len(shown) <= 50
    assert not {unicodedata.category(c) for c in shown} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert one_line(shown, 50) == shown


@given(st.text(max_size=20))
def test_a_cell_is_the_text_or_the_text_after_an_apostrophe(text):
    cell = csv_cell(text)
    assert cell in (text, "'" + text)
    assert cell.lstrip()[:1] not in {"=", "+", "-", "@"}
