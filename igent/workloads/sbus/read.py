"""Opening a scenario: registrations, offers, incentives, capacity. Input files are only read."""

from __future__ import annotations

__all__ = ["INPUTS", "incentive", "open_dataset"]

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from re import split

from igent.errors import DataError, Problem
from igent.types import Record
from igent.workload import Dataset, Document, InputFile
from igent.workloads.sbus.dates import parse_date
from igent.workloads.sbus.model import Incentive, Reference, parse_request
from igent.workloads.sbus.numbers import flag
from igent.workloads.sbus.offers import read_capacity, read_offers
from igent.workloads.sbus.places import state_names
from igent.workloads.sbus.problems import Fields, Problems

INPUTS = (
    InputFile("registrations"),
    InputFile("offers"),
    InputFile("incentives", required=False),
    InputFile("capacity", required=False),
)


def open_dataset(documents: Mapping[str, Document]) -> Dataset:
    """Read the documents, by key of the scenario. A bad registration becomes a Record with a problem.

    Raises DataError with every problem of the offers, incentives and capacity files.
    """
    problems: list[Problem] = []
    records: list[Record] = []
    incentives: tuple[Incentive, ...] = ()
    try:
        records = _records(documents["registrations"])
    except DataError as error:
        problems += error.problems
    try:
        if "incentives" in documents:
            incentives = _incentives(documents["incentives"])
    except DataError as error:
        problems += error.problems
    try:
        campaign, suppliers = read_offers(documents["offers"])
        capacity = read_capacity(documents.get("capacity"), suppliers)
    except DataError as error:
        problems += error.problems
    if problems:
        raise DataError(*problems)
    return Dataset(records, Reference(campaign, suppliers, incentives), capacity)


def _records(document: Document) -> list[Record]:
    if not isinstance(document.value, list):
        raise DataError(Problem(document.where(), "the registrations are not a list", "write [{…}, {…}]"))
    rows = [raw if isinstance(raw, Mapping) else {} for raw in document.value]
    parsed = [parse_request(data) for data in rows]
    names = [request.id or f"registration {index}" for index, (request, _) in enumerate(parsed, 1)]
    ids = _distinct(names)
    first: dict[str, str] = {}
    records = []
    for index, (name, data, (_, found)) in enumerate(zip(names, rows, parsed, strict=True)):
        source, wrong = document.where(index), list(found)
        if not isinstance(document.value[index], Mapping):
            wrong = ["it is not an object: write one object a registration"]
        if name in first:
            twice = f"RegistrationNumber {name} is there twice, at {first[name]} and {source}: keep one of them"
            wrong.insert(0, twice)
        first.setdefault(name, source)
        problem = f"{source}: {'; '.join(wrong)}" if wrong else None
        records.append(Record(ids[index], index, data, source, problem))
    return records


def _distinct(names: Sequence[str]) -> list[str]:
    """The names, where the second of two equal ones is told apart by "#2"; never by a name that is there already."""
    taken, counts, ids = set(names), Counter[str](), []
    for name in names:
        counts[name] += 1
        unique = name
        while counts[name] > 1 and (unique := f"{name}#{counts[name]}") in taken:
            counts[name] += 1
        taken.add(unique)
        ids.append(unique)
    return ids


def _incentives(document: Document) -> tuple[Incentive, ...]:
    problems = Problems(document)
    if document.value is None:
        return ()
    if not isinstance(document.value, list):
        problems.add(None, "the incentives are not a list", "write [{…}, {…}]")
        problems.raise_if_any()
    found = []
    for index, raw in enumerate(document.value):
        fields = problems.fields(index, f"incentive {index + 1}", raw)
        if fields is not None:
            found.append(incentive(fields))
    problems.raise_if_any()
    return tuple(found)


def incentive(fields: Fields) -> Incentive:
    """One element of the incentives; what is wrong is noted in `fields`. A date that cannot be read keeps the
    incentive from applying, and is no error."""
    name = fields.text("Incentive name")
    community = fields.text("Applicable community")
    specs = fields.text("Incentive specs", required=False)
    low_income = flag(fields.data.get("LMI"))
    if low_income is None:
        fields.add(f"LMI is {fields.data['LMI']!r}", 'it must be "TRUE" or "FALSE"')
    notes: list[str] = []
    start, end = (_date(fields, field, notes) for field in ("Start date", "End date"))
    places: set[str] = set()
    for part in (community, *split(r"[,;/]", community)):
        places |= state_names(part)
    note = "; ".join(notes)
    return Incentive(name, frozenset(places), bool(low_income), specs, start, end, note, dict(fields.data))


def _date(fields: Fields, field: str, notes: list[str]) -> date | None:
    try:
        return parse_date(fields.data.get(field))
    except ValueError as error:
        notes.append(f"{fields.name}: {field}: {error}; it applies to nobody")
        return None
