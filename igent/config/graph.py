"""The checks of a graph of phases: who needs whom, which steps there are, and what a graph does not have."""

from __future__ import annotations

__all__ = ["check_graph"]

from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter

from igent.config.constellation import ConstellationSpec, PhaseSpec, StepSpec
from igent.config.load import Source
from igent.config.offers import WorkloadNames
from igent.config.phases import AnyPhase, EmbedSpec, ExpandSpec, MapSpec, PairSpec, StepPhase
from igent.config.shape import At
from igent.config.streams import check_streams
from igent.errors import Problem

_MOST_CYCLES = 20


def check_graph(source: Source, workload: WorkloadNames) -> list[Iterator[Problem]]:
    """What is wrong with how the phases of a graph hang together, each sort by itself. They may stand in any order in
    the file."""
    cycles, order = _cycles(source)
    return [
        _needs(source),
        iter(cycles),
        _counts(source),
        _steps(source, workload),
        _conversations(source, workload),
        check_streams(source, workload, order),
    ]


def _needs(source: Source) -> Iterator[Problem]:
    names = {phase.name for phase in source.spec.phases}
    for p, phase in enumerate(source.spec.phases):
        for i, need in enumerate(phase.needs):
            at: At = ("phases", p, "needs", i)
            if need not in names:
                others = names - {phase.name}
                yield source.problem(at, f"phase {phase.name!r} needs {need!r}, which is no phase", need, others)
            elif need in phase.needs[:i]:
                yield source.problem(at, f"phase {phase.name!r} needs {need!r} twice")


def _cycles(source: Source) -> tuple[list[Problem], list[str]]:
    """One problem for each circle of phases, and the names of the phases that are in none, each behind those that it
    needs."""
    places = {phase.name: p for p, phase in reversed(list(enumerate(source.spec.phases)))}
    needs = {name: [n for n in source.spec.phases[p].needs if n in places] for name, p in places.items()}
    problems: list[Problem] = []
    while True:
        try:
            return problems, list(TopologicalSorter(needs).static_order())
        except CycleError as error:
            circle: list[str] = error.args[1][::-1]  # from each to one that it needs; the first is named again
        problems.append(_circle(source, circle, places))
        if len(problems) == _MOST_CYCLES:
            return problems, []
        needs = {name: [n for n in some if n not in circle] for name, some in needs.items() if name not in circle}


def _circle(source: Source, circle: list[str], places: Mapping[str, int]) -> Problem:
    first = min(range(len(circle) - 1), key=lambda i: places[circle[i]])
    shown = [*circle[first:-1], *circle[: first + 1]]
    last, p = shown[-2], places[shown[-2]]
    at = ("phases", p, "needs", source.spec.phases[p].needs.index(shown[-1]))
    what = f"phases need each other in a circle: {' -> '.join(shown)}"
    return Problem(source.where(*at), what, f"take one out of the needs of a phase in it, such as {last!r}")


def _counts(source: Source) -> Iterator[Problem]:
    """How many phases each kind needs, and what only those without any may have."""
    for p, phase in enumerate(source.spec.phases):
        given = len(phase.needs)
        wanted = {"embed": "one or more", "pair": "exactly two", "select": "exactly one", "reduce": "one or more"}
        right = {"pair": given == 2, "select": given == 1}.get(phase.kind, given > 0)
        if phase.kind in wanted and not right:
            at: At = ("phases", p, "needs" if given else "name")
            what = f"phase {phase.name!r} is of kind {phase.kind}: it needs {wanted[phase.kind]} of the others"
            yield Problem(source.where(*at), f"{what}, not {given}", f"needs: [{_example(source.spec, phase)}]")
        if isinstance(phase, (PhaseSpec, MapSpec, ExpandSpec)) and phase.where and given:
            what = f"phase {phase.name!r} has `where` and `needs`: only the records of the input are picked by `where`"
            yield Problem(source.where("phases", p, "where"), what, "leave one of the two out")
        if not isinstance(phase, PhaseSpec) and phase.tables and phase.output is None:
            what = f"phase {phase.name!r} has tables, but no output to name them"
            yield Problem(source.where("phases", p, "tables"), what, "output: NAME")


def _example(spec: ConstellationSpec, phase: AnyPhase) -> str:
    """Names of phases that this one could need; NAME where the file has too few."""
    if isinstance(phase, PairSpec):
        near = [other.name for other in spec.phases if isinstance(other, EmbedSpec)]
        return ", ".join([*near, "NAME", "NAME"][:2])
    return "NAME"


