"""Reading fields of one exported object while noting everything that is wrong with it."""

from __future__ import annotations

__all__ = ["Fields", "Problems"]

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from igent.errors import DataError, Problem
from igent.workload import Document
from igent.workloads.sbus.numbers import number, whole


class Problems:
    """Collects what is wrong with one document, to be raised all at once."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.found: list[Problem] = []

    def add(self, key: int | str | None, what: str, remedy: str = "") -> None:
        """Note a problem at a top-level element or member of the document."""
        self.found.append(Problem(self.document.where(key), what, remedy))

    def fields(self, key: int | str | None, name: str, value: Any) -> Fields | None:
        """The fields of an object called `name`; None, and a note, when the value is no object."""
        if isinstance(value, Mapping):
            return Fields(self, key, name, value)
        self.add(key, f"{name} is {_kind(value)}, not an object")
        return None

    def raise_if_any(self) -> None:
        """Raises DataError with every problem noted so far."""
        if self.found:
            raise DataError(*self.found)


class Fields:
    """One object of the document: each getter returns a usable value, and notes what is wrong."""

    def __init__(self, problems: Problems, key: int | str | None, name: str, data: Mapping[str, Any]) -> None:
        self._problems = problems
        self._key = key
        self.name = name
        self.data = data

    def inner(self, name: str, data: Mapping[str, Any]) -> Fields:
        """An object inside this one, at the same line."""
        return Fields(self._problems, self._key, f"{self.name}.{name}", data)

    def add(self, what: str, remedy: str = "") -> None:
        """Note a problem of this object."""
        self._problems.add(self._key, f"{self.name}: {what}", remedy)

    def text(self, field: str, *, required: bool = True) -> str:
        """A text (a number will do); "" and a note when it is missing and required."""
        value = self.data.get(field)
        if isinstance(value, str | int) and not isinstance(value, bool) and str(value).strip():
            return str(value).strip()
        if required or value not in (None, ""):
            self._wrong(field, value, "a text")
        return ""

    def list(self, field: str) -> list[Any]:
        """A list; empty and a note when it is missing or something else."""
        value = self.data.get(field)
        if isinstance(value, list):
            return value
        self._wrong(field, value, "a list")
        return []

    def whole(self, field: str) -> int:
        """A whole number, 0 or more; 0 and a note when it is anything else."""
        value = self.data.get(field)
        found = whole(value)
        if found is not None and found >= 0:
            return found
        self._wrong(field, value, "a whole number, 0 or more")
        return 0

    def number(self, field: str, *, required: bool = True) -> Decimal | None:
        """A number, 0 or more; None when it is missing and not required; None and a note when it is wrong."""
        value = self.data.get(field)
        found = number(value)
        if found is not None and found >= 0:
            return found
        if required or value is not None:
            self._wrong(field, value, "a number, 0 or more")
        return None

    def _wrong(self, field: str, value: Any, wanted: str) -> None:
        if field not in self.data:
            self.add(f"{field} is missing", f"it must be {wanted}")
        else:
            self.add(f"{field} is {_kind(value)}", f"it must be {wanted}")


def _kind(value: Any) -> str:
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    return "null" if value is None else repr(value)[:60]
