"""What a workload offers to constellations, read off the workload itself."""

from __future__ import annotations

__all__ = ["offers_of"]

from collections.abc import Mapping

from igent.config.offers import StepNames, WorkloadNames
from igent.errors import ConfigError, Problem
from igent.flow import ExpandStep, Flows, MapStep, ReduceStep, SelectStep, StepDeclaration
from igent.workload import Expects, Shortens, Workload

_KINDS = {MapStep: "map", ExpandStep: "expand", SelectStep: "select", ReduceStep: "reduce"}


def offers_of(workload: Workload, where: str = "") -> WorkloadNames:
    """All that the checks of a constellation know of its workload. `where` is the "file:line" for messages. Raises
    ConfigError for a step that is none."""
    flows = workload if isinstance(workload, Flows) else None
    return WorkloadNames(
        schemas={name: list(model.model_fields) for name, model in workload.schemas.items()},
        rules=workload.rules,
        short=workload.short if isinstance(workload, Shortens) else (),
        expects=isinstance(workload, Expects),
        steps=_steps(flows.steps, where) if flows else {},
        compatible=flows.compatible if flows else (),
        takes=flows.takes if flows else {},
    )


def _steps(steps: Mapping[str, StepDeclaration], where: str) -> dict[str, StepNames]:
    wrong = [name for name, step in steps.items() if type(step) not in _KINDS]
    if wrong:
        kinds = ", ".join(kind.__name__ for kind in _KINDS)
        raise ConfigError(*(Problem(where, f"step {name!r} of the workload is none of {kinds}") for name in wrong))
    return {
        name: StepNames(
            kind=_KINDS[type(step)],
            takes=step.takes if isinstance(step.takes, tuple) else (step.takes,),
            gives=step.gives,
        )
        for name, step in steps.items()
    }
