"""What makes two runs the same run: a run folder may be resumed only by these inputs."""

from __future__ import annotations

__all__ = ["differences", "identity_of"]

from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any

from igent.config.settings import Settings
from igent.types import JsonObject
from igent.workflows.constellation import Constellation
from igent.workflows.inputs import ScenarioFiles


def identity_of(constellation: Constellation, settings: Settings, scenario: ScenarioFiles) -> JsonObject:
    """The identity of a run, as JSON: constellation, prompts, models, input files by content, seed and mock.

    Concurrency, limits, endpoint, when phases start and the number of records are not part of it: a run may go on with
    others.
    """
    left_out: Any = {"run": True, "description": True, "model": True, "phases": {"__all__": {"start"}}}
    spec = constellation.spec.model_dump(mode="json", exclude=left_out)
    _leave_out_defaults(spec)
    return {
        "constellation": sha256(repr(spec).encode()).hexdigest()[:16],
        "name": constellation.name,
        "scenario": scenario.name,
        "files": {key: _digest(path) for key, path in sorted(scenario.files.items())},
        "prompts": {f"{step.output}/{p.name}": p.checksum for step, p in constellation.participants()},
        "models": dict(constellation.models),
        "critic": settings.critic or "",
        "seed": settings.seed,
        "mock": settings.mock,
        "mock_errors": settings.mock_errors if settings.mock else 0.0,
    }


def _leave_out_defaults(spec: JsonObject) -> None:
    """What an older igent did not know of says nothing at its default: its runs may still be gone on with."""
    _leave_out(spec, vision=None)
    for agent in spec["agents"].values():
        _leave_out(agent, cascade=None)
    for phase in spec["phases"]:
        _leave_out(phase, kind="converse", batch=1, where={})
        for step in phase.get("steps", ()):
            _leave_out(step, answer="full", also={})


def _leave_out(part: JsonObject, **defaults: Any) -> None:
    for key, default in defaults.items():
        if part.get(key) == default:
            part.pop(key, None)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()[:16]


_WORDS = {
    "scenario": "it is of scenario {then}, not {now}",
    "files": "the input files have changed",
    "constellation": "the constellation file has changed",
    "prompts": "the prompts have changed (the files, or what this igent adds to them)",
    "models": "other models were asked",
    "critic": "its critic policy was {then}, now it is {now}",
    "seed": "its seed was {then}, now it is {now}",
    "mock": "one of the two is a mock run",
    "mock_errors": "the mock's error rate was {then}, now it is {now}",
}


def differences(then: JsonObject, now: JsonObject) -> list[str]:
    """What tells two identities apart, in words; empty when the run may be resumed."""
    if then.get("name") != now.get("name"):  # everything else follows from it
        return [f"it is of constellation {then.get('name')}, not {now.get('name')}"]
    return [
        words.format(then=_shown(then.get(key)), now=_shown(now.get(key)))
        for key, words in _WORDS.items()
        if then.get(key) != now.get(key)
    ]


def _shown(value: object) -> object:
    return "the constellation's" if value == "" else value
