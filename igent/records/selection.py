"""Which of the records a run works on."""

from __future__ import annotations

__all__ = ["select"]

from collections.abc import Sequence

from igent.errors import ConfigError
from igent.types import Record


def select(records: Sequence[Record], max_items: int | None) -> Sequence[Record]:
    """The first `max_items` records in input order; None takes all, more than there are is no error.

    Raises ConfigError when `max_items` is less than 1.
    """
    if max_items is None:
        return records
    if max_items < 1:
        raise ConfigError(f"--max-items {max_items}: give 1 or more, or leave it out for all records")
    return records[:max_items]
