"""stdout, as results are put on it."""

from __future__ import annotations

__all__ = ["results"]

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO


@contextmanager
def results() -> Iterator[TextIO]:
    """stdout, flushed at the end. A reader that has left (`| head -1`) is no error: what is still said goes nowhere,
    and the exit code stays what it was."""
    try:
        yield sys.stdout
        sys.stdout.flush()
    except BrokenPipeError:
        # What is left in the buffer would fail again, noisily, when the interpreter ends.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
