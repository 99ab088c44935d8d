"""Reads a constellation file and finds everything that is wrong with its shape, all at once."""

from __future__ import annotations

__all__ = ["Source", "in_order", "read_constellation"]

from collections.abc import Collection
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from igent.config.constellation import ConstellationSpec
from igent.config.names import did_you_mean
from igent.config.phases import KINDS
from igent.config.shape import At, keys_at, kind_at, kinds_with, label
from igent.config.yaml import Located, read_yaml
from igent.errors import ConfigError, Problem

_MOST_PROBLEMS = 50
_GONE = object()


@dataclass(frozen=True, slots=True)
class Source:
    """A constellation file: what it says, where each thing stands, and what is wrong with it so far."""

    path: Path
    spec: ConstellationSpec
    located: Located
    problems: tuple[Problem, ...] = ()

    def where(self, *at: str | int) -> str:
        """ "file:line" of a value. The path may say "steps" of a phase that names its one step's keys directly."""
        if len(at) > 3 and at[0] == "phases" and at[2] == "steps" and (*at[:3],) not in self.located.lines:
            at = (*at[:2], *at[4:])
        return self.located.where(*at)

    def problem(self, at: At, what: str, wrong: str = "", valid: Collection[str] = ()) -> Problem:
        """What is wrong with a value; where it is a `wrong` name, the remedy is the nearest `valid` one."""
        return Problem(self.where(*at), what, did_you_mean(wrong, valid) if wrong else "")


def read_constellation(path: Path) -> Source:
    """Read one file.

    What is merely wrong (an unknown key, a bad value) is noted in `problems` and left out, so that the rest can be
    checked as well. Raises ConfigError when too little is left to make sense of.
    """
    located = read_yaml(path)
    if not isinstance(located.value, dict):
        raise ConfigError(
            Problem(located.path, "a constellation is a mapping: name, workload, scenario, agents, phases")
        )
    raw, problems = located.value, list[Problem]()
    for _ in range(20):  # each pass removes or mends at least one value, or ends
        try:
            return Source(path, ConstellationSpec.model_validate(raw), located, tuple(problems))
        except ValidationError as error:
            found = _Findings(located, raw, error)
            problems += found.problems
            if found.hopeless or not found.changes or len(problems) > _MOST_PROBLEMS:
                break
            for at in sorted(found.changes, key=_place, reverse=True):  # what is removed moves what follows it
                if found.changes[at] is _GONE and _is_element(raw, at):
                    located = _closed_up(located, at)
                raw = _changed(raw, at, found.changes[at])
    raise ConfigError(*in_order(problems))


class _Findings:
    """What pydantic said of one pass, as problems with lines; and what is to be changed for the next pass: values to
    leave out, kinds of phase to take for what was probably meant."""

    def __init__(self, located: Located, raw: Any, error: ValidationError) -> None:
        self.problems: list[Problem] = []
        self.changes: dict[At, Any] = {}
        self.hopeless = False
        self._located, self._raw = located, raw
        errors = error.errors()
        for item in errors[:_MOST_PROBLEMS]:
            self._add(item)
        if len(errors) > _MOST_PROBLEMS:  # each costs a copy of the file's values: thousands would take minutes
            self.problems.append(Problem(located.path, f"and {len(errors) - _MOST_PROBLEMS:,} more problems"))

    def _add(self, item: ErrorDetails) -> None:
        at = _present(self._raw, _without_tag(item["loc"]))
        if item["type"] == "missing":
            self._say(at, f"{label(at)} lacks {str(item['loc'][-1])!r}")
        elif item["type"] == "union_tag_invalid":
            self._kind(int(at[1]))
        elif item["type"] == "extra_forbidden":
            self.changes[at] = _GONE
            self._say(at, f"unknown key {at[-1]!r} in {label(at[:-1])}", self._remedy(at))
        else:
            if at:
                self.changes[at] = _GONE
            message = item["msg"].removeprefix("Value error, ")
            self._say(at, f"{at[-1]} of {label(at[:-1])}: {message}" if at else f"{label(at)}: {message}")

    def _kind(self, index: int) -> None:
        at, kind = ("phases", index, "kind"), str(kind_at(self._raw, index))
        near = get_close_matches(kind, KINDS, n=1, cutoff=0.5) if len(kind) < 50 else []
        self.hopeless = self.hopeless or not near  # nothing can be said of its keys, nor of phases that need it
        self.changes[at] = near[0] if near else _GONE
        self._say(at, f"no kind {kind!r} of phase", did_you_mean(kind, KINDS, "kinds"))

    def _remedy(self, at: At) -> str:
        if len(at) == 3 and at[0] == "phases" and kind_at(self._raw, int(at[1])) is None:
            kinds = kinds_with(str(at[-1]))
            if kinds:
                return f"a phase of kind {' or '.join(kinds)} has it: say which, as in kind: {kinds[0]}"
        return did_you_mean(str(at[-1]), keys_at(at[:-1], self._raw), "valid keys")

    def _say(self, at: At, what: str, remedy: str = "") -> None:
        self.problems.append(Problem(self._located.where(*at), what, remedy))


def _without_tag(loc: At) -> At:
    """pydantic's location without the kind that it puts behind the number of a phase."""
    return (*loc[:2], *loc[3:]) if loc[:1] == ("phases",) else loc


def _present(raw: Any, loc: At) -> At:
    """The part of pydantic's location that exists in the file: the implied `steps.0` is left out."""
    at: list[str | int] = []
    node = raw
    for part in loc:
        inside = part < len(node) if isinstance(node, list) and isinstance(part, int) else part in node
        if inside:
            node = node[part]
            at.append(part)
        if not isinstance(node, (dict, list)):
            break
    return tuple(at)


def _place(at: At) -> list[tuple[bool, str | int]]:
    return [(isinstance(part, str), part) for part in at]  # a mapping may have numbers and texts as keys


def _is_element(raw: Any, at: At) -> bool:
    for part in at[:-1]:
        raw = raw[part]
    return isinstance(raw, list)


def _changed(raw: Any, at: At, value: Any) -> Any:
    """A copy with another value at this place, or none if it is _GONE."""
    head, *rest = at
    if isinstance(raw, list):
        index = int(head)
        if rest:
            return [*raw[:index], _changed(raw[index], tuple(rest), value), *raw[index + 1 :]]
        return [*raw[:index], *([] if value is _GONE else [value]), *raw[index + 1 :]]
    if not isinstance(raw, dict) or head not in raw:
        return raw  # an earlier removal of this pass took it along
    if rest:
        return raw | {head: _changed(raw[head], tuple(rest), value)}
    return {k: v for k, v in raw.items() if k != head} if value is _GONE else raw | {head: value}


def _closed_up(located: Located, at: At) -> Located:
    """The lines once an element of a list is gone: those that followed it have moved up."""
    *parent, gone = at
    depth = len(parent)
    lines = {}
    for path, line in located.lines.items():
        place = path[depth] if len(path) > depth and path[:depth] == tuple(parent) else None
        if isinstance(place, int) and isinstance(gone, int) and place >= gone:
            if place > gone:
                lines[(*path[:depth], place - 1, *path[depth + 1 :])] = line
        else:
            lines[path] = line
    return replace(located, lines=lines)


def in_order(problems: list[Problem]) -> list[Problem]:
    """The problems without doubles, in the order of their lines."""

    def line(problem: Problem) -> int:
        number = problem.where.rpartition(":")[2]
        return int(number) if number.isdigit() else 0

    return sorted(dict.fromkeys(problems), key=line)
