"""`igent cache` and the settings of the cache, as a user meets them."""

import asyncio
import json
import sys
from pathlib import Path

import pytest
from e2e_support import DATA, Shell, entries

from igent.caching.cache import Cache
from igent.config.settings import load_settings
from igent.errors import ConfigError


def fill(path, **values):
    async def main():
        cache = Cache(path)
        for kind, number in values.items():
            await cache.put_many(kind, {b"%d" % each: b"value" for each in range(number)})
        await cache.close()

    asyncio.run(main())


def test_stats_and_clear(shell: Shell, tmp_path: Path):
    path = tmp_path / "c" / "cache.db"
    env = {"IGENT_CACHE_FILE": str(path)}
    assert "Nothing is kept yet." in shell.igent("cache", "stats", **env).out
    assert not path.parent.exists()
    fill(path, answer=3, embedding=2000)
    shown = shell.igent("cache", "stats", **env).out
    assert str(path) in shown
    assert "2,000" in shown
    found = json.loads(shell.igent("cache", "stats", "--json", **env).out)
    assert found["file"] == str(path)
    assert (found["entries"], found["bytes"]) == (2003, 2003 * 5)
    assert found["kinds"]["answer"]["entries"] == 3
    refused = shell.igent("cache", "clear", code=2, **env)
    assert "there is nobody to ask whether it may be deleted (add --yes)" in refused.err
    said = shell.igent("cache", "clear", "--kind", "embedding", "--yes", **env)
    assert (said.out, "2,000 entries deleted" in said.err) == ("", True)
    assert shell.igent("cache", "clear", "--kind", "extractions", code=2, **env).out == ""
    shell.igent("cache", "clear", "--yes", **env)
    assert json.loads(shell.igent("cache", "stats", "--json", **env).out)["entries"] == 0


def test_a_damaged_file(shell: Shell, tmp_path: Path):
    path = tmp_path / "cache.db"
    path.write_text("Dear diary, " * 100)
    env = {"IGENT_CACHE_FILE": str(path)}
    assert "igent cache clear" in shell.igent("cache", "stats", code=2, **env).err
    assert "is now cache.db.aside-1" in shell.igent("cache", "clear", "--yes", **env).err
    assert (tmp_path / "cache.db.aside-1").read_text().startswith("Dear diary")


def test_no_command_comes_near_the_users_own_cache(shell: Shell, caches: Path):
    here = json.loads(shell.igent("cache", "stats", "--json").out)["file"]
    assert Path(here).is_relative_to(caches)
    assert Path(here) == load_settings().cache_path()


@pytest.mark.skipif(sys.platform == "win32", reason="the places of another platform")
def test_where_the_cache_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert load_settings().cache_path() == tmp_path / "igent" / "cache.db"
    monkeypatch.setenv("HOME", "/home/somebody")
    for no_place in ("", "not/absolute"):
        monkeypatch.setenv("XDG_CACHE_HOME", no_place)
        assert load_settings().cache_path() == Path("/home/somebody/.cache/igent/cache.db")
    monkeypatch.setenv("IGENT_CACHE_FILE", "my.db")
    assert load_settings().cache_path() == Path("my.db")
    assert load_settings(cache_file=tmp_path / "other.db").cache_path() == tmp_path / "other.db"
    monkeypatch.setenv("IGENT_CACHE_FILE", "x" * 5000)
    with pytest.raises(ConfigError, match="IGENT_CACHE_FILE: "):
        load_settings()


def test_a_user_without_a_home_has_no_cache(monkeypatch: pytest.MonkeyPatch):
    def no_home():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(Path, "home", no_home)
    assert load_settings().cache_path() is None


def test_the_switch(monkeypatch: pytest.MonkeyPatch):
    assert load_settings().cache is None
    monkeypatch.setenv("IGENT_CACHE", "0")
    assert load_settings().cache is False
    assert load_settings(cache=True).cache is True


def test_a_run_is_gone_on_with_and_tried_again_with_or_without_it(shell: Shell, tmp_path: Path):
    run, path = shell.folder / "out", tmp_path / "mine.db"
    base = ["p1m1m2c", "--mock", "--data", DATA, "--max-items", "3", "--out", "out", "--quiet"]
    shell.igent("run", *base, "--no-cache", "--mock-errors", "1.0", code=1, IGENT_CACHE_FILE=str(path))
    assert (
        entries(run, "run")[0]["invocation"] | {"cache": False, "cache_file": str(path)}
        == (entries(run, "run")[0]["invocation"])
    )
    shell.igent("run", *base, "--cache", "--mock-errors", "1.0", code=1)
    shell.igent("retry", "out", "--cache", code=1)
    shell.igent("retry", "out", code=1)


def test_a_run_says_that_its_cache_cannot_be_used_and_goes_on(shell: Shell):
    path = shell.folder / "cache.db"
    path.write_bytes(b"no cache" * 1000)
    ran = shell.igent("run", "crosswalk", "--mock", "--quiet", "--out", "out", IGENT_CACHE_FILE=str(path))
    assert ran.err.count("igent: the cache is off for this run: ") == 1
    assert "cache.db" in ran.err
    assert (shell.folder / "out" / "crosswalk_confirmed.json").is_file()
