"""Reads workbooks (.xlsx): each row of the first sheet is an object of values by the names in the first row.

A workbook is a ZIP file of XML from anybody's hand. It is looked at before it is unpacked, and unpacked and read in a
child process with limits; what comes back is plain JSON.
"""

from __future__ import annotations

__all__ = ["open_xlsx"]

from itertools import islice
from pathlib import Path
from typing import Any

from igent.confined import ConfinedError, Limits, run_confined
from igent.errors import DataError, Problem
from igent.records.elements import Index, ListDocument
from igent.records.headers import header_problems
from igent.records.json_parser import scan_value
from igent.records.sources import HeldBytes, file_errors, kind_of, open_file
from igent.records.zip_checks import check_zip

_MOST_BYTES = 20 << 20
_LIMITS = Limits(memory=1 << 30, cpu_seconds=30, wall_seconds=60.0, result=100 << 20)
_MAX_PROBLEMS = 20
_REMEDY = "save it as .xlsx, .csv or JSON"
_SMALLER = "split it, or save it as .csv"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_PROTECTED = "EncryptedPackage".encode("utf-16-le")
_OTHERS = (("xl/workbook.bin", "a binary workbook (.xlsb)"), ("content.xml", "an OpenDocument file (.ods)"))
_WHY = {
    "memory": ("it needs too much memory: its cells lie too far apart, or are too many", _SMALLER),
    "time": ("it takes too long to read", _SMALLER),
    "size": (f"its cells are more than {_LIMITS.result:,} bytes of JSON", _SMALLER),
    "crash": ("reading it breaks the reader: its cells lie too far apart, are too many, or are damaged", _REMEDY),
}


def open_xlsx(path: Path, shown: str) -> ListDocument:
    """The rows of the first visible sheet as a list document; empty rows are left out, an empty cell is null.

    Formulas have the value that they were saved with; macros are not looked at. `shown` is the file's name for
    messages. Raises DataError for a file that cannot be read, is none or a hostile one, or has an unusable first row.
    """
    with file_errors(path, shown):
        file = open_file(path, shown)
        data = file.read(0, min(file.size, _MOST_BYTES) + 1)
    if len(data) > _MOST_BYTES:
        raise DataError(Problem(shown, f"the workbook has more than {_MOST_BYTES:,} bytes", _SMALLER))
    if (found := _not_xlsx(data)) is not None:
        raise DataError(Problem(shown, *found))
    return _document(_read(data, shown), shown)


def _not_xlsx(data: bytes) -> tuple[str, str] | None:
    """What a file that is no workbook of this kind is, or why it is not to be opened; and the remedy."""
    if not data:
        return "the file is empty", "export it again, or name another file in the scenario"
    if data.startswith(_OLE) and _PROTECTED in data:
        return "the workbook is protected with a password", "save it without one"
    if data.startswith(_OLE):
        return "this is an old Excel file (.xls), whatever its name is", _REMEDY
    if not data.startswith(b"PK"):
        return f"this is no workbook: the file is {kind_of(data) or 'of another kind'}", _REMEDY
    try:
        names = {name.lower() for name in check_zip(data)}
    except ValueError as error:
        return f"the workbook is not opened: {error}", _REMEDY
    kind = next((kind for part, kind in _OTHERS if part in names), None)
    if kind is None and "[content_types].xml" not in names:
        kind = "a ZIP file, and no workbook"
    return (f"this is {kind}, whatever its name is", _REMEDY) if kind else None


def _read(data: bytes, shown: str) -> bytes:
    try:
        return run_confined("igent.records.xlsx_child:rows", data, _LIMITS)
    except ConfinedError as error:
        if error.kind != "refused":
            raise DataError(Problem(shown, *_WHY[error.kind])) from error
        row, _, what = str(error).partition(": ")
        raise DataError(Problem(shown if row == "0" else f"{shown}:{row}", what, _REMEDY)) from error


def _document(lines: bytes, shown: str) -> ListDocument:
    index, offset, header = Index(shown), 0, list[str]()
    for line in lines.split(b"\n") if lines else ():
        row = int(line[1 : line.index(b",")])
        if header:
            index.add(offset, line, row)
        else:
            header = ["" if name is None else str(name).strip() for name in _cells(line)]
            if problems := list(islice(header_problems(header, f"{shown}:{row}"), _MAX_PROBLEMS)):
                raise DataError(*problems)
        offset += len(line) + 1
    if not header:
        raise DataError(Problem(shown, "its first sheet is empty", "move the table to the first sheet"))
    return ListDocument(HeldBytes(lines), index, lambda data: dict(zip(header, _cells(data), strict=True)))


def _cells(line: bytes) -> list[Any]:
    cells: list[Any] = scan_value(line.decode())[0][1]
    return cells
