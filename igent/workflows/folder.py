"""The run folder: locked by one process, its journal read, its identity checked, ready to be gone on with."""

from __future__ import annotations

__all__ = ["RunFolder", "Settled", "set_aside"]

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import orjson

from igent.disk import SYSTEM_DISK, Disk
from igent.errors import Problem, RunFolderError
from igent.files import FolderLock, disk_failure, replace_file
from igent.outcome import Outcome
from igent.types import Completion, JsonObject
from igent.workflows.identity import differences
from igent.writing.audit import prune
from igent.writing.entries import answer_from_entry, outcome_from_entry
from igent.writing.journal import Journal
from igent.writing.lines import Place, encode
from igent.writing.outcomes import JournalOutcomes
from igent.writing.reader import JOURNAL_FORMAT, JournalContents, scan_journal

_JOURNAL = "journal.jsonl"
_SUMMARY = "summary.json"
_ELSEWHERE = "choose another folder with --out"
_REMEDY = "start over with --fresh (the old folder is kept beside it), or choose another folder with --out"


class Settled(Mapping[str, Outcome]):
    """The outcomes of earlier sessions by record id, read when they are looked at (see JournalOutcomes)."""

    def __init__(self, outcomes: JournalOutcomes) -> None:
        self._outcomes = outcomes
        self._indexes: dict[str, int] = {}

    def add(self, outcome: Outcome, place: Place) -> None:
        """Note that the entry of this outcome stands at `place`; one that the record had before counts no more."""
        self.drop(outcome.record_id)
        self._outcomes.add(outcome.record_id, outcome.index, place)
        self._indexes[outcome.record_id] = outcome.index

    def wrote(self, record_id: str, seconds: float) -> None:
        """How long the entry of this record's outcome took to write; nothing when it has none."""
        if record_id in self._indexes:
            self._outcomes.wrote(self._indexes[record_id], seconds)

    def drop(self, record_id: str) -> None:
        """Forget the record's outcome, if it has one."""
        if record_id in self._indexes:
            self._outcomes.drop(self._indexes.pop(record_id))

    def keep(self, record_ids: Iterable[str]) -> None:
        """Forget the outcomes of all records but these."""
        left = dict(self._indexes)
        for record_id in record_ids:
            left.pop(record_id, None)
        for record_id in left:
            self.drop(record_id)

    def __getitem__(self, record_id: str) -> Outcome:
        return self._outcomes.at(self._indexes[record_id])

    def __contains__(self, record_id: object) -> bool:
        return record_id in self._indexes

    def __iter__(self) -> Iterator[str]:
        return iter(self._indexes)

    def __len__(self) -> int:
        return len(self._indexes)


