"""kill -9 while the journal is written, again and again: what was acknowledged is there, once, and writing goes on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from igent.writing.audit import prune
from igent.writing.reader import read_journal

WRITER = """
import asyncio, sys
from pathlib import Path
from igent.writing.audit import audit_line, prune
from igent.writing.journal import Journal
from igent.writing.reader import read_journal

async def main(folder):
    contents = read_journal(folder / "journal.jsonl")
    done = {e["record_id"] for e in contents.entries}
    prune(folder / "audit.jsonl", done)
    journal = Journal(folder / "journal.jsonl", contents, audit=folder / "audit.jsonl")
    numbers = (n for n in range(100_000) if f"r{n}" not in done)

    async def worker():
        for n in numbers:
            entry = {"kind": "outcome", "record_id": f"r{n}", "text": "x" * 500}
            await journal.write(entry, audit_line(f"r{n}", content="x" * 500))
            print(f"r{n}", flush=True)

    async with asyncio.TaskGroup() as group:
        group.create_task(journal.run())
        for _ in range(10):
            group.create_task(worker())

asyncio.run(main(Path(sys.argv[1])))
"""


def run_and_kill(folder: Path, acknowledgements: int) -> set[str]:
    """Start the writer, let it acknowledge so many entries, kill it; the ids it printed."""
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(folder)], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]
    ) as process:
        assert process.stdout is not None
        seen = [process.stdout.readline() for _ in range(acknowledgements)]
        process.kill()
        seen += process.stdout.readlines()
    return {line.strip() for line in seen if line.endswith("\n")}


def test_acknowledged_entries_survive_kill_after_kill(tmp_path: Path) -> None:
    acknowledged: set[str] = set()
    for count in (7, 80):
        now = run_and_kill(tmp_path, count)
        assert len(now) >= count
        assert not now & acknowledged, "nothing is done twice"
        acknowledged |= now
        contents = read_journal(tmp_path / "journal.jsonl")
        ids = [entry["record_id"] for entry in contents.entries]
        assert len(ids) == len(set(ids))
        assert acknowledged <= set(ids)
        audited = prune(tmp_path / "audit.jsonl", set(ids))
        assert audited.kept == len(ids), "every outcome has its audit line, and once"
