"""A damaged journal gives its longest valid prefix: torn at every byte, flipped, zeroed, doubled."""

from __future__ import annotations

import os
from pathlib import Path
from random import Random

import pytest

from igent.errors import RunFolderError
from igent.types import JsonObject
from igent.writing.journal import Journal
from igent.writing.lines import Place, to_line
from igent.writing.reader import JournalContents, read_journal, scan_journal

ENTRIES: list[JsonObject] = [
    {"kind": "run", "format": 1},
    *({"kind": "outcome", "record_id": f"r{n}", "text": "ü\n" * (n % 3)} for n in range(19)),
]
LINES = [to_line(entry) for entry in ENTRIES]
WHOLE = b"".join(LINES)


def read(folder: Path, data: bytes) -> JournalContents:
    path = folder / "journal.jsonl"
    path.write_bytes(data)
    return read_journal(path)


def whole_lines(size: int) -> tuple[int, int]:
    """How many lines fit into so many bytes, and their length."""
    count = total = 0
    while count < len(LINES) and total + len(LINES[count]) <= size:
        total += len(LINES[count])
        count += 1
    return count, total


def test_an_undamaged_one_is_read_whole(tmp_path: Path) -> None:
    assert read(tmp_path, WHOLE) == JournalContents(ENTRIES, len(WHOLE), 0, 0)


def test_an_entry_comes_with_its_place_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_bytes(WHOLE + b"torn")
    found: list[tuple[JsonObject, Place]] = []
    contents = scan_journal(path, lambda entry, place: found.append((entry, place)))
    assert [entry for entry, _ in found] == ENTRIES
    assert [WHOLE[offset : offset + size] for _, (offset, size) in found] == LINES
    assert contents == JournalContents([], len(WHOLE), 4, 1)


def test_a_missing_or_empty_one_has_no_entries(tmp_path: Path) -> None:
    assert read_journal(tmp_path / "none") == JournalContents()
    assert read(tmp_path, b"").entries == []


def test_torn_at_every_byte(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_bytes(WHOLE)
    for cut in reversed(range(len(WHOLE))):
        os.truncate(path, cut)
        contents = read_journal(path)
        count, size = whole_lines(cut)
        assert contents == JournalContents(ENTRIES[:count], size, cut - size, int(cut > size))


def test_a_flipped_bit_in_every_byte_costs_that_line_and_what_follows(tmp_path: Path) -> None:
    random = Random(0)
    path = tmp_path / "journal.jsonl"
    path.write_bytes(WHOLE)
    with path.open("r+b", buffering=0) as file:
        for place, byte in enumerate(WHOLE):
            os.pwrite(file.fileno(), bytes([byte ^ 1 << random.randrange(8)]), place)
            contents = read_journal(path)
            os.pwrite(file.fileno(), bytes([byte]), place)
            count, size = whole_lines(place)
            assert (contents.entries, contents.valid_bytes) == (ENTRIES[:count], size)
            assert contents.dropped_bytes == len(WHOLE) - size


@pytest.mark.parametrize("zeros", [1, 7, 4096, 3 << 20])
def test_a_zero_filled_tail_is_dropped(tmp_path: Path, zeros: int) -> None:
    assert read(tmp_path, WHOLE + bytes(zeros)) == JournalContents(ENTRIES, len(WHOLE), zeros, 1)


@pytest.mark.parametrize("count", [1, 3, 19])
def test_a_doubled_tail_counts_once(tmp_path: Path, count: int) -> None:
    data = WHOLE + b"".join(LINES[-count:])
    assert read(tmp_path, data) == JournalContents(ENTRIES, len(data), 0, 0, repeated=count)


def test_runs_and_ends_and_what_comes_after_a_retry_may_repeat(tmp_path: Path) -> None:
    run, end, failed = {"kind": "run"}, {"kind": "end"}, {"kind": "outcome", "record_id": "r1"}
    entries: list[JsonObject] = [run, failed, end, run, end, {"kind": "retry", "record_ids": ["r1"]}, failed, end]
    assert read(tmp_path, b"".join(map(to_line, entries))).entries == entries


def test_garbage_in_the_middle_ends_the_prefix(tmp_path: Path) -> None:
    contents = read(tmp_path, b"".join(LINES[:5]) + b"garbage\n" + b"".join(LINES[5:]))
    assert contents.entries == ENTRIES[:5]
    assert contents.dropped_lines == 16


@pytest.mark.parametrize("seed", range(100))
def test_random_bytes_never_crash_it(tmp_path: Path, seed: int) -> None:
    random = Random(seed)
    data = bytearray(WHOLE)
    for _ in range(random.randrange(1, 5)):
        start = random.randrange(len(data))
        data[start : start + random.randrange(40)] = random.randbytes(random.randrange(40))
    contents = read(tmp_path, bytes(data))
    assert contents.entries == ENTRIES[: len(contents.entries)]
    assert bytes(data).startswith(WHOLE[: contents.valid_bytes])


@pytest.mark.parametrize("found", [2, 99, "2"])
def test_a_newer_format_is_refused_with_what_to_do(tmp_path: Path, found: object) -> None:
    line = to_line({"kind": "run", "format": found})
    with pytest.raises(RunFolderError, match=r"journal.jsonl: a newer igent .*update igent"):
        read(tmp_path, line)
    with pytest.raises(RunFolderError):
        Journal(tmp_path / "journal.jsonl")
    assert (tmp_path / "journal.jsonl").read_bytes() == line


def test_what_cannot_be_read_at_all_is_ours(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match=r"cannot be read: .* \(errno 2[12]\)"):
        read_journal(tmp_path)


async def test_opening_cuts_the_damage_off_and_saves_it(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    for number, tail in enumerate([b"torn", b"\0" * 9, WHOLE[:30]], 1):
        path.write_bytes(WHOLE + tail)
        await Journal(path, read_journal(path) if number % 2 else None).close()
        assert path.read_bytes() == WHOLE
        assert (tmp_path / f"journal.damaged-{number}").read_bytes() == tail
    await Journal(path).close()
    assert len(os.listdir(tmp_path)) == 4


async def test_contents_that_are_no_longer_true_cut_nothing_off(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_bytes(LINES[0])
    old = read_journal(path)
    path.write_bytes(WHOLE)
    await Journal(path, old).close()
    assert path.read_bytes() == WHOLE
