"""Opens PDFs: in a child process only, for they are programs in disguise, and one page can hang or break the reader.

Each call is given where the file is, and what it was when it was hashed: it must be the same still.
"""

from __future__ import annotations

__all__ = ["read_texts", "render_page"]

import json
import os
import stat
import struct
import zlib
from collections.abc import Iterator
from contextlib import suppress
from hashlib import file_digest
from pathlib import Path
from typing import Any

import pypdfium2 as pdfium  # type: ignore[import-untyped]
from pypdfium2 import raw

from igent.records.page_lines import lines_of

MOST_PAGES = 5_000
MOST_CHARACTERS = 1_000_000
_SHORT = 200  # characters: a page with fewer may be a picture of a page
_PICTURE = 0.1  # of the page's area: less is a logo or a signature
_NESTED = 3  # forms in forms are looked into so deep for pictures
_MOST_OBJECTS = 20_000
_MOST_PIECES = 5_000  # each is looked for among all characters of the page
# Numbers in print of 8 and 12 points, scanned at 150 to 300 dpi: tesseract misreads 26 of 5,850 words when they are
# drawn at 200 dpi, 13 at 250 and 15 at 300.
_DPI = 250.0
_MOST_PIXELS = 12_000_000  # a Tabloid page at 250 dpi is 11.7 million
_MOST_PIXELS_A_SIDE = 20_000
_POINTS = 72.0


def read_texts(argument: bytes) -> bytes:
    """The texts of some pages of a PDF, and how many pages it has.

    Takes JSON {"path", "first" (from 1), "count", "digest" or "stamp"}; gives {"pages", "stamp", "texts": [{"text",
    "scanned"} or {"problem"}, …]}, fewer where the file ends. Raises ValueError "WHAT\\nREMEDY" for the whole file.
    """
    asked = json.loads(argument)
    path = Path(asked["path"])
    stamp = _same_file(path, asked)
    document = _open(path)
    pages = len(document)
    if pages > MOST_PAGES:
        raise ValueError(f"it has {pages:,} pages, and at most {MOST_PAGES:,} are read\nsplit it, and name each part")
    _show_forms(document)
    last = min(asked["first"] - 1 + asked["count"], pages)
    texts = [_text(document, number) for number in range(asked["first"] - 1, last)]
    return json.dumps({"pages": pages, "stamp": stamp, "texts": texts}).encode()


def render_page(argument: bytes) -> bytes:
    """A page as it looks, in grey: a PNG file that names its resolution, 250 dpi unless that is too many pixels.

    Takes JSON {"path", "first", "stamp"}. Raises ValueError as read_texts does, or when the page is damaged.
    """
    asked = json.loads(argument)
    path = Path(asked["path"])
    _same_file(path, asked)
    document = _open(path)
    _show_forms(document)
    try:
        page = document[asked["first"] - 1]
        width, height = (max(side, 1.0) for side in page.get_size())
        scale = min(
            _DPI / _POINTS,
            (_MOST_PIXELS / (width * height)) ** 0.5,
            _MOST_PIXELS_A_SIDE / max(width, height),
        )
        bitmap = page.render(scale=scale, grayscale=True)
    except pdfium.PdfiumError as error:
        raise ValueError(f"it cannot be drawn: {error}") from error
    return _png(bytes(bitmap.buffer), bitmap.width, bitmap.height, bitmap.stride, scale * _POINTS)


def _same_file(path: Path, asked: dict[str, Any]) -> list[int]:
    """The file's size and time of change, when it is the file that was hashed; raises ValueError when it is not."""
    try:
        state = os.stat(path)
        stamp = [state.st_size, state.st_mtime_ns]
        same = stat.S_ISREG(state.st_mode) and asked.get("stamp", stamp) == stamp
        if same and (digest := asked.get("digest")):
            with path.open("rb") as file:
                same = file_digest(file, "sha256").hexdigest() == digest
    except OSError as error:
        raise ValueError(f"the file cannot be read any more: {error.strerror}\nput it back, and run again") from error
    if not same:
        raise ValueError("the file was changed while the run went on\nrun again")
    return stamp


