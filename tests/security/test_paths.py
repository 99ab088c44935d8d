"""Names never lead out of their folder, on any system; a record's id is never a path."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest
from hostile_names import COMMANDS, NAMES, OUTSIDE
from hypothesis import example, given, settings
from hypothesis import strategies as st
from injections import DATA

from igent import run_workflow
from igent.config.locate import Places, find_constellation, inside, list_constellations
from igent.config.names import did_you_mean, is_safe_name, is_safe_path
from igent.config.settings import load_settings
from igent.errors import ConfigError
from igent.workflows.cli import main
from igent.workflows.inputs import find_scenario
from igent.workflows.plugins import load_workload
from igent.workflows.starter import make_starter

ROOT = Path(__file__).parents[2]
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@pytest.mark.parametrize("name", NAMES)
def test_what_is_no_name_names_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "p1m.yaml").write_text("secret: 1\n", encoding="utf-8")
    (tmp_path / "constellations").mkdir()
    assert not is_safe_name(name)
    if not Path(name).is_absolute():  # a path is the user's own
        with pytest.raises(ConfigError) as caught:
            find_constellation(name)
        assert "secret" not in str(caught.value)
    with pytest.raises(ConfigError, match="no scenario"):
        find_scenario(Places((ROOT,)), load_workload("sbus"), DATA, name)
    with pytest.raises(ConfigError, match="is no name"):
        make_starter(tmp_path / "made", ROOT / "constellations" / "p1m.yaml", name)
    assert sorted(os.listdir(tmp_path)) == ["constellations", "p1m.yaml"]


@pytest.mark.parametrize("path", OUTSIDE)
def test_no_file_that_is_named_is_outside(tmp_path: Path, path: str):
    data = tmp_path / "data"
    (data / "scenarios").mkdir(parents=True)
    (data / "sub").mkdir()
    (tmp_path / "secret.json").write_text("[]", encoding="utf-8")
    named = {"registrations": path, "offers": "a.json", "incentives": "a.json"}
    text = orjson.dumps(named) if "\ud800" not in path else orjson.dumps({**named, "registrations": "x"})
    (data / "scenarios" / "s.yaml").write_bytes(text)
    assert inside(data, path) is None
    assert Places((tmp_path,)).find("data", path) is None
    if "\ud800" not in path:
        with pytest.raises(ConfigError, match=r"is no file inside the data folder|lacks 'registrations'|may not stand"):
            find_scenario(Places((ROOT,)), load_workload("sbus"), data, "s")


@pytest.mark.parametrize("path", ["a.json", "sub/a.json", "Größe 2 (neu).json", "東京/データ.json", "a-b_c.d.json"])
def test_an_honest_file_is_found(tmp_path: Path, path: str):
    assert inside(tmp_path, path) == (tmp_path / path).resolve()


ALPHABET = st.sampled_from([*"abcZ019._-/\\:~ \0\n\x1b", "..", "../", "con", "NUL", "．", "／", "\u202e", "\ud800"])


@settings(max_examples=5000, deadline=None)
@given(st.text(max_size=30) | st.lists(ALPHABET, max_size=12).map("".join))
@example("a" * 64)
@example("..a")
def test_whatever_is_taken_stays_inside(name: str):
    folder = Path("/nowhere/folder")
    if is_safe_name(name):
        assert NAME.fullmatch(name)
        assert is_safe_path(name)
        assert (folder / f"{name}.yaml").parent == folder
    path = inside(folder, name)
    if path is not None:
        assert path != folder
        assert path.is_relative_to(folder)
        assert not {"..", ".", "~"} & set(name.split("/"))
        assert os.fspath(path) == f"{folder}/{name}" if os.sep == "/" else True
        assert name.isprintable()
    assert "\n" not in did_you_mean(name, ["p1m", "p1m1m2c"])


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    outside = tmp_path / "outside.yaml"
    outside.write_text("registrations: a.json\n", encoding="utf-8")
    for folder in ("constellations", "data/scenarios"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "linked.yaml").symlink_to(outside)
        (tmp_path / folder / "circle.yaml").symlink_to(tmp_path / folder / "circle.yaml")
    (tmp_path / "data" / "real.json").write_text("[]", encoding="utf-8")
    (tmp_path / "data" / "inner.json").symlink_to("real.json")
    assert not {"linked", "circle"} & set(list_constellations())
    for name in ("linked", "circle"):
        with pytest.raises(ConfigError, match="no constellation"):
            find_constellation(name)
        with pytest.raises(ConfigError, match="no scenario"):
            find_scenario(Places((ROOT,)), load_workload("sbus"), tmp_path / "data", name)
    assert inside(tmp_path / "data", "inner.json") == (tmp_path / "data" / "real.json").resolve()
    assert inside(tmp_path / "data", "scenarios/linked.yaml") is None
    assert find_constellation("constellations/linked.yaml"), "a path is the user's own"


@pytest.mark.skipif(sys.platform == "win32", reason="has no pipes of this kind")
def test_a_pipe_as_an_input_file_is_not_waited_for(tmp_path: Path):
    (tmp_path / "scenarios").mkdir()
    os.mkfifo(tmp_path / "pipe.json")
    text = b"registrations: pipe.json\noffers: pipe.json\nincentives: pipe.json\n"
    (tmp_path / "scenarios" / "s.yaml").write_bytes(text)
    with pytest.raises(ConfigError, match="no regular file"):
        find_scenario(Places((ROOT,)), load_workload("sbus"), tmp_path, "s")


@pytest.mark.parametrize("reference", ["own.yaml", "./own.yaml", "sub/own.yaml", "../up.yaml"])
def test_a_constellation_by_its_path_is_the_users_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reference: str):
    here = tmp_path / "here"
    (here / "sub").mkdir(parents=True)
    for path in (here / "own.yaml", here / "sub" / "own.yaml", tmp_path / "up.yaml"):
        path.write_bytes((ROOT / "constellations" / "p1m.yaml").read_bytes())
    monkeypatch.chdir(here)
    assert find_constellation(reference).is_file()


@pytest.mark.parametrize(
    "arguments",
    COMMANDS,
    ids=lambda arguments: " ".join(arguments)[:30],
)
def test_the_commands_refuse_with_a_line_and_touch_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], arguments: list[str]
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    said = capfd.readouterr()
    assert ended.value.code == 2, said.err
    assert said.out == ""
    assert said.err.strip()
    assert "Traceback" not in said.err
    assert "internal error" not in said.err
    assert "\x1b" not in said.err
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.skipif(sys.platform == "win32", reason="renames what is in use")
@pytest.mark.parametrize("folder", [".", "..", "link"])
def test_a_run_folder_by_another_name_is_set_aside_or_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], folder: str
):
    run = tmp_path / "runs" / "run"
    (run / "sub").mkdir(parents=True)
    (run / "journal.jsonl").write_bytes(b"")
    (tmp_path / "runs" / "link").symlink_to(run)
    monkeypatch.chdir({".": run, "..": run / "sub", "link": tmp_path / "runs"}[folder])
    with pytest.raises(SystemExit) as ended:
        main(["reset", folder])
    assert ended.value.code in {0, 2}, capfd.readouterr().err
    assert "internal error" not in capfd.readouterr().err
    assert sum(1 for _ in tmp_path.rglob("journal.jsonl")) == 1


@pytest.mark.parametrize("name", ["data", "out"])
def test_a_nul_in_a_path_of_the_api_is_a_config_error(name: str):
    with pytest.raises(ConfigError, match=name):
        load_settings(**{name: Path("a\0b")})


def test_a_records_id_is_never_a_path(tmp_path: Path):
    ids = ["../../x", "/etc/passwd", "..", "CON", "a\0b", "x" * 5000, "~", "\\\\host\\share"]
    rows: list[dict[str, Any]] = orjson.loads((DATA / "registrations_overlap_only.json").read_bytes())[: len(ids)]
    for row, name in zip(rows, ids, strict=True):
        row["RegistrationNumber"] = name
    data = tmp_path / "data"
    (data / "scenarios").mkdir(parents=True)
    for name in ("offers.json", "incentives.json", "scenarios/overlap_only.yaml"):
        (data / name).write_bytes((DATA / name).read_bytes())
    (data / "registrations_overlap_only.json").write_bytes(orjson.dumps(rows))
    before = {path for path in tmp_path.rglob("*") if path.is_file()}
    report = asyncio.run(run_workflow("p1m", data=data, scenario="overlap_only", mock=True, out=tmp_path / "run"))
    assert [outcome.record_id for outcome in report.outcomes] == ids
    made = {path for path in tmp_path.rglob("*") if path.is_file()} - before
    assert {path.parent for path in made} == {tmp_path / "run"}
    assert {path.name for path in made} <= {
        "matches.json", "pos.json", "capacity.json", "outcomes.jsonl", "conversations.jsonl", "prompts.json",
        "timings.csv", "summary.json", "journal.jsonl", "run.lock", "run.pid",
    }  # fmt: skip
