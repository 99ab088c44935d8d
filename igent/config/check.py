"""Finds every name in a constellation that leads nowhere, all at once, before the first token is paid for."""

from __future__ import annotations

__all__ = ["WorkloadNames", "check_names"]

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from igent.config.constellation import PhaseSpec, StepSpec
from igent.config.load import Source, in_order
from igent.config.names import did_you_mean
from igent.errors import Problem

At = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class WorkloadNames:
    """What a workload offers to constellations, by name."""

    schemas: Mapping[str, Collection[str]]
    """Schema name to its field names."""
    rules: Collection[str]
    short: Collection[str] = ()
    """The schemas that have a short form."""
    expects: bool = False
    """Whether it knows answers itself, as a rule agent needs."""


def check_names(
    source: Source,
    workload: WorkloadNames,
    models: Mapping[str, str | None],
    prompt_problem: Callable[[str], tuple[str, str] | None],
) -> list[Problem]:
    """Every name that leads nowhere: agents, phases, schemas, rules, fields, prompts, models.

    `models` is the model of each agent with the command line's choices in it; `prompt_problem` tells what is wrong with
    a prompt file (what, remedy), or None. Returns the problems of the file itself as well, in the order of their lines.
    """
    check = _Checks(source, workload)
    problems = [*source.problems, *check.phases(), *check.agents(models, prompt_problem)]
    return in_order(problems)


_TAKEN = frozenset({"summary", "prompts", "capacity"})
"""Files of a run folder that no output may overwrite."""


class _Checks:
    """The cross-checks of one constellation against its own names and its workload's."""

    def __init__(self, source: Source, workload: WorkloadNames) -> None:
        self._source, self._spec, self._workload = source, source.spec, workload

    def phases(self) -> list[Problem]:
        problems: list[Problem] = []
        outputs: set[str] = set()
        names: list[str] = []
        for p, phase in enumerate(self._spec.phases):
            if phase.name in names:
                problems.append(self._at(("phases", p, "name"), f"two phases are named {phase.name!r}"))
            for i, need in enumerate(phase.needs):
                if need not in names:
                    what = f"phase {phase.name!r} needs {need!r}, which is no earlier phase"
                    problems.append(self._at(("phases", p, "needs", i), what, need, names))
            names.append(phase.name)
            if not isinstance(phase, PhaseSpec):
                continue
            for s, step in enumerate(phase.steps):
                at: At = ("phases", p, "steps", s)
                problems += self._step(at, step)
                for output in (step.output, *step.also):
                    if output in _TAKEN:
                        what = f"output {output!r}: the run folder has a file {output}.json of another kind"
                        problems.append(self._at((*at, "output"), what))
                    if output in outputs:
                        problems.append(self._at((*at, "output"), f"two steps write {output!r}"))
                    outputs.add(output)
                if phase.start != "settled" and step.reserves is not None:
                    what = f"phase {phase.name!r} starts before the one before it is settled, so it can reserve nothing"
                    problems.append(self._at((*at, "reserves"), what))
        return problems

    def _step(self, at: At, step: StepSpec) -> list[Problem]:
        problems = []
        for i, name in enumerate(step.agents):
            if name not in self._spec.agents:
                problems.append(self._at((*at, "agents", i), f"no agent {name!r}", name, self._spec.agents))
        roles = [self._spec.agents[name].role for name in step.agents if name in self._spec.agents]
        if roles.count("matcher") != 1 and len(roles) == len(step.agents):
            problems.append(self._at((*at, "agents"), "a step has exactly one agent with role matcher"))
        problems += [
            self._at((*at, "agents"), f"a step has at most one agent with role {role}")
            for role in ("critic", "rule")
            if roles.count(role) > 1
        ]
        return problems + self._schema(at, step) + self._rules(at, step)

    def _schema(self, at: At, step: StepSpec) -> list[Problem]:
        problems = []
        fields = self._workload.schemas.get(step.schema_name)
        if fields is None:
            what = f"no schema {step.schema_name!r} in workload {self._spec.workload!r}"
            problems.append(self._at((*at, "schema"), what, step.schema_name, self._workload.schemas))
        elif step.reserves is not None and step.reserves not in fields:
            what = f"schema {step.schema_name!r} has no field {step.reserves!r}"
            problems.append(self._at((*at, "reserves"), what, step.reserves, fields))
        if fields is not None and step.answer == "short" and step.schema_name not in self._workload.short:
            what = f"schema {step.schema_name!r} has no short answer in workload {self._spec.workload!r}"
            problems.append(self._at((*at, "answer"), what))
        for output, schema in step.also.items():
            within = self._workload.schemas.get(schema)
            if within is None:
                what = f"no schema {schema!r} in workload {self._spec.workload!r}"
                problems.append(self._at((*at, "also", output), what, schema, self._workload.schemas))
            elif fields is not None and not set(within) <= set(fields):
                missing = ", ".join(name for name in within if name not in fields)
                what = f"schema {step.schema_name!r} does not hold all of {schema!r}: it lacks {missing}"
                problems.append(self._at((*at, "also", output), what))
        return problems

    def _rules(self, at: At, step: StepSpec) -> list[Problem]:
        problems = []
        for i, rule in enumerate(step.rules):
            if rule not in self._workload.rules:
                what = f"no rule {rule!r} in workload {self._spec.workload!r}"
                problems.append(self._at((*at, "rules", i), what, rule, self._workload.rules))
        return problems

    def agents(
        self, models: Mapping[str, str | None], prompt_problem: Callable[[str], tuple[str, str] | None]
    ) -> list[Problem]:
        used = {name for _, step in self._spec.steps() for name in step.agents}
        problems = []
        for name, agent in self._spec.agents.items():
            if name not in used:
                problems.append(self._at(("agents", name), f"no phase uses agent {name!r}", name, used))
            if agent.role == "rule":
                problems += self._rule_agent(name)
                continue
            if models.get(name) is None:
                what = f"agent {name!r} has no model"
                problems.append(
                    Problem(self._where("agents", name), what, "give it one, or the constellation: model: …")
                )
            found = prompt_problem(agent.prompt) if agent.prompt else ("it has no prompt", "prompt: FILE.md")
            if found:
                problems.append(Problem(self._where("agents", name, "prompt"), *found))
        return problems

    def _rule_agent(self, name: str) -> list[Problem]:
        agent, problems = self._spec.agents[name], []
        for key in ("prompt", "model", "type"):
            if getattr(agent, key) is not None:
                what = f"agent {name!r} has role rule: it has no {key}, for no model is asked"
                problems.append(Problem(self._where("agents", name, key), what))
        if not self._workload.expects:
            what = f"workload {self._spec.workload!r} has no answers of its own for a rule agent"
            problems.append(Problem(self._where("agents", name), what, "leave the agent out"))
        return problems

    def _where(self, *at: str | int) -> str:
        return self._source.where(*at)

    def _at(self, at: At, what: str, wrong: str = "", valid: Collection[str] = ()) -> Problem:
        return Problem(self._where(*at), what, did_you_mean(wrong, valid) if wrong else "")
