"""Reads input files, JSON and tables, with the line of every element, and says exactly what is wrong with a bad one."""

from __future__ import annotations

__all__ = ["read_document", "read_documents"]

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from aiofiles.os import wrap

from igent.errors import DataError, Problem
from igent.records.csv_reader import open_csv
from igent.records.indexing import open_list
from igent.records.json_parser import parse_json, parse_jsonl
from igent.records.pdf_input import is_pdf, open_pdf
from igent.records.sources import MOST_WHOLE, file_errors, kind_of, open_file
from igent.records.xlsx_reader import open_xlsx
from igent.workload import Document

_JSONL = frozenset({".jsonl", ".ndjson"})
_TABLES: Mapping[str, Callable[[Path, str], Document]] = {
    ".csv": open_csv,
    ".tsv": partial(open_csv, delimiter="\t"),
    ".xlsx": open_xlsx,
    ".xlsm": open_xlsx,
}
_REFUSED = frozenset({".xls", ".xlsb", ".ods", ".numbers"})
_NO_PDF = frozenset({".json", *_JSONL, *_TABLES})  # a PDF by such a name is a mistake, not a document


async def read_document(path: Path, shown: str | None = None) -> Document:
    """Read one file, by its ending: JSONL (.jsonl, .ndjson), a table (.csv, .tsv, .xlsx, .xlsm), a PDF (.pdf, or
    any other ending where it begins as one), or else JSON.

    A list is checked whole, and its elements are read from the file when they are looked at (see ListDocument); so are
    the rows of a table, each an object of texts (CSV) or values (XLSX) by the names in the first row. Of a PDF the
    value is a PdfFile: its pages are not read yet. `shown` is the name for messages; None shows the path. UTF-8, with
    or without a byte order mark. Raises DataError naming file, line and remedy; of a JSONL file or a table all bad
    lines (up to 20).
    """
    shown = shown if shown is not None else str(path)
    ending = path.suffix.lower()
    if ending in _REFUSED:
        raise DataError(Problem(shown, f"{path.suffix} files cannot be read", "save it as .xlsx, .csv or JSON"))
    if await asyncio.to_thread(is_pdf, path, _NO_PDF):
        return await asyncio.to_thread(open_pdf, path, shown)
    lines = ending in _JSONL
    # A long file takes seconds to parse; the event loop has other files to read meanwhile.
    document = await asyncio.to_thread(_TABLES.get(ending, partial(open_list, lines=lines)), path, shown)
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


async def _read(path: Path, shown: str) -> bytes:
    with file_errors(path, shown):
        # Opened, read and closed in one piece: a run that ends meanwhile leaves no open file behind.
        return await _read_bytes(path)


def _read_whole(path: Path) -> bytes:
    file = open_file(path, str(path))
    return file.read(0, min(file.size, MOST_WHOLE) + 1)  # it may have grown since it was looked at; not without end


_read_bytes = wrap(_read_whole)


def _decode(data: bytes, shown: str) -> str:
    if (kind := kind_of(data)) is not None:
        raise DataError(Problem(shown, f"the file is {kind}", "save it as JSON, in UTF-8"))
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        what = f"byte 0x{data[error.start]:02x} is not UTF-8"
        raise DataError(Problem(f"{shown}:{line}", what, "save the file as UTF-8")) from error
