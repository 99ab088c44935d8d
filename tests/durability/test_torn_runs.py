"""A run whose journal was damaged, at the level of the whole run: it goes on with the longest valid prefix, keeps what
that holds, sets the rest aside, and ends as if nothing had been. And the journal of a real run, read at every damage.

IGENT_NIGHTLY=1 cuts at every byte and flips 20,000 bits."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest
from disk_kit import WatchedDisk
from oracle import check_run
from run_kit import DATA, FINAL, NIGHTLY, check_whole, go, outcome_lines, whole_run

from igent.writing.lines import from_line
from igent.writing.reader import read_journal

RECORDS = 6
READ_RECORDS = 20
Damage = Callable[[bytes, Random], bytes]


def cut(data: bytes, random: Random) -> bytes:
    return data[: random.randrange(len(data))]


def flip(data: bytes, random: Random) -> bytes:
    at = random.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << random.randrange(8)]) + data[at + 1 :]


def zero_tail(data: bytes, random: Random) -> bytes:
    """What some file systems leave where a page was not written before the power went."""
    at = random.randrange(len(data))
    return data[:at] + bytes(random.choice([1, 512, 4096, len(data) - at]))


def doubled_tail(data: bytes, random: Random) -> bytes:
    at = random.randrange(len(data))
    return data + data[at:]


def doubled_lines(data: bytes, random: Random) -> bytes:
    lines = data.splitlines(keepends=True)
    return data + b"".join(lines[-random.randrange(1, len(lines)) :])


def garbage_in_the_middle(data: bytes, random: Random) -> bytes:
    at = random.randrange(len(data))
    return data[:at] + random.randbytes(random.randrange(1, 200)) + data[at + random.randrange(200) :]


def a_line_lost(data: bytes, random: Random) -> bytes:
    """Never by a kill; by an editor, or a disk that lost one write of several."""
    lines = data.splitlines(keepends=True)
    del lines[random.randrange(1, len(lines))]
    return b"".join(lines)


SIZES: dict[Damage, tuple[int, int]] = {
    cut: (25, 0),  # at night every byte: see below
    flip: (25, 1000),
    zero_tail: (15, 200),
    doubled_tail: (15, 200),
    doubled_lines: (10, 100),
    garbage_in_the_middle: (25, 500),
    a_line_lost: (15, 100),
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, bytes]]:
    """The folder of an undisturbed run, and its files."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    return folder, whole_run(folder, RECORDS)


def valid_prefix(data: bytes) -> bytes:
    """The lines before the first that is none; by the format's own words, not by the reader."""
    whole = b""
    for line in data.splitlines(keepends=True):
        if not line.endswith(b"\n") or from_line(line) is None:
            break
        whole += line
    return whole


def go_on_with(folder: Path, whole: tuple[Path, dict[str, bytes]], damaged: bytes) -> None:
    shutil.copytree(whole[0], folder)
    journal = folder / "journal.jsonl"
    journal.write_bytes(damaged)
    prefix = valid_prefix(damaged)
    go(folder, WatchedDisk(durable=False), records=RECORDS)
    assert {name: (folder / name).read_bytes() for name in FINAL} == whole[1]
    assert not check_run(folder, DATA, "overlap_only", max_items=RECORDS)
    assert journal.read_bytes().startswith(prefix), "a line that was whole is gone"
    aside = folder / "journal.damaged-1"
    assert (aside.read_bytes() if aside.exists() else b"") == damaged[len(prefix) :]
    shutil.rmtree(folder)


@pytest.mark.parametrize("damage", SIZES, ids=lambda damage: damage.__name__)
def test_a_damaged_run_is_gone_on_with_and_ends_as_if_nothing_had_been(tmp_path: Path, run, damage: Damage):
    data = (run[0] / "journal.jsonl").read_bytes()
    for seed in range(SIZES[damage][NIGHTLY]):
        go_on_with(tmp_path / f"{seed}", run, damage(data, Random(seed)))


def test_cut_at_the_ends_of_its_lines(tmp_path: Path, run):
    """And one byte before and after; at every byte at night."""
    data = (run[0] / "journal.jsonl").read_bytes()
    ends = [at for at, byte in enumerate(data) if byte == ord("\n")]
    cuts = range(len(data)) if NIGHTLY else sorted({0, 1, *(end + more for end in ends[::3] for more in (0, 1, 2))})
    for at in cuts:
        go_on_with(tmp_path / f"{at}", run, data[:at])


def test_damaged_again_and_again_nothing_that_was_whole_is_lost(tmp_path: Path, run):
    folder = tmp_path / "run"
    shutil.copytree(run[0], folder)
    journal = folder / "journal.jsonl"
    for seed in range(10 if not NIGHTLY else 200):
        data = journal.read_bytes()
        damaged = garbage_in_the_middle(data, Random(seed))
        journal.write_bytes(damaged)
        go(folder, WatchedDisk(durable=False), records=RECORDS)
        assert journal.read_bytes().startswith(valid_prefix(damaged))
        assert len(outcome_lines(folder)) == RECORDS
    check_whole(folder, run[1], RECORDS)


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, list[object], list[int]]:
    """The journal of a run of 20 records: its bytes, its entries, and where its lines end."""
    folder = tmp_path_factory.mktemp("read") / "run"
    go(folder, WatchedDisk(durable=False), records=READ_RECORDS)
    data = (folder / "journal.jsonl").read_bytes()
    ends = [0]
    for line in data.splitlines(keepends=True):
        ends.append(ends[-1] + len(line))
    return data, [from_line(line) for line in data.splitlines(keepends=True)], ends


def check_read(path: Path, journal: tuple[bytes, list[object], list[int]], size: int, at: int) -> None:
    """Of a journal of that size whose first wrong byte is `at`, the lines before it are read, and no other."""
    _, entries, ends = journal
    count = next(n for n in range(len(ends) - 1, -1, -1) if ends[n] <= at)
    contents = read_journal(path)
    assert contents.entries == entries[:count]
    assert (contents.valid_bytes, contents.dropped_bytes) == (ends[count], size - ends[count])
    assert bool(contents.dropped_lines) == (size > ends[count])


def places(size: int, all_at_night: bool) -> Iterator[int]:
    yield from range(size - 1, -1, -1 if NIGHTLY and all_at_night else -37)


def test_a_real_journal_cut_at_whatever_byte(tmp_path: Path, journal):
    """Every byte of a smaller one: tests/writing/test_journal_reader.py."""
    path = tmp_path / "journal.jsonl"
    path.write_bytes(journal[0])
    for at in places(len(journal[0]), True):
        os.truncate(path, at)
        check_read(path, journal, at, at)


def test_a_real_journal_with_a_flipped_bit(tmp_path: Path, journal):
    data, random = journal[0], Random(20)
    path = tmp_path / "journal.jsonl"
    path.write_bytes(data)
    with path.open("r+b", buffering=0) as file:
        for _ in range(20_000 if NIGHTLY else 500):
            at = random.randrange(len(data))
            os.pwrite(file.fileno(), bytes([data[at] ^ 1 << random.randrange(8)]), at)
            check_read(path, journal, len(data), at)
            os.pwrite(file.fileno(), data[at : at + 1], at)
