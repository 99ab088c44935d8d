"""The checks of a constellation's agents: models, prompts, rule agents, cascades."""

from __future__ import annotations

__all__ = ["PromptProblem", "check_agents"]

from collections.abc import Callable, Collection, Iterator, Mapping

from igent.config.constellation import AgentSpec, CascadeSpec
from igent.config.load import Source
from igent.config.offers import WorkloadNames
from igent.errors import Problem

PromptProblem = Callable[[str], tuple[str, str] | None]
"""Tells what is wrong with a prompt file (what, remedy), or None."""


def check_agents(
    source: Source, workload: WorkloadNames, models: Mapping[str, str | None], prompt_problem: PromptProblem
) -> Iterator[Problem]:
    """What is wrong with the agents, each by itself; see `check_names`."""
    used = {name for _, step in source.spec.steps() for name in step.agents}
    if not source.spec.agents and used:
        yield Problem(
            source.where("agents"),
            "the constellation has no agents",
            "agents: {NAME: {role: matcher, prompt: FILE.md}}",
        )
    for name, agent in source.spec.agents.items():
        if name not in used:
            yield source.problem(("agents", name), f"no phase uses agent {name!r}", name, used)
        if agent.cascade is not None:
            yield from _cascade(source, workload, name, agent, agent.cascade)
        if agent.role == "rule":
            yield from _rule_agent(source, workload, name)
        else:
            yield from _spoken_for(source, name, models, prompt_problem)


def _spoken_for(
    source: Source, name: str, models: Mapping[str, str | None], prompt_problem: PromptProblem
) -> Iterator[Problem]:
    """An agent needs a model, and a prompt that can be rendered."""
    if models.get(name) is None:
        remedy = "give it one, or the constellation: model: …"
        yield Problem(source.where("agents", name), f"agent {name!r} has no model", remedy)
    prompt = source.spec.agents[name].prompt
    found = prompt_problem(prompt) if prompt else ("it has no prompt", "prompt: FILE.md")
    if found:
        yield Problem(source.where("agents", name, "prompt"), *found)


def _rule_agent(source: Source, workload: WorkloadNames, name: str) -> Iterator[Problem]:
    agent = source.spec.agents[name]
    for key in ("prompt", "model", "type"):
        if getattr(agent, key) is not None:
            what = f"agent {name!r} has role rule: it has no {key}, for no model is asked"
            yield source.problem(("agents", name, key), what)
    if not workload.expects:
        what = f"workload {source.spec.workload!r} has no answers of its own for a rule agent"
        yield Problem(source.where("agents", name), what, "leave the agent out")


def _cascade(
    source: Source, workload: WorkloadNames, name: str, agent: AgentSpec, cascade: CascadeSpec
) -> Iterator[Problem]:
    at = ("agents", name, "cascade")
    if agent.role != "matcher":
        what = f"agent {name!r} has role {agent.role}: only a matcher's answer says how sure it is"
        yield Problem(source.where(*at), what, "leave the cascade out")
        return
    if agent.type is not None:
        what = f"agent {name!r} is of a type of your own: igent does not choose its model, so it has no cascade"
        yield Problem(source.where(*at), what, "leave the cascade or the type out")
    for schema, fields in _schemas(source, workload, name).items():
        if cascade.confidence not in fields:
            what = f"schema {schema!r}, which agent {name!r} answers by, has no field {cascade.confidence!r}"
            yield source.problem((*at, "confidence"), what, cascade.confidence, fields)


def _schemas(source: Source, workload: WorkloadNames, name: str) -> dict[str, Collection[str]]:
    """The fields of the schemas that an agent answers by, as far as they exist."""
    names = [step.schema_name for _, step in source.spec.steps() if name in step.agents]
    return {schema: workload.schemas[schema] for schema in names if schema in workload.schemas}
