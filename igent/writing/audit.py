"""conversations.jsonl: every message sent and received, one JSON line each, for audit.

Its lines are written through the journal (`Journal(..., audit=path)`), which makes them durable before the outcome that
refers to them. So after a kill it may hold lines of records without an outcome; `prune` drops those on resume, and the
records' conversations are written anew.
"""

from __future__ import annotations

__all__ = ["Pruned", "audit_line", "prune"]

from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import Any

from igent.disk import SYSTEM_DISK, Disk
from igent.files import disk_failure, replace_file
from igent.writing.lines import decode, encode


@dataclass(frozen=True, slots=True)
class Pruned:
    """How many lines `prune` left in the file, and how many it dropped."""

    kept: int
    dropped: int


def audit_line(record_id: str, **content: Any) -> bytes:
    """One line about a record, newline included. Raises InternalError for what is not JSON."""
    return encode({"record_id": record_id, **content}) + b"\n"


def prune(path: Path, keep_ids: Container[str], disk: Disk = SYSTEM_DISK) -> Pruned:
    """Drop the lines of all records but these, and what is not a whole line; in one atomic replacement, or none when
    there is nothing to drop. Linear in the size of the file, in constant memory. A missing file is left missing.

    Raises RunFolderError when the file cannot be read or replaced; it is then as before.
    """
    try:
        with BufferedReader(disk.open(path, "rb")) as file:
            total = sum(1 for _ in file)
            file.seek(0)
            kept = sum(1 for _ in _wanted(file, keep_ids))
            if kept < total:
                file.seek(0)
                replace_file(path, _wanted(file, keep_ids), disk=disk)
    except FileNotFoundError:
        return Pruned(0, 0)
    except OSError as error:
        raise disk_failure(path, "pruned", error) from error
    return Pruned(kept, total - kept)


def _wanted(lines: Iterable[bytes], keep_ids: Container[str]) -> Iterator[bytes]:
    for line in lines:
        if line.endswith(b"\n") and _record_id(line) in keep_ids:
            yield line


def _record_id(line: bytes) -> str:
    try:
        content = decode(line)
    except (ValueError, RecursionError):
        return ""
    found = content.get("record_id") if isinstance(content, dict) else None
    return found if isinstance(found, str) else ""
