"""Documents for the tests of extraction: the shipped pair, pages from strings, pages of PDF files."""

from __future__ import annotations

__all__ = ["DATA", "KEYS", "document", "extracted", "pages_of", "shipped"]

import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from crosswalk_kit import CONTEXT

from igent.flow import Item, Lost, Page, PdfFile
from igent.workload import Document
from igent.workloads.crosswalk.extract import extract
from igent.workloads.crosswalk.read import Reference

DATA = Path(__file__).parents[3] / "data" / "crosswalk"
KEYS = ("source_bpd", "target_bpd", "source_aa", "target_aa")
PDF = PdfFile(Path("plan.pdf"), "0")


def shipped(name: str) -> Any:
    return json.loads((DATA / f"{name}.json").read_text("utf-8"))


def document(key: str, value: Any, lines: Mapping[int | str, int] | None = None) -> tuple[Item, Document]:
    side, _, part = key.partition("_")
    name = f"{key}.{'pdf' if isinstance(value, PdfFile) else 'json'}"
    return Item(key, {"document": name, "part": part, "side": side}), Document(name, value, lines or {})


def strings(pages: Sequence[str | Page]) -> Callable[[PdfFile], AsyncIterator[Page]]:
    async def read(file: PdfFile) -> AsyncIterator[Page]:
        for number, page in enumerate(pages, start=1):
            yield page if isinstance(page, Page) else Page(number, page)

    return read


async def pages_of(file: PdfFile) -> AsyncIterator[Page]:
    pdfium = pytest.importorskip("pypdfium2")
    pdf = pdfium.PdfDocument(file.path)
    for index in range(len(pdf)):
        yield Page(index + 1, pdf[index].get_textpage().get_text_bounded())


async def extracted(
    key: str, value: Any, pages: Sequence[str | Page] = (), lines: Mapping[int | str, int] | None = None
) -> tuple[list[Item], list[Lost]]:
    """What the step gives for one document; a PDF of the given pages where `value` is None."""
    item, file = document(key, PDF if value is None else value, lines)
    read = pages_of if isinstance(value, PdfFile) else strings(pages)
    context = replace(CONTEXT, reference=Reference({key: file}), pages=read)
    given = [one async for one in extract(item, context)]
    return [one for one in given if isinstance(one, Item)], [one for one in given if isinstance(one, Lost)]
