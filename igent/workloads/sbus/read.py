"""Opening a scenario: registrations, offers, incentives, capacity. Input files are only read."""

from __future__ import annotations

__all__ = ["INPUTS", "incentive", "open_dataset"]

from collections import Counter
from collections.abc import Mapping, Sequence
from copy import copy
from datetime import date
from re import split
from typing import Any, overload

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
    records: Sequence[Record] = ()
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


class _Registrations(Sequence[Record]):
    """The registrations as records, each made when it is looked at: a long file is not kept in memory.

    `rows` are the elements of the document. All are read once here: what is kept of one is whether it has a problem; of
    one whose number is there before, the id it gets instead, and where the first is.
    """

    def __init__(self, document: Document, rows: Sequence[Any]) -> None:
        self._document, self._rows = document, rows
        self._places = range(len(rows))
        self._wrong = bytearray(len(rows))
        first: dict[str, int] = {}
        again: dict[int, str] = {}
        for place, row in enumerate(rows):
            name, wrong = _read(row, place)
            self._wrong[place] = bool(wrong)
            if first.setdefault(name, place) != place:
                again[place] = name
        self._again = {
            place: (unique, again[place], document.where(first[again[place]]))
            for place, unique in _distinct(again, set(first)).items()
        }

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, at: int) -> Record: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Record]: ...
    def __getitem__(self, at: int | slice) -> Record | Sequence[Record]:
        if isinstance(at, slice):
            part = copy(self)
            part._places = self._places[at]
            return part
        place = self._places[at]
        row, source = self._rows[place], self._document.where(place)
        if not self._wrong[place] and place not in self._again:
            return Record(str(row["RegistrationNumber"]).strip(), place, row, source)
        name, wrong = _read(row, place)
        if place in self._again:
            name, number, before = self._again[place]
            wrong.insert(0, f"RegistrationNumber {number} is there twice, at {before} and {source}: keep one of them")
        return Record(name, place, row if isinstance(row, Mapping) else {}, source, f"{source}: {'; '.join(wrong)}")


def _records(document: Document) -> Sequence[Record]:
    rows = getattr(document, "elements", None)  # of a list in a file; read when they are looked at
    if rows is None:
        if not isinstance(document.value, list):
            raise DataError(Problem(document.where(), "the registrations are not a list", "write [{…}, {…}]"))
        rows = document.value
    return _Registrations(document, rows)


def _read(row: Any, place: int) -> tuple[str, list[str]]:
    """A registration's number, or what to call it without one; and what is wrong with it."""
    if not isinstance(row, Mapping):
        return f"registration {place + 1}", ["it is not an object: write one object a registration"]
    request, wrong = parse_request(row)
    return request.id or f"registration {place + 1}", wrong


def _distinct(again: Mapping[int, str], taken: set[str]) -> dict[int, str]:
    """Ids for the second and later of equal names: told apart by "#2" and so on; never by a name that is there."""
    counts, ids = Counter(set(again.values())), {}
    for place, name in again.items():
        counts[name] += 1
        while (unique := f"{name}#{counts[name]}") in taken:
            counts[name] += 1
        taken.add(unique)
        ids[place] = unique
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
