"""D9: whatever is wrong with the cache file, the run goes on without it after one warning, and no answer is wrong."""

import asyncio
import errno
import os
import random
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from caching_kit import KEYS, cache_at, change, fill, use, value_of, warnings_of

from igent.caching.faults import CacheError
from igent.caching.upkeep import cache_stats, clear_cache
from igent.disk import SystemDisk


def truncated(share):
    def damage(path):
        os.truncate(path, int(path.stat().st_size * share))

    return damage


def overwritten(at, data):
    def damage(path):
        with path.open("r+b") as file:
            file.seek(at)
            file.write(data)

    return damage


def replaced(data):
    return lambda path: path.write_bytes(data)


def foreign(path):
    path.unlink()
    change(path, "CREATE TABLE bookmarks (url TEXT)", "INSERT INTO bookmarks VALUES ('https://example.org')")


def changed(*statements):
    return lambda path: change(path, *statements)


def a_folder(path):
    path.unlink()
    path.mkdir()


def a_pipe(path):
    path.unlink()
    os.mkfifo(path)


def a_device(path):
    path.unlink()
    path.symlink_to("/dev/zero")


def rebuilt(*statements):
    """Our ids on a database that somebody else made."""

    def damage(path):
        path.unlink()
        change(path, *statements, "PRAGMA application_id=0x69676E74", "PRAGMA user_version=1")

    return damage


COLUMNS = "kind, key, size, created, used, checksum, value"
UNUSABLE = {
    "a header only": truncated(0.002),
    "cut in the header": lambda path: os.truncate(path, 50),
    "cut at a third": truncated(0.34),
    "cut at a half": truncated(0.5),
    "cut near the end": truncated(0.97),
    "random bytes": replaced(random.Random(1).randbytes(20_000)),
    "zeros": replaced(bytes(20_000)),
    "text": replaced(b"Dear diary,\n" * 500),
    "one byte": replaced(b"S"),
    "another page size in the header": overwritten(16, b"\x02\x00"),
    "garbage in the schema": overwritten(100, random.Random(2).randbytes(3000)),
    "another program's database": foreign,
    "another program's, marked as version 1": changed("PRAGMA application_id=7"),
    "a newer version": changed("PRAGMA user_version=2"),
    "an older version": changed("PRAGMA user_version=0"),
    "a trigger": changed("CREATE TRIGGER t AFTER INSERT ON entries BEGIN DELETE FROM entries; END"),
    "another table": rebuilt("CREATE TABLE entries (kind, key, value)"),
    "a view": rebuilt(f"CREATE VIEW entries AS SELECT {COLUMNS} FROM x", f"CREATE TABLE x ({COLUMNS})"),
    "a folder": a_folder,
    "a pipe": a_pipe,
    "a device": a_device,
}
HARMLESS = {
    "empty": replaced(b""),
    "garbage as WAL": lambda path: path.with_name("cache.db-wal").write_bytes(random.Random(3).randbytes(9000)),
    "garbage as index of the WAL": lambda path: path.with_name("cache.db-shm").write_bytes(bytes(range(256)) * 200),
    "garbage as rollback journal": lambda path: path.with_name("cache.db-journal").write_bytes(
        b"\xd9\xd5\x05\xf9" * 99
    ),
}


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    path = tmp_path_factory.mktemp("good") / "cache.db"
    asyncio.run(fill(path))
    assert not path.with_name("cache.db-wal").exists()
    return path


@pytest.fixture
def path(good, tmp_path):
    return Path(shutil.copy(good, tmp_path / "cache.db"))


@pytest.mark.parametrize("name", UNUSABLE)
async def test_a_file_that_is_of_no_use(path, name, caplog):
    UNUSABLE[name](path)
    before = path.read_bytes() if path.is_file() else None
    await use(path)
    said = warnings_of(caplog)
    assert len(said) == 1
    assert said[0].startswith(f"the cache is off for this run: {path}: ")
    assert any(remedy in said[0] for remedy in ("igent cache clear", "--no-cache", "IGENT_CACHE_FILE"))
    if "version" in name or "program" in name:
        assert path.read_bytes() == before
        assert [each.name for each in path.parent.iterdir()] == ["cache.db"]


