"""What the decoder reports: events while text comes in, and an ending when no more comes."""

from __future__ import annotations

__all__ = ["Element", "Ending", "Event", "Fault", "Field", "Place", "Value"]

from dataclasses import dataclass
from typing import Any, NamedTuple


class Field(NamedTuple):
    """One closed member of the outermost object, or of an object directly inside the outermost array.

    `path` is (name,) or (index, name). `value` may be of any JSON type. `start` and `end` are where the member's value
    lies, in characters of all the text fed. `root` is where the outermost value begins: fields with the same root
    belong together. A field is provisional: the value around it may still turn out to be broken or cut off.
    """

    path: tuple[int | str, ...]
    value: Any
    start: int
    end: int
    root: int

    @property
    def name(self) -> str:
        """The member's name."""
        return str(self.path[-1])


class Element(NamedTuple):
    """One closed object directly inside an array: the outermost value (`name` is None), or the outermost object's
    member of this `name`. `start`, `end` and `root` as in Field; as provisional as one. `repeated` are the names that
    the object gives more than once; of their values the last counts."""

    name: str | None
    value: dict[str, Any]
    start: int
    end: int
    root: int
    repeated: frozenset[str] = frozenset()


class Value(NamedTuple):
    """One complete top-level object or array; it lies at text[start:end] of all the text fed."""

    value: Any
    start: int
    end: int


Event = Field | Element | Value


class Place(NamedTuple):
    """A place in the text as editors count it: both from 1; only a line feed ends a line."""

    line: int
    column: int

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}"

    @classmethod
    def of(cls, text: str, offset: int) -> Place:
        """The place of text[offset]."""
        return cls(text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset))


class Fault(NamedTuple):
    """A syntax error: where, and `what` is wrong there, such as `"'" where a value is expected`."""

    place: Place
    what: str


@dataclass(frozen=True, slots=True)
class Ending:
    """How the text ended, for the case that none of its values is the answer.

    `values` is the number of complete values found; `open` where the object or array begins that was never closed;
    `fault` the last syntax error in something that looked like JSON; `thinking` where the think block begins that
    was never closed. Each of the three is None when there is no such thing.
    """

    values: int
    open: Place | None = None
    fault: Fault | None = None
    thinking: Place | None = None

    @property
    def message(self) -> str:
        """What is wrong and what to do, for a model or a person; "" when a value was found and nothing is wrong."""
        if self.thinking:
            return f"The think block begun at {self.thinking} is never closed; close it, then answer with JSON."
        if self.open:
            return (
                f"The answer is cut off: the JSON value begun at {self.open} is never closed; "
                "give the whole value, shorter if need be."
            )
        if self.fault:
            return f"The JSON is broken at {self.fault.place}: {self.fault.what}; give the whole value as valid JSON."
        return "" if self.values else "There is no JSON object or array in the answer; give one."
