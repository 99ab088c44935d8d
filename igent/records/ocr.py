"""What reads a page that is a picture: the first that is there of tesseract, rapidocr, and a vision model."""

from __future__ import annotations

__all__ = ["OcrError", "PageOcr", "VisionOcr", "find_ocr", "ocr_method"]

from collections.abc import Awaitable, Callable
from typing import Protocol

from igent.errors import ProviderError
from igent.records.ocr_rapid import find_rapid
from igent.records.ocr_tesseract import find_tesseract
from igent.records.ocr_words import OcrError


class PageOcr(Protocol):
    """Reads pictures of pages. `how` is "ocr" or "vision", `method` its name and version."""

    @property
    def how(self) -> str:
        """What Page.how says of a page that it has read."""
        ...

    @property
    def method(self) -> str:
        """Name and version, such as "tesseract 5.3.0": part of the key that extracted pages are cached under."""
        ...

    async def read(self, png: bytes, page: str) -> str:
        """The text on a picture of a page; `page` is its name for messages. Raises OcrError."""
        ...


class VisionOcr:
    """A vision model as a PageOcr. `ask` is given a PNG and the page's name, and gives the text on it."""

    how = "vision"

    def __init__(self, model: str, ask: Callable[[bytes, str], Awaitable[str]]) -> None:
        self.method = f"vision {model}"
        self._ask = ask

    async def read(self, png: bytes, page: str) -> str:
        """See PageOcr.read. Raises also what ends a run: a ProviderError that is fatal, and what is none."""
        try:
            return await self._ask(png, page)
        except ProviderError as error:
            if error.fatal:
                raise
            raise OcrError(str(error)) from error


def find_ocr(search_path: str | None = None, vision: PageOcr | None = None) -> PageOcr | None:
    """The reader to use: tesseract when the command is found on `search_path` (None: where commands are found) and
    knows English, else rapidocr when it is installed, else `vision`; None when there is nothing at all.

    Asking tesseract takes some 20 ms, 10 s at worst.
    """
    return find_tesseract(search_path) or find_rapid() or vision


def ocr_method(ocr: PageOcr | None) -> str:
    """The method's name and version, "none" where there is no method."""
    return ocr.method if ocr else "none"
