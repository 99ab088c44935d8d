"""Tables as input: CSV, TSV and workbooks give the objects that their rows are, with the line of each."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from workbooks import book, cell, sheet, table

from igent.errors import DataError
from igent.records import csv_reader
from igent.records.elements import ListDocument
from igent.records.json_reader import read_document
from igent.workload import Document
from igent.workloads.sbus.workload import WORKLOAD


def opened(folder: Path, content: str | bytes, name: str = "file.csv") -> ListDocument:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    document = asyncio.run(read_document(path, name))
    assert isinstance(document, ListDocument)
    return document


def refused(folder: Path, content: str | bytes, name: str = "file.csv") -> str:
    with pytest.raises(DataError) as raised:
        opened(folder, content, name)
    return str(raised.value)


def lines_of(document: Document) -> list[int]:
    return [document.lines[place] for place in range(len(document.lines))]


def test_a_row_is_an_object_of_texts(tmp_path: Path):
    document = opened(tmp_path, ' id ,zip,note\r\n1,01234,"a, b"\r\n2,,\r\n')
    assert list(document.elements) == [
        {"id": "1", "zip": "01234", "note": "a, b"},
        {"id": "2", "zip": None, "note": None},
    ]
    assert [document.where(place) for place in (0, 1)] == ["file.csv:2", "file.csv:3"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("file.csv", "a,b\n1,x;y\n"),
        ("file.csv", "a;b\n1;x;y".replace("x;y", '"x;y"')),
        ("file.csv", '"a";"b"\n1;"x;y"\n'),
        ("file.csv", "a\tb\n1\tx;y\n"),
        ("file.tsv", "a\tb\n1\tx;y\n"),
        ("FILE.CSV", "\ufeffa,b\n1,x;y"),
        ("file.csv", '\ufeff\r\n"a";"b"\r\n1;"x;y"\r\n\r\n;\r\n'),
    ],
)
def test_separators_marks_and_blank_rows(tmp_path: Path, name: str, text: str):
    assert list(opened(tmp_path, text, name).elements) == [{"a": "1", "b": "x;y"}]


def test_a_tsv_has_commas_in_its_texts(tmp_path: Path):
    assert list(opened(tmp_path, "a,b\tc\n1,2\t3\n", "file.tsv").elements) == [{"a,b": "1,2", "c": "3"}]


def test_line_breaks_in_quotes_are_counted(tmp_path: Path):
    document = opened(tmp_path, 'id,"the\nnote"\n1,"two\n\nlines ""quoted"""\n\n2,"€"\n3,"\r\n"\n')
    assert list(document.elements) == [
        {"id": "1", "the\nnote": 'two\n\nlines "quoted"'},
        {"id": "2", "the\nnote": "€"},
        {"id": "3", "the\nnote": "\r\n"},
    ]
    assert lines_of(document) == [3, 7, 8]


cells = st.text('aé東😀",;\t\n\r =', max_size=5)