@dataclass(slots=True)
class RunFolder:
    """A run folder that this process holds.

    `kept` are all outcomes of the run, to which a session adds its own, `outcomes` those of earlier sessions; `answers`
    are paid for and of records without an outcome, `retrying` the failed records that are to be tried again and have
    not been; `reach` is how many records of the input it has gone to; `run` is the journal's first entry (None in a new
    folder), `contents` its size and what damage at its end cost; `forgotten` says, after `check`, that a run was
    here of which the journal knows nothing. `bought` are the requests behind the answers that the journal has.
    """

    path: Path
    lock: FolderLock
    disk: Disk
    kept: JournalOutcomes
    outcomes: Settled
    contents: JournalContents = field(default_factory=JournalContents)
    answers: dict[str, deque[Completion]] = field(default_factory=dict)
    retrying: set[str] = field(default_factory=set)
    reach: int = 0
    run: JsonObject | None = None
    forgotten: bool = False
    bought: int = 0
    spent_calls: int = 0
    spent_cost: Decimal = Decimal(0)
    _keys: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def open(cls, path: Path, *, fresh: bool = False, disk: Disk = SYSTEM_DISK) -> RunFolder:
        """Take the folder, making it if need be; `fresh` sets an old one aside first.

        Raises RunInUseError, or RunFolderError when the folder cannot be used.
        """
        lock = _take(path, disk)
        try:
            names = _names(path, disk)
            if fresh and _JOURNAL in names:
                set_aside(path, disk)  # under its lock, which moves with it: nobody else can take it in between
                lock.release()
                lock = _take(path, disk)
                names = _names(path, disk)
            _refuse_foreign(path, names)
            kept = JournalOutcomes(path / _JOURNAL, disk)
            folder = cls(path, lock, disk, kept, Settled(kept))
            folder.contents = scan_journal(path / _JOURNAL, folder._replay, disk)
        except BaseException:
            lock.release()
            raise
        return folder

    def recall(self, key: str) -> Completion | None:
        """The answer that was paid for and not used since; the same question asked twice has two, in their order."""
        kept = self.answers.get(key)
        return kept.popleft() if kept else None

    def check(self, identity: JsonObject) -> None:
        """Raise RunFolderError, saying what differs, when the folder belongs to other inputs.

        Where the journal has lost its beginning, which says so, the summary of that run is asked, if there is one.
        """
        known = self.run.get("identity", {}) if self.run else {**identity, **self._summarised()}
        found = differences(known, identity)
        if found:
            raise RunFolderError(Problem(str(self.path), f"holds another run: {'; '.join(found)}", _REMEDY))

    def _summarised(self) -> JsonObject:
        """What the summary tells of the run's identity; nothing where there is none, or it cannot be read."""
        try:
            with self.disk.open(self.path / _SUMMARY, "rb") as file:
                told = orjson.loads(file.readall() or b"")["run"]
            self.forgotten = True
            return {"name": told["constellation"], **{key: told[key] for key in ("scenario", "models", "seed", "mock")}}
        except (OSError, ValueError, KeyError, TypeError):
            return {}

    def journal(self, *, audit: bool) -> Journal:
        """The journal, open for writing; the audit file beside it holds nothing of unsettled records."""
        conversations = self.path / "conversations.jsonl"
        if audit:
            prune(conversations, self.outcomes, self.disk)
        audited = conversations if audit else None
        return Journal(self.path / _JOURNAL, self.contents, audit=audited, disk=self.disk)

    def write(self, name: str, content: JsonObject) -> None:
        """Replace a file of the folder by this content, as JSON. Raises RunFolderError."""
        path = self.path / name
        try:
            replace_file(path, [encode(content, pretty=True) + b"\n"], disk=self.disk)
        except OSError as error:
            raise disk_failure(path, "written", error) from error

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

    def _replay(self, entry: JsonObject, place: Place) -> None:
        match entry.get("kind"):
            case "run":
                self.run = entry
            case "answer":
                key, completion = answer_from_entry(entry)
                self.bought += 1 + completion.retries + completion.hedged
                self.answers.setdefault(key, deque()).append(completion)
                self._keys.setdefault(str(entry.get("record_id")), []).append(key)
            case "outcome":
                outcome = outcome_from_entry(entry)
                self.outcomes.add(outcome, place)
                self.reach = max(self.reach, outcome.index + 1)
                self.retrying.discard(outcome.record_id)
                self._drop_answers(outcome.record_id)
            case "written":
                self.outcomes.wrote(str(entry["record_id"]), float(entry["seconds"]))
            case "spent":
                self.spent_calls += int(entry["calls"])
                self.spent_cost += Decimal(str(entry["cost"] or 0))
            case "retry":
                self._forget(frozenset(entry["record_ids"]))

    def _forget(self, records: frozenset[str]) -> None:
        """Failed records are to be tried again: neither their outcomes nor their answers count any more."""
        self.retrying |= records
        for record_id in records:
            self.outcomes.drop(record_id)
            self._drop_answers(record_id)

    def _drop_answers(self, record_id: str) -> None:
        for key in self._keys.pop(record_id, ()):
            self.answers.pop(key, None)


def set_aside(path: Path, disk: Disk = SYSTEM_DISK) -> Path:
    """Rename a run folder to NAME.old-1, NAME.old-2 …; nothing is ever deleted. Returns the new path."""
    number = 1
    path = path if path.name else path.resolve()  # "." has no name
    try:
        while disk.state(target := path.with_name(f"{path.name}.old-{number}")) is not None:
            number += 1
        disk.replace(path, target)
        disk.sync_folder(path.parent)
    except OSError as error:
        raise disk_failure(path, f"renamed to {path.name}.old-{number}", error, _ELSEWHERE) from error
    return target


def _take(path: Path, disk: Disk) -> FolderLock:
    """The lock of the folder, which is made if need be."""
    try:
        disk.make_folder(path)
        disk.sync_folder(path.parent)  # whoever made it may have been killed before it was durable
    except OSError as error:
        raise disk_failure(path, "made", error, _ELSEWHERE) from error
    lock = FolderLock(path, disk)
    lock.acquire()
    return lock


def _names(path: Path, disk: Disk) -> list[str]:
    try:
        return disk.names(path)
    except OSError as error:
        raise disk_failure(path, "read", error, _ELSEWHERE) from error


def _refuse_foreign(path: Path, names: Iterable[str]) -> None:
    """A folder with things in it, but without a journal, is somebody's own: a run would write over it."""
    others = sorted(set(names) - {"run.lock", "run.pid"})
    if others and _JOURNAL not in others:
        what = f"is no run folder, and not empty ({', '.join(others[:3])}{' …' if len(others) > 3 else ''})"
        raise RunFolderError(Problem(str(path), what, _ELSEWHERE))
