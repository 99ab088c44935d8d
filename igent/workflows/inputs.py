"""Finds and reads a scenario: DIR/scenarios/NAME.yaml and the files that it names."""

from __future__ import annotations

__all__ = ["ScenarioFiles", "find_scenario", "read_scenario"]

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from igent.config.locate import Places, inside
from igent.config.names import did_you_mean, is_safe_name
from igent.config.yaml import Located, read_yaml
from igent.errors import ConfigError, DataError, Problem
from igent.records.json_reader import read_documents
from igent.types import Record
from igent.workload import Dataset, InputFile, Workload

_MOST_PROBLEMS = 50


@dataclass(frozen=True, slots=True)
class ScenarioFiles:
    """A scenario: its `name`, the data folder, and the file of each key, as absolute paths."""

    name: str
    folder: Path
    files: dict[str, Path]


def find_scenario(places: Places, workload: Workload, data: Path | None, name: str) -> ScenarioFiles:
    """The scenario's files; `data` None is the workload's own folder under data/.

    Raises ConfigError with every problem: no such folder, scenario, key or file name.
    """
    folder = _data_folder(places, workload, data)
    path = folder / "scenarios" / f"{name}.yaml"
    if not is_safe_name(name) or inside(folder / "scenarios", path.name) is None or not path.is_file():
        known = sorted(p.stem for p in (folder / "scenarios").glob("*.yaml"))
        raise ConfigError(Problem(_shown(folder), f"no scenario {name!r}", did_you_mean(name, known, "scenarios")))
    located = read_yaml(path, _shown(path))
    problems = _problems(located, workload.inputs, folder)
    if problems:
        raise ConfigError(*problems)
    keys = [spec.key for spec in workload.inputs if located.value.get(spec.key) is not None]
    return ScenarioFiles(name, folder, {key: (folder / located.value[key]).resolve() for key in keys})


async def read_scenario(workload: Workload, scenario: ScenarioFiles) -> Dataset:
    """Read the scenario's files, in parallel, and make the dataset. Raises DataError with every problem found.

    Records name their file as the scenario does, so that outcomes do not depend on the folder a run is started from; an
    error names it as people would type it.
    """
    files = {key: (path, path.relative_to(scenario.folder).as_posix()) for key, path in scenario.files.items()}
    try:
        documents = await read_documents(files)
        dataset = workload.open(documents)
    except DataError as error:
        shown = _shown(scenario.folder)
        raise DataError(*(replace(p, where=f"{shown}/{p.where}") for p in error.problems)) from error
    _check(dataset.records, workload)
    return dataset


def _check(records: Sequence[Record], workload: Workload) -> None:
    """What the engine rests on, and a workload of somebody's own may get wrong: ids are unique, places are in order."""
    seen: set[str] = set()  # not the records: there may be many
    for place, record in enumerate(records):
        if record.id in seen:
            first = next(other for other in records if other.id == record.id)
            what = f"workload {workload.name!r} gives the id {record.id!r} twice, first at {first.source}"
            raise DataError(Problem(record.source, what, "give the second one an id of its own, and a problem"))
        seen.add(record.id)
        if record.index != place:
            raise DataError(Problem(record.source, f"workload {workload.name!r} gives {record.id!r} a wrong index"))


def _data_folder(places: Places, workload: Workload, data: Path | None) -> Path:
    if data is not None:
        if not data.is_dir():
            raise ConfigError(Problem(str(data), "no such data folder", "it has a folder scenarios/ in it"))
        return data.resolve()
    found = places.find("data", workload.name)
    if found is None:
        raise ConfigError(Problem("", f"no folder data/{workload.name}", "give the data folder: --data DIR"))
    return found


def _problems(located: Located, inputs: Sequence[InputFile], folder: Path) -> list[Problem]:
    value = located.value
    if not isinstance(value, dict):
        return [Problem(located.path, "a scenario is a mapping: name, description, and the files")]
    known = {"name", "description", *(spec.key for spec in inputs)}
    problems = [
        Problem(located.where(key), f"unknown key {key!r}", did_you_mean(str(key), known, "valid keys"))
        for key in islice((key for key in value if key not in known), _MOST_PROBLEMS)
    ]
    for spec in inputs:
        named = value.get(spec.key)
        if named is None:
            if spec.required:
                problems.append(Problem(located.path, f"lacks {spec.key!r}", f"{spec.key}: FILE.json"))
        elif not isinstance(named, str) or (file := inside(folder, named)) is None:
            what = f"{spec.key}: {str(named)[:200]!r} is no file inside the data folder"
            problems.append(Problem(located.where(spec.key), what, "a path from there on, with /"))
        elif file.exists() and not (file.is_file() or file.is_dir()):  # reading a pipe would wait for ever
            problems.append(Problem(located.where(spec.key), f"{spec.key}: {named!r} is no regular file"))
    return problems


def _shown(path: Path) -> str:
    """The path as people would type it: relative to the current folder where it lies below it."""
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative
