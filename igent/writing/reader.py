"""Reading a journal: the longest valid prefix of it, an entry at a time; what it holds never stands in memory whole."""

from __future__ import annotations

__all__ = ["JOURNAL_FORMAT", "JournalContents", "chunks_from", "read_journal", "scan_journal"]

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from io import BufferedReader, RawIOBase
from pathlib import Path
from typing import BinaryIO

from igent.disk import SYSTEM_DISK, Disk
from igent.errors import Problem, RunFolderError
from igent.files import disk_failure
from igent.types import JsonObject
from igent.writing.lines import Place, from_line

JOURNAL_FORMAT = 1
"""The format that this version writes and reads; the first entry carries it as `format`."""

_BUFFER = 1 << 16


@dataclass(frozen=True, slots=True)
class JournalContents:
    """What a journal holds: the `entries` of its longest valid prefix of `valid_bytes`, and the size of the rest.

    A record's entry that stands there twice, byte for byte and with no run or retry between, is given once and counted
    in `repeated`. `scan_journal` hands the entries on and keeps none.
    """

    entries: Sequence[JsonObject] = field(default_factory=list)
    valid_bytes: int = 0
    dropped_bytes: int = 0
    dropped_lines: int = 0
    repeated: int = 0


def read_journal(path: Path) -> JournalContents:
    """The contents of a journal, its entries in memory; see `scan_journal`."""
    entries: list[JsonObject] = []
    contents = scan_journal(path, lambda entry, _: entries.append(entry))
    return replace(contents, entries=entries)


def scan_journal(path: Path, take: Callable[[JsonObject, Place], object], disk: Disk = SYSTEM_DISK) -> JournalContents:
    """Read a journal and give each entry, with its place in the file, to `take`; a missing or empty file has none.
    Damage is counted, never raised.

    Raises RunFolderError when the file cannot be read at all, or a newer igent wrote it, and what `take` raises.
    """
    seen: set[int] = set()
    valid = repeated = 0
    try:
        with BufferedReader(disk.open(path, "rb"), _BUFFER) as file:
            for line in file:
                entry = from_line(line)
                if entry is None:
                    break
                if not valid:
                    _check_format(path, entry)
                place = Place(valid, len(line))
                valid += len(line)
                if _is_repeated(entry, line, seen):
                    repeated += 1
                else:
                    take(entry, place)
            dropped_lines, dropped_bytes = _measure(file, valid)
    except FileNotFoundError:
        return JournalContents()
    except OSError as error:
        raise disk_failure(path, "read", error) from error
    return JournalContents([], valid, dropped_bytes, dropped_lines, repeated)


def chunks_from(file: RawIOBase | BinaryIO, start: int) -> Iterator[bytes]:
    """The bytes of the file from `start` to its end, a mebibyte at a time."""
    file.seek(start)
    while chunk := file.read(1 << 20):
        yield chunk


def _check_format(path: Path, entry: JsonObject) -> None:
    found = entry.get("format", JOURNAL_FORMAT)
    if not isinstance(found, int) or found > JOURNAL_FORMAT:
        what = f"a newer igent wrote this journal (format {found!r}, this one reads up to {JOURNAL_FORMAT})"
        raise RunFolderError(Problem(str(path), what, "update igent, or choose another folder with --out"))


def _is_repeated(entry: JsonObject, line: bytes, seen: set[int]) -> bool:
    if "record_id" not in entry:
        seen.clear()  # a run, an end, a retry: the same answer may be given again after it
        return False
    # As numbers the digests take a quarter less than as bytes: of a long journal there are many.
    digest = int.from_bytes(blake2b(line, digest_size=16).digest())
    known = digest in seen
    seen.add(digest)
    return known


def _measure(file: BinaryIO, start: int) -> tuple[int, int]:
    """How many lines (a last one without its newline included) and bytes there are from `start` to the end."""
    lines = size = 0
    last = b"\n"
    for chunk in chunks_from(file, start):
        lines += chunk.count(b"\n")
        size += len(chunk)
        last = chunk[-1:]
    return lines + (last != b"\n"), size
