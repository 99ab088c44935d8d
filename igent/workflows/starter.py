"""A folder to start from: a copy of a constellation with its prompts and data, under a name of the user's own."""

from __future__ import annotations

__all__ = ["Starter", "make_starter"]

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from igent.config.load import read_constellation
from igent.config.locate import Places
from igent.config.names import is_safe_name
from igent.errors import ConfigError, Problem


@dataclass(frozen=True, slots=True)
class Starter:
    """What was made: the constellation's `name`, and the `files` and folders, relative to the current folder."""

    name: str
    files: tuple[Path, ...]


def make_starter(folder: Path, constellation: Path, name: str) -> Starter:
    """Copy the constellation, the prompts that it names and its workload's data into a new or empty folder.

    Raises ConfigError when the folder has something in it, or the name is not safe.
    """
    if not is_safe_name(name):
        raise ConfigError(Problem("", f"{name!r} is no name", "letters, digits, '.', '_' and '-', at most 64"))
    if folder.exists() and any(folder.iterdir()):
        raise ConfigError(Problem(str(folder), "is not empty", "name a new folder"))
    spec, places = read_constellation(constellation).spec, Places.around(constellation)
    made: list[Path] = [folder / "constellations" / f"{name}.yaml"]
    try:
        made[0].parent.mkdir(parents=True)
        text = constellation.read_text(encoding="utf-8")
        made[0].write_text(_renamed(text, name, spec.name), encoding="utf-8")
        for prompt in sorted({agent.prompt for agent in spec.agents.values() if agent.prompt}):
            source = places.find("prompts", prompt)
            if source is not None:
                made.append(_copy(source, folder / "prompts" / prompt))
        data = places.find("data", spec.workload)
        if data is not None:
            made.append(folder / "data" / spec.workload)
            shutil.copytree(data, made[-1], ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    except OSError as error:
        raise ConfigError(Problem(str(folder), f"cannot be made: {error.strerror}")) from error
    return Starter(name, tuple(made))


def _renamed(text: str, name: str, source: str) -> str:
    """The file under its new name; what its first lines and its description say is true of the old one only."""
    text = re.sub(r"\A(#.*\n)+", f"# Made from {source}; change whatever you like, then: igent validate {name}\n", text)
    text = re.sub(r"(?m)^description:.*$", "description: my own constellation", text, count=1)
    return re.sub(r"(?m)^name:.*$", f"name: {name}", text, count=1)


def _copy(source: Path, target: Path) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    return target
