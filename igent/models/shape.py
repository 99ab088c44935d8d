"""The short way to the text of a stream: its events mostly differ in nothing but one string."""

from __future__ import annotations

__all__ = ["EventShape"]

import re

import orjson

_CONTENT = re.compile(rb'"content":[ ]?"((?:[^"\\]|\\.)*+)"', re.DOTALL)
_PROBE = "probe"
# What the insides of JSON strings may be, parted by NUL. Half of a surrogate pair is left to whoever looks closer.
_PLAIN = re.compile(rb"[ !#-\[\]-~]++")
_STRINGS = re.compile(
    r'(?:[^"\\\x01-\x1f]++|\\(?:["\\/bfnrt]|u(?:[0-9a-cA-CefEF][0-9a-fA-F]|[dD][0-7])[0-9a-fA-F]{2}))*+'
)


class EventShape:
    """The bytes before and after the text in the events of one stream, as one of them had them.

    An event in these bytes means what the first one meant, but for its text: whoever has read the first one in full
    need only read that of the others.
    """

    def __init__(self, before: bytes, after: bytes) -> None:
        self._before, self._after = before, after
        self._between = after + before

    @classmethod
    def learn(cls, payload: bytes, chunk: bytes) -> EventShape | None:
        """The shape of an event of the chat protocol, as it was framed in the chunk it came with: all but
        the string that is `choices[0].delta.content`.

        None when that is not found once and for certain, or the framing is not the usual one.
        """
        places = list(_CONTENT.finditer(payload))
        if len(places) != 1:
            return None
        before, after = payload[: places[0].start(1)], payload[places[0].end(1) :]
        probed = orjson.loads(before + _PROBE.encode() + after)
        if probed["choices"][0]["delta"].get("content") != _PROBE:
            return None
        line = b"data: " + payload
        for ending in (b"\n\n", b"\r\n\r\n"):
            if line + ending in chunk:
                return cls(b"data: " + before, after + ending)
        return None

    def read(self, chunk: bytes) -> tuple[str, int, bytes] | None:
        """The text of the events of this shape that the chunk begins with, how many they are, and the rest of it.

        None when there are none, or one of them is not valid.
        """
        if not chunk.startswith(self._before):
            return None
        piece = chunk[len(self._before) : -len(self._after)]
        if chunk.endswith(self._after) and _PLAIN.fullmatch(piece):  # one token, mostly
            return piece.decode("ascii"), 1, b""
        *pieces, last = chunk[len(self._before) :].split(self._between)
        piece, ending, rest = last.partition(self._after)
        if ending:
            pieces.append(piece)
        elif pieces:
            rest = self._before + last
        else:
            return None
        text = _unescape(pieces)
        return None if text is None else (text, len(pieces), rest)


def _unescape(pieces: list[bytes]) -> str | None:
    """The strings whose insides these are, joined; None when one of them is none."""
    try:
        # Each is looked at by itself: NUL is in no string, ends every character, and no escape goes on behind it.
        parted = b"\0".join(pieces).decode()
    except UnicodeDecodeError:
        return None
    if parted.count("\0") != len(pieces) - 1 or not _STRINGS.fullmatch(parted):
        return None
    text = parted.replace("\0", "")
    if "\\" not in text:
        return text
    found: str = orjson.loads(f'"{text}"')
    return found
