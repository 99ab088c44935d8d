"""Input files that no program would make, and what igent says of each."""

from __future__ import annotations

__all__ = ["GOOD", "TEXTS", "WORKBOOKS"]

import random
from collections.abc import Callable

from workbooks import PARTS, book, cell, entry_of, packed, sheet, table

GOOD = table([["RegistrationNumber"], ["A"]])
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 500


def far_corner() -> bytes:
    """Two cells in opposite corners: 17 billion cells, for a reader that keeps what is between them."""
    rows = ('<row r="1">', cell("A1", "a"), '</row><row r="1048576">', cell("XFD1048576", "b"), "</row>")
    return book(sheet(rows))


def overlapping() -> bytes:
    """Entries that share their bytes: each adds its unpacked size for some 50 bytes of table."""
    data = packed({**PARTS, "xl/worksheets/sheet1.xml": GOOD, "a.xml": "x" * 1_000, "b.xml": "x" * 1_000})
    place = data.index(b"a.xml") - 30
    return entry_of(data, "b.xml", offset=place)


def quine() -> bytes:
    """An entry whose bytes are those of the whole archive, its own head with them."""
    data = packed({"a.xml": "x" * 100, "b.xml": "y" * 100})
    return entry_of(data, "b.xml", offset=0, packed=len(data), size=len(data))


def shared_strings(text: str, count: int) -> bytes:
    """Each of many cells shows one long text, which the file has once."""
    strings = f'<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><si><t>{text}</t></si></sst>'
    rows = (f'<row r="{n}"><c r="A{n}" t="s"><v>0</v></c></row>' for n in range(1, count))
    return book(sheet(rows), xl__sharedStrings=strings)


def with_dtd(part: str, dtd: str) -> bytes:
    whole = {**PARTS, "xl/worksheets/sheet1.xml": GOOD, "xl/worksheets/sheet2.xml": GOOD}
    noise = random.Random(1).randbytes(700_000).hex()
    return packed({**whole, part: f'<?xml version="1.0"?>\n<!-- {noise} -->{dtd}\n{whole[part]}'})


