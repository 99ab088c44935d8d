"""Constructs every room from the constellation and hands each what it needs of the others. Nothing is decided here."""

from __future__ import annotations

__all__ = ["build_phases", "build_tools"]

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from pydantic import BaseModel

from igent.agents.step import Part, Step, Tools
from igent.clock import Clock
from igent.config.constellation import PhaseSpec, StepSpec
from igent.config.policy import CriticPolicy
from igent.config.settings import Settings
from igent.errors import ConfigError, Problem
from igent.parsing.answer import AnswerStop, read_answer
from igent.parsing.elements import Elements
from igent.prompting import messages
from igent.types import Case, JsonObject, Model, StopFactory
from igent.validation.checker import Checker
from igent.workflows.constellation import Constellation
from igent.workflows.model import chat_client_maker
from igent.workflows.phase import Phase
from igent.workload import Completes, Expects, Shortens, Workload


def build_tools(model: Model, constellation: Constellation, settings: Settings, clock: Clock) -> Tools:
    """What conversations are handed."""
    return Tools(
        client=chat_client_maker(model),
        stop=_stop,
        read=_read,
        blocks=constellation.workload.blocks,
        texts=messages,
        clock=clock,
        seed=settings.seed,
        turn_seconds=constellation.spec.run.deadlines.turn,
        elements=Elements,
    )


def build_phases(constellation: Constellation, settings: Settings) -> Sequence[Phase]:
    """The phases with their steps, agents, prompts and checks, in order."""
    policy = CriticPolicy.parse(settings.critic) if settings.critic else None
    if policy is not None and not any(
        constellation.spec.agents[a].role == "critic" for _, step in constellation.spec.steps() for a in step.agents
    ):
        raise ConfigError(Problem("", f"--critic {policy}: constellation {constellation.name!r} has no critic"))
    return [
        Phase(phase.name, phase.start, [_step(constellation, phase, step, policy) for step in phase.steps])
        for phase in constellation.spec.conversations()
    ]


def _step(constellation: Constellation, phase: PhaseSpec, step: StepSpec, policy: CriticPolicy | None) -> Step:
    workload = constellation.workload
    roles = {constellation.spec.agents[name].role: name for name in step.agents}
    return Step(
        phase=phase.name,
        output=step.output,
        schema=step.schema_name,
        matcher=constellation.participant(roles["matcher"], step),
        critic=constellation.participant(roles["critic"], step) if "critic" in roles else None,
        policy=policy or step.critic,
        max_rounds=step.max_rounds,
        reserves=step.reserves,
        checks=_checks(workload, step),
        rule=roles.get("rule", ""),
        decide=_decide(workload, step.schema_name) if "rule" in roles else _undecided,
        also={output: (schema, _part(workload.schemas[schema])) for output, schema in step.also.items()},
    )


def _checks(workload: Workload, step: StepSpec) -> Checker:
    schema = step.schema_name
    short = workload.short[schema] if step.answer == "short" and isinstance(workload, Shortens) else None
    return Checker(
        workload.schemas[schema],
        {name: workload.rules[name] for name in step.rules},
        workload.refusal(schema),
        workload.confirm_refusal,
        workload.complete if isinstance(workload, Completes) else None,
        short,
        partial(workload.expand, schema=schema) if isinstance(workload, Shortens) else None,
        [workload.schemas[name] for name in step.also.values()],
    )


def _decide(workload: Workload, schema: str) -> Callable[[Case], JsonObject | None]:
    return partial(workload.expect, schema=schema) if isinstance(workload, Expects) else _undecided


def _undecided(_: Case) -> JsonObject | None:
    return None


def _part(schema: type[BaseModel]) -> Part:
    return lambda answer: schema.model_validate(answer).model_dump(mode="json", by_alias=True)


def _stop(accepts: Callable[[Any], bool]) -> StopFactory:
    return lambda: AnswerStop(accepts)


def _read(text: str, accepts: Callable[[Any], bool]) -> tuple[Any, str]:
    answer = read_answer(text, accepts)
    return answer.value, answer.problem
