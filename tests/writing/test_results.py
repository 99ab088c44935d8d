"""The files of a phase's items: JSON and tables, each whole or as before, in the house's order of writes."""

from __future__ import annotations

import asyncio
import errno
import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from disk_kit import Operation, WatchedDisk
from python_calamine import load_workbook

from igent.disk import SYSTEM_DISK, Disk
from igent.errors import InternalError, RunFolderError
from igent.writing.results import write_results


def write(folder: Path, name: str, rows: Any, *, tables: bool, disk: Disk = SYSTEM_DISK) -> None:
    asyncio.run(write_results(folder, name, rows, tables=tables, disk=disk))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.startswith(".")}


ROWS = [{"id": "p-1", "text": "=1+1", "tags": ["a", "b"]}, {"id": "p-2", "score": -0.5}]


def test_json_is_a_list_of_one_object_a_line(tmp_path: Path):
    write(tmp_path, "provisions", ROWS, tables=False)
    assert [path.name for path in tmp_path.iterdir()] == ["provisions.json"]
    data = (tmp_path / "provisions.json").read_bytes()
    assert json.loads(data) == ROWS
    assert data.startswith(b'[\n{"id":"p-1"')
    assert data.count(b"\n") == len(ROWS) + 2


def test_nothing_is_an_empty_list(tmp_path: Path):
    write(tmp_path, "provisions", [], tables=True)
    assert (tmp_path / "provisions.json").read_bytes() == b"[]\n"
    assert load_workbook(tmp_path / "provisions.xlsx").sheet_names == ["provisions"]


def test_tables_have_the_same_rows(tmp_path: Path):
    write(tmp_path, "provisions", ROWS, tables=True)
    assert (tmp_path / "provisions.csv").read_text("utf-8") == "id,text,tags,score\np-1,'=1+1,a; b,\np-2,,,-0.5\n"
    rows = load_workbook(tmp_path / "provisions.xlsx").get_sheet_by_index(0).to_python()
    assert rows == [["id", "text", "tags", "score"], ["p-1", "=1+1", "a; b", ""], ["p-2", "", "", -0.5]]
    before = contents(tmp_path)
    write(tmp_path, "provisions", ROWS, tables=True)
    assert contents(tmp_path) == before


def test_each_file_is_synced_before_it_is_renamed_and_its_name_after(tmp_path: Path):
    seen: list[Operation] = []
    write(tmp_path, "items", ROWS, tables=True, disk=WatchedDisk(before=seen.append))
    for ending in ("json", "csv", "xlsx"):
        name = f"items.{ending}"
        order = [(one.kind, one.name) for one in seen]
        synced, renamed = order.index(("sync", f".{name}.tmp")), order.index(("replace", name))
        last_write = max(n for n, (kind, file) in enumerate(order) if kind.startswith("write") and name in file)
        assert last_write < synced < renamed < len(order) - 1 - order[::-1].index(("sync_folder", tmp_path.name))


def test_whatever_the_disk_refuses_each_file_is_whole_and_named(tmp_path: Path):
    old = [{"id": "old"}]
    write(tmp_path, "items", old, tables=True)
    before = contents(tmp_path)
    write(tmp_path, "items", ROWS, tables=True)
    after = contents(tmp_path)
    refused: list[str] = []
    for number in itertools.count(1):

        def refuse(operation: Operation, number: int = number) -> None:
            if operation.number == number:
                raise OSError(errno.ENOSPC, "No space left on device")

        write(tmp_path, "items", old, tables=True)
        try:
            write(tmp_path, "items", ROWS, tables=True, disk=WatchedDisk(before=refuse, durable=False))
        except RunFolderError as error:
            refused.append(str(error))
        found = contents(tmp_path)
        assert set(found) == set(before)
        assert all(found[name] in (before[name], after[name]) for name in found)
        if len(refused) < number and found == after:
            break
    assert len(refused) > 9
    assert all("items." in said and "No space left" in said for said in refused)


@pytest.mark.parametrize("name", ["", "a/b", "..", "/x"])
def test_a_name_is_a_plain_one(tmp_path: Path, name: str):
    with pytest.raises(InternalError, match="cannot be the name"):
        write(tmp_path, name, ROWS, tables=False)


def test_what_is_not_json_says_so(tmp_path: Path):
    with pytest.raises(InternalError, match="JSON"):
        write(tmp_path, "items", [{"a": object()}], tables=False)
    assert not list(tmp_path.iterdir())
