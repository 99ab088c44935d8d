"""PDFs among the inputs, and what is kept of PDFs that were read."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from igent.errors import DataError
from igent.flow import Page, PdfFile
from igent.records import pdf_input
from igent.records.json_reader import read_document, read_documents
from igent.records.pdf_cache import decode_pages, encode_pages

PAGES = [Page(1, "One"), Page(2, "Two", "ocr"), Page(3, "", "vision")]


@pytest.mark.parametrize("name", ["plan.pdf", "PLAN.PDF", "plan"])
@pytest.mark.parametrize("before", [b"", b"\r\n\0 sent by the scanner\n"])
async def test_a_pdf_is_hashed_and_not_read(tmp_path: Path, name: str, before: bytes) -> None:
    if before and name == "plan":
        return  # nothing says that this is one
    data = before + b"%PDF-1.7\n" + bytes(3_000_000)
    (tmp_path / name).write_bytes(data)
    document = (await read_documents({"source": (tmp_path / name, name)}))["source"]
    assert document.value == PdfFile(tmp_path / name, sha256(data).hexdigest())
    assert document.where() == name


def problem(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    with pytest.raises(DataError) as raised:
        asyncio.run(read_document(path, path.name))
    return str(raised.value)


def test_what_is_no_pdf_and_a_pdf_where_json_is_expected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pdf = tmp_path / "plan.pdf"
    assert problem(pdf, b"") == ("plan.pdf: the file is empty (export it again, or name another file in the scenario)")
    assert problem(pdf, b"PK\x03\x04") == (
        "plan.pdf: this is no PDF, whatever its name is: the file is a ZIP file (such as .xlsx or .ods) (export it as "
        "PDF again, or give it its right ending)"
    )
    assert "the file is of another kind" in problem(pdf, b"[]")
    assert problem(tmp_path / "plan.json", b"%PDF-1.7") == (
        "plan.json: the file is a PDF file (save it as JSON, in UTF-8)"
    )
    monkeypatch.setattr(pdf_input, "MOST_PDF_BYTES", 10)
    assert problem(pdf, b"%PDF-1.7\n  ") == (
        "plan.pdf: the PDF has 11 bytes, and at most 10 are read (split it, and name each part)"
    )
    with pytest.raises(DataError, match=r"none\.pdf: there is no such file"):
        asyncio.run(read_document(tmp_path / "none.pdf", "none.pdf"))


@given(
    st.lists(st.tuples(st.text(st.characters(codec="utf-8")), st.sampled_from(["text", "ocr", "vision"])), min_size=1)
)
@settings(max_examples=50, deadline=None)
def test_pages_come_back_exactly(pages: list[tuple[str, str]]) -> None:
    given_ = [Page(number, text, how) for number, (text, how) in enumerate(pages, 1)]
    assert decode_pages(encode_pages(given_)) == given_


def test_only_whole_documents_are_kept() -> None:
    with pytest.raises(ValueError, match="page 2 has a problem"):
        encode_pages([PAGES[0], replace(PAGES[1], problem="it is scanned")])
    with pytest.raises(ValueError, match="page 2 stands where page 1 should"):
        encode_pages(PAGES[1:])


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("format",), 2),
        (("more",), 1),
        (("pages",), {}),
        (("pages",), []),
        (("pages", 1), []),
        (("pages", 1, "number"), 3),
        (("pages", 0, "number"), True),
        (("pages", 0, "number"), 1.0),
        (("pages", 1, "text"), None),
        (("pages", 1, "how"), "guess"),
        (("pages", 1, "how"), ["ocr"]),
        (("pages", 1, "problem"), ""),
    ],
)
def test_what_this_version_cannot_have_kept_is_nothing(path: tuple[str | int, ...], value: object) -> None:
    kept = orjson.loads(encode_pages(PAGES))
    place = kept
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    assert decode_pages(orjson.dumps(kept)) is None


def test_bytes_that_are_cut_off_are_nothing() -> None:
    data = encode_pages(PAGES)
    assert decode_pages(data) == PAGES
    assert all(decode_pages(data[:end]) is None for end in range(len(data)))
