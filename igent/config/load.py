"""Reads a constellation file and finds everything that is wrong with its shape, all at once."""

from __future__ import annotations

__all__ = ["Source", "in_order", "read_constellation"]

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from igent.config.constellation import (
    AgentSpec,
    ConstellationSpec,
    Deadlines,
    PhaseSpec,
    RunSpec,
    StepSpec,
)
from igent.config.names import did_you_mean
from igent.config.yaml import Located, read_yaml
from igent.errors import ConfigError, Problem

At = tuple[str | int, ...]

_MOST_PROBLEMS = 50


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
    for _ in range(20):  # each pass removes at least one value, or ends
        try:
            return Source(path, ConstellationSpec.model_validate(raw), located, tuple(problems))
        except ValidationError as error:
            found = _Findings(located, raw, error)
            problems += found.problems
            if not found.removable or len(problems) > _MOST_PROBLEMS:
                break
            for at in found.removable:
                raw = _without(raw, at)
    raise ConfigError(*in_order(problems))


class _Findings:
    """What pydantic said of one pass, as problems with lines; and which values to leave out in the next pass."""

    def __init__(self, located: Located, raw: Any, error: ValidationError) -> None:
        self.problems: list[Problem] = []
        self.removable: list[At] = []
        errors = error.errors()
        for item in errors[:_MOST_PROBLEMS]:
            at = _present(raw, item["loc"])
            if item["type"] == "missing":
                key = str(item["loc"][-1])
                self.problems.append(Problem(located.where(*at), f"{_label(at)} lacks {key!r}"))
                continue
            if at:
                self.removable.append(at)
            if item["type"] == "extra_forbidden":
                remedy = did_you_mean(str(at[-1]), _keys_at(at[:-1]), "valid keys")
                self.problems.append(
                    Problem(located.where(*at), f"unknown key {at[-1]!r} in {_label(at[:-1])}", remedy)
                )
            else:
                message = item["msg"].removeprefix("Value error, ")
                what = f"{at[-1]} of {_label(at[:-1])}" if at else _label(at)
                self.problems.append(Problem(located.where(*at), f"{what}: {message}"))
        if len(errors) > _MOST_PROBLEMS:  # each costs a copy of the file's values: thousands would take minutes
            self.problems.append(Problem(located.path, f"and {len(errors) - _MOST_PROBLEMS:,} more problems"))


def _present(raw: Any, loc: At) -> At:
    """The part of pydantic's location that exists in the file: the implied `steps.0` and type tags are left out."""
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


def _without(raw: Any, at: At) -> Any:
    head, *rest = at
    if isinstance(raw, list):
        index = int(head)
        return [*raw[:index], *([_without(raw[index], tuple(rest))] if rest else []), *raw[index + 1 :]]
    if not isinstance(raw, dict) or head not in raw:
        return raw  # an earlier removal of this pass took it along
    if rest:
        return raw | {head: _without(raw[head], tuple(rest))}
    return {k: v for k, v in raw.items() if k != head}


def _label(at: At) -> str:
    match at:
        case ():
            return "the constellation"
        case ("agents", str() as name):
            return f"agent {name!r}"
        case ("phases", int() as index):
            return f"phase {index + 1}"
        case ("phases", int() as index, "steps", int() as step):
            return f"step {step + 1} of phase {index + 1}"
    return ".".join(str(part) for part in at)


def _keys_at(at: At) -> list[str]:
    models: list[type[BaseModel]]
    match at:
        case ("agents", _):
            models = [AgentSpec]
        case ("phases", _):
            models = [PhaseSpec, StepSpec]
        case ("phases", _, "steps", _):
            models = [StepSpec]
        case ("run",):
            models = [RunSpec]
        case ("run", "deadlines"):
            models = [Deadlines]
        case _:
            models = [ConstellationSpec]
    return [field.alias or name for model in models for name, field in model.model_fields.items()]


def in_order(problems: list[Problem]) -> list[Problem]:
    """The problems without doubles, in the order of their lines."""

    def line(problem: Problem) -> int:
        number = problem.where.rpartition(":")[2]
        return int(number) if number.isdigit() else 0

    return sorted(dict.fromkeys(problems), key=line)
