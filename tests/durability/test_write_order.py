"""The order in which files are written, as recorded: what is renamed was synced before; what is acknowledged, too."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from disk_kit import Operation, WatchedDisk
from run_kit import DATA, RECORDS, Acknowledged, go

from igent.outcome import Outcome

VIEWS = ("outcomes.jsonl", "matches.json", "pos.json", "timings.csv", "capacity.json", "prompts.json", "summary.json")


class Recorder(Acknowledged):
    """Every operation in its order, and between them the records whose outcome was handed out."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, str]] = []

    def __call__(self, operation: Operation) -> None:
        self.seen.append((operation.kind, operation.name))

    def settled(self, outcome: Outcome) -> None:
        super().settled(outcome)
        self.seen.append(("acknowledged", outcome.record_id))


@pytest.fixture
def seen(tmp_path: Path) -> list[tuple[str, str]]:
    recorder = Recorder()
    go(tmp_path / "run", WatchedDisk(after=recorder, durable=False), recorder)
    assert len(recorder.ids) == RECORDS
    return recorder.seen


@pytest.mark.parametrize("name", VIEWS)
def test_a_file_is_written_aside_synced_renamed_and_its_folder_synced(seen, name: str):
    mine = [kind for kind, of in seen if of in {name, f".{name}.tmp"} and kind.split()[0] in CHANGES]
    assert list(dict.fromkeys(mine[: mine.index("replace") + 1])) == ["open wb", "write", "sync", "replace"]
    assert mine.index("sync") > max(at for at, kind in enumerate(mine) if kind == "write"), "written after its sync"
    renamed = seen.index(("replace", name))
    following = next(entry for entry in seen[renamed + 1 :] if entry[0] in {"replace", "sync_folder", "acknowledged"})
    assert following == ("sync_folder", "run")


CHANGES = {"open", "write", "sync", "replace"}


class Durable(Acknowledged):
    """Looks, after every fsync, at what the file then had; and at an outcome, whether that was in it."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder
        self.content = {"journal.jsonl": b"", "conversations.jsonl": b""}

    def __call__(self, operation: Operation) -> None:
        if operation.kind == "sync" and operation.name in self.content:
            self.content[operation.name] = (self.folder / operation.name).read_bytes()

    def settled(self, outcome: Outcome) -> None:
        super().settled(outcome)
        record = f'"record_id":"{outcome.record_id}"'.encode()
        journalled = [line for line in self.content["journal.jsonl"].splitlines() if b'"kind":"outcome"' in line]
        assert any(record in line for line in journalled), "handed out before it was durable"
        assert record in self.content["conversations.jsonl"], "an outcome without its evidence"


def test_an_outcome_is_handed_out_only_when_it_and_its_conversation_are_durable(tmp_path: Path):
    watch = Durable(tmp_path / "run")
    go(tmp_path / "run", WatchedDisk(after=watch, durable=False), watch)
    assert len(watch.ids) == RECORDS


def test_the_names_of_new_files_are_durable_before_anything_is_acknowledged(seen):
    first = next(at for at, (kind, _) in enumerate(seen) if kind == "acknowledged")
    for name in ("journal.jsonl", "conversations.jsonl"):
        opened = seen.index(("open ab", name))
        assert ("sync_folder", "run") in seen[opened:first]
    assert ("make_folder", "run") in seen[:first]


WRITER = """
import sys
from pathlib import Path
from igent.disk import SYSTEM_DISK
from igent.files import AppendFile, replace_file
folder = Path(sys.argv[1]) / "made" / "run"
SYSTEM_DISK.make_folder(folder)
replace_file(folder / "view.json", [b"one", b"two"])
file = AppendFile(folder / "journal.jsonl")
file.append(b"line")
file.sync()
"""


@pytest.mark.skipif(not shutil.which("strace"), reason="needs strace")
def test_the_system_is_asked_for_just_that(tmp_path: Path):
    """The seam says what was asked for; this, that the system's own calls follow."""
    log = tmp_path / "calls"
    calls = "trace=openat,mkdir,write,fsync,fdatasync,rename,renameat,renameat2"
    command = ["strace", "-f", "-y", "-e", calls, "-o", str(log), sys.executable, "-c", WRITER, str(tmp_path)]
    ran = subprocess.run(command, check=False, capture_output=True, cwd=DATA.parents[1])
    if ran.returncode and b"ptrace" in ran.stderr.lower():
        pytest.skip("strace may not trace here")
    assert ran.returncode == 0, ran.stderr
    asked = []
    for line in log.read_text().splitlines():
        for name, word in NAMES:
            call = line.split(maxsplit=1)[1].partition("(")[0]
            if word in line and call != "openat":
                asked.append((call.replace("renameat2", "rename").replace("renameat", "rename"), name))
                break
    made = [("mkdir", "folder"), ("fsync", "above"), ("mkdir", "run"), ("fsync", "folder")]
    view = [("write", "temporary"), ("write", "temporary"), ("fsync", "temporary"), ("rename", "temporary")]
    journal = [("fsync", "run"), ("fsync", "run"), ("write", "journal"), ("fsync", "journal")]
    assert asked == [*made, *view, *journal]


NAMES = (
    ("temporary", ".view.json.tmp"),
    ("journal", "journal.jsonl"),
    ("run", 'made/run"'),
    ("run", "made/run>"),
    ("folder", 'made"'),
    ("folder", "made>"),
    ("above", ">)"),
)
