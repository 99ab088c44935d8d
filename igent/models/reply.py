"""HTTP/1.1 replies, read incrementally: bytes in, the bytes of the body out. No I/O.

The rules are those of RFC 9112.
"""

from __future__ import annotations

__all__ = ["Reply", "ReplyError"]

import re
import zlib
from collections.abc import Callable, Sequence
from typing import Any

_LARGEST_HEAD = 64 * 1024
_LARGEST_LINE = 4096
# What one piece of a compressed body may unfold to.
_LARGEST_PIECE = 16 << 20
_END_OF_HEAD = re.compile(rb"\r?\n\r?\n")
_STATUS = re.compile(r"HTTP/1\.([01]) ([1-9][0-9]{2})(?: .*)?")
# A chunk's size stands on a line of its own, behind the line end of the chunk before it, where that has not come with
# the chunk; extensions are passed over.
_FIRST_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?\r\n")
_NEXT_SIZE = re.compile(rb"\r\n" + _FIRST_SIZE.pattern)
_TOKEN_LIST = re.compile(r"[ \t]*,[ \t]*")
_FRAMING = frozenset(("connection", "transfer-encoding", "content-length", "content-encoding"))
_MOST_INTERIM = 16


class ReplyError(Exception):
    """The bytes are not a reply of HTTP/1.1; `said` are the first of them."""

    def __init__(self, what: str, said: bytes = b"") -> None:
        super().__init__(what)
        self.said = said[:1024]


