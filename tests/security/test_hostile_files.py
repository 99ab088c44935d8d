"""Input files from anybody's hand: each is refused with its name, its line and a remedy, or costs only its records; in
bounded memory, in bounded time, and without a traceback."""

from __future__ import annotations

import asyncio
import csv
import json
import os
import random
import struct
import sys
import time
import tracemalloc
import zipfile
from collections.abc import Callable
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from e2e_support import Shell, copy_data, edit_json, json_of, lines_of, oracle
from hostile_files import GOOD, TEXTS, WORKBOOKS
from workbooks import book, cell, sheet, table

from igent.errors import DataError
from igent.records import xlsx_reader
from igent.records.json_reader import read_document
from igent.records.zip_checks import check_zip

RUN = ("p1m1m2c", "--mock", "--data", "data", "--out", "run")
REGISTRATIONS = "registrations_overlap_only.json"
KEY = "sk-Zk3v9TqLw8Xc2BnM5rYp7H"


@pytest.fixture
def shell(shell: Shell) -> Shell:
    """With a data folder of six registrations."""
    if sys.platform == "win32":
        pytest.skip("forks processes")
    copy_data(shell.folder / "data", first=6)
    return shell


def refused(folder: Path, content: bytes, name: str) -> str:
    path = folder / name
    path.write_bytes(content)
    began = time.monotonic()
    with pytest.raises(DataError) as raised:
        list(getattr(asyncio.run(read_document(path, name)), "elements", ()))
    assert time.monotonic() - began < 20
    for problem in raised.value.problems:
        assert problem.where.partition(":")[0] == name
        assert len(str(problem)) < 400
    return str(raised.value)


@pytest.mark.parametrize("name", WORKBOOKS)
def test_a_hostile_workbook_is_refused(tmp_path: Path, name: str):
    make, said = WORKBOOKS[name]
    assert said in refused(tmp_path, make(), "file.xlsx")


def test_a_workbook_has_limits_of_memory_and_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    given: list[Any] = []

    def run(function: str, data: bytes, limits: Any = None) -> bytes:
        given.append((function, limits.memory, limits.cpu_seconds, limits.wall_seconds, limits.result))
        return b'[1,["a"]]'

    monkeypatch.setattr(xlsx_reader, "run_confined", run)
    (tmp_path / "file.xlsx").write_bytes(book(GOOD))
    asyncio.run(read_document(tmp_path / "file.xlsx"))
    assert given == [("igent.records.xlsx_child:rows", 1 << 30, 30, 60.0, 100 << 20)]


def test_a_wide_area_is_refused_within_the_memory_of_the_child(tmp_path: Path):
    rows = ('<row r="1">', cell("A1", "a"), '</row><row r="9000">', cell("XFD9000", "b"), "</row>")
    assert "its cells lie too far apart" in refused(tmp_path, book(sheet(rows)), "file.xlsx")


def test_formulas_are_not_computed_and_macros_not_looked_at(tmp_path: Path):
    (tmp_path / "file.xlsm").write_bytes(
        book(table([["a", "b"], ['=WEBSERVICE("http://127.0.0.1:9/")', "@SUM(1)"]]), xl__vbaProject=b"\xd0\xcf\x11\xe0")
    )
    document: Any = asyncio.run(read_document(tmp_path / "file.xlsm"))
    assert list(document.elements) == [{"a": 2, "b": "@SUM(1)"}]


def test_a_damaged_workbook_never_ends_in_anything_but_a_word(tmp_path: Path):
    whole = book(table([["a", "b"], [1, "x"]]))
    chance = random.Random(4)
    for _ in range(1_500):
        data = bytearray(whole)
        for _ in range(chance.choice((1, 1, 3, 30))):
            data[chance.randrange(len(data))] = chance.randrange(256)
        data = data[: chance.choice((len(data), len(data), chance.randrange(len(data))))]
        with suppress(ValueError):
            check_zip(bytes(data))


def test_a_table_of_contents_without_end_is_not_unpacked():
    """It may claim one entry and have 400,000: each would be an object."""
    made = BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("x", "")
    data = made.getvalue()
    entry, end = data[data.index(b"PK\x01\x02") : data.index(b"PK\x05\x06")], data[data.index(b"PK\x05\x06") :]
    table_ = entry * 400_000
    end = end[:12] + struct.pack("<L", len(table_)) + end[16:]
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="more than 1,000 entries"):
            check_zip(data[: data.index(b"PK\x01\x02")] + table_ + end)
        assert tracemalloc.get_traced_memory()[1] < 100 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("case", TEXTS)
