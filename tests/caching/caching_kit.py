"""What the tests of this room share."""

from __future__ import annotations

import logging
import sqlite3
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from hashlib import sha256

from igent.caching.cache import Cache

KEYS = [sha256(b"%d" % number).digest() for number in range(60)]


def value_of(key):
    return (key * 30)[: 400 + key[0]]


class WallClock:
    """A wall clock that stands still until it is moved."""

    def __init__(self):
        self.seconds = 1_800_000_000

    def now(self):
        return 0.0

    def timestamp(self):
        return datetime.fromtimestamp(self.seconds, UTC).isoformat()


@asynccontextmanager
async def cache_at(path, **options):
    cache = Cache(path, **{"busy_seconds": 0.1, **options})
    try:
        yield cache
    finally:
        await cache.close()


async def fill(path, keys=KEYS, kind="answer", **options):
    async with cache_at(path, **options) as cache:
        await cache.put_many(kind, {key: value_of(key) for key in keys})
        assert not cache.off


async def use(path, keys=KEYS, **options):
    """Read and write as a run does; returns what was found of `keys`, and asserts that none of it is wrong."""
    async with cache_at(path, **options) as cache:
        found = await cache.get_many("answer", keys)
        assert found == {key: value_of(key) for key in found}
        for key in keys[:5]:
            cache.put_soon("answer", key, value_of(key))
        await cache.flush()
        again = await cache.get_many("answer", keys)
        assert again == {key: value_of(key) for key in again}
        assert again.keys() >= set(keys[:5]) or cache.off
    return found


def warnings_of(caplog):
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def change(path, *statements):
    """Change a database file with SQLite itself."""
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()
