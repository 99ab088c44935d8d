"""YAML from a stranger: refused with file and line, or read as YAML 1.2 says, soon, and never anything else."""

from __future__ import annotations

import math
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from igent.config.yaml import read_yaml
from igent.errors import ConfigError
from igent.workflows.constellation import load_constellation

SOON = 4.0  # seconds: each takes less than 1 on a machine of its own
ROOT = Path(__file__).parents[2]
PWNED, TAG = "['touch pwned']", "%TAG !y! tag:yaml.org,2002:python/\n"


def chain(first: str, link: str, times: int) -> str:
    """a0, and then a1 … that name the one before them ten times."""
    lines = [f"a0: &a0 {first}\n"]
    lines += [f"a{n}: &a{n} " + link.format(",".join([f"*a{n - 1}"] * 10)) + "\n" for n in range(1, times)]
    return "".join(lines)


MERGED = [{"x": 1}, {"x": 2, "z": 3}, {"x": 1, "z": 3}]

REFUSED: dict[str, tuple[str | bytes, str, int | None]] = {
    "alias bomb": (chain("[x,x]", "[{}]", 10), "aliases make it more", 1),
    "a small alias bomb": (chain("[x,x]", "[{}]", 6), "aliases make it more", 1),
    "alias bomb of text": (f"a: &a {'x' * 900_000}\nb: [{'*a,' * 9000}]\n", "aliases make it more", 1),
    "merges of nothing": (
        f"e: &e {{}}\nm: &m {{<<: [{'*e,' * 5000}]}}\nl: [{'*m,' * 5000}]\n", "aliases make it more", None
    ),
    "merge bomb": (chain("{x: 1, y: 2}", "{{<<: [{}]}}", 12), "aliases make it more", None),
    "a list in itself": ("x: 1\na: &a [*a]\n", "inside the value", 2),
    "a mapping in itself": ("a: &a\n  b: *a\n", "inside the value", 2),
    "the document in itself": ("&r [*r, *r]\n", "inside the value", 1),
    "a merge of itself": ("a: &a\n  <<: *a\n", "inside the value", 2),
    "a merge of a number": ("a: {<<: 3}\n", "<< takes a mapping", 1),
    "an alias of nothing": ("a: *nope\n", "no value is named &nope", 1),
    "more than 1 MB": ("a: " + "x" * 1_000_001, "larger than 1,000,000 bytes", None),
    "nested 51 deep": ("\n".join("  " * n + "a:" for n in range(52)), "50 levels", 51),
    "flow lists 51 deep": ("a: " + "[" * 51 + "]" * 51, "50 levels", 1),
    "flow lists 100,000 deep": ("a: " + "[" * 100_000, "50 levels", 1),
    "flow mappings 100,000 deep": ("a: " + "{a: " * 100_000, "50 levels", 1),
    "lists in lists in a line": ("- " * 100_000, "50 levels", 1),
    "keys of keys": ("? " * 100_000, "50 levels", 1),
    "deep by aliases": ("a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 60)), "50 levels", 1),
    "a call by tag": (f"a: !!python/object/apply:os.system {PWNED}\n", "the tag", 1),
    "a call by a tag of another name": (f"{TAG}---\na: !y!object/apply:os.system {PWNED}\n", "the tag", 3),
    "a name by tag": ("a: !!python/name:os.system ''\n", "the tag", 1),
    "a tag of one's own": ("a: 1\nb: !own {c: 1}\n", "the tag '!own'", 2),
    "a tag that does not fit": ("a: !!bool x\n", "the tag", 1),
    "binary": ("a: !!binary '%%%%'\n", "the tag", 1),
    "a key twice": ("a: 1\nb: 2\na: 3\n", "duplicate key 'a'", 3),
    "a key twice, written otherwise": ("1: a\n0x1: b\n", "duplicate key 1", 2),
    "a list as a key": ("? [a]\n: b\n", "a key is a text or a number", 1),
    "a mapping as a key": ("{{a: [1]}: b}\n", "a key is a text or a number", 1),
    "NUL": ("a: 1\nb: x\0y\n", "U+0000 may not stand", 2),
    "an escape": ("a: \x1b[31mred\n", "U+001B may not stand", 1),
    "8-bit control": ("a: \x9b31m\n", "U+009B may not stand", 1),
    "Latin-1": (b"a: 1\nb: caf\xe9\n", "not UTF-8", 2),
    "UTF-16": ("a: b\n".encode("utf-16"), "not UTF-8", 1),
    "UTF-16 without a mark": ("a: b\n".encode("utf-16-le"), "U+0000 may not stand", 1),
    "UTF-32": ("a: b\n".encode("utf-32"), "not UTF-8", 1),
    "a surrogate in UTF-8": (b"a: \xed\xa0\x80\n", "not UTF-8", 1),
    "half a surrogate pair": ('a: "\\ud800"\n', "half a surrogate", 1),
    "no such character": ('a: "\\UFFFFFFFF"\n', "not valid YAML", None),
    "two documents": ("a: 1\n---\na: 2\n", "document", 2),
    "a tab": ("a:\n\tb: 1\n", "cannot start any token", 2),
    "a whole number of 900,000 digits": ("a: " + "9" * 900_000, "more than 100 digits", 1),
    "the same in hexadecimal": ("a: 0x" + "f" * 900_000, "more than 100 digits", 1),
    "a very long key": ("a: 1\n" + "k" * 900_000 + ": 1\n", "not valid YAML", 2),
    "a very long key, asked for": ("? " + "k" * 900_000 + "\n: 1\n", "more than 1,000 characters", 1),
    "very many keys": ("".join(f"k{n}: 1\n" for n in range(80_000)), "more than 50,000 values", 25_000),
    "very many items": ("a: [" + "x," * 400_000 + "]", "more than 50,000 values", 1),
    "YAML 1.1": ("%YAML 1.1\n---\na: NO\n", "another version", 2),
    "YAML 9": ("%YAML 9.9\n---\na: NO\n", "not valid YAML", 1),
}  # fmt: skip

READ: dict[str, tuple[str | bytes, Any]] = {
    "words of YAML 1.1": (
        "a: NO\nb: on\nc: 010\nd: 12:30:00\ne: yes\nf: 1_000\ng: 0b11\nh: =\n",
        {"a": "NO", "b": "on", "c": 10, "d": "12:30:00", "e": "yes", "f": "1_000", "g": "0b11", "h": "="},
    ),
    "words of YAML 1.2": (
        "a: 0o10\nb: 0x1F\nc: ~\nd: True\ne: 1e3\nf: .5\ng: -7\nh: '1'\ni: null\nj:\n",
        {"a": 8, "b": 31, "c": None, "d": True, "e": 1000.0, "f": 0.5, "g": -7, "h": "1", "i": None, "j": None},
    ),
    "words as keys": ("on: 1\nNO: 2\n12:30: 3\n", {"on": 1, "NO": 2, "12:30": 3}),
    "no numbers": ("a: .inf\nb: -.inf\nc: 1e999\n", {"a": math.inf, "b": -math.inf, "c": math.inf}),
    "dates": ("a: 2020-01-01\nb: 2020-13-45T99:99:99Z\n", {"a": "2020-01-01", "b": "2020-13-45T99:99:99Z"}),
    "a byte order mark": (b"\xef\xbb\xbfa: b\n", {"a": "b"}),
    "anchors with odd names": ("a: &ä-*/[x 1\nb: *ä-*/[x\n".replace("[", ""), {"a": 1, "b": 1}),
    "an anchor of 900,000 letters": ("a: &" + "x" * 900_000 + " y\n", {"a": "y"}),
    "merged": ("a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\n", {"a": {"x": 1, "y": 2}, "b": {"y": 3, "x": 1}}),
    "merged in order": ("- &a {x: 1}\n- &b {x: 2, z: 3}\n- {<<: [*a, *b]}\n", MERGED),
    "tags that say what is so": ("a: !!int '3'\nb: !!str 3\nc: !!float 3\n", {"a": 3, "b": "3", "c": 3.0}),
    "nothing": ("", None),
    "half a million comments": ("#\n" * 490_000, None),
    "lines that end in CR": ("a: 1\rb: 2\r", {"a": 1, "b": 2}),
    "a million line ends": ("a: |\n" + "\n" * 900_000, {"a": ""}),
}  # fmt: skip


def written(tmp_path: Path, content: str | bytes) -> Path:
    path = tmp_path / "c.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize("kind", REFUSED)
def test_a_hostile_file_is_refused_soon_with_its_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str):
    monkeypatch.chdir(tmp_path)
    content, said, line = REFUSED[kind]
    path = written(tmp_path, content)
    started = time.monotonic()
    with pytest.raises(ConfigError, match=re.escape(said)) as caught:
        read_yaml(path)
    assert time.monotonic() - started < SOON
    assert caught.value.problems[0].where == f"{path}{f':{line}' if line else ''}" or line is None
    assert caught.value.problems[0].where.startswith(str(path))
    assert len(str(caught.value)) < 1000
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize("kind", READ)
def test_an_odd_file_is_read_soon_as_yaml_1_2_says(tmp_path: Path, kind: str):
    content, expected = READ[kind]
    started = time.monotonic()
    assert read_yaml(written(tmp_path, content)).value == expected
    assert time.monotonic() - started < SOON


