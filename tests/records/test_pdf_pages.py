"""Reading PDFs page by page: text, scanned pages, and files that are out to hurt or hardly files at all."""

from __future__ import annotations

import asyncio
import re
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import pytest
from pdf_support import (
    bomb_between_two_pages,
    form,
    picture_pdf,
    same_page_often,
    saved,
    text_pdf,
)

from igent.confined import ConfinedError, Limits, run_confined
from igent.errors import AuthError, DataError, RequestError
from igent.flow import Page, PdfFile
from igent.records import pdf_book
from igent.records.ocr import OcrError, VisionOcr, find_ocr
from igent.records.pdf_pages import PdfReader

REAL = Path(__file__).parents[3] / "shared/data/opportunities/pdf"
LINES = ["Section 3.01 Eligibility", "An employee who is 21 is eligible."]

linux = pytest.mark.skipif(sys.platform != "linux", reason="limits of memory are those of Linux")


class Slots:
    """Counts how many are held at once."""

    def __init__(self) -> None:
        self.held = self.most = 0

    @asynccontextmanager
    async def __call__(self) -> AsyncIterator[None]:
        self.held += 1
        self.most = max(self.most, self.held)
        try:
            yield
        finally:
            self.held -= 1


class FakeOcr:
    """Reads the same on each page, or raises; `seen` are the pages asked for."""

    how, method = "ocr", "fake 1"

    def __init__(self, answer: str | Exception = "x" * 30) -> None:
        self.answer = answer
        self.seen: list[str] = []

    async def read(self, png: bytes, page: str) -> str:
        assert png.startswith(b"\x89PNG")
        self.seen.append(page)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


async def pages_of(pdf: PdfFile, ocr: FakeOcr | VisionOcr | None = None) -> list[Page]:
    return [page async for page in PdfReader(Slots(), ocr)(pdf)]


async def refused(pdf: PdfFile) -> str:
    with pytest.raises(DataError) as raised:
        await pages_of(pdf)
    return str(raised.value)


async def test_pages_come_in_order_with_their_lines(tmp_path: Path) -> None:
    pages = [[f"Page {n}", "The plan admini-", "strator decides."] for n in range(1, 51)]
    found = await pages_of(saved(tmp_path, text_pdf(*pages)))
    assert found == [Page(n, f"Page {n}\nThe plan admini-\nstrator decides.") for n in range(1, 51)]


async def test_the_first_pages_come_before_the_last_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = count_children(monkeypatch)
    async with aclosing(PdfReader(Slots(), at_once=1)(saved(tmp_path, same_page_often(300)))) as pages:
        async for page in pages:
            if page.number == 8:
                break
    assert len(asked) <= 2


def count_children(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    asked: list[bytes] = []

    def run(function: str, argument: bytes, limits: Limits | None = None) -> bytes:
        asked.append(argument)
        return run_confined(function, argument, limits)

    monkeypatch.setattr(pdf_book, "run_confined", run)
    return asked


async def test_what_is_filled_in_stands_behind_its_label(tmp_path: Path) -> None:
    assert [page.text for page in await pages_of(saved(tmp_path, form()))] == ["Name of plan: Acme\nLoans: ✔"]


async def test_scanned_pages_without_anything_to_read_them(tmp_path: Path) -> None:
    pages = await pages_of(saved(tmp_path, picture_pdf(tmp_path, LINES, None, caption="confidential")))
    assert pages[0].problem == (
        "page 1 is scanned (12 characters of text), and there is nothing to read it with: install tesseract, or "
        "`pip install igent[ocr]`, or name a vision model"
    )
    assert pages == [Page(1, "", problem=pages[0].problem), Page(2, "text of page 2")]


async def test_only_scanned_pages_are_looked_at_each_with_a_slot(tmp_path: Path) -> None:
    ocr, slots = FakeOcr(" Eligi\u00adbility of the\r\nemployees\x0c"), Slots()
    reader = PdfReader(slots, ocr)
    pages = [page async for page in reader(saved(tmp_path, picture_pdf(tmp_path, LINES, None, LINES)))]
    read = " Eligibility of the\nemployees"
    assert pages == [Page(1, read, "ocr"), Page(2, "text of page 2"), Page(3, read, "ocr")]
    assert sorted(ocr.seen) == ["plan.pdf page 1", "plan.pdf page 3"]
    assert (slots.held, slots.most > 0, reader.method, PdfReader(slots).method) == (0, True, "fake 1", "none")


async def test_a_short_page_with_a_logo_is_short(tmp_path: Path) -> None:
    ocr = FakeOcr()
    pages = await pages_of(saved(tmp_path, picture_pdf(tmp_path, LINES, width=40, caption="The last page")), ocr)
    assert (pages, ocr.seen) == ([Page(1, "The last page")], [])


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ("  x \n", "and fake 1 finds fewer than 20 on it (look at it)"),
        (OcrError("it ended with code 3: no"), "and fake 1 cannot read it: it ended with code 3: no"),
    ],
)
async def test_ocr_that_fails_costs_only_its_page(tmp_path: Path, answer: str | Exception, problem: str) -> None:
    pages = await pages_of(saved(tmp_path, picture_pdf(tmp_path, LINES, None)), FakeOcr(answer))
    assert pages == [
        Page(1, "", problem=f"page 1 is scanned (0 characters of text), {problem}"),
        Page(2, "text of page 2"),
    ]


