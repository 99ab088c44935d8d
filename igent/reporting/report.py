"""The result of a run: its summary and outcomes, from the run itself or read back from its folder."""

from __future__ import annotations

__all__ = ["Report", "load_report"]

import json  # orjson refuses lone surrogates and rounds integers over 64 bits; records may hold either
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, get_args

from igent.config.names import did_you_mean, is_safe_name
from igent.errors import Problem, RunFolderError
from igent.outcome import Outcome, OutcomeStatus, StepReport
from igent.reporting.summary import SCHEMA_VERSION, Summary
from igent.types import JsonObject, Usage

_SUMMARY, _OUTCOMES, _JOURNAL = "summary.json", "outcomes.jsonl", "journal.jsonl"
_REMAKE = "start the same run again: the journal has every outcome, and the file is made anew"
_STEP_FIELDS = frozenset(field.name for field in fields(StepReport)) - {"usage"}


@dataclass(frozen=True, slots=True)
class Report:
    """What `run_workflow` returns: the `summary`, the `outcomes` in input order, and the run `folder`.

    The outcomes of a run are read from its journal whenever they are looked at, also after the folder was renamed or
    deleted: keep `list(report.outcomes)` where they are needed often.
    """

    summary: Summary
    outcomes: Sequence[Outcome]
    folder: Path

    @property
    def done(self) -> int:
        """Records that are done."""
        return self.summary.counts.done

    @property
    def no_match(self) -> int:
        """Records that nobody fits."""
        return self.summary.counts.no_match

    @property
    def failed(self) -> int:
        """Records that failed."""
        return self.summary.counts.failed

    def outputs(self, name: str) -> list[JsonObject]:
        """The outputs of one step ("matches", "pos"), in input order; records without it are left out.

        Of a graph, whose outcomes hold what each phase gave, and where no outcome holds it (a report read from a
        folder), `<name>.json` is read. Empty for a name that is no output's. Raises RunFolderError when that file is
        damaged.
        """
        found = [outcome.outputs[name] for outcome in self.outcomes if name in outcome.outputs]
        if found and not self.summary.phases:
            return found
        path = self.folder / f"{name}.json"
        return _read_list(path) if is_safe_name(name) and path.is_file() else []


def load_report(folder: Path, outcomes: Sequence[Outcome] | None = None) -> Report:
    """The report of a run folder.

    `outcomes` are those of its journal, if the caller has read them; None: those of outcomes.jsonl, which holds no
    times and no outputs.
    Raises RunFolderError when the folder is no run folder (with the nearest that is), has not finished, or is damaged.
    """
    _check(folder)
    summary = _read_summary(folder / _SUMMARY)
    known = _read_outcomes(folder / _OUTCOMES) if outcomes is None else list(outcomes)
    return Report(summary, tuple(known), folder)


def _check(folder: Path) -> None:
    if (folder / _SUMMARY).is_file():
        return
    if (folder / _JOURNAL).is_file():
        raise RunFolderError(
            Problem(str(folder), "this run has no summary yet", "start the same run again: it goes on where it ended")
        )
    what = "this folder holds no run" if folder.is_dir() else "there is no such run folder"
    raise RunFolderError(Problem(str(folder), what, _nearest(folder)))


def _nearest(folder: Path) -> str:
    places = {folder, folder.parent, folder.parent / "runs"}
    runs: set[str] = set()
    for place in places:
        try:
            runs |= {str(path.parent) for path in place.glob(f"*/{_SUMMARY}")}
        except OSError:
            continue
    return did_you_mean(str(folder), runs, "run folders") or "name the folder that a run wrote (--out)"


def _read_summary(path: Path) -> Summary:
    try:
        content = json.loads(path.read_bytes())
        version = content["schema_version"]
        if version > SCHEMA_VERSION:
            raise RunFolderError(Problem(str(path), f"written by a newer igent (schema {version})", "update igent"))
        return Summary.from_json(content)
    except OSError as error:
        raise RunFolderError(Problem(str(path), f"cannot be read: {error.strerror or error}")) from error
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise RunFolderError(Problem(str(path), "this is no summary of a run", _REMAKE)) from error


def _read_list(path: Path) -> list[JsonObject]:
    try:
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise RunFolderError(Problem(str(path), f"cannot be read: {error.strerror or error}")) from error
    except (ValueError, RecursionError) as error:
        raise RunFolderError(Problem(str(path), "this is no JSON", _REMAKE)) from error
    return content if isinstance(content, list) else []


def _read_outcomes(path: Path) -> list[Outcome]:
    outcomes: list[Outcome] = []
    try:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                outcomes.append(_outcome(line, number, path))
    except OSError as error:
        raise RunFolderError(Problem(str(path), f"cannot be read: {error.strerror or error}", _REMAKE)) from error
    return outcomes


def _outcome(line: bytes, number: int, path: Path) -> Outcome:
    try:
        content = json.loads(line)
        status = content["status"]
        if status not in get_args(OutcomeStatus):
            raise ValueError(status)
        return Outcome(
            record_id=str(content["record_id"]),
            index=number - 1,
            status=status,
            reason=str(content.get("reason", "")),
            cause=str(content.get("cause", "")),
            steps=tuple(_step(step) for step in content.get("phases", ())),
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise RunFolderError(Problem(f"{path}:{number}", "this is no outcome of a record", _REMAKE)) from error


def _step(content: dict[str, Any]) -> StepReport:
    known = {name: content[name] for name in _STEP_FIELDS & content.keys()}
    return StepReport(**known, usage=Usage(**content["usage"]))
