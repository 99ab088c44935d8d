"""The grammar of RFC 8259 as a machine that reads one object or array, in pieces of any size.

It is strict: no NaN, leading zeros, trailing commas, raw control characters in strings or unknown escapes. It checks
and keeps places, it builds no values: whoever has the text parses the slices.
"""

from __future__ import annotations

__all__ = ["MAX_DEPTH", "MAX_SCALAR", "Candidate", "Member", "Span", "describe_fault", "match_stray"]

import re
from collections.abc import Callable
from math import isinf
from typing import Final, NamedTuple

MAX_DEPTH: Final = 100
# In characters. Python converts at least 640 digits to an int whatever its settings; the machine keeps an unfinished
# number until the rest comes, so this also bounds the work for one piece of text.
MAX_SCALAR: Final = 512

_CHARACTERS = r'(?:[^"\\\x00-\x1f]++|\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4}))*+'
_IN_STRING = re.compile(_CHARACTERS)
_ESCAPE_BEGUN = re.compile(r"\\(?:u[0-9A-Fa-f]{0,3})?")
# A whole string; or a word, valid or not; or any other character: a bracket, say, or the quote of an unfinished string.
_TOKEN = re.compile(rf'[ \t\n\r]*+(?:("{_CHARACTERS}")|([-+.\w]++)|(.))?', re.DOTALL)
_STRING, _WORD = 1, 2
_TOO_DEEP = re.compile(rf"(?:\[[ \t\n\r]*+){{{MAX_DEPTH}}}(?=\[)")
# A bracket and one string that cannot go on as an object or array: `["see" there`.
_STRAY = re.compile(
    rf'(?:(\{{)|\[)[ \t\n\r]*+"({_CHARACTERS})"[ \t\n\r]*+(?=[^ \t\n\r])(?(1)(?!:)|(?![,\]]))', re.DOTALL
)
_SCALAR = re.compile(r"-?(?:0|[1-9][0-9]*+)((?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?)|true|false|null")

# A state is what may come next, in the words of the error message.
_FIRST_KEY = 'a key in double quotes, or "}",'
_KEY = "a key in double quotes"
_COLON = '":"'
_VALUE = "a value"
_FIRST_ITEM = 'a value, or "]",'
_AFTER_MEMBER = '"," or "}"'
_AFTER_ITEM = '"," or "]"'
_DEPTH = f"nesting deeper than {MAX_DEPTH}"
_ESCAPE = "is no escape in JSON; write a backslash as two"
_CONTROL = "may not stand in a string; write it as an escape"
# The first characters of the tokens that a state accepts; "0" stands for a word.
_ACCEPTS: Final = {
    _FIRST_KEY: '"}',
    _KEY: '"',
    _COLON: ":",
    _VALUE: '"0{[',
    _FIRST_ITEM: '"0{[]',
    _AFTER_MEMBER: ",}",
    _AFTER_ITEM: ",]",
}


class Member(NamedTuple):
    """Where a closed member lies, in offsets into the whole text. `item` is the index of its object in the
    outermost array, None when its object is the outermost value. The slice of the key includes its quotes."""

    item: int | None
    key_start: int
    key_end: int
    start: int
    end: int


class Span(NamedTuple):
    """Where a closed object of a list lies, in offsets into the whole text; the slice of the key is that of the list,
    quotes included, and empty where the list is the outermost value."""

    key_start: int
    key_end: int
    start: int
    end: int


