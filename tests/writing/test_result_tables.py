"""Tables: what a cell becomes, that no text is a formula in any of them, and that the same rows give the same bytes."""

from __future__ import annotations

import csv
import io
import re
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from python_calamine import load_workbook

from igent.writing import tables
from igent.writing.tables import columns_of, csv_table, xlsx_table

ROWS = [
    {"id": "a", "score": -1.5, "ok": True, "words": ["x", "y z"], "more": {"k": [1, None]}},
    {"id": "b", "late": "2026-11-25", "ok": False, "score": None, "words": [], "count": 3},
]
COLUMNS = ["id", "score", "ok", "words", "more", "late", "count"]


def read_csv(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("utf-8"), newline="")))


def read_xlsx(data: bytes, sheet: int = 0) -> list[list[object]]:
    book = load_workbook(io.BytesIO(data))
    return book.get_sheet_by_index(sheet).to_python(skip_empty_area=False)


def parts(data: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        return {name: file.read(name).decode("utf-8") for name in file.namelist()}


def test_columns_are_the_keys_in_the_order_in_which_they_come():
    assert columns_of(ROWS) == COLUMNS
    assert columns_of([]) == []


def test_csv_cells():
    assert csv_table(ROWS).decode() == (
        'id,score,ok,words,more,late,count\na,-1.5,TRUE,x; y z,"{""k"":[1,null]}",,\nb,,FALSE,,,2026-11-25,3\n'
    )
    assert csv_table(ROWS, ["count", "id", "none"]) == b"count,id,none\n,a,\n3,b,\n"
    assert csv_table([], ["id"]) == b"id\n"


def test_xlsx_cells():
    heading, first, second = read_xlsx(xlsx_table(ROWS))
    assert heading == COLUMNS
    assert first == ["a", -1.5, True, "x; y z", '{"k":[1,null]}', "", ""]
    assert second == ["b", "", False, "", "", "2026-11-25", 3]
    assert [type(cell) for cell in first[1:3]] == [float, bool]
    assert read_xlsx(xlsx_table(ROWS, ["count", "id"])) == [["count", "id"], ["", "a"], [3, "b"]]


def test_lists_that_are_no_plain_words_are_json():
    rows = [{"v": value} for value in (["a;b"], ["", "a"], [1, 2], [{"a": 1}], ["é"])]
    assert [row[0] for row in read_csv(csv_table(rows))[1:]] == ['["a;b"]', '["","a"]', "[1,2]", '[{"a":1}]', "é"]


def test_a_sheet_has_a_heading_that_stays_and_filters():
    made = parts(xlsx_table(ROWS, sheet="provisions"))
    sheet = made["xl/worksheets/sheet1.xml"]
    assert 'state="frozen"' in sheet
    assert '<autoFilter ref="A1:G3"/>' in sheet
    assert '<c r="A1" s="1"' in sheet
    assert "<b/>" in made["xl/styles.xml"]
    assert 'name="provisions"' in made["xl/workbook.xml"]
    widths = [
        (int(last), float(width)) for last, width in re.findall(r'<col min="\d+" max="(\d+)" width="([\d.]+)"', sheet)
    ]
    assert widths[-1][0] == 7
    assert all(8 <= width <= 61 for _, width in widths)


def test_the_same_rows_give_the_same_bytes():
    assert xlsx_table(ROWS) == xlsx_table([dict(row) for row in ROWS])
    assert csv_table(ROWS) == csv_table(ROWS)


def test_nothing_to_write_is_a_table_all_the_same():
    assert read_xlsx(xlsx_table([])) == []
    assert read_xlsx(xlsx_table([], ["id"])) == [["id"]]
    assert csv_table([]) == b"\n"


@pytest.mark.parametrize(
    ("text", "kept"),
    [("a\x00\x1b[31mb\x9b", "a[31mb"), ("a\r\nb\rc", "a\nb\nc"), ("\ud800x", "\\ud800x"), ("_x0041_", "_x0041_")],
)
def test_what_no_cell_can_hold(text, kept):
    assert read_xlsx(xlsx_table([{"v": text}]))[1] == [kept]


def test_what_the_library_takes_for_its_own_is_text():
    text = "<r><t>x</t></sst></r>"
    made = xlsx_table([{"v": text, text: 1}])
    assert read_xlsx(made) == [["v", text], [text, 1]]
    assert parts(made)["xl/sharedStrings.xml"].count("</sst>") == 1


@pytest.mark.parametrize(("text", "last"), [("x" * 40_000, "x…"), ("😀" * 20_000, "😀…")])
def test_a_long_text_is_cut_in_a_sheet_only(text, last):
    cell = read_xlsx(xlsx_table([{"v": text}]))[1][0]
    assert isinstance(cell, str)
    assert len(cell.encode("utf-16-le")) // 2 <= 32_767
    assert len(cell.encode("utf-16-le")) // 2 >= 32_766
    assert cell.endswith(last)
    csv.field_size_limit(1_000_000)
    assert read_csv(csv_table([{"v": text}]))[1] == [text]
    assert read_xlsx(xlsx_table([{"v": "y" * 32_767}]))[1] == ["y" * 32_767]


def test_numbers_that_a_sheet_would_round_are_text():
    made = read_xlsx(xlsx_table([{"v": 123456789012345678901}, {"v": float("inf")}, {"v": 10**14}]))
    assert [row[0] for row in made[1:]] == ["123456789012345678901", "inf", 10**14]


def test_more_rows_than_a_sheet_holds(monkeypatch):
    monkeypatch.setattr(tables, "MOST_ROWS", 2)
    made = xlsx_table([{"n": n} for n in range(5)], sheet="a/very long name of a sheet: thirty")
    names = load_workbook(io.BytesIO(made)).sheet_names
    assert names == [
        "a_very long name of a sheet_ th",
        "a_very long name of a sheet_  2",
        "a_very long name of a sheet_  3",
    ]
    assert [read_xlsx(made, sheet)[1:] for sheet in range(3)] == [[[0], [1]], [[2], [3]], [[4]]]


def test_more_columns_than_a_sheet_holds():
    made = read_xlsx(xlsx_table([{f"c{n}": n for n in range(16_400)}]))
    assert len(made[0]) == 16_384
    assert made[0][-1] == "c16383 … 16 more columns: see the CSV"


def test_no_text_is_a_formula_in_csv(hostile):
    rows = [{"id": text, f"={number}": [text]} for number, text in enumerate(hostile)]
    table = csv_table(rows)
    assert b"\x00" not in table
    csv.field_size_limit(1_000_000)
    for row in read_csv(table):
        for cell in row:
            assert not re.match(r"[\s\x00-\x20\u200b\ufeff]*[=+\-@＝＋－＠]|[\t\r\n]", cell), cell


def test_no_text_is_a_formula_in_xlsx(hostile):
    rows = [{"id": text, f"={number}": [text]} for number, text in enumerate(hostile)]
    made = xlsx_table(rows, sheet="=1+1")
    content = parts(made)
    for name, xml in content.items():
        assert "<f>" not in xml, name
        assert "<f " not in xml, name
        assert "<hyperlink" not in xml, name
    assert not set(content) & {"xl/calcChain.xml", "xl/externalLinks/externalLink1.xml"}
    sheet = content["xl/worksheets/sheet1.xml"]
    assert set(re.findall(r'<c [^>]*?t="(\w+)"', sheet)) == {"s"}
    shown = read_xlsx(made)
    for text, row in zip(hostile, shown[1:], strict=True):
        if len(text) < 30_000 and not re.search(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]", text):
            assert row[0] == text


@pytest.fixture(scope="module")
def hostile():
    import sys
    from pathlib import Path

    folder = str(Path(__file__).parents[1] / "security")
    sys.path.insert(0, folder)
    try:
        from hostile_text import CORPUS
    finally:
        sys.path.remove(folder)
    assert len(CORPUS) >= 200
    return (*CORPUS, "<r><t>x</t></sst></r>", "<f>1+1</f>", "</si></sst>", "]]></t>")


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.dictionaries(st.text(max_size=4), st.none() | st.booleans() | st.integers() | st.floats() | st.text()))
)
def test_whatever_the_rows_hold_the_tables_can_be_read(rows):
    assert len(read_csv(csv_table(rows, ["a"]))) == len(rows) + 1
    assert len(read_xlsx(xlsx_table([{"id": "x", **row} for row in rows]))) == len(rows) + bool(rows)
