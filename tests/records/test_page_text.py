"""What becomes of the characters on a page, and of pieces that lie about on it."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from igent.records.page_lines import lines_of
from igent.records.pdf_text import clean_text


@pytest.mark.parametrize(
    ("found", "text"),
    [
        ("one\r\ntwo\rthree\x0cfour\u2028five", "one\ntwo\nthree\nfour\nfive"),
        (
            "the admini\x02strator and eligi\u00ad\r\nbility, re\u00adad",
            "the admini-\nstrator and eligi-\nbility, read",
        ),
        ("e\ufb03cient \ufb01le \ufb06", "efficient file st"),
        ("caf\u0065\u0301", "café"),
        ("401(k)² is ½ of 10™ … №", "401(k)² is ½ of 10™ … №"),
        ("a\u00a0b\u2009c\u3000d", "a b c d"),
        ("a\x00b\x07c\u200bd\u202ee\ufefff\ufffeg\U000e0041h\ud800", "abcdefgh"),
        ("\r\n\r\n  title  \r\n\r\n text\t\r\n \r\n", "  title\n\n text"),
        ("", ""),
    ],
)
def test_the_text_of_a_page(found: str, text: str) -> None:
    assert clean_text(found) == text


@given(st.text())
def test_a_clean_text_is_plain_and_stays_as_it_is(text: str) -> None:
    clean = clean_text(text)
    assert clean_text(clean) == clean
    assert not [mark for mark in clean if mark != "\n" and mark != "\t" and unicodedata.category(mark) in {"Cc", "Cs"}]
    clean.encode()


def test_pieces_beside_each_other_are_a_line() -> None:
    pieces = [
        (300.0, 11.0, 19.0, "behind it"),
        (0.0, 30.0, 42.0, "Below"),
        (10.0, 10.0, 20.0, "A label"),
        (100.0, 18.0, 22.0, "✔"),
        (90.0, 24.0, 60.0, "large"),
    ]
    assert lines_of(pieces) == ["A label behind it", "✔", "Below large"]
    assert lines_of([(50.0, 15.0, 19.0, "✔"), (0.0, 10.0, 20.0, "Loans")]) == ["Loans ✔"]
    assert lines_of([]) == []
