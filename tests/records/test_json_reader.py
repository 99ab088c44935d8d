"""Reading input files: values, lines, and errors that name file, line, column and remedy."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from igent.errors import DataError
from igent.records.json_parser import parse_json, parse_jsonl
from igent.records.json_reader import read_document, read_documents
from igent.workload import Document

texts = st.text(max_size=8)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda v: st.lists(v, max_size=3) | st.dictionaries(texts, v, max_size=3),
    max_leaves=8,
)


async def read(folder: Path, content: str | bytes, name: str = "file.json") -> Document:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return await read_document(path, name)


async def problems(folder: Path, content: str | bytes, name: str = "file.json") -> str:
    with pytest.raises(DataError) as raised:
        await read(folder, content, name)
    return str(raised.value)


@given(json_values, st.sampled_from([None, 1, 3]))
@settings(max_examples=150, deadline=None)
def test_the_value_is_what_json_says(value: Any, indent: int | None) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    document = parse_json(f" \n{text}\r\n", "f")
    assert repr(document.value) == repr(json.loads(text))
    if isinstance(value, list | dict):
        assert list(document.lines) == (list(value) if isinstance(value, dict) else list(range(len(value))))


@given(st.lists(json_values, max_size=6), st.sampled_from(["\n", "\r\n"]))
@settings(max_examples=80, deadline=None)
def test_jsonl_is_a_value_a_line(values: list[Any], newline: str) -> None:
    text = newline.join(json.dumps(value, ensure_ascii=False) for value in values)
    document = parse_jsonl(text, "f")
    assert repr(document.value) == repr(values)
    assert document.lines == {n: n + 1 for n in range(len(values))}


async def test_a_list_knows_the_line_of_each_element(tmp_path: Path) -> None:
    document = await read(tmp_path, '\n[\n {"a": 1,\n  "b": "x\\n"},\n\n {"a": 2}, {"a": 3}\n]\n')
    assert document.lines == {0: 3, 1: 6, 2: 6}
    assert document.where(1) == "file.json:6"
    assert document.where(9) == document.where() == "file.json"


async def test_an_object_knows_the_line_of_each_member(tmp_path: Path) -> None:
    document = await read(tmp_path, '{"A": {\n"Capacity": 5},\n"B":\n{}}')
    assert document.value == {"A": {"Capacity": 5}, "B": {}}
    assert document.lines == {"A": 1, "B": 3}


@pytest.mark.parametrize("name", ["file.jsonl", "file.ndjson", "FILE.JSONL"])
async def test_jsonl_skips_blank_lines_and_keeps_the_numbers(tmp_path: Path, name: str) -> None:
    document = await read(tmp_path, '\ufeff{"a": 1}\r\n\r\n  \n[2]\n"three\u2028"', name)
    assert document.value == [{"a": 1}, [2], "three\u2028"]
    assert document.lines == {0: 1, 1: 4, 2: 5}


async def test_a_byte_order_mark_is_no_content(tmp_path: Path) -> None:
    assert (await read(tmp_path, b"\xef\xbb\xbf[1]")).value == [1]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[1,\n 2,\n]", "file.json:2:3: not valid JSON: a comma before ]: 2, (remove it)"),
        ('{"a": 1,}', 'file.json:1:8: not valid JSON: a comma before }: {"a": 1,} (remove it)'),
        ("[1 2]", "file.json:1:4: not valid JSON: a comma or ] is missing here: [1 2]"),
        ("[\n1,\n", "file.json:3:1: not valid JSON: expecting value (the text ends)"),
        ('[{"a": 1}', "file.json:1:10: not valid JSON: a comma or ] is missing here"),
        ("{'a': 1}", "file.json:1:2: not valid JSON: a member's name in double quotes is missing here: {'a': 1}"),
        ('{"a" 1}', "file.json:1:6: not valid JSON: a colon is missing here"),
        ('["a\nb"]', "file.json:1:4: not valid JSON: invalid control character at"),
        ('["abc', "file.json:1:2: not valid JSON: unterminated string"),
        ("[1]\n[2]", "file.json:2:1: not valid JSON: more text after the end of the value: [2] (for one value a line"),
        ("[,1]", "file.json:1:2: not valid JSON: expecting value"),
        ("plain text", "file.json:1:1: not valid JSON: expecting value: plain text"),
        ('{"A": 1,\n "A": 2}', "file.json:2:2: not valid JSON: the member 'A' stands here for the second time"),
        ('[{"x": "NaN"},\n {"x": NaN}]', "file.json:2:8: not valid JSON: NaN cannot be used"),
        ("[-Infinity]", "file.json:1:2: not valid JSON: -Infinity cannot be used"),
        ('["1e999", 1e999]', "file.json:1:11: not valid JSON: 1e999 cannot be used"),
        (f"[0, {'9' * 5000}]", "file.json:1:5: not valid JSON: a number of this length cannot be used"),
    ],
)
async def test_what_is_wrong_is_said_where_it_is(tmp_path: Path, text: str, said: str) -> None:
    assert said in await problems(tmp_path, text)


async def test_a_long_line_is_shown_only_around_the_error(tmp_path: Path) -> None:
    message = await problems(tmp_path, '["' + "x" * 500 + '", oops, "' + "y" * 500 + '"]')
    assert "oops" in message
    assert len(message) < 200


@pytest.mark.parametrize("name", ["file.json", "file.jsonl"])
@pytest.mark.parametrize("depth", [5_000, 200_000])
@pytest.mark.parametrize("bracket", ["[", '{"a":'])
async def test_deep_nesting_is_refused_not_a_crash(tmp_path: Path, name: str, depth: int, bracket: str) -> None:
    said = await problems(tmp_path, f"[{bracket * depth}]", name)
    # How deep the interpreter's own parser goes differs between versions; that it says so and does not die does not.
    assert "nested too deeply" in said or (depth == 5_000 and "not valid JSON" in said)


async def test_all_bad_lines_of_a_jsonl_are_named(tmp_path: Path) -> None:
    message = await problems(tmp_path, '{"a": 1}\n{"a": }\n\n{"b"}\n{"a": 1}x\n[NaN]', "file.jsonl")
    assert [line.split(": ")[0] for line in message.split("\n")] == [
        "file.jsonl:2:7",
        "file.jsonl:4:5",
        "file.jsonl:5:9",
        "file.jsonl:6:2",
    ]


async def test_beyond_twenty_bad_lines_they_are_counted(tmp_path: Path) -> None:
    message = await problems(tmp_path, "oops\n" * 50, "file.jsonl")
    assert message.count("\n") == 20
    assert message.endswith("file.jsonl: 30 more lines are not valid JSON")


@pytest.mark.parametrize("content", [b"", b"\n \n", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("name", ["file.json", "file.jsonl"])
async def test_an_empty_file_is_refused(tmp_path: Path, content: bytes, name: str) -> None:
    assert f"{name}: the file is empty" in await problems(tmp_path, content, name)


async def test_other_encodings_are_named(tmp_path: Path) -> None:
    assert "file.json:2: byte 0xe9 is not UTF-8 (save" in await problems(tmp_path, b'[\n"caf\xe9"]')
    assert "the file is UTF-16" in await problems(tmp_path, '["a"]'.encode("utf-16"))


async def test_a_missing_file_comes_with_the_nearest_name(tmp_path: Path) -> None:
    (tmp_path / "registrations.json").write_text("[]")
    with pytest.raises(DataError, match=r"^reg: there is no such file \(did you mean registrations.json\?\)$"):
        await read_document(tmp_path / "registration.json", "reg")
    with pytest.raises(DataError, match=r"such file \(check the name in the scenario\)"):
        await read_document(tmp_path / "zzz")
    with pytest.raises(DataError, match=r"no such file \(the folder .*none is not there either\)"):
        await read_document(tmp_path / "none" / "file.json")


async def test_what_is_no_readable_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="this is a folder"):
        await read_document(tmp_path)
    with pytest.raises(DataError, match="cannot be read: embedded null byte"):
        await read_document(tmp_path / "a\0b.json")
    with pytest.raises(DataError, match=r"cannot be read: .*too long"):
        await read_document(tmp_path / ("n" * 300))
    with pytest.raises(DataError, match=r"book.ods: .ods files cannot be read \(save it as .xlsx, .csv or JSON\)"):
        await read_document(tmp_path / "book.ods", "book.ods")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
async def test_a_file_without_permission(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    path.write_text("[]")
    path.chmod(0)
    with pytest.raises(DataError, match="may not be read"):
        await read_document(path)


async def test_several_files_are_read_under_their_keys(tmp_path: Path) -> None:
    for name in ("b", "a"):
        (tmp_path / f"{name}.json").write_text(f'["{name}"]')
    documents = await read_documents({name: (tmp_path / f"{name}.json", name) for name in ("b", "a")})
    assert [(key, d.path, d.value) for key, d in documents.items()] == [("b", "b", ["b"]), ("a", "a", ["a"])]


async def test_the_problems_of_all_files_come_together_and_in_order(tmp_path: Path) -> None:
    (tmp_path / "good.json").write_text("[]")
    (tmp_path / "bad.jsonl").write_text("{\n}\n")
    paths = {name: (tmp_path / name, name) for name in ("none.json", "good.json", "bad.jsonl", "nor.json")}
    with pytest.raises(DataError) as raised:
        await read_documents(paths)
    assert [problem.where.split(":")[0] for problem in raised.value.problems] == [
        "none.json",
        "bad.jsonl",
        "bad.jsonl",
        "nor.json",
    ]


def test_a_long_list_is_walked_whole() -> None:
    text = "[" + ",\n".join('{"a": [1, 2], "b": "text"}' for _ in range(20_000)) + "]"
    document = parse_json(text, "f")
    assert document.lines[19_999] == 20_000
    assert len(document.value) == 20_000
