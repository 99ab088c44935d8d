"""Server-sent events, read incrementally: bytes in, data payloads out. No I/O.

The rules are those of the WHATWG HTML standard, section 9.2.6 ("Interpreting an event stream").
"""

from __future__ import annotations

__all__ = ["EventReader"]

_BOM = b"\xef\xbb\xbf"


class EventReader:
    """Takes a stream in chunks of any size and gives the data of each event as it completes.

    Lines end in LF, CRLF or CR; comments and all fields but `data` are skipped; the data lines of one event are joined
    by LF. Characters are never split, for payloads are handed out as bytes. The cost of a chunk does not depend on what
    came before it.
    """

    def __init__(self) -> None:
        self._line: list[bytes] = []
        self._data: list[bytes] = []
        self._after_cr = False
        self._at_start = True
        self.pending_bytes = 0

    @property
    def between_events(self) -> bool:
        """Whether all bytes so far belong to whole events: the next one begins a new event."""
        return not (self._line or self._data or self._after_cr or self._at_start)

    def feed(self, chunk: bytes) -> list[bytes]:
        """Take the next bytes; the data of every event that they complete, in order.

        Afterwards `pending_bytes` is how many bytes wait for the end of their event.
        """
        if self._after_cr and chunk:
            self._after_cr = False
            if chunk.startswith(b"\n"):
                chunk = chunk[1:]
        if b"\n" not in chunk and b"\r" not in chunk:
            if chunk:
                self._line.append(chunk)
                self.pending_bytes += len(chunk)
            return []
        return self._split(chunk)

    def _split(self, chunk: bytes) -> list[bytes]:
        if self._line:
            self._line.append(chunk)
            chunk = b"".join(self._line)
        if self._at_start:
            self._at_start = False
            chunk = chunk.removeprefix(_BOM)
        if b"\r" in chunk:
            # The LF of a CRLF may come with the next chunk: it must not count as a line of its own then.
            self._after_cr = chunk.endswith(b"\r")
            chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *lines, rest = chunk.split(b"\n")
        self._line = [rest] if rest else []
        events: list[bytes] = []
        for line in lines:
            self._take(line, events)
        self.pending_bytes = len(rest) + sum(map(len, self._data))
        return events

    def _take(self, line: bytes, events: list[bytes]) -> None:
        if not line:
            if self._data:
                events.append(self._data[0] if len(self._data) == 1 else b"\n".join(self._data))
                self._data = []
        elif line.startswith(b"data:"):
            self._data.append(line[6:] if line.startswith(b"data: ") else line[5:])
        elif line == b"data":
            self._data.append(b"")

    def close(self) -> list[bytes]:
        """The event that the end of the stream left without its blank line, if there is one.

        The standard drops it; some endpoints end that way, so it is handed out: whoever parses it sees whether it is
        whole.
        """
        events: list[bytes] = []
        if self._line:
            self._take(b"".join(self._line).removeprefix(_BOM if self._at_start else b""), events)
        self._line = []
        self._take(b"", events)
        return events
