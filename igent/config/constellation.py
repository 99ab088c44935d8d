"""The shape of a constellation file: frozen models that forbid unknown keys. docs/constellations.md explains it."""

from __future__ import annotations

__all__ = [
    "AgentSpec",
    "CascadeSpec",
    "ConstellationSpec",
    "Deadlines",
    "Limits",
    "PhaseSpec",
    "Resources",
    "RunSpec",
    "StepSpec",
]

from typing import Annotated, Any, Literal

from pydantic import Field

from igent.config.phases import AnyPhase, PhaseSpec, StepSpec
from igent.config.words import AgentName, Name, Options, Strict, Word


class CascadeSpec(Strict):
    """Cheaper models that an agent asks first."""

    models: list[Word] = Field(min_length=1, max_length=5)
    """In the order in which they are asked; the agent's `model` is the last one."""
    confidence: str
    """The field of the answer that says how sure it is, from 0 to 1."""
    threshold: float = Field(ge=0, le=1)
    """A valid draft of a cheaper model is accepted with this confidence or more; else the next one is asked."""


class AgentSpec(Strict):
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
    cascade: CascadeSpec | None = None
    """Cheaper models to ask before `model`; matchers only. None: there are none."""
    description: str = ""
    arguments: dict[str, Any] = Field(default_factory=dict, alias="with")
    """Further keyword arguments for `type`."""


class Deadlines(Strict):
    """Seconds after which a call is given up, each its own error."""

    connect: float = Field(default=10.0, gt=0)
    first_token: float = Field(default=60.0, gt=0)
    between_tokens: float = Field(default=30.0, gt=0)
    total: float = Field(default=120.0, gt=0)
    turn: float = Field(default=600.0, gt=0)
    """For all that an agent does in one turn: its calls, their retries, whatever else an agent of one's own does."""


class Limits(Strict):
    """What the provider allows for one model, a minute; None: not known, and learnt from the replies' headers."""

    requests_per_minute: float | None = Field(default=None, gt=0)
    tokens_per_minute: float | None = Field(default=None, gt=0)
    """Input and output together."""
    burst_seconds: float = Field(default=1.0, gt=0, le=60)
    """How much of a minute's allowance may be sent at once, in seconds of it. A provider's headers overrule it."""


class Resources(Strict):
    """How much of each kind of resource the phases of a graph may use at once."""

    llm: Annotated[int, Field(ge=1, le=10_000)] | None = None
    """Conversations, or calls about a batch; None: `concurrency`."""
    embedding: int = Field(default=4, ge=1, le=1000)
    """Batches of texts that are embedded."""
    vision: int = Field(default=2, ge=1, le=1000)
    """Pages that are read by OCR or a vision model."""
    cpu: int = Field(default=4, ge=1, le=1000)
    """Steps in Python."""


class RunSpec(Strict):
    """Settings of a run, which the environment (IGENT_…) and the command line override."""

    concurrency: Annotated[int, Field(ge=1, le=10_000)] | Literal["auto"] = 20
    """Records in flight at once; auto: found out while the run goes, from 20 up."""
    limits: Limits = Limits()
    resources: Resources = Resources()
    """In a graph; see Resources."""
    cache: bool | None = None
    """Whether answers are taken from the cache and kept there; None: in a graph they are."""
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


class ConstellationSpec(Strict):
    """A constellation: which agents, in which phases, under which prompts, models, rules and limits."""

    name: Name
    description: str = ""
    workload: Word
    """A shipped workload ("sbus"), or an import path "package.module:NAME"."""
    scenario: Name
    model: Word | None = None
    """The model of every agent that names none."""
    vision: Word | None = None
    """In a graph: the model that reads scanned pages where neither tesseract nor rapidocr is installed."""
    options: Options = Field(default_factory=dict)
    agents: dict[AgentName, AgentSpec] = Field(default_factory=dict)
    phases: list[AnyPhase] = Field(min_length=1)
    run: RunSpec = RunSpec()

    def model_of(self, agent: str) -> str | None:
        """The model that the file gives to an agent; None when neither the agent nor the constellation names one, and
        for a rule agent."""
        spec = self.agents[agent]
        return None if spec.role == "rule" else spec.model or self.model

    def outputs(self) -> list[str]:
        """The names of all outputs, in order."""
        return [output for _, step in self.steps() for output in (step.output, *step.also)]

    def conversations(self) -> list[PhaseSpec]:
        """The phases that are conversations, in order."""
        return [phase for phase in self.phases if isinstance(phase, PhaseSpec)]

    def steps(self) -> list[tuple[PhaseSpec, StepSpec]]:
        """All steps of conversations in order, each with its phase."""
        return [(phase, step) for phase in self.conversations() for step in phase.steps]

    @property
    def is_graph(self) -> bool:
        """Whether its phases form a graph; else they are conversations about one record after another."""
        return any(not isinstance(phase, PhaseSpec) or phase.batch > 1 or phase.where for phase in self.phases)
