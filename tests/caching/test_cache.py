"""What is kept is found, by later runs and by other processes; and nothing waits for the disk."""

import asyncio
import logging
import multiprocessing
import os
import stat
import threading

import pytest
from caching_kit import KEYS, WallClock, cache_at, fill, use, value_of, warnings_of

from igent.caching import cache as cache_module
from igent.caching.store import Store
from igent.caching.upkeep import cache_stats

A, B, C = KEYS[:3]


async def settled(condition):
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110  # it is a thread that is waited for
            await asyncio.sleep(0)


async def test_what_was_put_is_found_by_a_later_run(tmp_path):
    path = tmp_path / "igent" / "cache.db"
    async with cache_at(path) as cache:
        assert await cache.get("answer", A) is None
        await cache.put("answer", A, b"one")
        await cache.put_many("answer", {B: b"", C: bytes(300_000)})
    async with cache_at(path) as cache:
        assert await cache.get("answer", A) == b"one"
        assert await cache.get("embedding", A) is None
        assert await cache.get_many("answer", [C, B, A, KEYS[3], A]) == {A: b"one", B: b"", C: bytes(300_000)}
        await cache.put("answer", A, b"two")
        assert await cache.get("answer", A) == b"two"


async def test_the_file_is_its_owners_alone(tmp_path):
    path = tmp_path / "igent" / "cache.db"
    async with cache_at(path) as cache:
        await cache.put("answer", A, b"one")
        modes = {stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()}
    assert modes == {0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


async def test_what_was_put_is_found_before_it_is_committed_and_committed_in_groups(tmp_path, monkeypatch):
    batches = []
    write = Store.write
    monkeypatch.setattr(Store, "write", lambda store, batch: (batches.append(len(batch)), write(store, batch)))
    async with cache_at(tmp_path / "cache.db") as cache:
        for key in KEYS:
            cache.put_soon("answer", key, value_of(key))
        assert await cache.get("answer", A) == value_of(A)
        assert batches == []
        await cache.flush()
        assert batches == [len(KEYS)]
        assert await cache.get_many("answer", KEYS) == {key: value_of(key) for key in KEYS}


async def test_what_was_put_is_committed_soon_by_itself(tmp_path, monkeypatch):
    monkeypatch.setattr(cache_module, "_GATHER_SECONDS", 0.0)
    async with cache_at(tmp_path / "cache.db") as cache:
        cache.put_soon("answer", A, b"one")
        await settled(lambda: not cache._pending and not cache._writing)
        assert cache_stats(cache.path).kinds["answer"].entries == 1


async def test_close_commits_what_waits_also_when_it_is_cancelled(tmp_path):
    async with cache_at(tmp_path / "cache.db") as cache:
        cache.put_soon("answer", A, b"one")
        closing = asyncio.get_running_loop().create_task(cache.close())
        await asyncio.sleep(0)
        closing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await closing
        await cache.close()
        assert await cache.get("answer", A) is None
        cache.put_soon("answer", B, b"two")
    await settled(lambda: not any(each.name.startswith("igent-cache") for each in threading.enumerate()))
    assert cache_stats(tmp_path / "cache.db").to_json()["entries"] == 1


async def test_what_is_forgotten_is_not_found(tmp_path):
    path = tmp_path / "cache.db"
    await fill(path)
    async with cache_at(path) as cache:
        cache.forget_soon("answer", A)
        assert await cache.get_many("answer", [A, B]) == {B: value_of(B)}
    assert A not in await use(path, KEYS[:1])


async def test_the_event_loop_goes_on_while_the_file_is_slow(tmp_path):
    path = tmp_path / "cache.db"
    await fill(path)
    async with cache_at(path) as cache:
        reached, go_on = threading.Event(), threading.Event()
        store = cache._open()

        def slow():
            reached.set()
            assert go_on.wait(10)
            return store

        cache._open = slow
        async with asyncio.TaskGroup() as group:
            asked = group.create_task(cache.get("answer", A))
            turns = 0
            while not reached.is_set() or turns < 100:
                await asyncio.sleep(0)
                turns += 1
            assert not asked.done()
            go_on.set()
        assert asked.result() == value_of(A)


async def test_not_more_waits_than_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(cache_module, "_MOST_WAITING", 10_000)
    monkeypatch.setattr(cache_module, "_MOST_VALUE", 2_000)
    async with cache_at(tmp_path / "cache.db") as cache:
        cache.put_soon("answer", A, bytes(2_001))
        assert cache.dropped == 1
        for key in KEYS:
            cache.put_soon("answer", key, bytes(800))
        assert cache.dropped == 1 + len(KEYS) - 10
        await cache.flush()
        assert len(await cache.get_many("answer", KEYS)) == 10
        await cache.put_many("answer", {key: bytes(800) for key in KEYS})
        assert len(await cache.get_many("answer", KEYS)) == len(KEYS)


async def test_what_was_used_longest_ago_makes_room(tmp_path):
    path, clock = tmp_path / "cache.db", WallClock()
    big = {key: key * 1000 for key in KEYS}  # of 32 kB each
    async with cache_at(path, clock=clock, most_bytes=1_000_000) as cache:
        await cache.put_many("answer", dict(list(big.items())[:25]))
        clock.seconds += 7200
        assert len(await cache.get_many("answer", KEYS[:5])) == 5
        for key in KEYS[25:]:
            await cache.put("answer", key, big[key])
        left = await cache.get_many("answer", KEYS)
    assert left == {key: big[key] for key in left}
    assert set(KEYS[5:25]).isdisjoint(left)  # the oldest that nobody used
    assert left.keys() >= {*KEYS[-5:]}
    assert 20 <= len(left) <= 30
    assert path.stat().st_size < 1_200_000


async def test_a_use_counts_when_entries_make_room(tmp_path):
    path, clock = tmp_path / "cache.db", WallClock()
    await fill(path, clock=clock)
    clock.seconds += 4000
    async with cache_at(path, clock=clock) as cache:
        await cache.get_many("answer", KEYS[:7])
    async with cache_at(path, clock=clock, most_bytes=40_000) as cache:
        await cache.put("answer", KEYS[0], value_of(KEYS[0]))
        left = await cache.get_many("answer", KEYS)
    assert set(KEYS[:7]) <= set(left)
    assert len(left) < 40


def work(path, number, together):
    async def main():
        own = KEYS_OF[number]
        async with cache_at(path, busy_seconds=5.0) as cache:
            together.wait(20)
            for count, key in enumerate(own):
                cache.put_soon("answer", key, value_of(key))
                if count % 20 == 0:
                    others = [key for keys in KEYS_OF for key in keys[:50]]
                    found = await cache.get_many("answer", others)
                    assert found == {key: value_of(key) for key in found}
                if count % 50 == 49:
                    await cache.flush()
            assert not cache.off

    logging.disable()
    try:
        asyncio.run(main())
    except BaseException:  # noqa: BLE001
        os._exit(1)
    os._exit(0)


KEYS_OF = [[bytes([number, place]) * 16 for place in range(200)] for number in range(4)]


async def test_several_processes_at_once(tmp_path):
    """From a file that none of them has made yet."""
    context = multiprocessing.get_context("fork")
    together = context.Barrier(4)
    path = tmp_path / "cache.db"
    workers = [context.Process(target=work, args=(path, number, together)) for number in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)
    assert [worker.exitcode for worker in workers] == [0] * 4
    everything = [key for keys in KEYS_OF for key in keys]
    assert len(await use(path, everything)) == 800


async def test_what_was_committed_outlives_a_kill(tmp_path, caplog):
    path = tmp_path / "cache.db"

    def die():
        async def main():
            async with cache_at(path) as cache:
                await cache.put_many("answer", {key: value_of(key) for key in KEYS})
                os._exit(9)

        asyncio.run(main())

    child = multiprocessing.get_context("fork").Process(target=die)
    child.start()
    child.join(30)
    assert child.exitcode == 9
    assert (tmp_path / "cache.db-wal").exists()
    assert len(await use(path)) == len(KEYS)
    assert warnings_of(caplog) == []