async def test_a_vision_model_that_declines_and_one_without_a_key(tmp_path: Path) -> None:
    pdf = saved(tmp_path, picture_pdf(tmp_path, LINES, None))

    def model(error: Exception | None) -> VisionOcr:
        async def ask(png: bytes, page: str) -> str:
            if error is not None:
                raise error
            return f"{page} is about eligibility"

        return VisionOcr("gpt-4o", ask)

    pages = await pages_of(pdf, model(None))
    assert pages[0] == Page(1, "plan.pdf page 1 is about eligibility", "vision")
    pages = await pages_of(pdf, model(RequestError("declined")))
    assert pages[0].problem.endswith("and vision gpt-4o cannot read it: declined")
    assert pages[1].text
    with pytest.raises(AuthError, match="no key"):
        await pages_of(pdf, model(AuthError("no key")))


async def test_leaving_early_or_being_cancelled_leaves_nothing_behind(tmp_path: Path) -> None:
    pdf, slots = saved(tmp_path, picture_pdf(tmp_path, None, LINES)), Slots()
    began, never = asyncio.Event(), asyncio.Event()

    async def ask(png: bytes, page: str) -> str:
        began.set()
        await never.wait()
        return ""

    reader = PdfReader(slots, VisionOcr("m", ask))
    tasks = asyncio.all_tasks()
    async with aclosing(reader(pdf)) as pages:
        assert (await anext(pages)).number == 1
        await began.wait()
    assert (slots.held, asyncio.all_tasks()) == (0, tasks)

    async def read() -> list[Page]:
        return [page async for page in reader(pdf)]

    began.clear()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(read())
        await began.wait()
        task.cancel()
    assert (task.cancelled(), slots.held, asyncio.all_tasks()) == (True, 0, tasks)


async def test_files_that_cannot_be_read_at_all(tmp_path: Path) -> None:
    whole = text_pdf(LINES, LINES)
    for data, words in {
        text_pdf(LINES, password="secret"): "the PDF is protected with a password (save it without one)",
        b"%PDF-1.7\n" + bytes(range(256)) * 40: "the PDF is damaged, or no PDF at all (export it again)",
        whole[:20]: "the PDF is damaged, or no PDF at all (export it again)",
        same_page_often(0): "the PDF has no pages (export it again)",
        same_page_often(10_000): "it has 10,000 pages, and at most 5,000 are read (split it, and name each part)",
    }.items():
        assert await refused(saved(tmp_path, data)) == f"plan.pdf: {words}"


