"""What a constellation's picture shows: its phases, what each does, and what flows between them."""

from __future__ import annotations

__all__ = ["outline"]

from collections.abc import Iterator, Mapping
from typing import Any

from igent.config.constellation import ConstellationSpec
from igent.config.phases import AnyPhase, EmbedSpec, PairSpec, PhaseSpec, SelectSpec, StepPhase, StepSpec
from igent.reporting.drawing import Drawing, Edge, Node


def outline(spec: ConstellationSpec, models: Mapping[str, str]) -> Drawing:
    """The drawing of a constellation; `models` is the model of each agent, as far as it has one.

    In a chain of conversations each record goes from one phase to the next, whatever they need; in a graph items flow
    to the phases that need them.
    """
    source = _input_name(spec)
    nodes = [
        Node(source, "input", "", (f"scenario {spec.scenario}",)),
        *(_node(spec, phase, models) for phase in spec.phases),
    ]
    edges = _flows(spec, source) if spec.is_graph else _chain(spec, source)
    return Drawing(spec.name, _description(spec), nodes, list(edges))


def _input_name(spec: ConstellationSpec) -> str:
    taken = {phase.name for phase in spec.phases}
    return next(name for name in ("records", "input records", "the input") if name not in taken)


def _chain(spec: ConstellationSpec, source: str) -> Iterator[Edge]:
    before = source
    for phase in spec.conversations():
        early = phase.start if before != source and phase.start != "settled" else ""
        yield Edge(before, phase.name, label=early)
        before = phase.name


def _flows(spec: ConstellationSpec, source: str) -> Iterator[Edge]:
    for phase in spec.phases:
        if not phase.needs:
            yield Edge(source, phase.name)
        for need in phase.needs:
            yield Edge(need, phase.name)
        if isinstance(phase, SelectSpec) and phase.of not in phase.needs:
            yield Edge(phase.of, phase.name, dashed=True, label="gathered")


def _node(spec: ConstellationSpec, phase: AnyPhase, models: Mapping[str, str]) -> Node:
    lines = list(_lines(spec, phase, models))
    if not isinstance(phase, PhaseSpec):
        if phase.output is not None:
            lines.append(f"→ {phase.output}.json{', .csv, .xlsx' if phase.tables else ''}")
        return Node(phase.name, phase.kind, phase.uses, lines)
    return Node(phase.name, phase.kind, "llm", lines)


def _lines(spec: ConstellationSpec, phase: AnyPhase, models: Mapping[str, str]) -> Iterator[str]:
    if where := getattr(phase, "where", None):
        yield "where " + ", ".join(f"{key}: {_value(value)}" for key, value in where.items())
    if isinstance(phase, PhaseSpec):
        for step in phase.steps:
            yield from _conversation(spec, step, models)
        if phase.batch > 1:
            yield f"up to {phase.batch} a call"
    elif isinstance(phase, StepPhase):
        yield f"step {phase.step}" + (f", of {phase.of}" if isinstance(phase, SelectSpec) else "")
    elif isinstance(phase, EmbedSpec):
        yield f"field {phase.field}"
        yield f"model {phase.model}"
    elif isinstance(phase, PairSpec):
        yield f"nearest {phase.k} ({phase.similarity}), from {phase.threshold:g} up"
        if phase.compatible is not None:
            yield f"if {phase.compatible}"


def _conversation(spec: ConstellationSpec, step: StepSpec, models: Mapping[str, str]) -> Iterator[str]:
    for name in step.agents:
        agent = spec.agents[name]
        asked = [*(agent.cascade.models if agent.cascade else ()), *([models[name]] if name in models else ())]
        told = f": {', then '.join(asked)}" if asked else ""
        yield f"{name} ({agent.role}){told}"
    yield f"→ {', '.join(f'{output}.json' for output in (step.output, *step.also))}"


def _value(value: Any) -> str:
    return " or ".join(str(one) for one in value) if isinstance(value, list) else str(value)


def _description(spec: ConstellationSpec) -> str:
    """The same in words."""
    told = []
    for phase in spec.phases:
        needs = f" needs {', '.join(phase.needs)}" if phase.needs else " takes the records of the input"
        told.append(f"{phase.name} ({phase.kind}){needs}")
    return f"{spec.description or spec.name}. {', '.join(told)}."
