"""Workbooks for tests, made part by part: as a spreadsheet program makes them, and as none would."""

from __future__ import annotations

__all__ = ["PARTS", "book", "cell", "entry_of", "packed", "sheet", "table"]

import struct
import zipfile
from collections.abc import Iterable, Sequence
from io import BytesIO
from typing import Any

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
PARTS = {
    "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="xml" '
    'ContentType="application/xml"/></Types>',
    "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" '
    f'Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>'
    '<sheet name="Secret" sheetId="1" state="hidden" r:id="rId2"/><sheet name="Table" sheetId="2" r:id="rId1"/>'
    "</sheets></workbook>",
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
    f'<Relationship Id="rId2" Type="{_OFFICE}/worksheet" Target="worksheets/sheet2.xml"/>'
    f'<Relationship Id="rId3" Type="{_OFFICE}/styles" Target="styles.xml"/>'
    f'<Relationship Id="rId4" Type="{_OFFICE}/sharedStrings" Target="sharedStrings.xml"/></Relationships>',
    # Style 1 is a date, style 2 a date with its time, style 3 a time.
    "xl/styles.xml": f'<styleSheet xmlns="{_MAIN}"><cellXfs count="4"><xf numFmtId="0"/><xf numFmtId="14"/>'
    '<xf numFmtId="22"/><xf numFmtId="20"/></cellXfs></styleSheet>',
}


def cell(place: str, value: Any, style: int = 0) -> str:
    """A cell with a text, a number, a truth value, or, for "=…", a formula and the value 2 that was saved with it."""
    head = f'<c r="{place}" s="{style}"'
    match value:
        case None:
            return head + "/>"
        case bool():
            return f'{head} t="b"><v>{int(value)}</v></c>'
        case int() | float():
            return f"{head}><v>{value}</v></c>"
        case str() if value.startswith("="):
            return f"{head}><f>{value[1:]}</f><v>2</v></c>"
    text = str(value).replace("&", "&amp;").replace("<", "&lt;")
    return f'{head} t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'


def sheet(rows: Iterable[str]) -> str:
    return f'<worksheet xmlns="{_MAIN}"><sheetData>{"".join(rows)}</sheetData></worksheet>'


def table(rows: Sequence[Sequence[Any]]) -> str:
    """A sheet with these rows from A1 on; a cell that is a string of XML stays as it is."""
    return sheet(
        f'<row r="{number}">'
        + "".join(cell(f"{_letters(place)}{number}", value) for place, value in enumerate(row))
        + "</row>"
        for number, row in enumerate(rows, 1)
    )


def _letters(place: int) -> str:
    return (chr(64 + place // 26) if place >= 26 else "") + chr(65 + place % 26)


def book(first: str, **changed: str | bytes | None) -> bytes:
    """A workbook whose first visible sheet is `first`. Other parts by name, "__" for "/"; None leaves one out."""
    parts: dict[str, Any] = {
        **PARTS,
        "xl/worksheets/sheet1.xml": first,
        "xl/worksheets/sheet2.xml": table([["hidden"]]),
    }
    for name, content in changed.items():
        parts[
            next(
                (part for part in parts if part.replace("/", "__").split(".")[0] == name),
                f"{name.replace('__', '/')}.xml",
            )
        ] = content
    return packed({name: content for name, content in parts.items() if content is not None})


def packed(parts: dict[str, str | bytes]) -> bytes:
    """The parts as a ZIP file."""
    made = BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return made.getvalue()


def entry_of(data: bytes, name: str, **fields: int) -> bytes:
    """The ZIP file with fields of one entry of its table of contents changed: flags, method, packed, size, offset."""
    places = {"flags": ("<H", 8), "method": ("<H", 10), "packed": ("<L", 20), "size": ("<L", 24), "offset": ("<L", 42)}
    made = bytearray(data)
    start = data.index(name.encode(), data.index(b"PK\x01\x02")) - 46
    assert data[start : start + 4] == b"PK\x01\x02"
    for field, value in fields.items():
        form, at = places[field]
        struct.pack_into(form, made, start + at, value)
    return bytes(made)
