"""The shape of a constellation file: frozen models that forbid unknown keys. docs/constellations.md explains it."""

from __future__ import annotations

__all__ = ["AgentSpec", "ConstellationSpec", "Deadlines", "Limits", "PhaseSpec", "RunSpec", "StepSpec"]

import math
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from igent.config.names import is_safe_name
from igent.config.policy import CriticPolicy


def _name(value: Any) -> Any:
    if isinstance(value, str) and not is_safe_name(value):
        raise ValueError(
            "a name has letters, digits, '.', '_' and '-' only, at most 64, and begins with a letter or digit"
        )
    return value


def _word(value: Any) -> Any:
    if isinstance(value, str) and not value.isprintable():  # lists and messages show it as it is
        raise ValueError("it holds control characters, or others that cannot be seen")
    return value


def _options(value: Any) -> Any:
    if isinstance(value, dict):
        _check_plain(value)
    return value


def _check_plain(value: Any) -> None:
    """What cannot be said in JSON would fail in every call, or be sent as something else."""
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            raise ValueError("its keys are texts: put them in quotes")
        for inner in value.values():
            _check_plain(inner)
    elif isinstance(value, list):
        for inner in value:
            _check_plain(inner)
    elif isinstance(value, float) and not math.isfinite(value):
        raise ValueError("it holds a number that JSON does not have (.inf or .nan)")


def _policy(value: Any) -> Any:
    if isinstance(value, dict) and list(value) == ["sample"]:  # YAML reads "sample: 0.1" as a mapping
        value = f"sample:{value['sample']}"
    if not isinstance(value, (str, CriticPolicy)):
        raise ValueError(f"{value!r} is no critic policy: always, invalid, never, or sample:P with P from 0 to 1")
    return CriticPolicy.parse(value) if isinstance(value, str) else value


def _agent_name(value: Any) -> Any:
    if not isinstance(value, str) or not value.isidentifier():  # AutoGen refuses other names, deep in the run
        raise ValueError("an agent's name has letters, digits and '_' only, and does not begin with a digit")
    return value


AgentName = Annotated[str, BeforeValidator(_agent_name)]
Name = Annotated[str, BeforeValidator(_name)]
Options = Annotated[dict[str, Any], BeforeValidator(_options)]
Policy = Annotated[CriticPolicy, BeforeValidator(_policy)]
Word = Annotated[str, BeforeValidator(_word)]


class _Strict(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", populate_by_name=True, arbitrary_types_allowed=True, allow_inf_nan=False
    )


class AgentSpec(_Strict):
    """One agent: its role, prompt and model.

    A `rule` agent answers where the workload's own rules decide, before the matcher is asked; it has neither prompt nor
    model.
    """

    role: Literal["matcher", "critic", "rule"]
    prompt: str | None = None
    """File under prompts/, such as "sbus/matcher1.md"; every agent but a rule agent has one."""
    model: Word | None = None
    """None: the constellation's `model`."""
    options: Options = Field(default_factory=dict)
    """Parameters of the endpoint (temperature, max_tokens …), laid over the constellation's."""
    type: str | None = None
    """Import path "package.module:Name" of an AutoGen chat agent, or of a maker of one; None: AssistantAgent."""
    description: str = ""
    arguments: dict[str, Any] = Field(default_factory=dict, alias="with")
    """Further keyword arguments for `type`."""


class StepSpec(_Strict):
    """One answer to be found: a matcher, perhaps a critic, the schema and rules that the answer must pass."""

    agents: list[str] = Field(min_length=1)
    """One matcher, at most one critic, and at most one rule agent, by name."""
    output: Name
    """Stem of the output file: "matches" makes matches.json."""
    schema_name: str = Field(alias="schema")
    answer: Literal["full", "short"] = "full"
    """short: the model is asked only for what the engine cannot copy; the full answer is put together afterwards."""
    also: dict[Name, str] = Field(default_factory=dict)
    """Further outputs, taken out of the answer: output name -> schema whose fields the answer holds."""
    rules: list[str] = Field(default_factory=list)
    reserves: str | None = None
    """The field of the answer that names the supplier whose unit the record takes; None: nothing is reserved."""
    critic: Policy = CriticPolicy("invalid")
    max_rounds: int = Field(default=3, ge=1, le=20)