@pytest.mark.parametrize("name", HARMLESS)
async def test_a_file_that_is_mended(path, name, caplog):
    HARMLESS[name](path)
    found = await use(path)
    assert warnings_of(caplog) == []
    assert len(found) == (0 if name == "empty" else len(KEYS))


async def test_a_flipped_bit_is_a_miss_and_never_another_value(good, tmp_path):
    whole, random_ = good.read_bytes(), random.Random(4)
    path, missed = tmp_path / "cache.db", 0
    places = [at for at in range(len(whole)) if whole[at]]
    for at in random_.sample(places, 200):
        flipped = bytearray(whole)
        flipped[at] ^= 1 << random_.randrange(8)
        path.write_bytes(flipped)
        async with cache_at(path) as cache:
            found = await cache.get_many("answer", KEYS)
        assert found == {key: value_of(key) for key in found}
        missed += len(found) < len(KEYS)
        for side in tmp_path.glob("cache.db-*"):
            side.unlink()
    assert missed > 100  # it is seen at all


async def test_a_value_under_another_key_or_kind_is_a_miss(path, caplog):
    change(path, "UPDATE entries SET kind = 'embedding' WHERE rowid = 1")
    one, two = KEYS[5].hex(), KEYS[6].hex()
    change(path, f"DELETE FROM entries WHERE key = x'{one}'", f"UPDATE entries SET key = x'{one}' WHERE key = x'{two}'")
    change(path, f"UPDATE entries SET value = 'text' WHERE key = x'{KEYS[7].hex()}'")
    change(path, f"UPDATE entries SET used = 'never', size = 'none' WHERE key = x'{KEYS[8].hex()}'")
    async with cache_at(path, most_bytes=30_000) as cache:
        assert await cache.get_many("embedding", KEYS) == {}
        found = await cache.get_many("answer", KEYS)
        assert found == {key: value_of(key) for key in KEYS if key not in {KEYS[0], *KEYS[5:8]}}
        await cache.put("answer", KEYS[5], value_of(KEYS[5]))
        assert await cache.get("answer", KEYS[5]) == value_of(KEYS[5])
    assert warnings_of(caplog) == []


async def test_damage_behind_the_header_is_seen_in_the_middle_of_a_run(path, caplog):
    async with cache_at(path) as cache:
        assert len(await cache.get_many("answer", KEYS[:2])) == 2
        cache._store._connection.execute("PRAGMA cache_size=0")
        overwritten(4096, random.Random(5).randbytes(path.stat().st_size - 4096))(path)
        found = await cache.get_many("answer", KEYS)
        await cache.put("answer", KEYS[0], value_of(KEYS[0]))
        assert found == {key: value_of(key) for key in found}
        assert cache.off
    assert len(warnings_of(caplog)) == 1


@pytest.mark.parametrize("how", ["locking_mode=EXCLUSIVE", "locking_mode=NORMAL"])
async def test_another_process_keeps_it_locked(path, how, caplog):
    code = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None)"
        "; c.execute('PRAGMA ' + sys.argv[2]); c.execute('BEGIN EXCLUSIVE')"
        "; print('locked', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-S", "-c", code, str(path), how]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:  # noqa: ASYNC220
        assert other.stdout.readline() == b"locked\n"
        began = time.monotonic()
        found = await use(path, busy_seconds=0.3)
        took = time.monotonic() - began
        with pytest.raises(CacheError, match="another process keeps it locked"):
            clear_cache(path, busy_seconds=0.1)
        other.stdin.close()
    assert len(found) == (0 if "EXCLUSIVE" in how else len(KEYS))  # a writer leaves readers alone
    assert 0.1 < took < 1.0
    assert len(warnings_of(caplog)) == 1
    assert "another process keeps it locked" in warnings_of(caplog)[0]
    assert len(await use(path)) == len(KEYS)


