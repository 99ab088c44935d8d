"""The words of a graph of phases: what flows through it, what is lost on the way, and the steps that a workload gives.

Items flow from phase to phase. A phase works on units: an item for most kinds, the items of one parent for `select`,
whole streams for `reduce`. Each unit ends in exactly one Outcome; what failed goes on as Lost, so that whoever gathers
can tell what is missing.
"""

from __future__ import annotations

__all__ = [
    "Compatible",
    "Embed",
    "ExpandStep",
    "Flows",
    "Group",
    "Item",
    "Lost",
    "MapStep",
    "Page",
    "PdfFile",
    "ReadPages",
    "ReduceStep",
    "SelectStep",
    "StepContext",
    "StepDeclaration",
    "Stream",
    "Vector",
]

from array import array
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from igent.types import JsonObject

Vector = array
"""Of type "f": float32."""


@dataclass(frozen=True, slots=True)
class Item:
    """One record as it flows: `id` is unique among the items of the phase that gives it, `data` is JSON-ready, `vector`
    its embedding, None before it has one."""

    id: str
    data: Mapping[str, Any]
    vector: Vector[float] | None = None


@dataclass(frozen=True, slots=True)
class Lost:
    """A record that failed: it is in no stream after `phase`. `data` is what it was there, as far as known."""

    id: str
    phase: str
    reason: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Stream:
    """All that one phase has given, in the order of the input, and what was lost before or in it."""

    phase: str
    items: Sequence[Item]
    lost: Sequence[Lost]


@dataclass(frozen=True, slots=True)
class Group:
    """What has come of one item, the `parent`, after it was expanded or paired: the items in the order they were given
    in, and those that were lost since."""

    parent: Item
    items: Sequence[Item]
    lost: Sequence[Lost]


@dataclass(frozen=True, slots=True)
class PdfFile:
    """A PDF among the inputs: `path` where it is, `digest` the SHA-256 of its bytes in hex. Not read yet."""

    path: Path
    digest: str


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a document: its `number` from 1, and its `text`. `how` it was read: "text" (it is in the file), "ocr"
    or "vision". A page that could not be read has no text, and its `problem` says why and what to do."""

    number: int
    text: str
    how: str = "text"
    problem: str = ""


ReadPages = Callable[[PdfFile], AsyncIterator[Page]]
"""Gives the pages of a PDF in order, as they are read. Raises DataError when the file is no PDF at all."""


class Embed(Protocol):
    """Makes embeddings."""

    async def __call__(self, texts: Sequence[str]) -> Sequence[Vector[float]]:
        """The embedding of each text, normalised to length 1, in their order. Raises ProviderError."""
        ...


@dataclass(frozen=True, slots=True)
class StepContext:
    """What a step may use beside its input: the dataset's `reference`, the run's date and seed, and the reader of PDF
    pages."""

    reference: Any
    today: date
    seed: int
    pages: ReadPages


Compatible = Callable[[Mapping[str, Any], Mapping[str, Any]], bool]
"""Whether two records (their data) may be a pair at all."""


@dataclass(frozen=True, slots=True)
class MapStep:
    """One record to one: `run` gives the new data. `takes` and `gives` name the types of what comes in and goes out."""

    run: Callable[[Item, StepContext], Awaitable[JsonObject]]
    takes: str
    gives: str


@dataclass(frozen=True, slots=True)
class ExpandStep:
    """One record to many, given as they are found: items (with ids that are unique in the phase), and Lost for parts
    that could not be used (its `phase` is filled in by the engine)."""

    run: Callable[[Item, StepContext], AsyncIterator[Item | Lost]]
    takes: str
    gives: str


@dataclass(frozen=True, slots=True)
class SelectStep:
    """Many records of one parent to one: `run` gives the data of one item, which has the parent's id."""

    run: Callable[[Group, StepContext], Awaitable[JsonObject]]
    takes: str
    gives: str


@dataclass(frozen=True, slots=True)
class ReduceStep:
    """Whole streams to some items: one stream for each phase of `needs`, in that order; `takes` are their types."""

    run: Callable[[Sequence[Stream], StepContext], Awaitable[Sequence[Item]]]
    takes: tuple[str, ...]
    gives: str


StepDeclaration = MapStep | ExpandStep | SelectStep | ReduceStep


@runtime_checkable
class Flows(Protocol):
    """A workload may also offer steps to phases that are no conversations. Its input records are of type "record"; a
    pair of two records has the data {"source": …, "target": …, "similarity": …} and is of type "pair"; what a
    conversation has answered about an item is added to its data under the name of its output."""

    steps: Mapping[str, StepDeclaration]
    """By the name that a phase's `step` gives."""
    compatible: Mapping[str, Compatible]
    """By the name that a pair phase's `compatible` gives."""
    takes: Mapping[str, str]
    """Schema name -> the type of item that a conversation with this answer is about. It gives items of the type named
    as the schema."""
