"""timings.csv: where the seconds of each record went, one row a record."""

from __future__ import annotations

__all__ = ["timings_heading", "timings_row"]

import csv
import io
from collections.abc import Sequence

from igent.outcome import Outcome, PhaseTiming
from igent.reporting.plain import csv_cell

_PARTS = ("total", "agent_conversation", "critic", "capacity_update", "file_write")
_END = "\r\n"  # the writer of Python 3.11 quotes a carriage return only if it is a part of the line's end


def timings_heading(phases: Sequence[str]) -> bytes:
    """The first line of the file (UTF-8, comma, "\\n"): `registration_id` (the record's id, whatever the workload calls
    it), `phaseN_…_seconds` for the N-th of `phases` (from 1), `total_seconds`."""
    numbers = range(1, len(phases) + 1)
    named = [f"phase{n}_{part}_seconds" for n in numbers for part in _PARTS]
    return _row(["registration_id", *named, "total_seconds"])


def timings_row(outcome: Outcome, phases: Sequence[str]) -> bytes:
    """The line of one record: seconds with 6 decimals; a phase that did not run has empty cells. A text that a
    spreadsheet would run as a formula gets an apostrophe in front."""
    cells = [cell for phase in phases for cell in _cells(outcome.timings.get(phase))]
    return _row([csv_cell(outcome.record_id), *cells, f"{outcome.total_seconds:.6f}"])


def _cells(timing: PhaseTiming | None) -> list[str]:
    if timing is None:
        return [""] * len(_PARTS)
    seconds = (timing.total, timing.conversation, timing.critic, timing.capacity, timing.write)
    return [f"{value:.6f}" for value in seconds]


def _row(cells: Sequence[str]) -> bytes:
    buffer = io.StringIO(newline="")
    csv.writer(buffer, lineterminator=_END).writerow(cells)
    row = buffer.getvalue().removesuffix(_END) + "\n"
    return row.encode("utf-8", "backslashreplace")  # an id may hold a lone surrogate, which JSON allows