@given(
    st.lists(st.lists(cells, min_size=3, max_size=3), max_size=5),
    st.sampled_from([",", ";", "\t"]),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_written_is_read(tmp_path: Path, rows: list[list[str]], delimiter: str, newline: str, marked: bool):
    text = io.StringIO()
    quoting = csv.QUOTE_ALL if "\r" in "".join(map("".join, rows)) else csv.QUOTE_MINIMAL  # a writer leaves those bare
    writer = csv.writer(text, delimiter=delimiter, lineterminator=newline, quoting=quoting)
    writer.writerow(["a", "b", "c"])
    starts = []
    for row in rows:
        starts.append(1 + text.getvalue().count("\n"))
        writer.writerow(row)
    document = opened(tmp_path, "\ufeff" * marked + text.getvalue())
    expected = [{n: c or None for n, c in zip("abc", row, strict=True)} for row in rows if any(row)]
    assert list(document.elements) == expected
    assert list(document.elements[1:]) == expected[1:]
    assert lines_of(document) == [start for start, row in zip(starts, rows, strict=True) if any(row)]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "file.csv: the file is empty"),
        ("\n , \n".replace(" ", ""), "file.csv: the file is empty"),
        ("a,b\n1,2\n1,2,3\n1\n", "file.csv:3: this row has 3 cells, and the first one 2 (quote a cell"),
        ("a,b\n1,2\n1,2,3\n1\n", "file.csv:4: this row has 1 cells"),
        ("a,,b\n1,2,3\n", "file.csv:1: column 2 has no name"),
        ("\n\na, a\n1,2\n", "file.csv:3: two columns are called 'a'"),
        ('a,b\n1,"x\n2,y\n', "file.csv:2: not valid CSV: a quote that is opened in this row is not closed"),
        ('a,b\n\n1,"x"y\n2,y\n', "file.csv:3: not valid CSV: there is text behind a closing quote"),
        ("a,b\r1,2\r", "file.csv:1: not valid CSV: a line ends with CR alone"),
        ("a,b\n1," + "x" * 140_000, "file.csv:2: not valid CSV: a cell of this row is too long"),
        (b"a,b\n1,\0\n", "file.csv:2: there is a NUL byte in this line"),
        (b'a,b\n"1\n",\xe9\n', "file.csv:3: byte 0xe9 is not UTF-8"),
        ("a,b\n1,2\n".encode("utf-16"), "file.csv: the file is UTF-16, not UTF-8"),
        (b"PK\x03\x04...", "file.csv: the file is a ZIP file (such as .xlsx or .ods)"),
        (",".join(map(str, range(20_000))), "file.csv:1: the first row names 20,000 columns"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, content: str | bytes, said: str):
    assert said in refused(tmp_path, content)


def test_all_bad_rows_are_named_up_to_twenty(tmp_path: Path):
    said = refused(tmp_path, "a,b\n" + "1\n" * 3 + "1,2\n" + "1\n" * 30).splitlines()
    assert len(said) == 21
    assert [line.split(": ")[0] for line in said[2:5]] == ["file.csv:4", "file.csv:6", "file.csv:7"]
    assert said[-1] == "file.csv: the rows after these were not looked at"


def test_a_row_that_swallows_the_file_is_refused_where_it_begins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(csv_reader, "MOST_OF_A_RECORD", 1_000)
    long = 'a,b\n1,2\n2,"' + "x\n" * 1_000 + '"\n'
    assert "file.csv:3: the record that begins here has more than" in refused(tmp_path, long)
    assert len(opened(tmp_path, "a,b\n" + f"1,{'x' * 900}\n" * 5).elements) == 5


@pytest.mark.parametrize(("before", "now"), [("1,old", "1,new"), ("1,old", "1")])
def test_a_file_that_is_written_into_meanwhile_is_refused(tmp_path: Path, before: str, now: str):
    document = opened(tmp_path, f"a,b\n{before}\n")
    (tmp_path / "file.csv").write_text(f"a,b\n{now}\n")
    with pytest.raises(DataError, match=r"file.csv:2: the file was changed while it was worked on .*--fresh"):
        document.elements[0]


def test_the_values_of_a_workbook(tmp_path: Path):
    rows = [["id", "zip", 2026, "sum", "yes", "none"], ["x & <y>", 60601, 1.5, "=1+1", True, None]]
    document = opened(tmp_path, book(table(rows)), "file.xlsx")
    expected = {"id": "x & <y>", "zip": 60601, "2026": 1.5, "sum": 2, "yes": True, "none": None}
    assert list(document.elements) == [expected]
    assert type(document.elements[0]["zip"]) is int
    dated = [cell("A1", "day") + cell("B1", "at") + cell("C1", "time"),
             cell("A2", 46_000, 1) + cell("B2", 46_000.75, 2) + cell("C2", 0.5, 3)]  # fmt: skip
    document = opened(tmp_path, book(sheet(f'<row r="{n}">{row}</row>' for n, row in enumerate(dated, 1))), "file.xlsx")
    assert document.elements[0] == {"day": "2025-12-09", "at": "2025-12-09T18:00:00", "time": "12:00:00"}


