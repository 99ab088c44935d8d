"""The answers about several records in what a model says: objects that each carry the number of their record.

They may be the elements of one array, or of the one list of objects inside an object ({"answers": [...]}), or stand by
themselves. An object counts for a record only when it is the only one in the whole answer with that number: two
contradict each other, whatever they say, and an example in the prose is as good a reason to doubt as any.
"""

from __future__ import annotations

__all__ = ["NUMBER", "Elements"]

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from igent.parsing.decoder import Decoder
from igent.parsing.events import Element, Event, Field, Value
from igent.types import JsonObject

NUMBER = "number"
"""The member of an object that says which record it is about."""

_CLOSED, _NONE = object(), object()
_MOST_FOREIGN = 20
_MOST_DIGITS = 6


@dataclass(slots=True)
class _Came:
    """The first object that came with a number: from the value that begins at `root`; `sure` once nothing that follows
    can make it something else than an element."""

    root: int
    value: JsonObject
    sure: bool


class Elements:
    """A stop condition that is content when each of the `asked` numbers has come, exactly once.

    `check` is told each number that was asked with its object (without the number), as soon as that is closed; what it
    raises passes through. It is not told of a number that came before in the same answer. Objects in a list that is a
    member of another object are no end before that is closed: were it to have a number itself, they were its parts.
    """

    def __init__(self, asked: Collection[int], check: Callable[[int, JsonObject], None]) -> None:
        self._asked, self._check = frozenset(asked), check
        self._decoder = Decoder(fields=False, elements=True)
        self._came: dict[int, list[_Came]] = {}
        self._once = 0
        # By root of an object: the name of the member whose elements count, or one of the marks.
        self._lists: dict[int, object] = {}
        self._unclosed = self._numbered = -1  # the latest root of an object with a list of objects, with a number
        self._times = 0
        self._end = 0
        self._found: dict[int, JsonObject] | None = None
        self.foreign: list[str] = []
        self.nameless = 0

    def feed(self, text: str) -> bool:
        """Take the next piece of text; True when everything asked for has come, and from then on."""
        if self._found is None:
            for event in self._decoder.feed(text):
                if self._take(event):
                    self._found, self._end = self.found, event.end
                    break
        return self._found is not None

    @property
    def value(self) -> Any:
        """As `found`, once everything asked for has come; None before that."""
        return self._found

    @property
    def end(self) -> int:
        """How many characters of the text lie before the end of the last object that was needed; 0 before that."""
        return self._end

    @property
    def seen(self) -> int:
        """How many characters it was fed."""
        return self._decoder.seen

    @property
    def found(self) -> dict[int, JsonObject]:
        """The objects that have come, by number, without it: of the numbers asked for, those that came once."""
        if self._found is not None:
            return self._found
        return {number: came[0].value for number, came in self._came.items() if len(came) == 1}

    @property
    def doubled(self) -> frozenset[int]:
        """The numbers asked for that came more than once."""
        return frozenset(number for number, came in self._came.items() if len(came) > 1)

    @property
    def problem(self) -> str:
        """What is wrong with the text so far, should it end here, in words for a model; "" when nothing is."""
        said = [self._decoder.close().message if self._found is None else ""]
        if self.foreign:
            said.append(f"It has objects with numbers that were not asked for: {', '.join(self.foreign)}.")
        if self.nameless:
            said.append(f"It has objects without a number of their own: {self.nameless}.")
        return " ".join(filter(None, said))

    def _take(self, event: Event) -> bool:
        if isinstance(event, Element):
            return self._element(event)
        if isinstance(event, Field):
            self._field(event)
            return False
        return self._whole(event)

    def _element(self, event: Element) -> bool:
        root, wrapped = event.root, event.name is not None
        if wrapped:
            self._unclosed = root
            # A second list, be it of the same name (its first one is closed then), leaves it open which one is meant.
            if self._lists.setdefault(root, event.name) != event.name:
                self._retract(root)
                return False
        return self._add(root, event.value, event.repeated, sure=not wrapped)

    def _field(self, event: Field) -> None:
        """A member of an outermost object is closed. With a number it is an answer itself, and its lists are parts."""
        root = event.root
        if event.name == NUMBER:
            self._times = self._times + 1 if self._numbered == root else 1
            self._numbered = root
            self._retract(root)
        elif isinstance(event.value, list) and self._lists.get(root) == event.name:
            self._lists[root] = _CLOSED

    def _whole(self, event: Value) -> bool:
        root = event.start
        if not isinstance(event.value, dict):
            return False
        if NUMBER in event.value:
            repeated = (NUMBER,) if self._numbered == root and self._times > 1 else ()
            return self._add(root, event.value, repeated, sure=True)
        if self._unclosed != root:
            self.nameless += 1
            return False
        for came in self._came.values():
            for one in came[:1]:
                one.sure = one.sure or one.root == root
        return self._complete()

    def _add(self, root: int, value: JsonObject, repeated: Collection[str], *, sure: bool) -> bool:
        number = None if NUMBER in repeated else _number(value)
        if number is None:
            self.nameless += 1
        elif number not in self._asked:
            shown = str(number)[:_MOST_FOREIGN]
            if len(self.foreign) < _MOST_FOREIGN and shown not in self.foreign:
                self.foreign.append(shown)
        elif self._came.get(number):
            self._once -= len(self._came[number]) == 1
            self._came[number].append(_Came(root, {}, sure))
        else:
            rest = {name: member for name, member in value.items() if name != NUMBER}
            self._check(number, rest)
            self._came[number] = [_Came(root, rest, sure)]
            self._once += 1
            return self._complete()
        return False

    def _complete(self) -> bool:
        return self._once == len(self._asked) and all(came[0].sure for came in self._came.values())

    def _retract(self, root: int) -> None:
        """What was taken for elements of this object's list is none."""
        if self._lists.get(root) is _NONE:
            return
        self._lists[root] = _NONE
        for number, came in list(self._came.items()):
            kept = [one for one in came if one.root != root]
            if len(kept) < len(came):
                self._once += (len(kept) == 1) - (len(came) == 1)
                self._came[number] = kept


def _number(value: JsonObject) -> int | None:
    """The number of an object: an integer, or one written as a string."""
    number = value.get(NUMBER)
    if isinstance(number, str) and number.isascii() and number.isdigit() and len(number) <= _MOST_DIGITS:
        return int(number)
    return number if type(number) is int else None
