"""The step `extract`: one document, a PDF or JSON, to its provisions or elections."""

from __future__ import annotations

__all__ = ["extract"]

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any

from igent.flow import Item, Lost, PdfFile, StepContext
from igent.types import JsonObject
from igent.workload import Document
from igent.workloads.crosswalk.classify import PROVISION_TYPES, provision_type
from igent.workloads.crosswalk.sections import BpdParser
from igent.workloads.crosswalk.sections_lines import clean_pages
from igent.workloads.crosswalk.sections_questions import ELECTION_KINDS, ELECTION_STATUS, AaParser

_PHASE = "extract"
_CLASSES = ("heading", "substantive")


async def extract(item: Item, context: StepContext) -> AsyncIterator[Item | Lost]:
    """The provisions (part "bpd") or elections (part "aa") of the document that `item` names, as they are found.

    What cannot be used is given as Lost, and the rest goes on: a page with a problem, a JSON entry with a field that is
    missing, doubled or not allowed. Ids begin with the side and the part ("source-bpd-2.01"); JSON ids that do not are
    given that beginning, since all documents' items flow together. A document that gives nothing gives a Lost that says
    so.
    """
    document: Document = context.reference.documents[item.id]
    found, lost = 0, 0
    parts = _from_pdf(item, document, context) if isinstance(document.value, PdfFile) else _from_json(item, document)
    async for part in parts:
        found += isinstance(part, Item)
        lost += isinstance(part, Lost)
        yield part
    if not found:
        what = "provision" if item.data["part"] == "bpd" else "election"
        why = "every part of it was lost" if lost else f"no numbered {what} was seen in it"
        remedy = "check that the scenario names the right file under this key"
        yield Lost(item.id, _PHASE, f"{document.path}: no {what} could be extracted: {why}; {remedy}", item.data)


async def _from_pdf(item: Item, document: Document, context: StepContext) -> AsyncIterator[Item | Lost]:
    side, name = str(item.data["side"]), str(item.data["document"])
    parser = BpdParser(side, name) if item.data["part"] == "bpd" else AaParser(side, name)
    async for page, lines in clean_pages(context.pages(document.value)):
        if page.problem:
            data = {"document": name, "pdf_page": page.number}
            yield Lost(f"{name} page {page.number}", _PHASE, f"{name}, page {page.number}: {page.problem}", data)
            for made in parser.close():
                yield _perhaps_cut(made, page.number)
        for made in parser.feed(page.number, lines):
            yield Item(str(made["id"]), made)
    for made in parser.close():
        yield Item(str(made["id"]), made)


def _perhaps_cut(made: JsonObject, lost_page: int) -> Item | Lost:
    """What was being read when a page was lost: but for a heading nobody knows whether it was whole."""
    if made["provision_classification"] == "heading":
        return Item(str(made["id"]), made)
    begins = f"{made['document']}, page {made['pdf_page']}: {made['section_number']} {made['section_title']}".strip()
    return Lost(str(made["id"]), _PHASE, f"{begins}: may go on on page {lost_page}, which could not be read", made)


async def _from_json(item: Item, document: Document) -> AsyncIterator[Item | Lost]:
    election = item.data["part"] == "aa"
    prefix = f"{item.data['side']}-{item.data['part']}-"
    seen: set[str] = set()
    for place, where, entry in _entries(document, election):
        problem = _problem(entry, election)
        id_ = f"{prefix}{str(entry['id']).strip().removeprefix(prefix)}" if not problem else f"{where} entry {place}"
        if not problem and id_ in seen:
            problem = f"id: {entry['id']!r} is given twice; the first one is used"
            id_ = f"{id_} entry {place}"
        if problem:
            yield Lost(id_, _PHASE, f"{where}: {problem}", entry if isinstance(entry, dict) else {"entry": entry})
            continue
        seen.add(id_)
        yield Item(id_, _completed(entry, id_, place, item, election))