def _steps(source: Source, workload: WorkloadNames) -> Iterator[Problem]:
    """Steps, and rules for pairs, are the workload's."""
    for p, phase in enumerate(source.spec.phases):
        if isinstance(phase, StepPhase):
            yield from _step(source, workload, ("phases", p), phase)
        elif isinstance(phase, PairSpec) and phase.compatible not in {None, *workload.compatible}:
            name = str(phase.compatible)
            what = f"no rule {name!r} for pairs in workload {source.spec.workload!r}"
            yield source.problem(("phases", p, "compatible"), what, name, workload.compatible)


def _step(source: Source, workload: WorkloadNames, at: At, phase: StepPhase) -> Iterator[Problem]:
    name, place, owner = phase.step, (*at, "step"), f"workload {source.spec.workload!r}"
    step = workload.steps.get(name)
    alike = [other for other, found in workload.steps.items() if found.kind == phase.kind]
    if not workload.steps:
        remedy = "steps need a workload with `steps`, `compatible` and `takes`: see igent.flow.Flows"
        yield Problem(source.where(*place), f"no step {name!r}: {owner} offers no steps", remedy)
    elif step is None:
        yield source.problem(place, f"no step {name!r} in {owner}", name, alike or list(workload.steps))
    elif step.kind != phase.kind:
        what = f"step {name!r} of {owner} is one for phases of kind {step.kind}, not {phase.kind}"
        more = f"; steps for {phase.kind}: {', '.join(sorted(alike))}" if alike else ""
        yield Problem(source.where(*place), what, f"kind: {step.kind}{more}")


def _conversations(source: Source, offers: WorkloadNames) -> Iterator[Problem]:
    """What conversations do not have in a graph, or not about a batch."""
    why = _why(source.spec)
    for p, phase in enumerate(source.spec.phases):
        if not isinstance(phase, PhaseSpec):
            continue
        if phase.start != "settled":
            what = f"phase {phase.name!r}: `start: {phase.start}` is for chains of conversations, and this is a graph"
            yield Problem(source.where("phases", p, "start"), f"{what} ({why})", "leave it out: items flow on at once")
        if phase.batch > 1 and len(phase.steps) > 1:
            what = f"phase {phase.name!r} has a batch of {phase.batch} and {len(phase.steps)} steps: one call, one step"
            yield Problem(source.where("phases", p, "batch"), what, "make each step a phase, or leave the batch out")
        for s, step in enumerate(phase.steps):
            at: At = ("phases", p, "steps", s)
            if step.reserves is not None:
                what = f"phase {phase.name!r}: `reserves` is for chains of conversations, and this is a graph ({why})"
                yield Problem(source.where(*at, "reserves"), what, "leave it out: a graph takes no capacity")
            if phase.batch > 1:
                yield from _batch(source, offers, at, phase, step)


def _batch(source: Source, offers: WorkloadNames, at: At, phase: PhaseSpec, step: StepSpec) -> Iterator[Problem]:
    alone, agents = "batch: 1", source.spec.agents
    for i, name in enumerate(step.agents):
        if name in agents and agents[name].role == "critic":
            what = f"phase {phase.name!r} has a batch of {phase.batch}: a critic judges one answer, not many"
            yield Problem(source.where(*at, "agents", i), what, f"leave {name!r} out, or {alone}")
    if step.answer == "short":
        what = f"phase {phase.name!r} has a batch of {phase.batch}: its answers are given in full, not `answer: short`"
        yield Problem(source.where(*at, "answer"), what, f"answer: full, or {alone}")
    if "number" in offers.schemas.get(step.schema_name, ()):
        what = f"phase {phase.name!r} has a batch of {phase.batch}: its answers carry the number of their record, and"
        remedy = f"give the field another name, or {alone}"
        yield Problem(source.where(*at, "schema"), f"{what} schema {step.schema_name!r} has a field `number`", remedy)


def _why(spec: ConstellationSpec) -> str:
    """Why this is a graph: the first phase that makes it one."""
    for phase in spec.phases:
        if not isinstance(phase, PhaseSpec):
            return f"phase {phase.name!r} is of kind {phase.kind}"
        if phase.batch > 1 or phase.where:
            return f"phase {phase.name!r} has {'a batch' if phase.batch > 1 else '`where`'}"
    return "it has phases of other kinds"
