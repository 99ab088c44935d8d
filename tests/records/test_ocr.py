"""What reads pictures of pages: which is taken, and what becomes of one that fails, hangs or is cancelled."""

from __future__ import annotations

import asyncio
import os
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from pdf_support import fake_tesseract, picture_pdf, saved

from igent.records import ocr as ocr_module
from igent.records.ocr import OcrError, VisionOcr, find_ocr, ocr_method
from igent.records.ocr_rapid import RapidOcr, find_rapid
from igent.records.ocr_tesseract import TesseractOcr, find_tesseract
from igent.records.pdf_book import PdfBook

RAPID = """
class Boxes(list):
    def tolist(self): return list(self)

class RapidOCR:
    def __init__(self, params): assert params["Global.use_cls"] is False
    def __call__(self, png):
        print("a word of the library's own")
        if png == b"broken": raise ValueError("no picture")
        self.txts = ("of plan", "Page 1", "Name") if png else ()
        corners = lambda x, y: [[x, y], [x + 50, y], [x + 50, y + 10], [x, y + 10]]
        self.boxes = Boxes([corners(60, 31), corners(5, 0), corners(0, 30)]) if png else None
        return self
"""
LINES = ["Section 3.01 Eligibility", "An employee who is 21 is eligible to take part in the plan."]
posix = pytest.mark.skipif(sys.platform == "win32", reason="the command is a script")


async def ask(png: bytes, page: str) -> str:
    return page


@posix
def test_the_order_of_the_methods(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = str(fake_tesseract(tmp_path / "bin", "pass"))
    german = str(fake_tesseract(tmp_path / "german", "pass", languages="deu osd"))
    other = str(fake_tesseract(tmp_path / "other", "pass", version=""))
    vision = VisionOcr("gpt-4o", ask)
    monkeypatch.setattr(ocr_module, "find_rapid", lambda: RapidOcr("3.10.0"))
    assert ocr_method(find_ocr(here, vision)) == "tesseract 5.3.0"
    for path in (german, other, str(tmp_path)):
        assert ocr_method(find_ocr(path, vision)) == "rapidocr 3.10.0"
    monkeypatch.setattr(ocr_module, "find_rapid", lambda: None)
    assert ocr_method(find_ocr(str(tmp_path), vision)) == "vision gpt-4o"
    assert ocr_method(find_ocr(str(tmp_path))) == "none"


def test_rapidocr_is_known_by_its_version() -> None:
    found = find_rapid()
    assert (found is not None) == bool(find_spec("rapidocr") and find_spec("onnxruntime"))
    assert found is None or found.method.startswith("rapidocr 3.")


def tesseract(folder: Path, read: str) -> TesseractOcr:
    found = find_tesseract(str(fake_tesseract(folder / "bin", read)))
    assert found is not None
    return found


@posix
async def test_the_picture_goes_in_and_the_text_comes_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    command = tesseract(tmp_path, "print(data.decode(), sys.argv[1:], sorted(os.environ))")
    said = await command.read("Grüße".encode(), "page 1")
    assert said.startswith("Grüße ['stdin', 'stdout', '-l', 'eng']")
    assert "OMP_THREAD_LIMIT" in said
    assert "OPENAI" not in said


@posix
async def test_a_command_that_fails_or_is_gone(tmp_path: Path) -> None:
    command = tesseract(tmp_path, "sys.exit('Error, cannot\\n read it')")
    with pytest.raises(OcrError, match="it ended with code 1: Error, cannot read it"):
        await command.read(b"", "page 1")
    (tmp_path / "bin" / "tesseract").unlink()
    with pytest.raises(OcrError, match="it cannot be started: No such file"):
        await command.read(b"", "page 1")


@posix
async def test_a_command_that_hangs_is_ended_and_so_is_one_that_is_cancelled(tmp_path: Path) -> None:
    noted = tmp_path / "pid"
    hangs = f"open({str(noted)!r}, 'w').write(str(os.getpid())); import signal; signal.pause()"
    command = tesseract(tmp_path, hangs)
    quick = TesseractOcr(str(tmp_path / "bin" / "tesseract"), "5", seconds=0.3)
    with pytest.raises(OcrError, match=r"it took more than 0\.3 s"):
        await quick.read(b"", "page 1")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await command.read(b"", "page 1")
    with pytest.raises(ProcessLookupError):
        os.kill(int(noted.read_text()), 0)


async def test_rapidocr_reads_in_a_process_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "rapidocr.py").write_text(RAPID, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    assert await RapidOcr("3").read(b"png", "page 1") == "Page 1\nName of plan"
    assert await RapidOcr("3").read(b"", "page 1") == ""
    with pytest.raises(OcrError, match="no picture"):
        await RapidOcr("3").read(b"broken", "page 1")


@pytest.mark.skipif(find_rapid() is None and find_tesseract() is None, reason="there is no OCR")
async def test_real_ocr_reads_a_page(tmp_path: Path) -> None:
    book = PdfBook(saved(tmp_path, picture_pdf(tmp_path, LINES)))
    assert [page.scanned for page in book.open(1)] == [True]
    png = book.picture(1)
    for method in filter(None, (find_tesseract(), find_rapid())):
        words = (await method.read(png, "page 1")).split()
        assert len(set(words) & set(" ".join(LINES).split())) > 12