def _entries(document: Document, election: bool) -> Iterator[tuple[int, str, Any]]:
    """Place (from 1), "file:line" and value of each entry."""
    key, value = "elections" if election else "provisions", document.value
    if isinstance(value, Mapping):
        entries, where = value.get(key), document.where(key)
        for place, entry in enumerate(entries if isinstance(entries, Sequence) else (), start=1):
            yield place, f"{where}, {key}[{place - 1}]", entry
    elif isinstance(value, Sequence):
        for place, entry in enumerate(value, start=1):
            yield place, document.where(place - 1), entry


def _problem(entry: Any, election: bool) -> str:
    """What is wrong with an entry, field and remedy named; "" when it can be used."""
    if not isinstance(entry, dict):
        return f"an entry must be a JSON object, not {type(entry).__name__}"
    if not str(entry.get("id") or "").strip():
        return "id: is missing; each entry needs its own"
    text = entry.get("provision_text") or (entry.get("field_label") if election else None)
    if not isinstance(text, str) or not text.strip():
        return f"provision_text: is missing or empty (id {entry['id']!r})"
    allowed: dict[str, tuple[str, ...]] = {"provision_type": PROVISION_TYPES, "provision_classification": _CLASSES}
    if election:
        allowed |= {"status": ELECTION_STATUS, "kind": ELECTION_KINDS}
    for name, values in allowed.items():
        given = entry.get(name)
        unknown_type = name == "provision_type" and given == "unknown"
        if given not in (None, "", *values) and not unknown_type:
            return f"{name}: {given!r} is not one of {', '.join(sorted(values))} (id {entry['id']!r})"
    return _options_problem(entry) if election else ""


def _options_problem(entry: Mapping[str, Any]) -> str:
    options = entry.get("options")
    if options is None:
        return ""
    if not isinstance(options, list) or not all(isinstance(option, dict) for option in options):
        return f"options: must be a list of objects (id {entry['id']!r})"
    ids = [option.get("option_id") for option in options]
    if None in ids or len(set(map(str, ids))) < len(ids):
        return f"options: each needs an option_id of its own (id {entry['id']!r})"
    if any(not isinstance(option.get("is_selected"), bool) for option in options):
        return f"options: is_selected must be true or false (id {entry['id']!r})"
    return ""


def _completed(entry: Mapping[str, Any], id_: str, place: int, item: Item, election: bool) -> JsonObject:
    title = str(entry.get("section_title") or entry.get("field_label") or "")
    text = str(entry.get("provision_text") or title)
    type_ = entry.get("provision_type")
    made: JsonObject = {
        "id": id_,
        "document": entry.get("document") or item.data["document"],
        "section_number": str(entry.get("section_number") or ""),
        "section_title": title,
        "provision_text": text,
        "provision_type": type_ if type_ in PROVISION_TYPES else provision_type(title, text),
        "provision_classification": entry.get("provision_classification") or "substantive",
        "pdf_page": entry.get("pdf_page"),
        "page_sequence": entry.get("page_sequence") or place,
    }
    if not election:
        return made
    options = [_option(option) for option in entry.get("options") or []]
    ticked = any(option["is_selected"] for option in options)
    return made | {
        "field_label": str(entry.get("field_label") or title),
        "parent_section": str(entry.get("parent_section") or ""),
        "local_ordinal": entry.get("local_ordinal") or place,
        "status": entry.get("status") or ("answered" if ticked else "unanswered"),
        "kind": entry.get("kind") or ("single_select" if options else "text"),
        "options": options,
    }


def _option(option: Mapping[str, Any]) -> JsonObject:
    fill_ins = option.get("fill_ins")
    return {
        "option_id": str(option["option_id"]),
        "label": str(option.get("label") or ""),
        "option_text": str(option.get("option_text") or ""),
        "is_selected": option["is_selected"],
        "fill_ins": [str(value) for value in fill_ins] if isinstance(fill_ins, list) else [],
    }
