"""What a phase gives, as files for people and other programs: JSON, and tables where they are wanted."""

from __future__ import annotations

__all__ = ["write_results"]

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from igent.config.names import is_safe_name
from igent.disk import SYSTEM_DISK, Disk
from igent.errors import InternalError
from igent.writing.lines import encode
from igent.writing.staged import StagedFile
from igent.writing.tables import Row, csv_table, xlsx_table


async def write_results(
    folder: Path, name: str, rows: Sequence[Row], *, tables: bool, disk: Disk = SYSTEM_DISK
) -> None:
    """Write `rows` (JSON-ready objects in order) to NAME.json, a JSON list, an object a line; with `tables` to NAME.csv
    and NAME.xlsx too, see tables.py. In a thread; each file is replaced whole and durably, once all are made.

    Raises RunFolderError naming the file: each is then as before, or whole. InternalError when `name` is no plain name
    of a file, or a row is not JSON.
    """
    if not is_safe_name(name):
        raise InternalError(f"{name!r} cannot be the name of a file")
    await asyncio.to_thread(partial(_write, folder, name, rows, tables=tables, disk=disk))


def _write(folder: Path, name: str, rows: Sequence[Row], *, tables: bool, disk: Disk) -> None:
    with ExitStack() as stack:

        def staged(ending: str, pieces: Iterator[bytes]) -> StagedFile:
            file = stack.enter_context(StagedFile(folder / f"{name}.{ending}", disk))
            for piece in pieces:
                file.write(piece)
            return file

        files = [staged("json", _json_list(rows))]
        if tables:
            files.append(staged("csv", iter([csv_table(rows)])))
            files.append(staged("xlsx", iter([xlsx_table(rows, sheet=name)])))
        for file in files:
            file.commit()


def _json_list(rows: Sequence[Row]) -> Iterator[bytes]:
    """As the views are that hold a list."""
    if not rows:
        yield b"[]\n"
        return
    for number, row in enumerate(rows):
        yield (b",\n" if number else b"[\n") + encode(dict(row))
    yield b"\n]\n"