LAUGHS = '<!DOCTYPE a [<!ENTITY l "lol"><!ENTITY m "&l;&l;&l;&l;&l;&l;&l;&l;&l;&l;">]>'
EXTERNAL = '<!DOCTYPE a SYSTEM "file:///etc/passwd">'
ZIPPED = "the workbook is not opened: "
APART = "its cells lie too far apart, are too many, or are damaged (save it as .xlsx, .csv or JSON)"
WORKBOOKS: dict[str, tuple[Callable[[], bytes], str]] = {
    "far corner": (far_corner, APART),
    "bomb": (lambda: book(GOOD, bomb=b"\0" * (20 << 20)), "packed more than 100:1, as in a ZIP bomb"),
    "claims much": (
        lambda: entry_of(book(GOOD), "xl/styles.xml", size=0xF0000000),
        "unpacked it has 4,026,",
    ),
    "claims little": (
        lambda: entry_of(book(table([["a"]] * 60_000)), "xl/worksheets/sheet1.xml", size=100),
        ZIPPED + "it is damaged or cut off",
    ),
    "many entries": (lambda: packed({f"x{n}": "" for n in range(1_001)}), "it has more than 1,000 entries"),
    "overlapping": (overlapping, "parts of it lie over each other"),
    "quine": (quine, "parts of it lie over each other"),
    "password": (lambda: OLE + "EncryptedPackage".encode("utf-16-le"), "is protected with a password (save it without"),
    "encrypted entry": (lambda: entry_of(book(GOOD), "xl/workbook.xml", flags=1), "it is protected with a password"),
    "old .xls": (lambda: OLE + "Workbook".encode("utf-16-le"), "this is an old Excel file (.xls), whatever its name"),
    "renamed .ods": (
        lambda: packed({"mimetype": "application/vnd.oasis.opendocument.spreadsheet", "content.xml": "<a/>"}),
        "this is an OpenDocument file (.ods), whatever its name is",
    ),
    "renamed .xlsb": (lambda: packed({"xl/workbook.bin": "x"}), "this is a binary workbook (.xlsb)"),
    "another ZIP": (lambda: packed({"word/document.txt": "x"}), "this is a ZIP file, and no workbook"),
    "renamed CSV": (lambda: b"a,b\n1,2\n", "this is no workbook: the file is of another kind"),
    "renamed PDF": (lambda: b"%PDF-1.7\n", "this is no workbook: the file is a PDF file"),
    "DTD": (lambda: with_dtd("xl/workbook.xml", LAUGHS), "defines entities (a DTD)"),
    "external entity": (lambda: with_dtd("xl/worksheets/sheet1.xml", EXTERNAL), "defines entities (a DTD)"),
    "wide DTD": (
        lambda: packed({**PARTS, "xl/worksheets/sheet1.xml": f"{LAUGHS}<a/>".encode("utf-16")}),
        "a part of it is not UTF-8",
    ),
    "truncated": (lambda: book(GOOD)[:-100], ZIPPED + "it is damaged or cut off"),
    "front only": (lambda: book(GOOD)[:200], ZIPPED + "it is damaged or cut off"),
    "no sheet": (
        lambda: book(GOOD, xl__workbook=PARTS["xl/workbook.xml"].replace("<sheet name", "<x name")),
        "there is no sheet with cells in it",
    ),
    "all hidden": (
        lambda: book(GOOD, xl__workbook=PARTS["xl/workbook.xml"].replace('sheetId="2"', 'sheetId="2" state="hidden"')),
        "there is no sheet with cells in it",
    ),
    "no such part": (lambda: packed(dict(PARTS)), "it cannot be read"),
    "broken XML": (lambda: book(GOOD[:-30]), "file.xlsx: "),
    "huge shared strings": (lambda: shared_strings("x" * 1_000_000, 2_000), "file.xlsx: "),
    "leads out": (lambda: packed({**PARTS, "../../etc/cron.d/x": "x"}), "has a name that leads out of it"),
    "absolute": (lambda: packed({**PARTS, "/etc/cron.d/x": "x"}), "has a name that leads out of it"),
    "same name": (
        lambda: packed({**PARTS, "xl/Workbook.xml": "<a/>"}),
        "two parts of it have the same name",
    ),
    "rare packing": (lambda: entry_of(book(GOOD), "xl/workbook.xml", method=14), "packed in a way that no spreadsheet"),
    "too large": (lambda: b"PK\x03\x04" + b"\0" * (20 << 20), "the workbook has more than 20,971,520 bytes (split it"),
    "empty": (lambda: b"", "the file is empty"),
}  # fmt: skip

