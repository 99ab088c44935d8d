"""Text from outside, made harmless before it is shown to people or put into a spreadsheet."""

from __future__ import annotations

__all__ = ["PlainFormatter", "csv_cell", "json_text", "one_line", "plain_lines"]

import json
import logging
import re
from typing import Any

import orjson

from igent.cells import csv_cell, is_hidden

# CSI and OSC sequences as in ECMA-48, the other escapes of two characters, and their 8-bit forms.
_ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?|(?:\x1b\]|\x9d)[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?|\x1b[ -/]*[0-~]?"
)
_BEYOND_ASCII = re.compile(r"[^\x00-\x7e]")
_SPACE = re.compile(r"\s+")


def one_line(text: str, limit: int = 300) -> str:
    """The text as one line of at most `limit` characters for a terminal: without escape sequences, control, format
    (bidirectional overrides, zero width) and unpaired surrogate characters; what is cut off ends in "…"."""
    head = _SPACE.sub(" ", _ESCAPES.sub("", text[: 4 * limit + 100]))
    shown = "".join(c for c in head if not is_hidden(c))
    kept = _SPACE.sub(" ", shown).strip()  # once more: what stood between two spaces may be gone
    return kept if len(kept) <= limit else kept[: limit - 1] + "…"


def plain_lines(text: str, indent: str = "", limit: int = 1000) -> str:
    """A text of several lines, each as `one_line` makes it, behind its own spaces and `indent`."""
    lines = text.split("\n")
    return "\n".join(f"{indent}{' ' * (len(line) - len(line.lstrip(' ')))}{one_line(line, limit)}" for line in lines)


class PlainFormatter(logging.Formatter):
    """A log record as one line, whatever is in its message; a traceback follows, indented, so that nothing in it can be
    taken for another record."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        """See logging.Formatter."""
        return one_line(super().formatMessage(record), 4000)

    def formatException(self, ei: Any) -> str:  # noqa: N802
        """See logging.Formatter."""
        return plain_lines(super().formatException(ei), "    ")

    def formatStack(self, stack_info: str) -> str:  # noqa: N802
        """See logging.Formatter."""
        return plain_lines(stack_info, "    ")


def json_text(value: Any) -> str:
    """The value as indented JSON for stdout, which may be a terminal: what would steer one is written as an escape,
    which a JSON reader turns back. Ends in a line break."""
    text = orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()
    return _BEYOND_ASCII.sub(lambda found: json.dumps(found[0])[1:-1] if is_hidden(found[0]) else found[0], text)
