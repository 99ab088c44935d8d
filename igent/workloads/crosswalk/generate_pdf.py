"""Plan documents as PDF files, laid out as vendors lay them out: for the shipped pair and for generated ones.

The same objects always give the same bytes. `python -m igent.workloads.crosswalk.generate_pdf FOLDER` writes the PDFs
of a folder's JSON documents anew.
"""

from __future__ import annotations

__all__ = ["CALLOWAY", "NORTHGATE", "Vendor", "main", "pdf_of", "write_pdf"]

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from igent.errors import DataError, Problem
from igent.files import replace_file

_CREATED = datetime(2026, 1, 5, 12, tzinfo=UTC)
_BODY, _SMALL, _LINE = 10.5, 7.5, 5.0
_TITLES = {"bpd": "Basic Plan Document", "aa": "Adoption Agreement"}


@dataclass(frozen=True, slots=True)
class Vendor:
    """An invented vendor and its layout: whether titles stand on a line of their own after the word "Section", how a
    question is introduced, and what ticked and empty boxes look like. `plan` is printed in the header."""

    name: str
    plan: str
    own_line: bool
    question: str
    ticked: str
    empty: str


NORTHGATE = Vendor("Northgate Plan Services", "Prototype Plan No. 04", False, "Q ", "[X]", "[ ]")
CALLOWAY = Vendor("Calloway Retirement Trust Company", "Defined Contribution Program", True, "", "(X)", "( )")


def write_pdf(title: str, vendor: Vendor, objects: Sequence[Mapping[str, Any]]) -> bytes:
    """The document of these provisions or elections (JSON-ready, see crosswalk's objects), with a cover line, headers,
    footers, page numbers and a watermark. Characters beyond Latin-1 are not allowed. Raises DataError when fpdf2 is not
    installed."""
    pdf = _document(title, vendor)
    before = ""
    for kind, text in _lines(vendor, objects):
        if before == "option" != kind:
            pdf.ln(1.5)
        _write(pdf, kind, text)
        before = kind
    return bytes(pdf.output())


def _document(title: str, vendor: Vendor) -> Any:
    try:
        fpdf = import_module("fpdf")
    except ModuleNotFoundError as error:
        raise DataError(Problem("fpdf2", "is not installed", "pip install fpdf2, or leave out --pdf")) from error

    class Paper(fpdf.FPDF):  # type: ignore[name-defined, misc]
        def header(self) -> None:
            self.set_font("helvetica", size=_SMALL)
            self.set_text_color(170)
            self.cell(0, 4, "SPECIMEN - NOT FOR EXECUTION", align="C", new_x="LMARGIN", new_y="NEXT")
            self.set_text_color(60)
            self.cell(0, 4, f"{vendor.plan} - {title}", align="R", new_x="LMARGIN", new_y="NEXT")
            self.set_text_color(0)
            self.ln(3)

        def footer(self) -> None:
            self.set_y(-14)
            self.set_font("helvetica", size=_SMALL)
            self.cell(0, 4, f"\u00a9 2026 {vendor.name}. All rights reserved.", new_x="LMARGIN", new_y="NEXT")
            self.cell(0, 4, f"Page {self.page_no()} of {{nb}}", align="C")

    pdf = Paper(format="letter")
    pdf.set_creation_date(_CREATED)
    pdf.set_title(title)
    pdf.set_author(vendor.name)
    pdf.set_auto_page_break(True, 20)
    pdf.add_page()
    _write(pdf, "cover", title)
    return pdf


def _write(pdf: Any, kind: str, text: str) -> None:
    fonts = {"cover": ("helvetica", "B", 15), "article": ("helvetica", "B", 12), "title": ("times", "B", _BODY)}
    family, style, size = fonts.get(kind, ("times", "", _BODY))
    if kind in ("article", "cover"):
        pdf.ln(2)
    if kind in ("article", "title") and pdf.will_page_break(4 * _LINE):
        pdf.add_page()
    pdf.set_font(family, style, size)
    indent = 8 if kind == "option" else 0
    pdf.set_x(pdf.l_margin + indent)
    pdf.multi_cell(0, _LINE, text, align="L", new_x="LMARGIN", new_y="NEXT")
    if kind in ("text", "cover", "article"):
        pdf.ln(1.5)


def _lines(vendor: Vendor, objects: Iterable[Mapping[str, Any]]) -> Iterable[tuple[str, str]]:
    parent = None
    for entry in objects:
        if "field_label" in entry:
            if entry["parent_section"] != parent:
                parent = entry["parent_section"]
                yield "article", parent
            yield from _election(vendor, entry)
        elif entry["provision_classification"] == "heading":
            yield "article", entry["provision_text"]
        elif vendor.own_line:
            yield "title", f"Section {entry['section_number']} {entry['section_title']}"
            yield "text", entry["provision_text"]
        else:
            yield "text", f"{entry['section_number']} {entry['section_title']}. {entry['provision_text']}"


def _election(vendor: Vendor, entry: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    text, options = entry["provision_text"], entry["options"]
    if entry["kind"] == "text":
        text = f"{text} {options[0]['option_text'] or '__________'}"
    yield "text", f"{vendor.question}{entry['section_number']} {entry['section_title']}. {text}"
    for option in options if entry["kind"] != "text" else ():
        box = vendor.ticked if option["is_selected"] else vendor.empty
        yield "option", f"{box} {option['label']} {option['option_text']}"


def pdf_of(key: str, objects: Sequence[Mapping[str, Any]]) -> bytes:
    """The PDF of the document with this scenario key, such as "source_bpd", in the layout of its side's vendor."""
    side, _, part = key.partition("_")
    return write_pdf(_TITLES[part], NORTHGATE if side == "source" else CALLOWAY, objects)


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False, exists=True))
def main(folder: Path) -> None:
    """Write the PDFs of the JSON documents in FOLDER."""
    for key in ("source_bpd", "target_bpd", "source_aa", "target_aa"):
        objects = json.loads((folder / f"{key}.json").read_text("utf-8"))
        replace_file(folder / f"{key}.pdf", [pdf_of(key, objects)], durable=False)


if __name__ == "__main__":
    main()