def _open(path: Path) -> pdfium.PdfDocument:
    try:
        return pdfium.PdfDocument(path)
    except pdfium.PdfiumError as error:
        match error.err_code:
            case raw.FPDF_ERR_PASSWORD:
                raise ValueError("the PDF is protected with a password\nsave it without one") from error
            case raw.FPDF_ERR_SECURITY:
                raise ValueError("the PDF is encrypted in a way that is not known\nsave it without that") from error
            case raw.FPDF_ERR_SUCCESS:
                raise ValueError("the PDF has no pages\nexport it again") from error
        raise ValueError("the PDF is damaged, or no PDF at all\nexport it again") from error


def _show_forms(document: pdfium.PdfDocument) -> None:
    """What is filled in is drawn with the pages only when the forms are known before a page is opened."""
    if document.get_formtype() != raw.FORMTYPE_NONE:
        with suppress(pdfium.PdfiumError):  # a broken form is left out
            document.init_forms()


def _text(document: pdfium.PdfDocument, index: int) -> dict[str, Any]:
    try:
        page = document[index]
        filled_in = bool(document.formenv) and _has_fields(page)
        if filled_in:
            page.flatten()  # what is filled in becomes part of the page, and of its text
            page.close()
            page = document[index]
        characters = page.get_textpage()
        count = characters.count_chars()
        if count > MOST_CHARACTERS:
            return {"problem": f"has {count:,} characters, and at most {MOST_CHARACTERS:,} are read"}
        # Within the page's bounds, for what lies outside of them nobody sees.
        text = _in_place(characters) if filled_in else characters.get_text_bounded()
        scanned = len(text.strip()) < _SHORT and _is_picture(page)
        page.close()
    except pdfium.PdfiumError as error:
        return {"problem": f"is damaged: {error}"}
    return {"text": text, "scanned": scanned}


def _has_fields(page: pdfium.PdfPage) -> bool:
    for place in range(raw.FPDFPage_GetAnnotCount(page)):
        note = raw.FPDFPage_GetAnnot(page, place)
        kind = raw.FPDFAnnot_GetSubtype(note)
        raw.FPDFPage_CloseAnnot(note)
        if kind == raw.FPDF_ANNOT_WIDGET:
            return True
    return False


def _in_place(characters: pdfium.PdfTextPage) -> str:
    """The text of a form, line by line: what is filled in stands behind its label, not at the end of the page."""
    count = characters.count_rects()
    if count > _MOST_PIECES:
        return str(characters.get_text_bounded())
    pieces = []
    for left, bottom, right, top in map(characters.get_rect, range(count)):
        if words := characters.get_text_bounded(left, bottom, right, top).strip():
            pieces.append((left, -top, -bottom, words))
    return "\n".join(lines_of(pieces))


def _is_picture(page: pdfium.PdfPage) -> bool:
    """Whether images cover much of the page; scanners may cut one into strips."""
    left, bottom, right, top = page.get_bbox()
    least = _PICTURE * abs(right - left) * abs(top - bottom)
    covered = 0.0
    for number, (x, y, to_x, to_y) in enumerate(_boxes(page)):
        covered += max(0.0, min(to_x, right) - max(x, left)) * max(0.0, min(to_y, top) - max(y, bottom))
        if covered >= least or number >= _MOST_OBJECTS:
            return True
    return False


def _boxes(page: pdfium.PdfPage) -> Iterator[tuple[float, float, float, float]]:
    for image in page.get_objects(filter=[raw.FPDF_PAGEOBJ_IMAGE], max_depth=_NESTED):
        yield image.get_bounds()


def _png(pixels: bytes, width: int, height: int, stride: int, dpi: float) -> bytes:
    """A grey PNG of rows of one byte a pixel, `stride` bytes apart."""
    rows = b"".join(b"\0" + pixels[start : start + width] for start in range(0, height * stride, stride))
    metre = round(dpi / 0.0254)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in (
            (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)),
            (b"pHYs", struct.pack(">IIB", metre, metre, 1)),
            (b"IDAT", zlib.compress(rows, 3)),
            (b"IEND", b""),
        )
    )
