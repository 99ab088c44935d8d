"""What a workload is: the plug-in that a constellation names. The engine knows nothing of a domain but this."""

from __future__ import annotations

__all__ = ["Completes", "Dataset", "Document", "Expects", "InputFile", "MockAnswers", "Rule", "Shortens", "Workload"]

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Protocol, runtime_checkable

from pydantic import BaseModel

from igent.types import CapacityView, Case, ChatMessage, JsonObject, Record, Stock, Violation

Rule = Callable[[Any, Case], Iterable[Violation]]
"""A business rule: given the answer (an instance of the step's schema) and the case, yields what is wrong with it."""


@dataclass(frozen=True, slots=True)
class InputFile:
    """A file that a scenario may or must name: its `key` in the scenario, and whether the workload needs it."""

    key: str
    required: bool = True


@dataclass(frozen=True, slots=True)
class Document:
    """One input file, read.

    `path` is as shown in messages, `value` the parsed content, `lines` the line (from 1) at which each element of a
    top-level list begins (by index), or each member of a top-level object (by key).
    """

    path: str
    value: Any
    lines: Mapping[int | str, int] = field(default_factory=dict)

    def where(self, key: int | str | None = None) -> str:
        """ "file:line" of an element or member, or "file" when the line is not known."""
        line = self.lines.get(key) if key is not None else None
        return f"{self.path}:{line}" if line else self.path


@dataclass(frozen=True, slots=True)
class Dataset:
    """One scenario, read and checked: the records in input order, the reference data, and the capacity at the start."""

    records: Sequence[Record]
    reference: Any
    capacity: Mapping[str, Stock] = field(default_factory=dict)


class MockAnswers(Protocol):
    """How a workload's records are answered without a model: by reading the prompt, as a model would."""

    def record_id(self, messages: Sequence[ChatMessage]) -> str:
        """The id of the record that the chat is about; "" when there is none."""
        ...

    def answer(self, messages: Sequence[ChatMessage], random: Random, errors: float) -> str:
        """The text that a model would answer to this chat.

        `errors` (0 to 1) is the chance of a wrong or malformed answer in the first round; it falls with each round
        of feedback. All chance comes from `random`, which the caller seeds.
        """
        ...


@runtime_checkable
class Completes(Protocol):
    """A workload may also put into answers what is certain, so that no model is asked again for having left it out."""

    def complete(self, answer: Any, case: Case) -> Any:
        """The answer (an instance of the step's schema) with what is certain put in. What it says wrongly stays: the
        rules look at it afterwards."""
        ...


@runtime_checkable
class Expects(Protocol):
    """A workload may also know the answer itself: phases start early on it, rule agents give it, and `igent compare`
    judges by it."""

    prose: frozenset[str]
    """Fields that are words for people and decide nothing, such as a reasoning: no part of a comparison."""

    def expect(self, case: Case, schema: str) -> JsonObject | None:
        """The answer of this schema that the rules give for the case, as a model would give it in full, or the "nobody
        fits" answer; None where the rules do not decide all of it. Of the case it may use all but answers of `earlier`
        that it can expect itself: where they are missing it goes by its own expectation of them."""
        ...


@runtime_checkable
class Shortens(Protocol):
    """A workload may also ask a model only for what cannot be copied from elsewhere: output tokens are the time."""

    short: Mapping[str, type[BaseModel]]
    """Schema name -> the model of the short answer: what is asked for where a step says `answer: short`. It keeps
    further fields (extra="allow"), so that an answer which gives more is not refused."""

    def expand(self, value: JsonObject, case: Case, schema: str) -> JsonObject:
        """The full answer of the schema: what the model gave, untouched, and what it left out, put in from the record,
        the reference, earlier answers, or arithmetic over what it gave. What it gives wrongly stays, for the rules."""
        ...


class Workload(Protocol):
    """Schemas, rules and context of one kind of job. A module or an object with these names will do."""

    name: str
    inputs: Sequence[InputFile]
    schemas: Mapping[str, type[BaseModel]]
    rules: Mapping[str, Rule]
    mock: MockAnswers | None

    def open(self, documents: Mapping[str, Document]) -> Dataset:
        """Make the dataset from the scenario's files (by key). Raises DataError with every problem found."""
        ...

    def blocks(self, case: Case, schema: str) -> Mapping[str, Any]:
        """What the prompt for an answer of this schema shows: heading -> JSON value, the unchanging part first."""
        ...

    def predict(self, case: Case) -> str | None:
        """The unit (supplier) that this record takes if the agents follow the rules; None when it takes none."""
        ...

    def unit(self, value: JsonObject, field: str) -> str | None:
        """The unit that an accepted answer takes: normally the value of the constellation's `reserves` field."""
        ...

    def refusal(self, schema: str) -> type[BaseModel] | None:
        """The model of the "nobody fits" answer that may stand in the place of this schema; None when there is none."""
        ...

    def confirm_refusal(self, case: Case) -> Iterable[Violation]:
        """Why "nobody fits" would be wrong for this case; empty when it is right."""
        ...

    def refusal_reason(self, case: Case) -> str:
        """Why nobody fits, in a sentence for people; the reason of the Outcome `no_match`."""
        ...

    def capacity_document(self, view: CapacityView) -> Any:
        """The capacity in the shape of the workload's capacity file."""
        ...