def test_a_hostile_text_is_refused_with_its_line(tmp_path: Path, case: str):
    name, make, said = TEXTS[case]
    assert said in refused(tmp_path, make(), name)


def test_what_is_within_the_limits_is_read(tmp_path: Path):
    def read(text: bytes, name: str = "f.json") -> list[Any]:
        (tmp_path / name).write_bytes(text)
        document: Any = asyncio.run(read_document(tmp_path / name, name))
        return list(document.elements)

    assert read(b"[" + b"[" * 100 + b"]" * 100 + b"]")
    assert read(b"[" + b"[]," * 5_000 + b"{}]")[-1] == {}, "many are not deep"
    assert len(read(b'[{"a": "' + b"x" * 10_000_000 + b'"}]')[0]["a"]) == 10_000_000
    assert read(b'["\\ud800"]') == ["\ud800"], "half a pair is legal in JSON"


@pytest.mark.skipif(sys.platform == "win32", reason="has none of these")
@pytest.mark.parametrize("name", ["f.json", "f.jsonl", "f.csv", "f.xlsx"])
@pytest.mark.parametrize("kind", ["pipe", "device", "endless", "folder", "circle", "none"])
def test_what_is_no_file_is_not_waited_for(tmp_path: Path, name: str, kind: str):
    path = tmp_path / name
    said = "it is not a regular file"
    match kind:
        case "pipe":
            os.mkfifo(path)
        case "device":
            path.symlink_to("/dev/null")
        case "endless":
            path.symlink_to("/dev/zero")
        case "folder":
            path.mkdir()
            said = "this is a folder, not a file"
        case "circle":
            path.symlink_to(path)
            said = "the file cannot be read: "
        case "none":
            said = "there is no such file"
    with pytest.raises(DataError, match=f"^{name}: .*{said}"):
        asyncio.run(read_document(path, name))


@pytest.mark.skipif(sys.platform == "win32", reason="no sparse files")
@pytest.mark.parametrize("name", ["f.json", "f.jsonl", "f.csv", "f.xlsx"])
def test_a_file_above_two_gigabytes_is_not_begun(tmp_path: Path, name: str):
    with (tmp_path / name).open("wb") as file:
        file.truncate((2 << 30) + 1)
    with pytest.raises(DataError, match=rf"^{name}: the file has 2,147,483,649 bytes, .*2,147,483,648 .*\(split it"):
        asyncio.run(read_document(tmp_path / name, name))


@pytest.mark.parametrize(
    ("name", "start", "said"),
    [
        ("f.json", b"[1,", "f.json:1: not valid JSON, here or soon after"),
        ("f.json", b"", "f.json:1: not valid JSON, here or soon after: it is no list"),
        ("f.jsonl", b"1\n", "f.jsonl:2: the record that begins here has more than"),
        ("f.csv", b"a\n1\n", "f.csv:3: the record that begins here has more than"),
    ],
)
def test_a_large_file_is_never_in_memory_as_a_whole(tmp_path: Path, name: str, start: bytes, said: str):
    with (tmp_path / name).open("wb") as file:
        file.write(start)
        file.truncate(1 << 30)
    tracemalloc.start()
    try:
        with pytest.raises(DataError) as raised:
            asyncio.run(read_document(tmp_path / name, name))
        assert tracemalloc.get_traced_memory()[1] < 100 << 20
    finally:
        tracemalloc.stop()
    assert said in str(raised.value)


def test_a_long_list_is_not_taken_into_memory_either(tmp_path: Path):
    path = tmp_path / "f.jsonl"
    path.write_bytes((b'"' + b"x" * 1_000_000 + b'"\n') * 70)
    document = asyncio.run(read_document(path, "f.jsonl"))
    with pytest.raises(DataError, match=r"^f.jsonl: the list has 70,000,140 bytes, and at most 67,108,864"):
        _ = document.value
    assert len(repr(document)) < 100, "what asyncio shows of a task's result reads none of it"


def test_a_file_that_shrinks_while_it_is_read_is_refused(tmp_path: Path):
    path = tmp_path / "f.json"
    path.write_text(json.dumps(["x" * 1_000] * 1_000))
    document: Any = asyncio.run(read_document(path, "f.json"))
    assert len(document.elements[10]) == 1_000
    os.truncate(path, 20_000)
    with pytest.raises(DataError, match=r"f.json:1: the file was changed while it was worked on"):
        list(document.elements)


