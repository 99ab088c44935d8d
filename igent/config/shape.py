"""The places of a constellation file: what they are called in messages, and which keys may stand there."""

from __future__ import annotations

__all__ = ["At", "keys_at", "kind_at", "kinds_with", "label"]

from typing import Any

from pydantic import BaseModel

from igent.config.constellation import AgentSpec, CascadeSpec, ConstellationSpec, Deadlines, Limits, Resources, RunSpec
from igent.config.phases import KINDS, PhaseSpec, StepSpec

At = tuple[str | int, ...]
"""The path of a value in the file: ("phases", 0, "name")."""


def label(at: At) -> str:
    """What a message calls the place."""
    match at:
        case ():
            return "the constellation"
        case ("agents", str() as name):
            return f"agent {name!r}"
        case ("agents", str() as name, "cascade"):
            return f"the cascade of agent {name!r}"
        case ("phases", int() as index):
            return f"phase {index + 1}"
        case ("phases", int() as index, "steps", int() as step):
            return f"step {step + 1} of phase {index + 1}"
    return ".".join(str(part) for part in at)


def keys_at(at: At, raw: Any) -> list[str]:
    """The keys that may stand at this place; `raw` is the whole file, whose phases say of which kind they are."""
    models: list[type[BaseModel]]
    match at:
        case ("agents", _):
            models = [AgentSpec]
        case ("agents", _, "cascade"):
            models = [CascadeSpec]
        case ("phases", int() as index):
            models = _of_phase(raw, index)
        case ("phases", _, "steps", _):
            models = [StepSpec]
        case ("run",):
            models = [RunSpec]
        case ("run", "deadlines"):
            models = [Deadlines]
        case ("run", "limits"):
            models = [Limits]
        case ("run", "resources"):
            models = [Resources]
        case _:
            models = [ConstellationSpec]
    return [field.alias or name for model in models for name, field in model.model_fields.items()]


def kind_at(raw: Any, index: int) -> Any:
    """The `kind` of a phase as the file gives it; None where it gives none."""
    phase = raw["phases"][index]
    return phase.get("kind") if isinstance(phase, dict) else None


def kinds_with(key: str) -> list[str]:
    """The kinds of phase, but for conversations, that have this key."""
    return [kind for kind, model in KINDS.items() if model is not PhaseSpec and key in model.model_fields]


def _of_phase(raw: Any, index: int) -> list[type[BaseModel]]:
    kind = kind_at(raw, index)
    model = KINDS.get(kind, PhaseSpec) if isinstance(kind, str) else PhaseSpec
    return [PhaseSpec, StepSpec] if model is PhaseSpec else [model]