async def test_a_full_disk(path, caplog):
    async with cache_at(path) as cache:
        await cache.get("answer", KEYS[0])
        cache._store._connection.execute("PRAGMA max_page_count=1")
        cache.put_soon("answer", b"new", bytes(100_000))
        await cache.flush()
        assert cache.off
        assert await cache.get("answer", KEYS[0]) is None
        cache.put_soon("answer", b"newer", bytes(100_000))
    assert len(warnings_of(caplog)) == 1
    assert "the disk is full" in warnings_of(caplog)[0]
    assert "make room" in warnings_of(caplog)[0]
    assert len(await use(path)) == len(KEYS)


async def test_a_folder_that_cannot_be_made(tmp_path, caplog):
    class ReadOnly(SystemDisk):
        def make_folder(self, folder):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(folder))

    assert await use(tmp_path / "igent" / "cache.db", disk=ReadOnly()) == {}
    (tmp_path / "file").write_text("")
    assert await use(tmp_path / "file" / "cache.db") == {}
    assert await use(tmp_path / "nul\0" / "cache.db") == {}
    assert len(warnings_of(caplog)) == 3
    assert "Read-only file system" in warnings_of(caplog)[0]


@pytest.fixture
def folder_of_nobody():
    """As root everything may be written: these tests go on as somebody else."""
    if not hasattr(os, "seteuid"):
        pytest.skip("no users here")
    folder = Path(tempfile.mkdtemp())
    own = os.geteuid()
    try:
        if own == 0:
            os.chown(folder, 65534, -1)
            os.seteuid(65534)
        yield folder
    finally:
        os.seteuid(own)
        folder.chmod(0o700)
        shutil.rmtree(folder)


@pytest.mark.parametrize(("what", "mode"), [("file", 0o400), ("file", 0o000), ("folder", 0o500), ("folder", 0o000)])
async def test_no_permission(folder_of_nobody, what, mode, caplog):
    path = folder_of_nobody / "cache.db"
    await fill(path)
    (path if what == "file" else path.parent).chmod(mode)
    await use(path)
    assert len(warnings_of(caplog)) == 1
    assert str(path) in warnings_of(caplog)[0]
    assert "IGENT_CACHE_FILE" in warnings_of(caplog)[0]


STRANGE = {"random bytes", "zeros", "text", "one byte", "a folder", "a pipe", "a device", "cut in the header"}
STRANGE |= {name for name in UNUSABLE if "another program" in name}


@pytest.mark.parametrize("name", [name for name in UNUSABLE if name != "cut near the end"])
async def test_clear_makes_room_for_a_new_one(path, name, caplog):
    UNUSABLE[name](path)
    with pytest.raises(CacheError, match=re.escape(str(path))):
        cache_stats(path)
    with pytest.raises(CacheError, match="without --kind"):
        clear_cache(path, "answer")
    said = clear_cache(path)
    assert "is now cache.db.aside-1" in said if name in STRANGE else "was removed" in said
    assert [each.name for each in path.parent.iterdir()] == (["cache.db.aside-1"] if name in STRANGE else [])
    assert await use(path) == {}
    assert warnings_of(caplog) == []


async def test_clear_meets_damage_that_it_does_not_see_at_first(path, caplog):
    UNUSABLE["cut near the end"](path)
    clear_cache(path)
    assert await use(path) == {}
    assert warnings_of(caplog) == []


async def test_clear_by_kind_and_as_a_whole(path):
    await fill(path, KEYS[:10], "embedding")
    stats = cache_stats(path)
    assert {name: kind.entries for name, kind in stats.kinds.items()} == {"answer": 60, "embedding": 10}
    assert stats.kinds["answer"].bytes == sum(len(value_of(key)) for key in KEYS)
    assert "10 entries" in clear_cache(path, "embedding")
    async with cache_at(path) as cache:  # in use by a run
        assert len(await cache.get_many("answer", KEYS)) == len(KEYS)
        assert "60 entries" in clear_cache(path)
        assert await cache.get_many("answer", KEYS) == {}
        await cache.put("answer", KEYS[0], value_of(KEYS[0]))
    assert cache_stats(path).to_json()["entries"] == 1
    clear_cache(path)
    assert value_of(KEYS[1])[:32] not in path.read_bytes()
    assert path.stat().st_size < 20_000
    assert "no cache yet" in clear_cache(path.with_name("other.db"))
    assert cache_stats(path.with_name("other.db")).to_json()["disk_bytes"] == 0
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
