"""Reads the cells of a workbook: in a child process only, for one small file can make the library abort its process."""

from __future__ import annotations

__all__ = ["rows"]

import json
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from io import BytesIO
from math import isfinite
from typing import Any

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

_EXACT = 10**15  # a spreadsheet keeps fifteen digits


def rows(data: bytes) -> bytes:
    """The rows of the first visible sheet that are not empty, a line of JSON each: the row's number and its cells.

    Whole numbers are integers, dates are ISO texts, empty cells and error values are null; of a formula it is the value
    that was saved with it. Raises ValueError with a text "ROW: what is wrong"; ROW is 0 for the whole file.
    """
    try:
        return b"\n".join(_lines(_sheet(data)))
    except CalamineError as error:
        raise ValueError(f"0: it cannot be read: {error}") from error


def _lines(sheet: CalamineSheet) -> Iterator[bytes]:
    for number, row in enumerate(sheet.iter_rows(), 1):
        cells = [_plain(cell, number, column) for column, cell in enumerate(row, 1)]
        if any(cell is not None for cell in cells):
            yield json.dumps([number, cells], ensure_ascii=False, separators=(",", ":")).encode()


def _sheet(data: bytes) -> CalamineSheet:
    book = CalamineWorkbook.from_filelike(BytesIO(data))
    for sheet in book.sheets_metadata:
        if sheet.typ == SheetTypeEnum.WorkSheet and sheet.visible == SheetVisibleEnum.Visible:
            return book.get_sheet_by_name(sheet.name)
    raise ValueError("0: there is no sheet with cells in it")


def _plain(cell: Any, row: int, column: int) -> Any:
    match cell:
        case "":
            return None
        case float():
            if not isfinite(cell):
                raise ValueError(f"{row}: the number in column {column} cannot be used")
            return int(cell) if cell.is_integer() and abs(cell) < _EXACT else cell
        case datetime():
            midnight = cell.time() == time()
            return cell.date().isoformat() if midnight else cell.isoformat(timespec="seconds")
        case date() | time():
            return cell.isoformat()
        case timedelta():
            return str(cell)
    return cell
