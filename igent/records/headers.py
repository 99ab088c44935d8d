"""The first row of a table: the names of its columns."""

from __future__ import annotations

__all__ = ["header_problems"]

from collections.abc import Iterator, Sequence

from igent.errors import Problem

_MOST_COLUMNS = 16_384  # as many as a spreadsheet has


def header_problems(names: Sequence[str], where: str) -> Iterator[Problem]:
    """What is wrong with the names in the first row, which stands at this "file:line": too many, none, or two alike."""
    if len(names) > _MOST_COLUMNS:
        yield Problem(where, f"the first row names {len(names):,} columns", f"at most {_MOST_COLUMNS:,} are read")
        return
    seen: set[str] = set()
    for place, name in enumerate(names, 1):
        if not name:
            yield Problem(where, f"column {place} has no name", "name it in the first row, or remove the column")
        elif name in seen:
            yield Problem(where, f"two columns are called {name[:60]!r}", "rename one of them, or remove it")
        seen.add(name)