async def test_of_a_truncated_file_what_is_there_is_read_or_it_is_refused(tmp_path: Path) -> None:
    whole = text_pdf(LINES, LINES, LINES)
    ends: Counter[str] = Counter()
    for part in range(1, 10, 2):
        try:
            pages = await pages_of(saved(tmp_path, whole[: len(whole) * part // 10]))
        except DataError:
            ends["refused"] += 1
        else:
            ends["read"] += 1
            assert all(page.text in {"", "\n".join(LINES)} for page in pages)
    assert ends["refused"] > 0


async def test_a_file_that_was_changed_is_refused(tmp_path: Path) -> None:
    pdf = saved(tmp_path, text_pdf(LINES))
    pdf.path.write_bytes(text_pdf(LINES[:1]))
    assert await refused(pdf) == "plan.pdf: the file was changed while the run went on (run again)"
    pdf.path.unlink()
    assert await refused(pdf) == (
        "plan.pdf: the file cannot be read any more: No such file or directory (put it back, and run again)"
    )
    pdf = saved(tmp_path, same_page_often(20))
    async with aclosing(PdfReader(Slots(), at_once=1)(pdf)) as pages:
        assert (await anext(pages)).number == 1
        pdf.path.write_bytes(same_page_often(21))
        with pytest.raises(DataError, match="was changed"):
            [page async for page in pages]


@linux
async def test_a_page_that_breaks_the_reader_costs_only_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for limits in ("_SOME", "_ONE"):
        monkeypatch.setattr(pdf_book, limits, Limits(memory=256 << 20, wall_seconds=20.0))
    pages = await pages_of(saved(tmp_path, bomb_between_two_pages()))
    assert [page.text for page in pages] == ["A good page", "", "A good page"]
    assert pages[1].problem == "page 2 cannot be read: reading it breaks the reader (print it into a new PDF)"


async def test_many_such_pages_are_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bytes] = []

    def run(function: str, argument: bytes, limits: Limits | None = None) -> bytes:
        asked.append(argument)
        if b'"count": 0' in argument:
            return b'{"pages": 400, "stamp": [1, 2], "texts": []}'
        raise ConfinedError("time", "it took more than 20 s")

    monkeypatch.setattr(pdf_book, "run_confined", run)
    pages = await pages_of(PdfFile(tmp_path / "plan.pdf", "0"))
    assert len(pages) == 400
    assert pages[0].problem == "page 1 cannot be read: reading it takes too long (print it into a new PDF)"
    assert pages[399].problem == (
        "page 400 was not read: 20 pages of plan.pdf have broken the reader (print it into a new PDF)"
    )
    assert len(asked) <= 30


async def test_a_page_as_large_as_a_house_is_drawn_small(tmp_path: Path) -> None:
    data = picture_pdf(tmp_path, LINES).replace(b"/MediaBox [0 0 595.28 841.89]", b"/MediaBox [0 0 14400 99999]")
    pdf = saved(tmp_path, data)
    assert b"99999" in pdf.path.read_bytes()
    book = pdf_book.PdfBook(pdf)
    book.open(1)
    png = book.picture(1)
    width, height = (int.from_bytes(png[at : at + 4], "big") for at in (16, 20))
    assert 0 < width * height <= 13_000_000


def words_of(text: str) -> Counter[str]:
    return Counter(re.findall(r"[a-z0-9]+", text.lower()))


@pytest.mark.skipif(not REAL.is_dir(), reason="the real solicitations are not there")
async def test_real_solicitations(tmp_path: Path) -> None:
    found = {}
    for name, count in (("VA_36C24726Q0269_solicitation", 65), ("N6945025R0003_navy_solicitation", 71)):
        pages = await pages_of(saved(tmp_path, (REAL / f"{name}.pdf").read_bytes()))
        assert [page.number for page in pages] == list(range(1, count + 1))
        assert all(page.text and page.how == "text" for page in pages)
        found[name] = pages
    ocr = find_ocr()
    scanned = await pages_of(saved(tmp_path, (REAL / "scan_VA_pages7-12_150dpi.pdf").read_bytes()), ocr)
    assert len(scanned) == 6
    for page, true in zip(scanned, found["VA_36C24726Q0269_solicitation"][6:12], strict=True):
        if ocr is None:
            assert "nothing to read it with" in page.problem
            continue
        words = words_of(true.text)
        assert (words & words_of(page.text)).total() > 0.8 * words.total()
