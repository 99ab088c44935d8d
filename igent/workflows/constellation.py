"""A constellation, loaded and checked: every name resolved, every prompt rendered."""

from __future__ import annotations

__all__ = ["Constellation", "load_constellation"]

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
from autogen_core.models import ChatCompletionClient

from igent.agents.build import Cascade, Participant, resolve_type
from igent.agents.team import Team, make_team
from igent.clock import SYSTEM_CLOCK
from igent.config.check import check_names
from igent.config.constellation import CascadeSpec, ConstellationSpec, StepSpec
from igent.config.load import Source, in_order, read_constellation
from igent.config.locate import Places, find_constellation
from igent.config.names import did_you_mean
from igent.config.settings import Settings, load_settings
from igent.errors import ConfigError, Problem
from igent.prompting.templates import PromptLibrary, checksum
from igent.types import CallContext, JsonObject
from igent.workflows.model import NO_MODEL, build_client, build_endpoint, chat_client_maker
from igent.workflows.offers import offers_of
from igent.workflows.plugins import load_workload
from igent.workload import Shortens, Workload


@dataclass(frozen=True, slots=True)
class Constellation:
    """A constellation that is ready to run.

    `spec` is what its file says, `workload` the plug-in it names, `places` where its prompts and data are looked for,
    `models` the model of each agent.
    """

    spec: ConstellationSpec
    source: Source
    workload: Workload
    places: Places
    models: Mapping[str, str]
    _library: PromptLibrary
    _rendered: dict[tuple[str, str], str] = field(default_factory=dict, repr=False, compare=False)

    @property
    def name(self) -> str:
        """The constellation's name."""
        return self.spec.name

    def with_models(self, models: Sequence[str]) -> Constellation:
        """The same with other models, chosen as for `load_constellation`. Raises ConfigError for an unknown agent."""
        chosen = Settings.model_construct(model=tuple(models)).models_of(dict(self.models))
        return replace(self, models={name: model for name, model in chosen.items() if model is not None})

    def participant(self, agent: str, step: StepSpec) -> Participant:
        """An agent as it takes part in a step, its prompt rendered for that step's schema."""
        spec = self.spec.agents[agent]
        assert spec.role != "rule"  # they take no part in the talk  # noqa: S101
        system = self._rendered.get((agent, step.output))
        if system is None:  # once: a run has the prompts that it began with, whoever edits them meanwhile
            system = self._library.render(spec.prompt or "", _variables(self.spec.name, agent, self.workload, step))
            self._rendered[agent, step.output] = system
        return Participant(
            name=agent,
            role=spec.role,
            model=self.models[agent],
            system=system,
            checksum=checksum(system),
            options={**self.spec.options, **spec.options},
            maker=resolve_type(spec.type),
            arguments=spec.arguments,
            description=spec.description,
            cascade=_cascade(spec.cascade),
        )

    def all_models(self) -> list[str]:
        """Every model that may be asked, those of cascades and of scanned pages included; each once, in order."""
        cheaper = (model for agent in self.spec.agents.values() if agent.cascade for model in agent.cascade.models)
        vision = [self.spec.vision] if self.spec.vision is not None else []
        return sorted({*self.models.values(), *cheaper, *vision})

    def participants(self) -> list[tuple[StepSpec, Participant]]:
        """Every agent of every step that a model speaks for, in the order of speaking."""
        return [
            (step, self.participant(name, step))
            for _, step in self.spec.steps()
            for name in step.agents
            if self.spec.agents[name].role != "rule"
        ]

    def prompts(self) -> dict[str, JsonObject]:
        """The rendered role prompts by checksum, with the steps and agents: the run folder keeps them, so that an
        auditor can read what a checksum stands for."""
        found: dict[str, JsonObject] = {}
        for step, agent in self.participants():
            entry = found.setdefault(agent.checksum, {"used": [], "text": agent.system})
            entry["used"].append({"step": step.output, "agent": agent.name})
        return found

    def to_team(self, client: Callable[[Participant], ChatCompletionClient] | None = None) -> Team:
        """A real AutoGen team of the same agents: each speaks once, in order.

        `client` gives each agent its model client; None: igent's own, for the endpoint that the environment names.
        Raises AuthError without a key.
        """
        make = client or self._environment_client
        return make_team([participant for _, participant in self.participants()], make)

    def _environment_client(self, participant: Participant) -> ChatCompletionClient:
        settings = load_settings()
        model = build_client(settings, build_endpoint(settings, self.spec.run), self.workload, SYSTEM_CLOCK)
        context = CallContext("", "team", participant.name)
        return chat_client_maker(model)(participant, context, None, _ignore, _ignore, _ignore)


