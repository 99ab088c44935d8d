"""outcomes.jsonl and timings.csv of a graph: a line a unit, in the order of the phases and of the input."""

from __future__ import annotations

__all__ = ["write_views"]

import asyncio
import csv
import io
from collections.abc import Callable, Iterator, Sequence

from igent.disk import Disk
from igent.files import disk_failure, replace_file
from igent.outcome import Outcome
from igent.reporting.plain import csv_cell
from igent.workflows.folder import RunFolder
from igent.writing.views import outcome_line

_HEADING = ("phase", "id", "status", "total_seconds", "conversation_seconds", "critic_seconds")


async def write_views(folder: RunFolder, places: Sequence[int], disk: Disk) -> None:
    """Write both from the journal, each replaced whole; `places` say where the outcomes stand in it. Raises
    RunFolderError."""
    await asyncio.to_thread(_write, folder, places, disk)


def _write(folder: RunFolder, places: Sequence[int], disk: Disk) -> None:
    def lines(line: Callable[[Outcome], bytes], heading: bytes = b"") -> Iterator[bytes]:
        yield heading
        for place in places:
            yield line(folder.kept.at(place))

    files = {"outcomes.jsonl": lines(outcome_line), "timings.csv": lines(_timing, _row(_HEADING))}
    for name, content in files.items():
        path = folder.path / name
        try:
            replace_file(path, content, disk=disk)
        except OSError as error:
            raise disk_failure(path, "written", error) from error


def _timing(outcome: Outcome) -> bytes:
    phase, timing = next(iter(outcome.timings.items()))
    name = outcome.record_id.removeprefix(f"{phase}/")
    seconds = (timing.total, timing.conversation, timing.critic)
    return _row([csv_cell(phase), csv_cell(name), outcome.status, *(f"{value:.6f}" for value in seconds)])


def _row(cells: Sequence[str]) -> bytes:
    buffer = io.StringIO(newline="")
    csv.writer(buffer, lineterminator="\n").writerow(cells)
    return buffer.getvalue().encode("utf-8", "backslashreplace")  # an id may hold a lone surrogate, which JSON allows
