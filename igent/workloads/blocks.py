"""Reading a prompt back: the JSON blocks that it shows, whatever the workload."""

from __future__ import annotations

__all__ = ["read_blocks"]

import json
import re
from typing import Any

_BLOCK = re.compile(
    r"^[#*\s]*([A-Z][A-Z_ ]+?)[*:\s]*\n\s*(?P<fence>`{3,}|~{3,})[^\n]*\n(?P<body>.*?)^(?P=fence)[ \t]*$",
    re.MULTILINE | re.DOTALL,
)


def read_blocks(text: str) -> dict[str, Any]:
    """The JSON values under headings in a message; a block that is no JSON (a broken draft) is given as its text."""
    found: dict[str, Any] = {}
    for match in _BLOCK.finditer(text):
        try:
            found[match[1].strip()] = json.loads(match["body"])
        except ValueError:
            found[match[1].strip()] = match["body"]
    return found
