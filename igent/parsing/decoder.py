"""The incremental JSON decoder: text in, events out, as the text streams in; no I/O.

It finds the objects and arrays in what a model says: bare or in a fence, with prose, examples and citations around.
A bracket opens a candidate, which the strict grammar reads until it closes (a Value), breaks, or the text ends. Text in
<think>…</think> and <thinking>…</thinking> is passed over. When a candidate breaks, what it was decides where to go on:

    some `"key":` was read      JSON, broken: nothing inside it counts; go on where its brackets balance (wreck.py)
    more than a lone string     a list in prose, as [1, 2, and 3]: go on behind the next "]", ")" or line end
    neither                     a bracket in prose, as [section] or {curly}: go on at once

In the last case the candidate may have taken one string for its own, as in `["see {"a": 1}`; that text is read again,
from behind its first quote. A quote opens at most one such string, so the work stays linear.
"""

from __future__ import annotations

__all__ = ["Decoder"]

import re
from collections.abc import Callable
from io import SEEK_END, StringIO
from typing import Final

from igent.parsing.events import Element, Ending, Event, Fault, Field, Place, Value
from igent.parsing.grammar import Candidate, Member, Span, describe_fault, match_stray
from igent.parsing.values import build, build_object
from igent.parsing.wreck import Wreck

_MARK = re.compile(r"[{\[<]")
_THINK = re.compile(r"<think(?:ing)?>", re.IGNORECASE)
_END_OF_THINK = re.compile(r"</think(?:ing)?>", re.IGNORECASE)
_END_OF_LIST = re.compile(r"[\])\n]")
_LONGEST_TAG: Final = "<thinking>"


