"""PDFs for tests: written object by object where they must be odd, else with fpdf2; and a command that reads them."""

from __future__ import annotations

import json
import sys
import zlib
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

from fpdf import FPDF

from igent.flow import PdfFile
from igent.records.pdf_child import render_page
from igent.records.pdf_input import open_pdf

CATALOG = b"<</Type/Catalog/Pages 2 0 R>>"
FONT = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"


def pdf_of(*objects: bytes) -> bytes:
    """A PDF of these objects, numbered from 1; the first is its catalog."""
    out, places = bytearray(b"%PDF-1.7\n"), []
    for number, content in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(objects) + 1
    end = b"xref\n0 %d\n0000000000 65535 f \n%btrailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n"
    return bytes(out) + end % (size, table, size, len(out))


def stream(entries: bytes, data: bytes) -> bytes:
    return b"<<%b/Length %d>>\nstream\n%b\nendstream" % (entries, len(data), data)


def same_page_often(count: int, page: bytes = b"/MediaBox[0 0 612 792]") -> bytes:
    kids = b"<</Type/Pages/Kids[%b]/Count %d>>" % (b"3 0 R " * count, count)
    return pdf_of(CATALOG, kids, b"<</Type/Page/Parent 2 0 R%b>>" % page)


def bomb_between_two_pages() -> bytes:
    """The second of three pages is 400 bytes that unpack to 90 MB of lines to draw."""
    pack = zlib.compressobj(1)
    drawn = b"0 0 m 1 1 l S " * 65536
    packed = zlib.compress(b"".join([*(pack.compress(drawn) for _ in range(96)), pack.flush()]), 9)
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents %d 0 R/Resources<</Font<</F 7 0 R>>>>>>"
    return pdf_of(
        CATALOG,
        b"<</Type/Pages/Kids[3 0 R 4 0 R 3 0 R]/Count 3>>",
        page % 5,
        page % 6,
        stream(b"", b"BT /F 12 Tf 72 700 Td (A good page) Tj ET"),
        stream(b"/Filter[/FlateDecode/FlateDecode]", packed),
        FONT,
    )


def form() -> bytes:
    """A page with two labels, and a field for text and a box behind them, filled in and ticked."""
    fields = b"6 0 R 8 0 R"
    widget = b"<</Type/Annot/Subtype/Widget/F 4/P 3 0 R%b>>"
    drawn = b"/Type/XObject/Subtype/Form/BBox[0 0 %b]/Resources<</Font<</F 5 0 R/Z 11 0 R>>>>"
    return pdf_of(
        b"<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[%b]>>>>" % fields,
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>/Annots[%b]>>"
        % fields,
        stream(b"", b"BT /F 12 Tf 72 700 Td (Name of plan:) Tj 0 -20 Td (Loans:) Tj ET"),
        FONT,
        widget % b"/FT/Tx/T(name)/V(Acme)/Rect[160 690 400 715]/DA(/F 12 Tf)/AP<</N 7 0 R>>",
        stream(drawn % b"240 25", b"/Tx BMC BT /F 12 Tf 2 8 Td (Acme) Tj ET EMC"),
        widget % b"/FT/Btn/T(box)/V/Yes/AS/Yes/Rect[160 675 175 690]/AP<</N<</Yes 9 0 R/Off 10 0 R>>>>",
        stream(drawn % b"15 15", b"BT /Z 12 Tf 2 2 Td (4) Tj ET"),
        stream(drawn % b"15 15", b""),
        b"<</Type/Font/Subtype/Type1/BaseFont/ZapfDingbats>>",
    )


def text_pdf(*pages: Sequence[str], password: str = "") -> bytes:
    """A PDF with these lines on its pages."""
    document = FPDF()
    document.set_font("helvetica", size=12)
    if password:
        document.set_encryption(owner_password="owner", user_password=password)
    for lines in pages:
        document.add_page()
        for line in lines:
            document.cell(0, 8, line, new_x="LMARGIN", new_y="NEXT")
    return bytes(document.output())


def picture_pdf(folder: Path, *pages: Sequence[str] | None, width: float = 210, caption: str = "") -> bytes:
    """A PDF whose pages are pictures of pages with these lines, `width` mm wide; None is one with text itself."""
    source = saved(folder, text_pdf(*(page or () for page in pages)), "source.pdf")
    document = FPDF()
    document.set_font("helvetica", size=12)
    for number, lines in enumerate(pages, 1):
        document.add_page()
        if lines is None:
            document.cell(0, 8, f"text of page {number}")
            continue
        png = render_page(json.dumps({"path": str(source.path), "first": number}).encode())
        document.image(BytesIO(png), x=0, y=0, w=width)
        if caption:
            document.set_xy(20, 250)
            document.cell(0, 8, caption)
    return bytes(document.output())


def saved(folder: Path, data: bytes, name: str = "plan.pdf") -> PdfFile:
    path = folder / name
    path.write_bytes(data)
    value = open_pdf(path, name).value
    assert isinstance(value, PdfFile)
    return value


def fake_tesseract(folder: Path, read: str, version: str = "5.3.0", languages: str = "eng osd") -> Path:
    """A folder with a command `tesseract` in it: `read` is the Python that reads a picture."""
    folder.mkdir(exist_ok=True)
    command = folder / "tesseract"
    command.write_text(
        f"#!{sys.executable} -IS\nimport os, sys\n"
        f"if sys.argv[1] == '--version': print('tesseract {version}\\n leptonica-1.8')\n"
        f"elif sys.argv[1] == '--list-langs': print('Languages (2):', *{languages.split()!r}, sep='\\n')\n"
        f"else:\n    data = sys.stdin.buffer.read()\n    {read}\n",
        encoding="utf-8",
    )
    command.chmod(0o755)
    return folder
