"""Looks at a ZIP file before anybody unpacks it: how much it claims to hold, and whether it plays tricks.

A few kilobytes can claim to hold petabytes; entries can lie over each other; a part can be written in a way that two
readers take differently. All that is looked at here is the table of contents, and whether a part has a DTD.
"""

from __future__ import annotations

__all__ = ["check_zip"]

import re
import struct
import zipfile
import zlib
from io import BytesIO

MOST_ENTRIES = 1_000
MOST_UNPACKED = 200 << 20  # bytes of all entries together
MOST_RATIO = 100  # of unpacked to packed, in an entry of more than _SMALL
_SMALL = 1 << 20
_ENTRY, _LOCAL = b"PK\x01\x02", b"PK\x03\x04"
_LOCAL_HEAD = struct.Struct("<26xHH")
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 0x2041  # encrypted, strongly, or with its head hidden
_XML = (".xml", ".rels")
_DTD = re.compile(rb"<!\s*(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_PIECE = 1 << 20
_DAMAGED = (zipfile.BadZipFile, zlib.error, struct.error, OSError, EOFError, NotImplementedError, RuntimeError,
            LookupError, OverflowError)  # fmt: skip


def check_zip(data: bytes) -> list[str]:
    """The names of the entries. Raises ValueError, which says what is wrong, for one that is not to be unpacked."""
    if data.count(_ENTRY) > MOST_ENTRIES:  # the table itself, unpacked into objects, would be large
        raise ValueError(f"it has more than {MOST_ENTRIES:,} entries")
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            entries = archive.infolist()
            _check_sizes(entries)
            _check_names(entries)
            _check_places(entries, data, archive.start_dir)
            for entry in entries:
                if entry.filename.lower().endswith(_XML):
                    _check_xml(archive, entry)
    except _DAMAGED as error:
        raise ValueError("it is damaged or cut off") from error
    except ValueError as error:
        if isinstance(error, UnicodeError):
            raise ValueError("it is damaged") from error
        raise
    return [entry.filename for entry in entries]


def _check_sizes(entries: list[zipfile.ZipInfo]) -> None:
    if (total := sum(entry.file_size for entry in entries)) > MOST_UNPACKED:
        raise ValueError(f"unpacked it has {total:,} bytes, and at most {MOST_UNPACKED:,} are read")
    for entry in entries:
        if entry.file_size > _SMALL and entry.file_size > MOST_RATIO * entry.compress_size:
            raise ValueError(f"a part of it is packed more than {MOST_RATIO}:1, as in a ZIP bomb")
        if entry.flag_bits & _ENCRYPTED:
            raise ValueError("it is protected with a password")
        if entry.compress_type not in _METHODS:
            raise ValueError("it is packed in a way that no spreadsheet program uses")


def _check_names(entries: list[zipfile.ZipInfo]) -> None:
    seen: set[str] = set()
    for entry in entries:
        name = entry.orig_filename
        if name.startswith("/") or set(name) & set("\\:\0") or ".." in name.split("/"):
            raise ValueError("a part of it has a name that leads out of it")
        if name.lower() in seen:
            raise ValueError("two parts of it have the same name")
        seen.add(name.lower())


def _check_places(entries: list[zipfile.ZipInfo], data: bytes, table: int) -> None:
    """Each entry has bytes of its own: between the end of the one before and the table of contents."""
    end = 0
    for entry in sorted(entries, key=lambda entry: entry.header_offset):
        start = entry.header_offset
        if start < end or data[start : start + 4] != _LOCAL:
            raise ValueError("parts of it lie over each other")
        name, extra = _LOCAL_HEAD.unpack_from(data, start)
        end = start + _LOCAL_HEAD.size + name + extra + entry.compress_size
    if end > table:
        raise ValueError("parts of it lie over each other")


def _check_xml(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> None:
    with archive.open(entry) as part:
        before = b""
        while piece := part.read(_PIECE):
            if b"\0" in piece:
                raise ValueError("a part of it is not UTF-8")
            if _DTD.search(before + piece):
                raise ValueError("a part of it defines entities (a DTD), which no spreadsheet program writes")
            before = piece[-20:]
