"""Finds every name in a constellation that leads nowhere, all at once, before the first token is paid for."""

from __future__ import annotations

__all__ = ["WorkloadNames", "check_names"]

from collections.abc import Iterator, Mapping
from itertools import islice

from igent.config.check_agents import PromptProblem, check_agents
from igent.config.constellation import PhaseSpec, StepSpec
from igent.config.graph import check_graph
from igent.config.load import Source, in_order
from igent.config.offers import WorkloadNames
from igent.config.shape import At
from igent.errors import Problem


def check_names(
    source: Source, workload: WorkloadNames, models: Mapping[str, str | None], prompt_problem: PromptProblem
) -> list[Problem]:
    """Every name that leads nowhere: agents, phases, schemas, rules, fields, prompts, models; in a graph also streams
    that do not fit the phases that take them.

    `models` is the model of each agent with the command line's choices in it; `prompt_problem` tells what is wrong with
    a prompt file (what, remedy), or None. Returns the problems of the file itself as well, in the order of their lines.
    """
    check = _Checks(source, workload)
    order = check_graph(source, workload) if source.spec.is_graph else [check.order()]
    agents = check_agents(source, workload, models, prompt_problem)
    sorts = [check.names(), *order, check.outputs(), check.steps(), agents]
    return in_order([*source.problems, *(problem for sort in sorts for problem in _first(sort))])


def _first(problems: Iterator[Problem]) -> Iterator[Problem]:
    """The first of one sort: each looks for the nearest name among all, which for thousands would take minutes."""
    last = None
    for last in islice(problems, _MOST_PROBLEMS):
        yield last
    if last is not None and next(problems, None) is not None:
        yield Problem(last.where, "and more problems like this")


_MOST_PROBLEMS = 50
_TAKEN = frozenset({"summary", "prompts", "capacity"})
"""Files of a run folder that no output may overwrite."""
_TAKEN_TABLES = frozenset({"timings"})
"""The same for outputs that are written as tables too."""


class _Checks:
    """The cross-checks of one constellation against its own names and its workload's."""

    def __init__(self, source: Source, workload: WorkloadNames) -> None:
        self._source, self._spec, self._workload = source, source.spec, workload

    def names(self) -> Iterator[Problem]:
        seen: set[str] = set()
        for p, phase in enumerate(self._spec.phases):
            if phase.name in seen:
                yield self._source.problem(("phases", p, "name"), f"two phases are named {phase.name!r}")
            seen.add(phase.name)

    def order(self) -> Iterator[Problem]:
        """In a chain of conversations a phase needs earlier ones only."""
        earlier: dict[str, None] = {}
        for p, phase in enumerate(self._spec.phases):
            for i, need in enumerate(phase.needs):
                if need not in earlier:
                    what = f"phase {phase.name!r} needs {need!r}, which is no earlier phase"
                    yield self._source.problem(("phases", p, "needs", i), what, need, earlier)
            earlier[phase.name] = None
        for _, phase, at, step in self._steps():
            if phase.start != "settled" and step.reserves is not None:
                what = f"phase {phase.name!r} starts before the one before it is settled, so it can reserve nothing"
                yield self._source.problem((*at, "reserves"), what)

    def outputs(self) -> Iterator[Problem]:
        """No two write the same file, and none writes one of igent's."""
        written: set[str] = set()
        for at, who, outputs, tables in self._outputs():
            for output in outputs:
                taken = f"{output}.json" if output in _TAKEN else None
                if tables and output in _TAKEN_TABLES:
                    taken = f"{output}.csv"
                if taken:
                    what = f"output {output!r}: the run folder has a file {taken} of another kind"
                    yield self._source.problem((*at, "output"), what)
                if output in written:
                    yield self._source.problem((*at, "output"), f"two {who} write {output!r}")
                written.add(output)

    def _outputs(self) -> Iterator[tuple[At, str, tuple[str, ...], bool]]:
        """Who writes: the place, what it is called, its outputs, and whether it writes tables too."""
        for p, phase in enumerate(self._spec.phases):
            if isinstance(phase, PhaseSpec):
                for s, step in enumerate(phase.steps):
                    yield ("phases", p, "steps", s), "steps", (step.output, *step.also), False
            elif phase.output is not None:
                yield ("phases", p), "phases", (phase.output,), phase.tables

    def steps(self) -> Iterator[Problem]:
        for _, _, at, step in self._steps():
            yield from self._agents(at, step)
            yield from self._schema(at, step)
            yield from self._also(at, step)
            for i, rule in enumerate(step.rules):
                if rule not in self._workload.rules:
                    what = f"no rule {rule!r} in workload {self._spec.workload!r}"
                    yield self._source.problem((*at, "rules", i), what, rule, self._workload.rules)

    def _steps(self) -> Iterator[tuple[int, PhaseSpec, At, StepSpec]]:
        for p, phase in enumerate(self._spec.phases):
            if isinstance(phase, PhaseSpec):
                for s, step in enumerate(phase.steps):
                    yield p, phase, ("phases", p, "steps", s), step

    def _agents(self, at: At, step: StepSpec) -> Iterator[Problem]:
        if not self._spec.agents:  # said once, of all
            return
        for i, name in enumerate(step.agents):
            if name not in self._spec.agents:
                yield self._source.problem((*at, "agents", i), f"no agent {name!r}", name, self._spec.agents)
        roles = [self._spec.agents[name].role for name in step.agents if name in self._spec.agents]
        if roles.count("matcher") != 1 and len(roles) == len(step.agents):
            yield self._source.problem((*at, "agents"), "a step has exactly one agent with role matcher")
        for role in ("critic", "rule"):
            if roles.count(role) > 1:
                yield self._source.problem((*at, "agents"), f"a step has at most one agent with role {role}")

    def _schema(self, at: At, step: StepSpec) -> Iterator[Problem]:
        fields = self._workload.schemas.get(step.schema_name)
        if fields is None:
            yield self._no_schema((*at, "schema"), step.schema_name)
            return
        if step.reserves is not None and step.reserves not in fields:
            what = f"schema {step.schema_name!r} has no field {step.reserves!r}"
            yield self._source.problem((*at, "reserves"), what, step.reserves, fields)
        if step.answer == "short" and step.schema_name not in self._workload.short:
            what = f"schema {step.schema_name!r} has no short answer in workload {self._spec.workload!r}"
            yield self._source.problem((*at, "answer"), what)

    def _also(self, at: At, step: StepSpec) -> Iterator[Problem]:
        fields = self._workload.schemas.get(step.schema_name)
        for output, schema in step.also.items():
            within = self._workload.schemas.get(schema)
            if within is None:
                yield self._no_schema((*at, "also", output), schema)
            elif fields is not None and not set(within) <= set(fields):
                missing = ", ".join(name for name in within if name not in fields)
                what = f"schema {step.schema_name!r} does not hold all of {schema!r}: it lacks {missing}"
                yield self._source.problem((*at, "also", output), what)

    def _no_schema(self, at: At, schema: str) -> Problem:
        what = f"no schema {schema!r} in workload {self._spec.workload!r}"
        return self._source.problem(at, what, schema, self._workload.schemas)
