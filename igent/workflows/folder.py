"""The run folder: locked by one process, its journal read, its identity checked, ready to be gone on with."""

from __future__ import annotations

__all__ = ["RunFolder", "set_aside"]

from collections import deque
from dataclasses import dataclass, field, replace
from pathlib import Path

from igent.errors import Problem, RunFolderError
from igent.files import FolderLock
from igent.types import Completion, JsonObject, Outcome
from igent.workflows.identity import differences
from igent.workflows.session import with_write_time
from igent.writing.audit import prune
from igent.writing.entries import answer_from_entry, outcome_from_entry
from igent.writing.journal import JOURNAL_FORMAT, Journal, JournalContents, read_journal

_REMEDY = "start over with --fresh (the old folder is kept beside it), or choose another folder with --out"


@dataclass(slots=True)
class RunFolder:
    """A run folder that this process holds.

    `outcomes` and `answers` are what the journal has, `retrying` the failed records that are to be tried again and have
    not been; `run` is its first entry (None in a new folder); `dropped_bytes`
    is what damage at its end cost.
    """

    path: Path
    lock: FolderLock
    contents: JournalContents
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    answers: dict[str, deque[Completion]] = field(default_factory=dict)
    retrying: set[str] = field(default_factory=set)
    run: JsonObject | None = None
    _keys: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def open(cls, path: Path, *, fresh: bool = False) -> RunFolder:
        """Take the folder, making it if need be; `fresh` sets an old one aside first.

        Raises RunInUseError, or RunFolderError when the folder cannot be used.
        """
        try:
            path.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            what = f"cannot be made: {error.strerror}"
            raise RunFolderError(Problem(str(path), what, "choose another folder with --out")) from error
        lock = FolderLock(path)
        lock.acquire()
        try:
            if fresh and (path / "journal.jsonl").exists():
                set_aside(path)  # under its lock, which moves with it: nobody else can take the folder in between
                path.mkdir(parents=True, exist_ok=True, mode=0o700)
                lock.release()
                lock = FolderLock(path)
                lock.acquire()
            _refuse_foreign(path)
            folder = cls(path, lock, read_journal(path / "journal.jsonl"))
            folder._replay()
        except BaseException:
            lock.release()
            raise
        return folder

    def recall(self, key: str) -> Completion | None:
        """The answer that was paid for and not used since; the same question asked twice has two, in their order."""
        kept = self.answers.get(key)
        return kept.popleft() if kept else None

    def check(self, identity: JsonObject) -> None:
        """Raise RunFolderError, saying what differs, when the folder belongs to other inputs."""
        if self.run is None:
            return
        found = differences(self.run.get("identity", {}), identity)
        if found:
            raise RunFolderError(Problem(str(self.path), f"holds another run: {'; '.join(found)}", _REMEDY))

    def journal(self, *, audit: bool) -> Journal:
        """The journal, open for writing; the audit file beside it holds nothing of unsettled records."""
        conversations = self.path / "conversations.jsonl"
        if audit:
            prune(conversations, self.outcomes)
        return Journal(self.path / "journal.jsonl", self.contents, audit=conversations if audit else None)

    def run_entry(self, identity: JsonObject, invocation: JsonObject, today: str, started: str) -> JsonObject:
        """The journal's first entry."""
        return {
            "kind": "run",
            "format": JOURNAL_FORMAT,
            "identity": identity,
            "invocation": invocation,
            "today": today,
            "started": started,
        }

    def _replay(self) -> None:
        for entry in self.contents.entries:
            match entry.get("kind"):
                case "run":
                    self.run = entry
                case "answer":
                    key, completion = answer_from_entry(entry)
                    self.answers.setdefault(key, deque()).append(completion)
                    self._keys.setdefault(str(entry.get("record_id")), []).append(key)
                case "outcome":
                    outcome = outcome_from_entry(entry)
                    self.outcomes[outcome.record_id] = outcome
                    self.retrying.discard(outcome.record_id)
                    self._drop_answers(outcome.record_id)
                case "written":
                    self._written(str(entry["record_id"]), float(entry["seconds"]))
                case "retry":
                    self._forget(frozenset(entry["record_ids"]))
        self.contents = replace(self.contents, entries=())  # what they say is known now; they may be many

    def _written(self, record_id: str, seconds: float) -> None:
        if record_id in self.outcomes:
            self.outcomes[record_id] = with_write_time(self.outcomes[record_id], seconds)

    def _forget(self, records: frozenset[str]) -> None:
        """Failed records are to be tried again: neither their outcomes nor their answers count any more."""
        self.retrying |= records
        for record_id in records:
            self.outcomes.pop(record_id, None)
            self._drop_answers(record_id)

    def _drop_answers(self, record_id: str) -> None:
        for key in self._keys.pop(record_id, ()):
            self.answers.pop(key, None)


def set_aside(path: Path) -> Path:
    """Rename a run folder to NAME.old-1, NAME.old-2 …; nothing is ever deleted. Returns the new path."""
    number = 1
    while (target := path.with_name(f"{path.name}.old-{number}")).exists():
        number += 1
    try:
        path.rename(target)
    except OSError as error:
        what = f"cannot be renamed to {target.name}: {error.strerror}"
        raise RunFolderError(Problem(str(path), what, "choose another folder with --out")) from error
    return target


def _refuse_foreign(path: Path) -> None:
    """A folder with things in it, but without a journal, is somebody's own: a run would write over it."""
    own = {"run.lock", "run.pid", "journal.jsonl"}
    others = sorted(p.name for p in path.iterdir() if p.name not in own)
    if others and not (path / "journal.jsonl").exists():
        what = f"is no run folder, and not empty ({', '.join(others[:3])}{' …' if len(others) > 3 else ''})"
        raise RunFolderError(Problem(str(path), what, "choose another folder with --out"))