def as_table(shell: Shell, kind: str, change: Callable[[list[list[Any]]], None] = lambda _: None) -> Path:
    """The registrations as a table that the scenario names."""
    data = shell.folder / "data"
    rows = json_of(data / REGISTRATIONS)
    names = list(dict.fromkeys(name for row in rows for name in row))
    cells: list[list[Any]] = [names, *([row.get(name) for name in names] for row in rows)]
    change(cells)
    path = data / f"registrations.{kind}"
    if kind == "xlsx":
        path.write_bytes(book(table(cells)))
    else:
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            csv.writer(file, delimiter=";").writerows(cells)
    scenario = data / "scenarios" / "overlap_only.yaml"
    scenario.write_text(scenario.read_text().replace(REGISTRATIONS, path.name))
    return path


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_a_table_gives_the_results_of_the_same_file_in_json(shell: Shell, kind: str):
    shell.run("p1m1m2c", "--mock", "--data", "data", "--out", "plain")
    as_table(shell, kind)
    shell.run(*RUN)
    for name in ("matches.json", "pos.json", "capacity.json"):
        assert (shell.folder / "run" / name).read_bytes() == (shell.folder / "plain" / name).read_bytes()


@pytest.mark.parametrize(("kind", "line"), [("csv", 7), ("xlsx", 5)])
def test_a_bad_row_costs_only_itself(shell: Shell, kind: str, line: int):
    def spoil(cells: list[list[Any]]) -> None:
        place = cells[0].index("Contact_Zip")
        cells[0].append("note")
        for row in cells[1:]:
            row.append("two\nlines" if row is cells[1] or row is cells[2] else "=1+1")
        cells[4][place] = "no ZIP code"

    as_table(shell, kind, spoil)
    shell.run(*RUN, code=1)
    outcomes = lines_of(shell.folder / "run" / "outcomes.jsonl")
    assert [o["status"] for o in outcomes] == ["done"] * 3 + ["failed"] + ["done"] * 2
    assert f"registrations.{kind}:{line}: " in outcomes[3]["reason"]
    assert outcomes[3]["cause"] == "input"


@pytest.mark.parametrize("name", ["far corner", "bomb", "overlapping", "DTD", "password", "truncated"])
def test_the_command_refuses_a_hostile_workbook(shell: Shell, name: str):
    make, said = WORKBOOKS[name]
    as_table(shell, "xlsx").write_bytes(data := make())
    assert len(data) < 4_800 or name != "far corner", "so little aborts the process that reads it"
    process = shell.run(*RUN, code=2, OPENAI_API_KEY=KEY)
    assert said in process.err
    assert "data/registrations.xlsx: " in process.err
    assert not (shell.folder / "run").exists()


@pytest.mark.parametrize("name", ["deep list", "NUL", "a name twice", "UTF-16", "large record", "long integer"])
def test_the_command_refuses_a_hostile_text(shell: Shell, name: str):
    (shell.folder / "data" / REGISTRATIONS).write_bytes(TEXTS[name][1]())
    process = shell.run(*RUN, code=2)
    assert f"data/{REGISTRATIONS}" in process.err
    assert process.out == ""


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_a_link_out_of_the_data_folder_is_refused(shell: Shell):
    path = as_table(shell, "csv")
    path.replace(shell.folder / "outside.csv")
    path.symlink_to(shell.folder / "outside.csv")
    assert "'registrations.csv' is no file inside the data folder" in shell.run(*RUN, code=2).err


def test_odd_records_that_can_be_read_harm_nobody(shell: Shell):
    """Half a surrogate pair, a thousand members, the deepest that is read, and ten megabytes."""

    def spoil(rows: list[dict[str, Any]]) -> None:
        deep: Any = "x"
        for _ in range(98):
            deep = [deep]
        rows[0]["note"] = "\ud800"
        rows[1]["note"] = deep
        rows[2] |= {f"field {n}": n for n in range(1_000)}
        rows[3]["note"] = "x" * 9_900_000

    edit_json(shell.folder / "data" / REGISTRATIONS, spoil)
    shell.run(*RUN, "--no-conversations")
    assert [o["status"] for o in lines_of(shell.folder / "run" / "outcomes.jsonl")] == ["done"] * 6
    oracle(shell.folder / "run", data=shell.folder / "data")