def test_the_table_may_stand_anywhere_in_its_sheet_and_rows_keep_their_numbers(tmp_path: Path):
    placed = {3: {"C3": "a", "D3": "b"}, 7: {"D7": "x"}, 9: {"C9": None, "D9": ""}, 10: {"C10": 1}}
    rows = [f'<row r="{n}">{"".join(cell(*one) for one in cells.items())}</row>' for n, cells in placed.items()]
    document = opened(tmp_path, book(sheet(rows)), "file.xlsx")
    assert list(document.elements) == [{"a": None, "b": "x"}, {"a": 1, "b": None}]
    assert [document.where(place) for place in (0, 1)] == ["file.xlsx:7", "file.xlsx:10"]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([], "file.xlsx: its first sheet is empty"),
        ([["a", "a"], [1, 2]], "file.xlsx:1: two columns are called 'a'"),
        ([["a", None, "b"], [1, 2, 3]], "file.xlsx:1: column 2 has no name"),
        ([["a"], [1], [1e400]], "file.xlsx:3: the number in column 1 cannot be used"),
        ([["a"], [1], [float("nan")]], "file.xlsx:3: the number in column 1 cannot be used"),
    ],
)
def test_what_is_wrong_in_a_workbook_is_said_with_its_row(tmp_path: Path, rows: list[list[Any]], said: str):
    assert said in refused(tmp_path, book(table(rows)), "file.xlsx")


def test_registrations_are_the_same_from_every_kind_of_file(tmp_path: Path):
    data = Path(__file__).parents[2] / "data" / "sbus"
    rows: list[dict[str, Any]] = json.loads((data / "registrations_full_dataset.json").read_bytes())[:40]
    names = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, names)
    writer.writeheader()
    writer.writerows(rows)
    offers = asyncio.run(read_document(data / "offers.json"))

    def records(document: Document) -> list[Any]:
        found = WORKLOAD.open({"registrations": document, "offers": offers}).records
        return [(record.id, record.problem and record.problem.partition(": ")[2]) for record in found]

    plain = records(opened(tmp_path, json.dumps(rows), "file.json"))
    assert records(opened(tmp_path, text.getvalue())) == plain
    assert (
        records(opened(tmp_path, book(table([names, *([row.get(n) for n in names] for row in rows)])), "f.xlsx"))
        == plain
    )


PEAK = """
import asyncio, resource, sys
from pathlib import Path
from igent.records.json_reader import read_document
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
document = asyncio.run(read_document(Path(sys.argv[1])))
assert sum(1 for element in document.elements if element["RegistrationNumber"]) == int(sys.argv[2])
print(document.where(int(sys.argv[2]) - 1), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss in kilobytes")
@pytest.mark.parametrize("kind", ["csv", "jsonl", "json"])
def test_a_long_file_is_read_in_bounded_memory(tmp_path: Path, kind: str):
    """24 bytes a row and some MB; IGENT_NIGHTLY=1 reads a million rows."""
    from os import environ  # noqa: TID251

    count = 1_000_000 if environ.get("IGENT_NIGHTLY") == "1" else 100_000
    filler = "x" * 300
    path = tmp_path / f"file.{kind}"
    with path.open("w") as file:
        if kind == "csv":
            file.write("RegistrationNumber,filler\n")
            file.writelines(f"SPUS{number},{filler}\n" for number in range(count))
        else:
            before, between, after = ("[", ",\n", "]") if kind == "json" else ("", "\n", "")
            rows = (f'{{"RegistrationNumber": "SPUS{number}", "filler": "{filler}"}}' for number in range(count))
            file.write(before + next(rows))
            file.writelines(between + row for row in rows)
            file.write(after)
    ran = subprocess.run(
        [sys.executable, "-c", PEAK, path, str(count)], capture_output=True, text=True, check=True, timeout=300
    )
    where, kilobytes = ran.stdout.split()
    assert where == f"{path}:{count + (kind == 'csv')}"
    assert int(kilobytes) < 8_000 + count * 24 / 1_000, "its places only"
