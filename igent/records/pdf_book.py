"""The pages of one PDF, read in child processes: some at a time, and one by one where some break their child."""

from __future__ import annotations

__all__ = ["PageText", "PdfBook"]

import json
from dataclasses import dataclass
from typing import Any

from igent.confined import ConfinedError, Limits, run_confined
from igent.errors import DataError, Problem
from igent.flow import PdfFile
from igent.records.pdf_text import clean_text

_SOME = Limits(cpu_seconds=20, wall_seconds=40.0, result=64 << 20)
_ONE = Limits(cpu_seconds=10, wall_seconds=20.0, result=64 << 20)
_MOST_BROKEN = 20  # pages that may each cost their child's time; a file made of such ones is not read to its end
_REMEDY = "print it into a new PDF"
_WHY = {
    "memory": "reading it needs too much memory",
    "time": "reading it takes too long",
    "size": "it holds too much",
    "crash": "reading it breaks the reader",
}


@dataclass(frozen=True, slots=True)
class PageText:
    """The text that a page holds. A `scanned` one is a picture of a page, with little text beside it. One that could
    not be read has a `problem`, which names the page."""

    number: int
    text: str = ""
    scanned: bool = False
    problem: str = ""


class PdfBook:
    """One PDF. All methods block, for seconds at worst, and may be called from several threads once `open` is over."""

    def __init__(self, pdf: PdfFile) -> None:
        self._pdf = pdf
        self._stamp: list[int] = []
        self._broken = 0
        self.name = pdf.path.name
        self.pages = 0

    def open(self, count: int) -> list[PageText]:
        """The first pages, so many if there are; `pages` is then how many there are in all.

        Raises DataError when the file cannot be read as a whole, or is another than the one that was hashed.
        """
        known = {"digest": self._pdf.digest}
        try:
            return self._ask(1, count, _SOME, known)
        except ConfinedError:
            pass
        try:
            self._ask(1, 0, _ONE, known)
        except ConfinedError as error:
            raise DataError(Problem(self.name, f"the PDF cannot be opened: {_WHY[error.kind]}", _REMEDY)) from error
        return self._one_by_one(1, min(count, self.pages))

    def read(self, first: int, count: int) -> list[PageText]:
        """So many pages from the `first` on, fewer at the end; those that break their child have a problem.

        Raises DataError when the file is not the one any more that was opened.
        """
        if self._broken < _MOST_BROKEN:
            try:
                return self._ask(first, count, _SOME, {"stamp": self._stamp})
            except ConfinedError:
                pass
        return self._one_by_one(first, min(count, self.pages - first + 1))

    def picture(self, number: int) -> bytes:
        """The page as it looks: a grey PNG. Raises ConfinedError, its text one for people."""
        if self._broken >= _MOST_BROKEN:
            raise ConfinedError("refused", self._given_up())
        try:
            return run_confined("igent.records.pdf_child:render_page", self._argument(number, 1, self._now()), _ONE)
        except ConfinedError as error:
            if error.kind == "refused":
                raise ConfinedError("refused", str(error).replace("\n", "; ")) from error
            self._broken += 1
            raise ConfinedError(error.kind, f"{_WHY[error.kind]} ({_REMEDY})") from error

    def _one_by_one(self, first: int, count: int) -> list[PageText]:
        return [self._one(number) for number in range(first, first + count)]

    def _one(self, number: int) -> PageText:
        if self._broken >= _MOST_BROKEN:
            return PageText(number, problem=f"page {number} was not read: {self._given_up()}")
        try:
            return self._ask(number, 1, _ONE, self._now())[0]
        except ConfinedError as error:
            self._broken += 1
            return PageText(number, problem=f"page {number} cannot be read: {_WHY[error.kind]} ({_REMEDY})")

    def _given_up(self) -> str:
        return f"{_MOST_BROKEN} pages of {self.name} have broken the reader ({_REMEDY})"

    def _now(self) -> dict[str, Any]:
        return {"stamp": self._stamp}

    def _argument(self, first: int, count: int, known: dict[str, Any]) -> bytes:
        return json.dumps({"path": str(self._pdf.path), "first": first, "count": count, **known}).encode()

    def _ask(self, first: int, count: int, limits: Limits, known: dict[str, Any]) -> list[PageText]:
        """Raises DataError for what the child refuses, ConfinedError for whatever else becomes of it."""
        try:
            raw = run_confined("igent.records.pdf_child:read_texts", self._argument(first, count, known), limits)
        except ConfinedError as error:
            if error.kind != "refused":
                raise
            what, _, remedy = str(error).partition("\n")
            raise DataError(Problem(self.name, what, remedy)) from error
        found = json.loads(raw)
        self.pages, self._stamp = found["pages"], found["stamp"]
        return [_page(number, page) for number, page in enumerate(found["texts"], first)]


def _page(number: int, page: dict[str, Any]) -> PageText:
    if problem := page.get("problem"):
        return PageText(number, problem=f"page {number} {problem} ({_REMEDY})")
    return PageText(number, clean_text(page["text"]), page["scanned"])
