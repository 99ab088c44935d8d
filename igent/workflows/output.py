"""stdout, as results are put on it."""

from __future__ import annotations

__all__ = ["results"]

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from igent.files import disk_failure


@contextmanager
def results() -> Iterator[TextIO]:
    """stdout, flushed at the end. A reader that has left (`| head -1`) is no error: what is still said goes nowhere,
    and the exit code stays what it was. Raises RunFolderError when it cannot be written otherwise, as on a full disk.
    """
    try:
        yield sys.stdout
        sys.stdout.flush()
    except BrokenPipeError:
        _give_up()
    except OSError as error:
        _give_up()
        raise disk_failure(Path("standard output"), "written", error, "lead it elsewhere") from error


def _give_up() -> None:
    """What is left in the buffer would fail again, noisily, when the interpreter ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
