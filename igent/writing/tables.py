"""Rows as tables for spreadsheet programs: CSV and XLSX. The same rows give the same bytes.

The JSON of a run is exact; a table is for people. A list of words is one cell, whatever else is nested is JSON in one.
Control characters are left out, save tabs and line ends. No text is run as a formula: in CSV it gets an apostrophe in
front (see csv_cell), in XLSX it is a cell of text, as it is. CSV is UTF-8 without a byte order mark, for programs: the
XLSX beside it is what a spreadsheet program opens rightly.
"""

from __future__ import annotations

__all__ = ["MOST_ROWS", "columns_of", "csv_table", "xlsx_table"]

import csv
import io
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import chain, islice
from typing import Any

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from igent.cells import csv_cell
from igent.writing.lines import encode

MOST_ROWS = 1_048_575
"""Of one sheet of an XLSX file, beside the heading; more go to further sheets."""
_MOST_COLUMNS = 16_384
_MOST_UNITS = 32_767
_MOST_DIGITS = 10**15
_MOST_LETTERS = 31
_LOOKED_AT = 500
_WIDTHS = (8, 60)
_MARK = "…"
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff]")
_LINE_END = re.compile(r"\r\n?")
_SHEET_NAME = re.compile(r"[\[\]:*?/\\'\x00-\x1f]")
_MADE = datetime(2000, 1, 1)  # noqa: DTZ001  # the file has a date without a zone; the same each time
_END = "\r\n"  # the writer of Python 3.11 quotes a carriage return only if it is a part of the line's end

Row = Mapping[str, Any]
_Cell = str | int | float | bool | None


def columns_of(rows: Sequence[Row]) -> list[str]:
    """The keys of all rows, in the order in which they first come."""
    return list(dict.fromkeys(key for row in rows for key in row))


def csv_table(rows: Sequence[Row], columns: Sequence[str] | None = None) -> bytes:
    """The rows as CSV: comma, "\\n", quotes where they are needed. `columns` None: those of columns_of.

    None is an empty cell, a truth value TRUE or FALSE. A number stays one, a negative one too.
    """
    names = columns_of(rows) if columns is None else columns
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator=_END)
    pieces: list[bytes] = []
    heading: list[_Cell] = [_clean(name) for name in names]
    for cells in chain([heading], ([_cell(row.get(name)) for name in names] for row in rows)):
        writer.writerow([_csv_text(cell) for cell in cells])
        pieces.append(buffer.getvalue().removesuffix(_END).encode("utf-8"))
        buffer.seek(0)
        buffer.truncate()
    return b"\n".join([*pieces, b""])


def xlsx_table(rows: Sequence[Row], columns: Sequence[str] | None = None, sheet: str = "Results") -> bytes:
    """The rows as an Excel workbook: a sheet with a heading that stays in view and filters its columns; further sheets
    for rows beyond MOST_ROWS. `columns` as in csv_table, and cells too, but: a text of more than 32,767 UTF-16 units is
    cut and ends in "…", and a whole number of more than 15 digits is text, for the program would round it. Of more than
    16,384 columns the last heading tells.
    """
    names = columns_of(rows) if columns is None else columns
    content = io.BytesIO()
    options = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "nan_inf_to_errors": False,
    }
    with Workbook(content, options) as book:
        book.set_properties({"created": _MADE})
        bold, plain = book.add_format({"bold": True}), book.add_format()
        for number, first in enumerate(range(0, max(len(rows), 1), MOST_ROWS), 1):
            page = book.add_worksheet(_sheet_name(sheet, number))
            _fill(page, rows[first : first + MOST_ROWS], names, bold, plain)
    return content.getvalue()


def _fill(page: Worksheet, rows: Sequence[Row], names: Sequence[str], bold: Format, plain: Format) -> None:
    titles = _titles(names)
    shown = list(zip(names, titles, strict=False))
    for column, (name, title) in enumerate(shown):
        _write_text(page, (0, column), title, bold)
        page.set_column(column, column, _width(title, (row.get(name) for row in islice(rows, _LOOKED_AT))))
    for line, row in enumerate(rows, 1):
        for column, (name, _) in enumerate(shown):
            _write(page, (line, column), _cell(row.get(name)), plain)
    page.freeze_panes(1, 0)
    if shown:
        page.autofilter(0, 0, len(rows), len(shown) - 1)


def _write(page: Worksheet, place: tuple[int, int], cell: _Cell, plain: Format) -> None:
    if cell is None:
        return
    if isinstance(cell, bool):
        page.write_boolean(*place, cell)
    elif isinstance(cell, int | float) and abs(cell) < _MOST_DIGITS:
        page.write_number(*place, cell)
    else:
        _write_text(page, place, str(cell), plain)


def _write_text(page: Worksheet, place: tuple[int, int], text: str, shape: Format) -> None:
    shown = _cut(text)
    if shown.startswith("<r>") and shown.endswith("</r>"):
        # The library would take it for XML of its own, and put it into the file as it is.
        page.write_rich_string(*place, shown[:1], shape, shown[1:], shape)
    else:
        page.write_string(*place, shown, shape)


def _cell(value: Any) -> _Cell:
    """The value as one cell; a text is without control characters, and fit for a file."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    return _clean(value if isinstance(value, str) else _joined(value))


def _joined(value: Any) -> str:
    if isinstance(value, list | tuple) and all(isinstance(one, str) and one and ";" not in one for one in value):
        return "; ".join(value)
    return encode(value).decode("utf-8")


def _clean(text: str) -> str:
    return _CONTROL.sub("", text).encode("utf-8", "backslashreplace").decode("utf-8")


def _csv_text(cell: _Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    return csv_cell(cell) if isinstance(cell, str) else str(cell)


def _cut(text: str) -> str:
    """The text as a cell of a sheet holds it; its lines end as they do there."""
    text = _LINE_END.sub("\n", text)
    if len(text) <= _MOST_UNITS // 2:
        return text
    units = text.encode("utf-16-le")
    if len(units) <= 2 * _MOST_UNITS:
        return text
    return units[: 2 * (_MOST_UNITS - 1)].decode("utf-16-le", "ignore") + _MARK


def _titles(names: Sequence[str]) -> list[str]:
    """The headings; where there are more than a sheet can hold, the last tells of them."""
    titles = [_clean(name) for name in names[:_MOST_COLUMNS]]
    if len(names) > _MOST_COLUMNS:
        titles[-1] = f"{titles[-1]} {_MARK} {len(names) - _MOST_COLUMNS} more columns: see the CSV"
    return titles


def _width(title: str, values: Iterable[Any]) -> int:
    """The width of a column in characters: that of the longest line there is in it, and room for the filter's mark."""
    longest = max((len(line) for value in values for line in str(_cell(value) or "").split("\n")), default=0)
    return min(max(longest + 1, len(title) + 3, _WIDTHS[0]), _WIDTHS[1])


def _sheet_name(name: str, number: int) -> str:
    """A name that a workbook takes: at most 31 characters, some of them not; numbered from the second on."""
    ending = "" if number == 1 else f" {number}"
    kept = _SHEET_NAME.sub("_", _clean(name)) or "Results"
    return f"{kept[: _MOST_LETTERS - len(ending)]}{ending}"