@pytest.mark.parametrize("kind", ["alias bomb", "a merge of itself", "very many keys", "a call by tag", *READ])
def test_as_a_constellation_it_is_a_config_error_soon(tmp_path: Path, kind: str):
    path = written(tmp_path, (REFUSED | READ)[kind][0])  # type: ignore[operator]
    started = time.monotonic()
    with pytest.raises(ConfigError):
        load_constellation(str(path))
    assert time.monotonic() - started < SOON


@pytest.mark.parametrize(
    "text",
    [
        "".join(f"k{n}: 1\n" for n in range(20_000)),
        f"name: {'x' * 900_000}\n",
        f"? {'k' * 999}\n: 1\n",
        "agents: {a: {" + ", ".join(f"k{n}: 1" for n in range(20_000)) + "}}\n",
        "phases: [" + "{}, " * 20_000 + "]\n",
        "1: 2\ntrue: 3\n.nan: 4\nnull: 5\n",
        "options: {temperature: .nan}\n",
        "run: {deadlines: {total: .inf}}\n",
        'workload: "\\e[31mred"\n',
        "- " * 20 + "x\n",
        "just text\n",
    ],
    ids=lambda text: text[:20],
)
def test_a_constellation_of_nonsense_is_told_of_soon_and_briefly(tmp_path: Path, text: str):
    path = written(tmp_path, text)
    started = time.monotonic()
    with pytest.raises(ConfigError) as caught:
        load_constellation(str(path))
    assert time.monotonic() - started < SOON
    assert len(caught.value.problems) <= 60