class Reply:
    """Reads one reply. `without_body` is for the answer to CONNECT.

    Any split of the bytes gives the same. Interim replies (1xx) are passed over; bodies in gzip or deflate are
    unpacked. Afterwards: `status` (0 until the head is complete), its `headers` in order, `done` (the reply is
    complete) and `reusable` (the connection may carry another one then).
    """

    def __init__(self, *, without_body: bool = False) -> None:
        self._without_body = without_body
        self._read: _Reader = Reply._head
        self._rest = b""
        self._left = self._interim = 0
        self._size = _FIRST_SIZE
        self._inflate: Any = None
        self.status = 0
        self.headers: Sequence[tuple[str, str]] = ()
        self.done = False
        self.reusable = False

    def feed(self, data: bytes) -> bytes:
        """Take the next bytes; what they bring of the body. Raises ReplyError."""
        body = self._read(self, data)
        return self._unpack(body) if self._inflate is not None and body else body

    def close(self) -> bool:
        """The connection has ended: whether the reply is complete."""
        if self._read is Reply._until_close and not (self._inflate is not None and not self._inflate.eof):
            self.done = True
        self.reusable = False
        return self.done

    def _head(self, data: bytes) -> bytes:
        data = self._rest + data
        end = _END_OF_HEAD.search(data, max(0, len(self._rest) - 3))
        if not end:
            if not (data.startswith(b"HTTP/1.") or b"HTTP/1.".startswith(data)):
                raise ReplyError("a reply that is not HTTP", data)
            if len(data) > _LARGEST_HEAD:
                raise ReplyError("a reply whose head does not end", data)
            self._rest = data
            return b""
        self._rest = b""
        status, *lines = data[: end.start()].decode("latin-1").split("\n")
        found = _STATUS.fullmatch(status.removesuffix("\r"))
        if not found:
            raise ReplyError("a reply that is not HTTP", data)
        code = int(found[2])
        self._interim += 1
        if code == 101 or self._interim > _MOST_INTERIM:
            raise ReplyError("a change of protocol that nobody asked for", data)
        if code >= 200:
            self.headers = _headers(lines, data)
            self._frame(code, found[1] == "1")
            self.status = code
        return self._read(self, data[end.end() :])

    def _frame(self, code: int, persistent: bool) -> None:
        """How long the body is (RFC 9112, 6.3), how it is packed, and what becomes of the connection."""
        tokens: dict[str, list[str]] = {name: [] for name in _FRAMING}
        for name, value in self.headers:
            if (lower := name.lower()) in tokens:
                tokens[lower] += filter(None, _TOKEN_LIST.split(value.lower()))
        connection, codings = tokens["connection"], tokens["transfer-encoding"]
        self.reusable = "close" not in connection and (persistent or "keep-alive" in connection)
        if self._without_body or code in (204, 304):
            self._finish()
            return
        if codings:
            if codings != ["chunked"]:
                raise ReplyError(f"a transfer coding that is not known: {', '.join(codings)}")
            self.reusable = self.reusable and not tokens["content-length"]
            self._read = Reply._chunked
        elif tokens["content-length"]:
            self._count(set(tokens["content-length"]))
        else:
            self.reusable = False
            self._read = Reply._until_close
        packing = [coding for coding in tokens["content-encoding"] if coding != "identity"]
        if packing:
            if packing not in (["gzip"], ["x-gzip"], ["deflate"]):
                raise ReplyError(f"an encoding that was not asked for: {', '.join(packing)}")
            self._inflate = zlib.decompressobj(32 + zlib.MAX_WBITS)

    def _count(self, lengths: set[str]) -> None:
        length = lengths.pop()
        if lengths or not (length.isascii() and length.isdigit() and len(length) < 16):
            raise ReplyError("a length that is none")
        self._left = int(length)
        self._read = Reply._counted
        if not self._left:
            self._finish()

    def _finish(self) -> None:
        self.done = True
        self._read = Reply._after

    def _after(self, data: bytes) -> bytes:
        """Nobody has asked for anything more."""
        if data:
            self.reusable = False
        return b""

    def _until_close(self, data: bytes) -> bytes:
        return data

    def _counted(self, data: bytes) -> bytes:
        body = data[: self._left]
        self._left -= len(body)
        if not self._left:
            self._finish()
            self._after(data[len(body) :])
        return body

    def _chunked(self, data: bytes) -> bytes:
        if self._rest:
            data = self._rest + data
            self._rest = b""
        at, end, parts = 0, len(data), []
        if self._left:
            parts.append(data[: self._left])
            at = len(parts[0])
            self._left -= at
        while at < end:
            size = self._size.match(data, at)
            if size is None:
                self._keep(data[at:])
                break
            length, at = int(size[1], 16), size.end()
            if not length:
                self._read = Reply._trailer
                self._trailer(data[at - 2 :])
                break
            parts.append(data[at : at + length])
            at += length
            if data.startswith(b"\r\n", at):
                self._size = _FIRST_SIZE
                at += 2
            else:
                self._size = _NEXT_SIZE
        if at > end:
            self._left = at - end
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _keep(self, rest: bytes) -> None:
        """The begin of a line that the next bytes go on with."""
        if b"\n" in rest.removeprefix(b"\r\n") or len(rest) > _LARGEST_LINE:
            raise ReplyError("a chunk without its size", rest)
        self._rest = rest

    def _trailer(self, data: bytes) -> bytes:
        """The fields behind the last chunk say nothing that matters; a blank line ends them."""
        data = self._rest + data
        self._rest = b""
        end = data.find(b"\r\n\r\n")
        if end >= 0:
            self._finish()
            self._after(data[end + 4 :])
        elif len(data) > _LARGEST_HEAD:
            raise ReplyError("a trailer that does not end", data)
        else:
            self._rest = data
        return b""

    def _unpack(self, body: bytes) -> bytes:
        try:
            text: bytes = self._inflate.decompress(body, _LARGEST_PIECE)
        except zlib.error as error:
            raise ReplyError(f"a body that cannot be unpacked: {error}") from error
        if self._inflate.unconsumed_tail:
            raise ReplyError("a body that unfolds without bound")
        return text


def _headers(lines: Sequence[str], head: bytes) -> Sequence[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for line in lines:
        name, colon, value = line.partition(":")
        if name[:1] in (" ", "\t") and found:  # a folded line (RFC 9112, 5.2)
            found[-1] = (found[-1][0], f"{found[-1][1]} {line.strip()}")
        elif not colon or not name or name != name.strip():
            raise ReplyError("a header that is none", head)
        else:
            found.append((name, value.strip(" \t\r")))
    return found


_Reader = Callable[[Reply, bytes], bytes]
