"""The words of a constellation file: its names and values, and what they may be."""

from __future__ import annotations

__all__ = ["AgentName", "Name", "Options", "Policy", "Resource", "Strict", "Word"]

import math
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict

from igent.config.names import is_safe_name
from igent.config.policy import CriticPolicy


def _name(value: Any) -> Any:
    if isinstance(value, str) and not is_safe_name(value):
        raise ValueError(
            "a name has letters, digits, '.', '_' and '-' only, at most 64, and begins with a letter or digit"
        )
    return value


def _word(value: Any) -> Any:
    if isinstance(value, str) and not value.isprintable():  # lists and messages show it as it is
        raise ValueError("it holds control characters, or others that cannot be seen")
    return value


def _options(value: Any) -> Any:
    if isinstance(value, dict):
        _check_plain(value)
    return value


def _check_plain(value: Any) -> None:
    """What cannot be said in JSON would fail in every call, or be sent as something else."""
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            raise ValueError("its keys are texts: put them in quotes")
        for inner in value.values():
            _check_plain(inner)
    elif isinstance(value, list):
        for inner in value:
            _check_plain(inner)
    elif isinstance(value, float) and not math.isfinite(value):
        raise ValueError("it holds a number that JSON does not have (.inf or .nan)")


def _policy(value: Any) -> Any:
    if isinstance(value, dict) and list(value) == ["sample"]:  # YAML reads "sample: 0.1" as a mapping
        value = f"sample:{value['sample']}"
    if not isinstance(value, (str, CriticPolicy)):
        raise ValueError(f"{value!r} is no critic policy: always, invalid, never, or sample:P with P from 0 to 1")
    return CriticPolicy.parse(value) if isinstance(value, str) else value


def _agent_name(value: Any) -> Any:
    if not isinstance(value, str) or not value.isidentifier():  # AutoGen refuses other names, deep in the run
        raise ValueError("an agent's name has letters, digits and '_' only, and does not begin with a digit")
    return value


AgentName = Annotated[str, BeforeValidator(_agent_name)]
Name = Annotated[str, BeforeValidator(_name)]
Options = Annotated[dict[str, Any], BeforeValidator(_options)]
Policy = Annotated[CriticPolicy, BeforeValidator(_policy)]
Word = Annotated[str, BeforeValidator(_word)]
Resource = Literal["llm", "embedding", "vision", "cpu"]
"""What a phase uses that there is only so much of; `run: {resources: …}` says how much."""


class Strict(BaseModel):
    """A part of a constellation file: frozen, and no key but its own."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", populate_by_name=True, arbitrary_types_allowed=True, allow_inf_nan=False
    )
