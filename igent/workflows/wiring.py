"""Constructs every room from the constellation and hands each what it needs of the others. Nothing is decided here."""

from __future__ import annotations

__all__ = ["build_phases", "build_tools"]

from collections.abc import Callable, Sequence
from typing import Any

from igent.agents.conversation import Step, Tools
from igent.clock import Clock
from igent.config.constellation import PhaseSpec, StepSpec
from igent.config.policy import CriticPolicy
from igent.config.settings import Settings
from igent.errors import ConfigError, Problem
from igent.parsing.answer import AnswerStop, read_answer
from igent.prompting import messages
from igent.types import Model, StopFactory
from igent.validation.checker import Checker
from igent.workflows.constellation import Constellation
from igent.workflows.model import chat_client_maker
from igent.workload import Completes

Phases = Sequence[tuple[str, Sequence[Step]]]


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
    )


def build_phases(constellation: Constellation, settings: Settings) -> Phases:
    """The phases with their steps, agents, prompts and checks, in order."""
    policy = CriticPolicy.parse(settings.critic) if settings.critic else None
    if policy is not None and not any(
        constellation.spec.agents[a].role == "critic" for _, step in constellation.spec.steps() for a in step.agents
    ):
        raise ConfigError(Problem("", f"--critic {policy}: constellation {constellation.name!r} has no critic"))
    return [
        (phase.name, [_step(constellation, phase, step, policy) for step in phase.steps])
        for phase in constellation.spec.phases
    ]


def _step(constellation: Constellation, phase: PhaseSpec, step: StepSpec, policy: CriticPolicy | None) -> Step:
    workload = constellation.workload
    agents = [constellation.participant(name, step) for name in step.agents]
    checks = Checker(
        workload.schemas[step.schema_name],
        {name: workload.rules[name] for name in step.rules},
        workload.refusal(step.schema_name),
        workload.confirm_refusal,
        workload.complete if isinstance(workload, Completes) else None,
    )
    return Step(
        phase=phase.name,
        output=step.output,
        schema=step.schema_name,
        matcher=next(agent for agent in agents if agent.role == "matcher"),
        critic=next((agent for agent in agents if agent.role == "critic"), None),
        policy=policy or step.critic,
        max_rounds=step.max_rounds,
        reserves=step.reserves,
        checks=checks,
    )


def _stop(accepts: Callable[[Any], bool]) -> StopFactory:
    return lambda: AnswerStop(accepts)


def _read(text: str, accepts: Callable[[Any], bool]) -> tuple[Any, str]:
    answer = read_answer(text, accepts)
    return answer.value, answer.problem