class Decoder:
    """Finds the complete JSON objects and arrays in a text that comes in pieces.

    Any split of a text into pieces gives the same events. The work for a piece does not grow with the length of the
    text before it. Scalars at the top level are not looked for. Nothing in a text makes it raise.

    Integers are exact at any size up to MAX_SCALAR digits; of equal names in an object the last counts; half a
    surrogate pair becomes U+FFFD, so that every string can be written as UTF-8.

    With `fields` False only whole values are given, and no member by itself, which is cheaper. With `elements` the
    objects of lists are given as well (see Element), but no fields of them, only those of an outermost object.
    """

    def __init__(self, *, fields: bool = True, elements: bool = False) -> None:
        self._fields, self._elements = fields, elements
        self._seen = StringIO(newline="\n")  # "\n": CR LF stays as it is
        self._window = ""  # the text at hand: what was not read yet, and the piece that came
        self._base = 0  # the offset of its first character in all the text
        self._at = 0  # how much of it is read
        self._mode: _Mode = Decoder._prose
        self._candidate = Candidate(0, "[")
        self._wreck = Wreck((), in_string=False)
        self._values = 0
        self._think_at = 0
        self._fault = ""
        self._fault_at = 0
        self._fault_keyed = False

    def feed(self, text: str) -> list[Event]:
        """Take the next piece of text; the events that it completes, in the order of their ends."""
        self._seen.write(text)
        self._base += self._at
        self._window = self._window[self._at :] + text
        self._at = 0
        events: list[Event] = []
        while self._mode(self, events):
            pass
        return events

    def close(self) -> Ending:
        """How the text ended. May be called at any time, and more than once."""
        text = self._seen.getvalue()
        at = self._fault_at
        return Ending(
            values=self._values,
            open=Place.of(text, self._candidate.start) if self._mode is Decoder._json else None,
            fault=Fault(Place.of(text, at), describe_fault(self._fault, text, at)) if self._fault else None,
            thinking=Place.of(text, self._think_at) if self._mode is Decoder._thinking else None,
        )

    @property
    def seen(self) -> int:
        """How many characters it was fed."""
        return self._base + len(self._window)

    # A mode reads on from self._at. It returns True when another mode is to go on, False when it needs more text; what
    # it leaves unread then (part of a tag, an escape, a number) is short.

    def _prose(self, _: list[Event]) -> bool:
        text, at = self._window, self._at
        while mark := _MARK.search(text, at):
            at = mark.start()
            if mark[0] == "<":
                tag = _THINK.match(text, at)
                if tag:
                    self._at = tag.end()
                    self._think_at = self._base + at
                    self._mode = Decoder._thinking
                    return True
                if len(text) - at < len(_LONGEST_TAG) and _LONGEST_TAG.startswith(text[at:].lower()):
                    self._at = at
                    return False
                at += 1
            elif stray := match_stray(text, at):
                self._note_fault(self._base + stray[0], stray[1])
                at = stray[2]
            else:
                self._at = at + 1
                self._candidate = Candidate(self._base + at, mark[0])
                if self._elements:
                    self._candidate.watch()
                self._mode = Decoder._json
                return True
        self._at = len(text)
        return False

    def _thinking(self, _: list[Event]) -> bool:
        if end := _END_OF_THINK.search(self._window, self._at):
            self._at = end.end()
            self._mode = Decoder._prose
            return True
        self._at = max(self._at, len(self._window) - len(_LONGEST_TAG))
        return False

    def _json(self, events: list[Event]) -> bool:
        candidate = self._candidate
        self._at = candidate.read(self._window, self._at, self._base)
        if self._elements:
            self._of_lists(candidate, events)
        elif candidate.members:
            if self._fields:
                events.extend(self._field(member) for member in candidate.members)
            candidate.members.clear()
        if candidate.fault:
            self._after_fault(candidate)
            return True
        if candidate.end is None:
            return False
        events.append(Value(build(self._slice(candidate.start, candidate.end)), candidate.start, candidate.end))
        self._values += 1
        self._mode = Decoder._prose
        return True

    def _of_lists(self, candidate: Candidate, events: list[Event]) -> None:
        """The elements, and the fields of an outermost object, in the order of their ends."""
        members, elements = candidate.members, candidate.elements
        if not members and not elements:
            return
        found: list[Field | Element] = [self._field(member) for member in members if member.item is None]
        found += [self._element(span) for span in elements]
        events += sorted(found, key=lambda event: event.end)
        members.clear()
        elements.clear()

    def _after_fault(self, candidate: Candidate) -> None:
        """Go on where the kind of the broken candidate says; see the module's docstring."""
        self._note_fault(candidate.fault_at, candidate.fault, keyed=candidate.keyed)
        if candidate.keyed:
            self._go_to(candidate.fault_at if candidate.in_string else candidate.read_to)
            self._wreck = Wreck(candidate.open, candidate.in_string)
            self._mode = Decoder._wrecked
        elif candidate.listed:
            self._go_to(candidate.read_to)
            self._mode = Decoder._listing
        else:
            self._go_to(candidate.string_at + 1 or candidate.fault_at)
            self._mode = Decoder._prose

    def _note_fault(self, offset: int, fault: str, *, keyed: bool = False) -> None:
        """Keep the last fault, but never one of a bracket in prose instead of one of real JSON."""
        if keyed or not self._fault_keyed:
            self._fault, self._fault_at, self._fault_keyed = fault, offset, keyed

    def _wrecked(self, _: list[Event]) -> bool:
        self._at, over = self._wreck.read(self._window, self._at)
        if over:
            self._mode = Decoder._prose
        return over

    def _listing(self, _: list[Event]) -> bool:
        end = _END_OF_LIST.search(self._window, self._at)
        self._at = end.end() if end else len(self._window)
        if end:
            self._mode = Decoder._prose
        return end is not None

    def _field(self, member: Member) -> Field:
        name = build(self._slice(member.key_start, member.key_end))
        path = (name,) if member.item is None else (member.item, name)
        value = build(self._slice(member.start, member.end))
        return Field(path, value, member.start, member.end, self._candidate.start)

    def _element(self, span: Span) -> Element:
        key = self._slice(span.key_start, span.key_end)
        value, repeated = build_object(self._slice(span.start, span.end))
        name = build(key) if key else None
        return Element(name, value, span.start, span.end, self._candidate.start, repeated)

    def _go_to(self, offset: int) -> None:
        """Go back to an offset, before the window if need be."""
        if offset < self._base:
            self._window = self._slice(offset, self._base) + self._window
            self._base = offset
        self._at = offset - self._base

    def _slice(self, start: int, end: int) -> str:
        if start >= self._base:
            return self._window[start - self._base : end - self._base]
        seen = self._seen
        seen.seek(start)
        text = seen.read(end - start)
        seen.seek(0, SEEK_END)
        return text


_Mode = Callable[[Decoder, list[Event]], bool]
