"""Reads PDFs page by page: the text that they hold, and scanned pages by OCR."""

from __future__ import annotations

__all__ = ["PdfReader"]

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from itertools import count
from types import TracebackType
from typing import Any, TypeVar

from igent.confined import ConfinedError
from igent.errors import DataError, IgentError
from igent.flow import Page, PdfFile
from igent.records.aside import aside
from igent.records.ocr import OcrError, PageOcr, ocr_method
from igent.records.pdf_book import PageText, PdfBook
from igent.records.pdf_text import clean_text

_FIRST, _SOME = 8, 32  # pages a child: few at first, so that they come early
_LEAST_READ = 20  # characters that OCR must find on a page
_NO_OCR = "install tesseract, or `pip install igent[ocr]`, or name a vision model"

_T = TypeVar("_T")
_Read = Page | IgentError
_Begun = list["_Read | asyncio.Task[_Read]"]


class PdfReader:
    """A ReadPages: called with a PDF, it gives its pages in order, as they are read.

    `ocr` reads scanned pages (see find_ocr); None: each of them has a problem that says what to install. A page that
    is read by it holds a `slot()` meanwhile. At most `at_once` child processes read texts, of all PDFs
    together. Whoever leaves the pages early should close them (contextlib.aclosing); what is being read is then
    dropped.

    Raises DataError for a PDF that cannot be read at all, is not the one that was hashed, or has more than 5,000 pages;
    and of a vision model what ends a run. Whatever else fails is the problem of its page.
    """

    def __init__(
        self, slot: Callable[[], AbstractAsyncContextManager[None]], ocr: PageOcr | None = None, *, at_once: int = 2
    ) -> None:
        self._ocr = ocr
        self._slot = slot
        self._at_once = at_once
        self._children = asyncio.Semaphore(at_once)

    @property
    def method(self) -> str:
        """How scanned pages are read, with its version; "none" when they are not. What was read is kept under the
        PDF's digest and this."""
        return ocr_method(self._ocr)

    async def __call__(self, pdf: PdfFile) -> AsyncGenerator[Page, None]:
        """See the class."""
        book = PdfBook(pdf)
        head = await self._in_child(book.open, _FIRST)
        async with _Crew() as crew:
            firsts = count(1 + _FIRST, _SOME)
            ahead: deque[asyncio.Task[_Begun | DataError]] = deque()
            begun: _Begun = self._begin(book, crew, head)
            first = next(firsts)
            while True:
                while first <= book.pages and len(ahead) < self._at_once:
                    ahead.append(crew.begin(self._some(book, crew, first)))
                    first = next(firsts)
                for entry in begun:
                    page = await entry if isinstance(entry, asyncio.Task) else entry
                    if isinstance(page, IgentError):
                        raise page
                    yield page
                if not ahead:
                    return
                following = await ahead.popleft()
                if isinstance(following, DataError):
                    raise following
                begun = following

    async def _in_child(self, read: Callable[..., _T], *arguments: int) -> _T:
        async with self._children:
            return await aside(read, *arguments)

    async def _some(self, book: PdfBook, crew: _Crew, first: int) -> _Begun | DataError:
        # Errors are handed over, not raised: the group would wrap them, and cancel whoever waits for an earlier page.
        try:
            return self._begin(book, crew, await self._in_child(book.read, first, _SOME))
        except DataError as error:
            return error

    def _begin(self, book: PdfBook, crew: _Crew, texts: list[PageText]) -> _Begun:
        return [
            crew.begin(self._look(book, text)) if text.scanned else Page(text.number, text.text, problem=text.problem)
            for text in texts
        ]

    async def _look(self, book: PdfBook, found: PageText) -> _Read:
        scanned = f"page {found.number} is scanned ({len(found.text)} characters of text)"
        if self._ocr is None:
            return Page(found.number, "", problem=f"{scanned}, and there is nothing to read it with: {_NO_OCR}")
        try:
            async with self._slot():
                png = await aside(book.picture, found.number)
                text = clean_text(await self._ocr.read(png, f"{book.name} page {found.number}"))
        except (ConfinedError, OcrError) as error:
            return Page(found.number, "", problem=f"{scanned}, and {self.method} cannot read it: {error}")
        except IgentError as error:
            return error
        if len(text.strip()) < _LEAST_READ:
            what = f"{scanned}, and {self.method} finds fewer than {_LEAST_READ} on it (look at it)"
            return Page(found.number, "", problem=what)
        return Page(found.number, text, how=self._ocr.how)


class _Crew:
    """Tasks that are at work as long as its body lasts, and are cancelled at its end.

    A bare TaskGroup would wrap whatever its body raises, the GeneratorExit of pages that are left early included.
    """

    def __init__(self) -> None:
        self._group = asyncio.TaskGroup()
        self._tasks: set[asyncio.Task[Any]] = set()

    def begin(self, work: Coroutine[Any, Any, _T]) -> asyncio.Task[_T]:
        task = self._group.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def __aenter__(self) -> _Crew:
        await self._group.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in tuple(self._tasks):
            task.cancel()
        cancelled = isinstance(error, asyncio.CancelledError)
        await self._group.__aexit__(*((kind, error, trace) if cancelled else (None, None, None)))