class Candidate:
    """What may be a JSON value, from its first bracket, which lies at offset `start`; read on behind it.

    Read it piece by piece until `end` (the offset behind its last bracket) is set, or `fault` (see describe_fault) and
    `fault_at` are. `members` collects the closed members of the outermost object, or of the objects directly inside the
    outermost array; whoever takes them clears it. So do `elements`, after `watch`: the objects directly inside the
    outermost array, or inside one that is a member of the outermost object. `open` holds the brackets that are open,
    outermost first; `read_to` is the offset behind the last token.

    Three things tell JSON from a bracket in prose: `keyed` (some `"key":` was read), `listed` (a list had more than a
    lone string in it) and `string_at`, where the last string begins (-1: there is none yet).
    """

    # Defaults live on the class: most brackets in prose are given up before any of these is set.
    end: int | None = None
    fault = ""
    fault_at = -1
    in_string = False
    keyed = False
    listed = False
    string_at = -1
    _item: int | None = None
    _key = (0, 0)
    _value_at = 0
    elements: list[Span]  # there is one after `watch`
    _element_depth = -1
    _element_at = 0

    def __init__(self, start: int, bracket: str) -> None:
        self.start = start
        self.read_to = start + 1
        self.open = [bracket]
        self.members: list[Member] = []
        if bracket == "{":
            self._state, self._level = _FIRST_KEY, 1
        else:
            self._state, self._level, self._item = _FIRST_ITEM, 2, 0

    def watch(self) -> None:
        """From now on, collect elements."""
        self.elements = []
        self._element_depth = 3 - self._level

    def read(self, text: str, at: int, base: int) -> int:
        """Read on from text[at], where text[0] is the character at offset `base` of the whole.

        Returns the index of the first character that was not read: behind the value when it is complete, that of the
        error when there is one, and otherwise the begin of an escape, number or word that the next piece goes on with.
        """
        if self.in_string:
            at = self._go_on_in_string(text, at, base)
        while self.end is None and not self.fault and not self.in_string:
            match = _TOKEN.match(text, at)
            kind = match.lastindex if match else None
            if match is None or kind is None:
                return len(text)
            here, at = match.span(kind)
            sign = "0" if kind == _WORD else text[here]
            if sign not in _ACCEPTS[self._state]:
                self._fail(self._state, base + here)
            elif kind == _WORD and at == len(text) and at - here <= MAX_SCALAR:
                return here
            elif kind == _STRING:
                self.string_at = base + here
                self._string(base + here, base + at)
            elif kind == _WORD:
                self._word(match[kind], base + here)
            elif sign == '"':
                self.in_string = True
                self.string_at = base + here
                at = self._go_on_in_string(text, at, base)
            else:
                _SIGNS[sign](self, sign, base + here)
            if not self.fault and not self.in_string:
                self.read_to = base + at
        return self.fault_at - base if self.fault else at

    def _go_on_in_string(self, text: str, at: int, base: int) -> int:
        match = _IN_STRING.match(text, at)
        at = match.end() if match else at
        if at == len(text) or _ESCAPE_BEGUN.fullmatch(text, at):
            return at
        if text[at] == '"':
            self.in_string = False
            at += 1
            self.read_to = base + at
            self._string(self.string_at, base + at)
        else:
            self._fail(_ESCAPE if text[at] == "\\" else _CONTROL, base + at)
        return at

    def _string(self, start: int, end: int) -> None:
        if self._state is _FIRST_KEY or self._state is _KEY:
            self._state = _COLON
            if len(self.open) == self._level:
                self._key = (start, end)
        else:
            self._close_value(start, end)

    def _word(self, word: str, start: int) -> None:
        scalar = _SCALAR.fullmatch(word)
        if not scalar:
            self._fail(self._state, start)
        elif len(word) > MAX_SCALAR:
            self._fail(f"a number of more than {MAX_SCALAR} characters", start)
        elif scalar[1] and isinf(float(word)):
            self._fail(f"{word[:40]}, which is beyond the range of a double,", start)
        else:
            self.listed = True
            self._close_value(start, start + len(word))

    def _colon(self, _: str, __: int) -> None:
        self._state = _VALUE
        self.keyed = True

    def _comma(self, _: str, __: int) -> None:
        self._state = _KEY if self._state is _AFTER_MEMBER else _VALUE
        self.listed = True

    def _open(self, bracket: str, offset: int) -> None:
        depth = len(self.open)
        if depth == MAX_DEPTH:
            self._fail(_DEPTH, offset)
            return
        if depth == self._level:
            self._value_at = offset
        elif depth == self._element_depth:
            self._element_at = offset
        self.open.append(bracket)
        self._state = _FIRST_KEY if bracket == "{" else _FIRST_ITEM

    def _close(self, bracket: str, offset: int) -> None:
        self.open.pop()
        self.listed = True
        if len(self.open) == self._element_depth and bracket == "}" and self.open[-1] == "[":
            key = self._key if self._level == 1 else (0, 0)
            self.elements.append(Span(*key, self._element_at, offset + 1))
        self._close_value(self._value_at, offset + 1)

    def _close_value(self, start: int, end: int) -> None:
        """A value is complete. For an object or array, `start` holds only where it counts: at the level of a member."""
        depth = len(self.open)
        if depth == 0:
            self.end = end
            return
        in_object = self.open[-1] == "{"
        self._state = _AFTER_MEMBER if in_object else _AFTER_ITEM
        if depth == self._level and in_object:
            self.members.append(Member(self._item, *self._key, start, end))
        elif depth == 1 and self._item is not None:
            self._item += 1

    def _fail(self, what: str, offset: int) -> None:
        self.fault = what
        self.fault_at = offset


def match_stray(text: str, at: int) -> tuple[int, str, int] | None:
    """Whether the candidate at text[at] breaks behind one string, or behind too many brackets in a row.

    If so, what the candidate would say (the index and the kind of its fault, and the index to go on at), only faster:
    the worst that a text can hold is many of these in a row.
    """
    if match := _STRAY.match(text, at):
        return match.end(), _COLON if match[1] else _AFTER_ITEM, match.start(2)
    if text.startswith("[[", at) and (match := _TOO_DEEP.match(text, at)):
        return match.end(), _DEPTH, match.end()
    return None


def describe_fault(fault: str, text: str, offset: int) -> str:
    """What is wrong at text[offset], in words; `fault` is that of a candidate."""
    if fault in (_ESCAPE, _CONTROL):
        return f"{text[offset : offset + 2 if fault is _ESCAPE else offset + 1]!r} {fault}"
    token = _TOKEN.match(text, offset) if fault in _ACCEPTS else None
    return f"{token[0][:40]!r} where {fault} is expected" if token else fault


_SIGNS: Final[dict[str, Callable[[Candidate, str, int], None]]] = {
    "{": Candidate._open,
    "[": Candidate._open,
    "}": Candidate._close,
    "]": Candidate._close,
    ":": Candidate._colon,
    ",": Candidate._comma,
}