def test_numbers_that_json_lacks_are_no_options(tmp_path: Path):
    good = (ROOT / "constellations" / "p1m1m2c.yaml").read_text("utf-8")
    path = written(tmp_path, re.sub(r"(?m)^options:.*$", "options: {a: [{b: .inf}]}", good))
    with pytest.raises(ConfigError, match="a number that JSON does not have"):
        load_constellation(str(path))


def special(tmp_path: Path, kind: str) -> Path:
    path = tmp_path / "special.yaml"
    if kind == "a pipe":
        os.mkfifo(path)
    elif kind == "a folder":
        path.mkdir()
    elif kind == "a loop of links":
        path.symlink_to(path)
    elif kind == "a link to a device":
        path.symlink_to("/dev/zero")
    return path if kind != "a device" else Path("/dev/zero")


@pytest.mark.skipif(sys.platform == "win32", reason="has none of these")
@pytest.mark.parametrize("kind", ["a pipe", "a folder", "a device", "a loop of links", "a link to a device", "none"])
def test_what_is_no_file_is_not_read(tmp_path: Path, kind: str):
    path = special(tmp_path, kind)
    started = time.monotonic()
    with pytest.raises(ConfigError):
        read_yaml(path)
    with pytest.raises(ConfigError):
        load_constellation(str(path))
    assert time.monotonic() - started < SOON


def test_the_real_command_says_file_and_line_and_nothing_else(tmp_path: Path):
    kinds = ["alias bomb", "flow lists 100,000 deep", "a call by tag", "an escape", "very many keys", "a key twice"]
    for number, kind in enumerate(kinds):
        content = REFUSED[kind][0]
        assert isinstance(content, str)
        (tmp_path / f"{number}.yaml").write_text(content, encoding="utf-8")
    files = [f"{number}.yaml" for number in range(len(kinds))]
    command = [sys.executable, "-m", "igent", "validate", *files]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout) == (2, "")
    lines = ended.stderr.splitlines()
    assert [line.partition(":")[0] for line in lines] == files
    assert all(re.match(r"\d\.yaml:\d+: ", line) for line in lines), lines
    assert "\x1b" not in ended.stderr
    assert not (tmp_path / "pwned").exists()
