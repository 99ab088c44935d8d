"""A PDF among the inputs: looked at and hashed, not read. Its pages are read when a phase asks for them."""

from __future__ import annotations

__all__ = ["MOST_PDF_BYTES", "is_pdf", "open_pdf"]

from hashlib import sha256
from pathlib import Path

from igent.errors import DataError, Problem
from igent.flow import PdfFile
from igent.records.sources import file_errors, kind_of, open_file
from igent.workload import Document

MOST_PDF_BYTES = 256 << 20
"""How many bytes a PDF may have: 256 MB."""

_MARK = b"%PDF"
_MARK_WITHIN = 1024  # where readers look for it: scanners and mail gateways put things before it
_PIECE = 1 << 20


def is_pdf(path: Path, others: frozenset[str]) -> bool:
    """Whether a file is to be read as a PDF: by its ending, or by its first bytes where the ending is none of the
    `others`. False for a file that cannot be read: whoever opens it says why."""
    ending = path.suffix.lower()
    if ending == ".pdf" or ending in others:
        return ending == ".pdf"
    try:
        return open_file(path, str(path)).read(0, len(_MARK)) == _MARK
    except (OSError, DataError):
        return False


def open_pdf(path: Path, shown: str) -> Document:
    """A document whose value is a PdfFile, its path absolute. `shown` is the name for messages.

    The file is read once, in pieces, for its digest. Raises DataError when it cannot be read, is too large, empty, or
    no PDF whatever its name is.
    """
    with file_errors(path, shown):
        file = open_file(path, shown)
        if file.size > MOST_PDF_BYTES:
            what = f"the PDF has {file.size:,} bytes, and at most {MOST_PDF_BYTES:,} are read"
            raise DataError(Problem(shown, what, "split it, and name each part"))
        with file.stream() as stream:
            head = stream.read(_MARK_WITHIN)
            _check(head, shown)
            digest = sha256(head)
            while piece := stream.read(_PIECE):
                digest.update(piece)
    return Document(shown, PdfFile(path.absolute(), digest.hexdigest()))


def _check(head: bytes, shown: str) -> None:
    if not head:
        raise DataError(Problem(shown, "the file is empty", "export it again, or name another file in the scenario"))
    if _MARK not in head:
        what = f"this is no PDF, whatever its name is: the file is {kind_of(head) or 'of another kind'}"
        raise DataError(Problem(shown, what, "export it as PDF again, or give it its right ending"))
