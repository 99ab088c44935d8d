"""Reads one picture of a page with rapidocr: in a child process only, for it takes a GB of memory."""

from __future__ import annotations

__all__ = ["read_picture"]

import os
import sys
from importlib import import_module

from igent.records.page_lines import lines_of


def read_picture(png: bytes) -> bytes:
    """The text on a PNG, as UTF-8. Its models are part of the package: nothing is downloaded."""
    kept = os.dup(1)
    os.dup2(2, 1)  # whatever the libraries print is no part of the result
    try:
        # Lines upside down are not looked for: in pages that stand upright it turns round one line in ten.
        settings = {"Global.log_level": "critical", "Global.use_cls": False}
        read = import_module("rapidocr").RapidOCR(params=settings)(png)
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
    if read.boxes is None:
        return b""
    pieces = (
        (min(x for x, _ in corners), min(y for _, y in corners), max(y for _, y in corners), words)
        for corners, words in zip(read.boxes.tolist(), read.txts, strict=True)
    )
    return "\n".join(lines_of(pieces)).encode()
