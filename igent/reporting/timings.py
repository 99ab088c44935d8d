"""timings.csv: where the seconds of each record went, one row a record."""

from __future__ import annotations

__all__ = ["timings_csv"]

import csv
import io
from collections.abc import Iterator, Sequence

from igent.reporting.plain import csv_cell
from igent.types import Outcome, PhaseTiming

_PARTS = ("total", "agent_conversation", "critic", "capacity_update", "file_write")
_END = "\r\n"  # the writer of Python 3.11 quotes a carriage return only if it is a part of the line's end


def timings_csv(outcomes: Sequence[Outcome], phases: Sequence[str]) -> Iterator[bytes]:
    """The file in chunks of one row: UTF-8, comma, "\\n", the heading first, the rows in input order.

    Columns: `registration_id` (the record's id, whatever the workload calls it), `phaseN_…_seconds` for the N-th of
    `phases` (from 1), `total_seconds`; seconds with 6 decimals. A phase that did not run has empty cells. A text that a
    spreadsheet would run as a formula gets an apostrophe in front.
    """
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator=_END)
    numbers = range(1, len(phases) + 1)
    writer.writerow(
        ["registration_id", *(f"phase{n}_{part}_seconds" for n in numbers for part in _PARTS), "total_seconds"]
    )
    yield _take(buffer)
    for outcome in sorted(outcomes, key=lambda o: o.index):
        cells = [cell for phase in phases for cell in _cells(outcome.timings.get(phase))]
        writer.writerow([csv_cell(outcome.record_id), *cells, f"{outcome.total_seconds:.6f}"])
        yield _take(buffer)


def _cells(timing: PhaseTiming | None) -> list[str]:
    if timing is None:
        return [""] * len(_PARTS)
    seconds = (timing.total, timing.conversation, timing.critic, timing.capacity, timing.write)
    return [f"{value:.6f}" for value in seconds]


def _take(buffer: io.StringIO) -> bytes:
    row = buffer.getvalue().removesuffix(_END) + "\n"
    buffer.seek(0)
    buffer.truncate()
    return row.encode("utf-8", "backslashreplace")  # an id may hold a lone surrogate, which JSON allows
