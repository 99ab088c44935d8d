"""Reads pictures of pages with rapidocr, where that is installed (the extra `ocr`), in a child process."""

from __future__ import annotations

__all__ = ["RapidOcr", "find_rapid"]

from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from igent.confined import ConfinedError, Limits, run_confined
from igent.records.aside import aside
from igent.records.ocr_words import OcrError

# It takes 2 GB of address space, 1 GB of it in use, and gives it back when the page is read; 5 s of two processors.
_LIMITS = Limits(memory=6 << 30, cpu_seconds=120, wall_seconds=120.0, result=16 << 20)


class RapidOcr:
    """rapidocr as a PageOcr."""

    how = "ocr"

    def __init__(self, version: str) -> None:
        self.method = f"rapidocr {version}"

    async def read(self, png: bytes, page: str) -> str:
        """See PageOcr.read; `page` has no effect. A page may take 120 s, also when the call is cancelled."""
        del page
        try:
            text = await aside(run_confined, "igent.records.ocr_child:read_picture", png, _LIMITS)
        except ConfinedError as error:
            raise OcrError(str(error)) from error
        return text.decode("utf-8", "replace")


def find_rapid() -> RapidOcr | None:
    """rapidocr, where it and the runtime for its models are installed."""
    if find_spec("rapidocr") is None or find_spec("onnxruntime") is None:
        return None
    try:
        return RapidOcr(version("rapidocr"))
    except PackageNotFoundError:
        return None
