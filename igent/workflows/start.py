"""Into the command line, answering Ctrl-C from the first moment."""

from __future__ import annotations

__all__ = ["main", "run_main"]

import sys


def main() -> None:
    """The console script `igent`, and `python -m igent`."""
    _enter("main")


def run_main() -> None:
    """`python -m igent.workflows`."""
    _enter("run_main")


def _enter(entry: str) -> None:
    try:
        from igent.workflows import cli  # noqa: PLC0415 takes seconds, in which Ctrl-C must not end in a traceback
    except KeyboardInterrupt:
        sys.exit(130)
    getattr(cli, entry)()