DEEP = 100_000
TEXTS: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "deep list": ("f.json", lambda: b"[" * DEEP, "(at most 100 levels are read)"),
    "deep and closed": ("f.json", lambda: b"[" * DEEP + b"]" * DEEP, "nested too deeply"),
    "deep object": ("f.json", lambda: b'{"a":' * DEEP + b"1" + b"}" * DEEP, "nested too deeply"),
    "deeper than prompts": ("f.json", lambda: b'[{"a":' + b"[" * 300 + b"]" * 300 + b"}]", "f.json:1:2: "),
    "deep line": ("f.jsonl", lambda: b"{}\n" + b"[" * DEEP, "f.jsonl:2:1: not valid JSON: the value that begins here"),
    "long integer": ("f.json", lambda: b'[{"a": 1},\n{"a": ' + b"9" * DEEP + b"}]", "f.json:2:7: not valid JSON: a nu"),
    "long integer line": ("f.jsonl", lambda: b"-" + b"9" * DEEP, "f.jsonl:1:1: not valid JSON: a number of this"),
    "1e400": ("f.jsonl", lambda: b"{}\n[1e400]", "f.jsonl:2:2: not valid JSON: 1e400 cannot be used"),
    "NaN": ("f.json", lambda: b'{"a": NaN}', "f.json:1:7: not valid JSON: NaN cannot be used"),
    "-Infinity": ("f.json", lambda: b"[1,\n-Infinity]", "f.json:2:1: not valid JSON: -Infinity cannot be used"),
    "a name twice": ("f.json", lambda: b'[{},\n{"Zip": 1, "Zip": 2}]', "f.json:2:1: not valid JSON: the member 'Zip'"),
    "a name twice inside": ("f.jsonl", lambda: b'{"a": [{"b": 1, "b": 1}]}', "f.jsonl:1:1: not valid JSON: the memb"),
    "a name twice at the top": ("f.json", lambda: b'{"a": 1,\n"a": 1}', "f.json:2:1: not valid JSON: the member 'a'"),
    "surrogate bytes": ("f.json", lambda: b'[1,\n"\xed\xa0\x80"]', "f.json:2: byte 0xed is not UTF-8"),
    "long form": ("f.json", lambda: b'["\xc0\xaf"]', "f.json:1: byte 0xc0 is not UTF-8"),
    "Latin-1": ("f.jsonl", lambda: b'"a"\n"caf\xe9"', "f.jsonl:2: byte 0xe9 is not UTF-8"),
    "UTF-16": ("f.json", lambda: '[{"a": 1}]'.encode("utf-16"), "f.json: the file is UTF-16, not UTF-8"),
    "UTF-16 without mark": ("f.json", lambda: '[{"a": 1}]'.encode("utf-16-le"), "f.json:1:2: not valid JSON"),
    "NUL": ("f.json", lambda: b'[{"a": "\0"}]', "f.json:1:9: not valid JSON: invalid control character"),
    "only NULs": ("f.jsonl", lambda: b"\0" * DEEP, "f.jsonl:1:1: not valid JSON"),
    "workbook": ("f.json", lambda: book(GOOD), "f.json: the file is a ZIP file (such as .xlsx or .ods)"),
    "gzip": ("f.jsonl", lambda: b"\x1f\x8b\x08\0\0", "f.jsonl: the file is compressed with gzip"),
    "cut off": ("f.json", lambda: b'[{"a": 1},\n{"a": "b', "f.json:2:7: not valid JSON: unterminated string"),
    "script": ("f.json", lambda: b"\x1b[31m<script>alert(1)</script>", "f.json:1:1: not valid JSON"),
    "large record": ("f.json", lambda: b'[{},\n{"a": "' + b"x" * (11 << 20) + b'"}]', "f.json:2: the record that"),
    "large line": ("f.jsonl", lambda: b'{}\n{"a": "' + b"x" * (11 << 20) + b'"}', "f.jsonl:2: the record that begins"),
    "a string without end": ("f.json", lambda: b'[1, "' + b"x" * (66 << 20), "f.json:1: the record that begins"),
    "a large object": ("f.json", lambda: b'{"a": "' + b"x" * (65 << 20) + b'"}', "f.json:1: not valid JSON, here or"),
    "many bad lines": ("f.jsonl", lambda: b"x\n" * 2_000_000, "f.jsonl: at least 1,000 more lines are not valid JSON"),
    "a row without end": ("f.csv", lambda: b"a,b\n" + b"1,2," * 3_000_000, "f.csv:2: the record that begins"),
    "a quote without end": ("f.csv", lambda: b'a,b\n1,2\n1,"' + b"x\n" * 500_000, "f.csv:3: not valid CSV: a cell of"),
    "NUL in a table": ("f.csv", lambda: b"a,b\n\0,2\n", "f.csv:2: there is a NUL byte"),
    "UTF-16 table": ("f.csv", lambda: "a\tb\r\n1\t2".encode("utf-16"), "f.csv: the file is UTF-16"),
    "renamed workbook": ("f.csv", lambda: book(GOOD), "f.csv: the file is a ZIP file (such as .xlsx"),
    "renamed .xls": ("f.tsv", lambda: OLE, "f.tsv: the file is an old Excel file (.xls)"),
    "old ending": ("f.xls", lambda: OLE, "f.xls: .xls files cannot be read (save it as .xlsx, .csv or JSON)"),
    "many columns": ("f.csv", lambda: b"a," * 1_000_000, "f.csv:1: the first row names 1,000,001 columns"),
}  # fmt: skip