class PhaseSpec(_Strict):
    """One conversation for each record. Several `steps` share the conversation; a phase of one step names its keys
    directly."""

    name: Name
    needs: list[str] = Field(default_factory=list)
    """Earlier phases whose outputs this one reads."""
    start: Literal["settled", "streamed", "predicted"] = "settled"
    """When it starts: once the phase before it is settled; as soon as that one's valid draft has streamed in, before
    the critic; or with it, on what the workload predicts (streamed where it predicts nothing). No result depends on
    it."""
    steps: list[StepSpec] = Field(min_length=1)

    @model_validator(mode="before")
    @classmethod
    def _one_step(cls, data: Any) -> Any:
        if not isinstance(data, dict) or "steps" in data:
            return data
        own = {"name", "needs", "start"}
        return {k: v for k, v in data.items() if k in own} | {
            "steps": [{k: v for k, v in data.items() if k not in own}]
        }


class Deadlines(_Strict):
    """Seconds after which a call is given up, each its own error."""

    connect: float = Field(default=10.0, gt=0)
    first_token: float = Field(default=60.0, gt=0)
    between_tokens: float = Field(default=30.0, gt=0)
    total: float = Field(default=120.0, gt=0)
    turn: float = Field(default=600.0, gt=0)
    """For all that an agent does in one turn: its calls, their retries, whatever else an agent of one's own does."""


class Limits(_Strict):
    """What the provider allows for one model, a minute; None: not known, and learnt from the replies' headers."""

    requests_per_minute: float | None = Field(default=None, gt=0)
    tokens_per_minute: float | None = Field(default=None, gt=0)
    """Input and output together."""
    burst_seconds: float = Field(default=1.0, gt=0, le=60)
    """How much of a minute's allowance may be sent at once, in seconds of it. A provider's headers overrule it."""


class RunSpec(_Strict):
    """Settings of a run, which the environment (IGENT_…) and the command line override."""

    concurrency: Annotated[int, Field(ge=1, le=10_000)] | Literal["auto"] = 20
    """Records in flight at once; auto: found out while the run goes, from 20 up."""
    limits: Limits = Limits()
    hedge: bool = False
    """Send a second call when one is slower than 95 % of those before it; at most 5 % more calls."""
    speculate: Literal["auto", "on", "off"] = "auto"
    """Whether phases start early, as their `start` says; auto: until more guesses are wrong than `max_miss_rate`."""
    max_miss_rate: float = Field(default=0.3, ge=0, le=1)
    """The share of wrong guesses above which `speculate: auto` stops guessing for the rest of the run."""
    flush_seconds: float = Field(default=1.0, gt=0)
    """Shortest time between two writings of the views (matches.json …); the journal is durable at once."""
    stream: bool = True
    """False: ask the endpoint for whole answers; no early stop."""
    deadlines: Deadlines = Deadlines()
    max_attempts: int = Field(default=5, ge=1, le=20)
    """Attempts a call, the first included."""
    max_retry_seconds: float = Field(default=120.0, gt=0)


class ConstellationSpec(_Strict):
    """A constellation: which agents, in which phases, under which prompts, models, rules and limits."""

    name: Name
    description: str = ""
    workload: Word
    """A shipped workload ("sbus"), or an import path "package.module:NAME"."""
    scenario: Name
    model: Word | None = None
    """The model of every agent that names none."""
    options: Options = Field(default_factory=dict)
    agents: dict[AgentName, AgentSpec] = Field(min_length=1)
    phases: list[PhaseSpec] = Field(min_length=1)
    run: RunSpec = RunSpec()

    def model_of(self, agent: str) -> str | None:
        """The model that the file gives to an agent; None when neither the agent nor the constellation names one, and
        for a rule agent."""
        spec = self.agents[agent]
        return None if spec.role == "rule" else spec.model or self.model

    def outputs(self) -> list[str]:
        """The names of all outputs, in order."""
        return [output for _, step in self.steps() for output in (step.output, *step.also)]

    def steps(self) -> list[tuple[PhaseSpec, StepSpec]]:
        """All steps in order, each with its phase."""
        return [(phase, step) for phase in self.phases for step in phase.steps]