def load_constellation(reference: str, models: Sequence[str] = ()) -> Constellation:
    """Load a constellation by name or path.

    `models` are choices as on the command line: "NAME" for all agents, "AGENT=NAME" for one. Raises ConfigError that
    lists everything found wrong, each with file, line and remedy.
    """
    path = find_constellation(reference)
    source = read_constellation(path)
    places = Places.around(path)
    library = PromptLibrary(lambda name: places.find("prompts", name), lambda: places.names("prompts", "**/*.md"))
    try:
        workload = load_workload(source.spec.workload, source.where("workload"))
    except ConfigError as error:
        raise ConfigError(*in_order([*source.problems, *error.problems])) from error
    chosen = Settings.model_construct(model=tuple(models)).models_of(
        {name: source.spec.model_of(name) for name, agent in source.spec.agents.items() if agent.role != "rule"}
    )
    problems = _problems(source, workload, chosen, library, places)
    if problems:
        raise ConfigError(*problems)
    resolved = {name: model for name, model in chosen.items() if model is not None}
    constellation = Constellation(source.spec, source, workload, places, resolved, library)
    problems = _unmakeable(constellation)
    if problems:
        raise ConfigError(*problems)
    return constellation


def _cascade(spec: CascadeSpec | None) -> Cascade | None:
    return Cascade(tuple(spec.models), spec.confidence, spec.threshold) if spec else None


def _unmakeable(constellation: Constellation) -> list[Problem]:
    """Agents whose type refuses what it is given: found here, by making each once, and not by every record of a run."""
    client, problems = chat_client_maker(NO_MODEL), []
    for _, participant in constellation.participants():
        context = CallContext("", "validate", participant.name)
        try:
            participant.make(client(participant, context, None, _ignore, _ignore, _ignore))
        except ConfigError as error:
            problems.append(Problem(constellation.source.where("agents", participant.name), str(error)))
    return in_order(problems)


def _problems(
    source: Source, workload: Workload, models: Mapping[str, str | None], library: PromptLibrary, places: Places
) -> list[Problem]:
    steps = [step for _, step in source.spec.steps()]

    def prompt_problem(prompt: str) -> tuple[str, str] | None:
        if places.find("prompts", prompt) is None:
            return f"no prompt {prompt!r}", did_you_mean(prompt, places.names("prompts", "**/*.md"), "prompts found")
        try:
            for step in steps[:1]:  # whichever: it is the prompt that is looked at, not what is put into it
                library.render(prompt, _variables(source.spec.name, "agent", workload, step))
        except ConfigError as error:
            return error.problems[0].what, error.problems[0].remedy
        return None

    problems = check_names(source, offers_of(workload, source.where("workload")), models, prompt_problem)
    for name, agent in source.spec.agents.items():
        try:
            resolve_type(agent.type)
        except ConfigError as error:
            problems.append(Problem(source.where("agents", name, "type"), str(error)))
    return in_order(problems)


def _variables(constellation: str, agent: str, workload: Workload, step: StepSpec) -> dict[str, Any]:
    """What a prompt may name. A step that is itself wrong is told of elsewhere, so any schema will do for it here."""
    shorter = workload.short if step.answer == "short" and isinstance(workload, Shortens) else {}
    first = next(iter(workload.schemas.values()))
    model = shorter.get(step.schema_name) or workload.schemas.get(step.schema_name, first)
    text = orjson.dumps(_terse(model.model_json_schema(by_alias=True))).decode()
    return {"schema": text, "agent": agent, "constellation": constellation}


def _terse(schema: Any) -> Any:
    """A JSON schema without the titles that pydantic makes of names: a third of its tokens, and they say nothing."""
    if isinstance(schema, dict):
        return {
            key: {name: _terse(inner) for name, inner in value.items()} if key == "properties" else _terse(value)
            for key, value in schema.items()
            if key != "title"
        }
    return [_terse(item) for item in schema] if isinstance(schema, list) else schema


def _ignore(_: object) -> None:
    """For clients of which nobody asks what they did."""
