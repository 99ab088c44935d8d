"""One journal line: an entry as JSON, wrapped with its length and CRC32, so that a torn or altered line shows."""

from __future__ import annotations

__all__ = ["Place", "decode", "encode", "from_line", "to_line"]

import json
import re
import reprlib
from typing import Any, NamedTuple
from zlib import crc32

import orjson

from igent.errors import InternalError
from igent.types import JsonObject

_HEAD = re.compile(rb'\{"len":([1-9][0-9]{0,9}),"crc":"([0-9a-f]{8})","entry":')
_TAIL = b"}\n"
_LONG_NUMBER = b"0" * 19
_POINT = ord(".")
_DIGITS_TO_ZERO = bytes.maketrans(b"123456789", b"000000000")


class Place(NamedTuple):
    """Where a line stands in its file: the `offset` of its first byte, and its `size` in bytes, newline included."""

    offset: int
    size: int


def encode(value: object, *, pretty: bool = False) -> bytes:
    """The value as JSON, in one line or, for people, indented by 2. Raises InternalError for what is not JSON."""
    try:
        return orjson.dumps(value, option=orjson.OPT_INDENT_2 if pretty else None)
    except TypeError:
        return _encode_unusual(value, pretty=pretty)


def decode(data: bytes) -> Any:
    """The inverse of `encode`, exactly. Raises ValueError."""
    # orjson refuses lone surrogates and turns integers over 64 bits into floats; the standard library does neither.
    surrogates = b"\\ud" in data or b"\\uD" in data
    if surrogates or _has_long_integer(data.translate(_DIGITS_TO_ZERO)):
        return json.loads(data)
    return orjson.loads(data)


def to_line(entry: JsonObject) -> bytes:
    """The entry as one line of a journal, newline included. Raises InternalError for what is not JSON."""
    try:
        body = encode(entry)
    except InternalError as error:
        raise InternalError(f"the journal's {entry.get('kind')} of record {entry.get('record_id')}: {error}") from error
    return b'{"len":%d,"crc":"%08x","entry":%b}\n' % (len(body), crc32(body), body)


def from_line(line: bytes) -> JsonObject | None:
    """The entry of a line; None when anything about the line is not as `to_line` wrote it."""
    head = _HEAD.match(line)
    if head is None:
        return None
    end = head.end() + int(head[1])
    body = line[head.end() : end]
    if line[end:] != _TAIL or crc32(body) != int(head[2], 16):
        return None
    try:
        entry = decode(body)
    except (ValueError, RecursionError):
        return None
    return entry if isinstance(entry, dict) else None


def _has_long_integer(zeros: bytes) -> bool:
    at = zeros.find(_LONG_NUMBER)
    # After a point they are the digits of a fraction, such as that of a very short time.
    while at > 0 and zeros[at - 1] == _POINT:
        at = zeros.find(_LONG_NUMBER, at + len(_LONG_NUMBER))
    return at >= 0


def _encode_unusual(value: object, *, pretty: bool) -> bytes:
    layout: dict[str, Any] = {"indent": 2} if pretty else {"separators": (",", ":")}
    try:
        return json.dumps(value, allow_nan=False, **layout).encode("ascii")
    except (TypeError, ValueError, RecursionError) as error:
        raise InternalError(f"this cannot be written as JSON: {error}: {reprlib.repr(value)}") from error
