"""YAML 1.2 with the line of every value, safe to read from strangers.

Only the scanner and parser of ruamel.yaml are used: no tag makes an object, and size, nesting and the growth of aliases
are bounded while the file is read.
"""

from __future__ import annotations

__all__ = ["Located", "read_yaml"]

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.reader import ReaderError

from igent.config.reading import read_small_file
from igent.config.yaml_tree import MAX_TEXT, Expander, NotPlainError, Path_, compose
from igent.errors import ConfigError, Problem

MAX_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Located:
    """A YAML file as plain values; `lines` maps the path of each value to its line, from 1; `path` is as shown."""

    path: str
    value: Any
    lines: Mapping[Path_, int]

    def where(self, *at: str | int) -> str:
        """ "file:line" of the value at this path, or of its nearest ancestor that has a line."""
        for end in range(len(at), -1, -1):
            line = self.lines.get(tuple(at[:end]))
            if line is not None:
                return f"{self.path}:{line}"
        return self.path


def read_yaml(path: Path, shown: str | None = None) -> Located:
    """Read one YAML file. Raises ConfigError with file, line and remedy: missing, no file, not UTF-8, bad YAML, more
    than plain values, too large."""
    shown = shown or str(path)
    text = read_small_file(path, MAX_BYTES, shown)
    try:
        tree = compose(YAML(typ="safe", pure=True).parse(text))
        expander = Expander(MAX_TEXT)
        return Located(shown, expander.value(tree), expander.lines)
    except NotPlainError as error:
        raise ConfigError(Problem(f"{shown}:{error.line}", error.what, error.remedy)) from error
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{shown}:{mark.line + 1}" if mark else shown
        what = (error.problem or error.context or "").strip().splitlines() or ["something in it is no YAML"]
        raise ConfigError(Problem(where, f"not valid YAML: {what[0]}")) from error
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        what = f"not valid YAML: the character U+{error.character:04X} may not stand in it"
        raise ConfigError(Problem(f"{shown}:{line}", what, "take it out")) from error
    except (YAMLError, ValueError, OverflowError, RecursionError) as error:
        raise ConfigError(Problem(shown, f"not valid YAML: {error}")) from error
