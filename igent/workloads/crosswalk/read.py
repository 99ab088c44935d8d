"""Opening a scenario: one record for each document. Nothing of a document is read here but its shape."""

from __future__ import annotations

__all__ = ["INPUTS", "Reference", "open_dataset"]

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePath

from igent.errors import DataError, Problem
from igent.flow import PdfFile
from igent.types import JsonObject, Record
from igent.workload import Dataset, Document, InputFile

INPUTS = (
    InputFile("source_bpd"),
    InputFile("target_bpd"),
    InputFile("source_aa", required=False),
    InputFile("target_aa", required=False),
)
_LISTS = {"bpd": "provisions", "aa": "elections"}


@dataclass(frozen=True, slots=True)
class Reference:
    """The documents by the id of their record: "source_bpd", "target_bpd", and both or none of "source_aa" and
    "target_aa". A value is a PdfFile, a list of provisions or elections, or an object with that list as its member
    "provisions" or "elections"."""

    documents: Mapping[str, Document] = field(default_factory=dict)


def open_dataset(documents: Mapping[str, Document]) -> Dataset:
    """One record for each document, in the order of INPUTS. Raises DataError with every document of a wrong shape, and
    when only one of the two adoption agreements is given: its elections could not be mapped to anything."""
    problems = [problem for key, document in documents.items() if (problem := _problem(key, document))]
    given = [key for key in ("source_aa", "target_aa") if key in documents]
    if len(given) == 1:
        other = "target_aa" if given == ["source_aa"] else "source_aa"
        where = documents[given[0]].where()
        problems.append(Problem(where, f"{given[0]} is given without {other}", "give both adoption agreements or none"))
    if problems:
        raise DataError(*problems)
    keys = [file.key for file in INPUTS if file.key in documents]
    records = [Record(key, index, _data(key, documents[key]), documents[key].where()) for index, key in enumerate(keys)]
    return Dataset(records, Reference({key: documents[key] for key in keys}))


def _data(key: str, document: Document) -> JsonObject:
    side, _, part = key.partition("_")
    return {"document": PurePath(document.path).name, "part": part, "side": side}


def _problem(key: str, document: Document) -> Problem | None:
    name = _LISTS[key.partition("_")[2]]
    if getattr(document, "elements", None) is not None:  # a list, not read yet
        return None
    value = document.value
    if isinstance(value, PdfFile | list):
        return None
    if isinstance(value, Mapping) and isinstance(value.get(name), list):
        return None
    remedy = f'give a PDF, or JSON: a list of {name}, or {{"{name}": […]}}'
    return Problem(document.where(), f"{key} is neither a PDF nor a list of {name}", remedy)
