"""--max-items."""

from __future__ import annotations

import pytest

from igent.errors import ConfigError
from igent.records.selection import select
from igent.types import Record

RECORDS = [Record(f"r{n}", n, {}, f"f:{n}") for n in range(5)]


@pytest.mark.parametrize(("max_items", "count"), [(None, 5), (1, 1), (5, 5), (99, 5)])
def test_takes_the_first_ones(max_items: int | None, count: int) -> None:
    assert list(select(RECORDS, max_items)) == RECORDS[:count]


@pytest.mark.parametrize("max_items", [0, -1])
def test_none_at_all_is_a_mistake(max_items: int) -> None:
    with pytest.raises(ConfigError, match=f"--max-items {max_items}: give 1 or more"):
        select(RECORDS, max_items)
