"""Finding the end of something that looked like JSON until it broke.

What lies inside a broken value is no answer, even where it happens to be well-formed: `{"a": 1, 'b': {"c": 2}}` holds
no object {"c": 2}. So nothing is looked for until the brackets of the broken value are balanced or a code fence comes.
The rules for quotes cannot be exact, there being no grammar for broken JSON; when in doubt, the wreck goes on.
"""

from __future__ import annotations

__all__ = ["Wreck"]

import re
from collections.abc import Iterable
from typing import Final

# Group 1 of each rule is what the next piece of text must decide. A fence stands at the begin of a line.
_OUTSIDE = re.compile(r'["{}\[\]]|\n[ \t]{0,40}(?:```|(`{0,2}\Z))')
# A string ends with its line, so that one stray quote does not turn the rest of the text inside out.
_INSIDE = re.compile(r'["\n]|\\.|(\\\Z)', re.DOTALL)
# Raw line breaks are what breaks strings most often, so the string in which the value broke goes on over lines.
_INSIDE_BROKEN = re.compile(r'"|\\.|(\\\Z)', re.DOTALL)
_PARTNER: Final = {"}": "{", "]": "["}


class Wreck:
    """The rest of a broken value, of which the brackets `still_open` (outermost first) are not closed.

    `in_string` tells whether it broke inside a string.
    """

    def __init__(self, still_open: Iterable[str], in_string: bool) -> None:
        self._open = list(still_open)
        self._rules = _INSIDE_BROKEN if in_string else _OUTSIDE

    def read(self, text: str, at: int) -> tuple[int, bool]:
        """Read on from text[at]: the index of the first character that was not read, and whether the wreck is over."""
        while match := self._rules.search(text, at):
            sign = match[0]
            if match[1] is not None:
                return match.start(), False
            at = match.end()
            if self._rules is not _OUTSIDE:
                if sign in ('"', "\n"):
                    self._rules = _OUTSIDE
                    at = match.start() if sign == "\n" else at
            elif sign == '"':
                self._rules = _INSIDE
            elif sign[0] == "\n" or self._balances(sign):
                return at, True
        return len(text), False

    def _balances(self, bracket: str) -> bool:
        """Whether this bracket closes the last open one. A closing bracket of the wrong kind is passed over."""
        if bracket not in _PARTNER:
            self._open.append(bracket)
        elif self._open[-1] == _PARTNER[bracket]:
            self._open.pop()
        return not self._open
