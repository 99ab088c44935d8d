"""Reads JSON and JSONL input files, with the line of every element, and says exactly what is wrong with a bad one."""

from __future__ import annotations

__all__ = ["read_document", "read_documents"]

import asyncio
import difflib
import os
from collections.abc import Mapping
from pathlib import Path

from aiofiles.os import wrap

from igent.errors import DataError, Problem
from igent.records.indexing import open_list
from igent.records.json_parser import parse_json, parse_jsonl
from igent.workload import Document

_JSONL = frozenset({".jsonl", ".ndjson"})
_SPREADSHEETS = frozenset({".csv", ".tsv", ".xls", ".xlsx", ".ods"})
_WIDE_MARKS = (b"\xff\xfe", b"\xfe\xff")
_read_bytes = wrap(Path.read_bytes)


async def read_document(path: Path, shown: str | None = None) -> Document:
    """Read one file: JSONL when it ends in .jsonl or .ndjson (the value is then a list), JSON otherwise.

    A list is checked whole, and its elements are read from the file when they are looked at (see ListDocument).
    `shown` is the name for messages; None shows the path. UTF-8, with or without a byte order mark. Raises DataError
    naming file, line, column and remedy; of a JSONL file all bad lines (up to 20).
    """
    shown = shown if shown is not None else str(path)
    _refuse_spreadsheet(path, shown)
    lines = path.suffix.lower() in _JSONL
    # A long file takes seconds to parse; the event loop has other files to read meanwhile.
    document = await asyncio.to_thread(open_list, path, shown, lines=lines)
    if document is not None:
        return document
    text = _decode(await _read(path, shown), shown)
    if not text.strip():
        raise DataError(Problem(shown, "the file is empty", "export it again, or name another file in the scenario"))
    return await asyncio.to_thread(parse_jsonl if lines else parse_json, text, shown)


async def read_documents(paths: Mapping[str, tuple[Path, str]]) -> dict[str, Document]:
    """Read several files in parallel: key -> (path, the name for messages) gives key -> document, in the same order.

    Raises one DataError with the problems of all files, in that order.
    """
    documents: dict[str, Document] = {}
    failures: dict[str, DataError] = {}

    async def read(key: str, path: Path, shown: str) -> None:
        # Caught here, not by the group: that would cancel the other files before their problems are known.
        try:
            documents[key] = await read_document(path, shown)
        except DataError as error:
            failures[key] = error

    async with asyncio.TaskGroup() as group:
        for key, (path, shown) in paths.items():
            group.create_task(read(key, path, shown))
    if failures:
        raise DataError(*(problem for key in paths if key in failures for problem in failures[key].problems))
    return {key: documents[key] for key in paths}


def _refuse_spreadsheet(path: Path, shown: str) -> None:
    if path.suffix.lower() in _SPREADSHEETS:
        raise DataError(Problem(shown, f"{path.suffix} files cannot be read", "export it as JSON or JSONL"))


async def _read(path: Path, shown: str) -> bytes:
    try:
        # Opened, read and closed in one piece: a run that ends meanwhile leaves no open file behind.
        return await _read_bytes(path)
    except FileNotFoundError as error:
        raise DataError(Problem(shown, "there is no such file", _nearest(path))) from error
    except IsADirectoryError as error:
        raise DataError(Problem(shown, "this is a folder, not a file", "name a file in it")) from error
    except PermissionError as error:
        raise DataError(Problem(shown, "the file may not be read", "give yourself the right to read it")) from error
    except (OSError, ValueError) as error:  # ValueError: a name with a NUL
        raise DataError(Problem(shown, f"the file cannot be read: {error}", "")) from error


def _nearest(path: Path) -> str:
    try:
        names = [entry.name for entry in os.scandir(path.parent) if entry.is_file()]
    except OSError:
        return f"the folder {path.parent} is not there either"
    close = difflib.get_close_matches(path.name, names, n=1)
    return f"did you mean {close[0]}?" if close else "check the name in the scenario"


def _decode(data: bytes, shown: str) -> str:
    if data.startswith(_WIDE_MARKS):
        raise DataError(Problem(shown, "the file is UTF-16, not UTF-8", "save it as UTF-8"))
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        what = f"byte 0x{data[error.start]:02x} is not UTF-8"
        raise DataError(Problem(f"{shown}:{line}", what, "save the file as UTF-8")) from error
