"""Lists whose elements are read when they are looked at: as if the file had been read whole, and nothing kept."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from igent.errors import DataError
from igent.records import indexing
from igent.records.elements import ListDocument
from igent.records.json_parser import parse_json, parse_jsonl
from igent.records.json_reader import read_document
from igent.workload import Document

texts = st.text('aé東😀\\"[]{},: \n', max_size=6)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda v: st.lists(v, max_size=3) | st.dictionaries(texts, v, max_size=3),
    max_leaves=6,
)
blocks = st.sampled_from([3, 4, 7, 64, 1 << 16])  # a byte order mark is never cut
a_folder = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def opened(path: Path, content: str | bytes) -> Document:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return asyncio.run(read_document(path, path.name))


def in_blocks(size: int) -> pytest.MonkeyPatch:
    patch = pytest.MonkeyPatch()
    patch.setattr(indexing, "_BLOCK", size)
    return patch


@given(st.lists(values, max_size=5), st.sampled_from([None, 0, 3]), st.sampled_from(["", "\ufeff", "\r\n "]), blocks)
@a_folder
def test_a_list_is_as_if_read_whole(
    tmp_path: Path, made: list[Any], indent: int | None, before: str, block: int
) -> None:
    text = json.dumps(made, indent=indent, ensure_ascii=False)
    with in_blocks(block).context():
        document = opened(tmp_path / "file.json", f"{before}{text} \n\n")
    assert isinstance(document, ListDocument)
    assert [repr(element) for element in document.elements] == [repr(value) for value in made]
    whole = parse_json(f"{before}{text}".removeprefix("\ufeff"), "file.json")
    assert document.lines == whole.lines
    assert repr(document.value) == repr(whole.value)


@given(st.lists(values, max_size=5), st.sampled_from(["\n", "\r\n", "\n\n \n"]), st.booleans())
@a_folder
def test_a_value_a_line_is_as_if_read_whole(tmp_path: Path, made: list[Any], newline: str, marked: bool) -> None:
    text = newline.join(" " * (n % 2) + json.dumps(value, ensure_ascii=n % 3 == 0) for n, value in enumerate(made))
    document = opened(tmp_path / "file.jsonl", "\ufeff" * marked + text + " \n1\t")
    whole = parse_jsonl(text + " \n1\t", "file.jsonl")
    assert isinstance(document, ListDocument)
    assert repr(list(document.elements)) == repr(whole.value)
    assert document.lines == whole.lines


@given(st.lists(values, min_size=1, max_size=4), st.data(), blocks, st.sampled_from(["file.json", "file.jsonl"]))
@a_folder
def test_what_is_wrong_is_said_as_if_read_whole(
    tmp_path: Path, made: list[Any], data: st.DataObject, block: int, name: str
) -> None:
    good = json.dumps(made, ensure_ascii=False) if name == "file.json" else "\n".join(map(json.dumps, made))
    place = data.draw(st.integers(0, len(good)))
    text = good[:place] + data.draw(st.sampled_from(["", ",", "]", '"', "NaN", "\ud7ff", "1e999", "\x00"]))
    text += good[place + data.draw(st.integers(0, 2)) :]
    parse = parse_json if name == "file.json" else parse_jsonl
    try:
        expected = repr(parse(text, name).value) if text.strip() else "empty"
    except DataError as error:
        expected = str(error)
    with in_blocks(block).context():
        try:
            found = repr(opened(tmp_path / name, text).value)
        except DataError as error:
            found = "empty" if "the file is empty" in str(error) else str(error)
    assert found == expected


def test_a_slice_is_as_lazy_and_ends_where_the_list_ends(tmp_path: Path) -> None:
    document = opened(tmp_path / "file.json", json.dumps(list(range(10))))
    assert isinstance(document, ListDocument)
    part = document.elements[2:8:3]
    assert (list(part), len(part), part[-1], list(part[1:])) == ([2, 5], 2, 5, [5])
    assert document.elements[-1] == 9
    for elements in (document.elements, part):
        with pytest.raises(IndexError):
            elements[10]
    assert not document.elements[7:3]


def test_the_lines_are_those_of_a_mapping(tmp_path: Path) -> None:
    document = opened(tmp_path / "file.json", "[1,\n2]")
    assert document.where(1) == "file.json:2"
    assert [document.where(key) for key in (2, -1, "a", None)] == ["file.json"] * 4
    assert len(document.lines) == 2


def test_the_whole_value_is_read_once(tmp_path: Path) -> None:
    document = opened(tmp_path / "file.json", "[{}]")
    assert document.value is document.value
    assert isinstance(document.value, list)


@pytest.mark.parametrize("text", ['{"a": [1]}', "3", '"[1]"'])
def test_what_is_no_list_is_read_whole(tmp_path: Path, text: str) -> None:
    document = opened(tmp_path / "file.json", text)
    assert not isinstance(document, ListDocument)
    assert document.value == json.loads(text)


def test_a_replaced_file_is_read_on_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    document = opened(path, '["old"]')
    (tmp_path / "new").write_text('["new"]')
    (tmp_path / "new").replace(path)
    assert isinstance(document, ListDocument)
    assert list(document.elements) == ["old"]


@pytest.mark.parametrize("now", ['[\n1, 2,\n"new"]', "[\n1, 2,", ""])
def test_a_file_that_was_written_into_is_refused_with_the_line(tmp_path: Path, now: str) -> None:
    path = tmp_path / "file.json"
    document = opened(path, '[\n1, 2,\n"old"]')
    path.write_text(now)
    assert isinstance(document, ListDocument)
    with pytest.raises(DataError, match=r"file.json:3: the file was changed while it was worked on .*--fresh"):
        document.elements[2]


def test_only_places_are_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    path.write_text("[" + ",\n".join(json.dumps({"n": n, "text": "x" * 400}) for n in range(5_000)) + "]")
    tracemalloc.start()
    try:
        document = indexing.open_list(path, "file.json", lines=False)
        kept, most = tracemalloc.get_traced_memory()
        assert kept < 40 * 5_000
        assert most < path.stat().st_size / 4
        assert document is not None
        assert sum(element["n"] for element in document.elements) == sum(range(5_000))
        assert tracemalloc.get_traced_memory()[1] < path.stat().st_size / 4
    finally:
        tracemalloc.stop()


def test_the_file_is_closed_with_the_last_who_has_it(tmp_path: Path) -> None:
    if not os.path.exists("/proc/self/fd"):
        pytest.skip("no /proc")
    gc.collect()
    before = len(os.listdir("/proc/self/fd"))
    document = opened(tmp_path / "file.json", "[1, 2]")
    assert isinstance(document, ListDocument)
    part = document.elements[1:]
    del document
    gc.collect()
    assert list(part) == [2]
    del part
    gc.collect()
    assert len(os.listdir("/proc/self/fd")) == before
