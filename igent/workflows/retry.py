"""Trying failed records again, in the run folder they failed in."""

from __future__ import annotations

__all__ = ["forget_failed", "invocation_of"]

import asyncio
from pathlib import Path
from typing import Any

from igent.errors import Problem, RunFolderError
from igent.types import JsonObject
from igent.workflows.folder import RunFolder


def invocation_of(path: Path) -> dict[str, Any]:
    """The settings and the constellation that a run folder was started with. Raises RunFolderError when it is none."""
    if not (path / "journal.jsonl").is_file():
        raise RunFolderError(Problem(str(path), "is no run folder: it has no journal.jsonl", "run folders: see runs/"))
    folder = RunFolder.open(path)
    try:
        if folder.run is None:
            raise RunFolderError(Problem(str(path), "its journal does not say how the run was started"))
        given = {key: value for key, value in folder.run["invocation"].items() if value is not None}
    finally:
        folder.lock.release()
    given["model"] = tuple(given.get("model", ()))
    return given


def forget_failed(path: Path, identity: JsonObject) -> int:
    """Note in the journal that its failed records are to be tried again; their old outcomes stay in it, for audit.

    Records whose input cannot be used stay failed: the input does not change within a run. Returns how many are to be
    tried, those included that an interrupted retry left. Raises RunFolderError, and forgets nothing, when the folder
    is of another run than `identity`.
    """
    folder = RunFolder.open(path)
    try:
        folder.check(identity)
        failed = [o.record_id for o in folder.outcomes.values() if o.status == "failed" and o.cause != "input"]
        if failed:
            asyncio.run(_append(folder, failed))
        return len(folder.retrying.union(failed))
    finally:
        folder.lock.release()


async def _append(folder: RunFolder, record_ids: list[str]) -> None:
    journal = folder.journal(audit=False)
    journal.write_soon({"kind": "retry", "record_ids": record_ids})
    await journal.close()
