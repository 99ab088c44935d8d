"""The phases of a constellation, by kind: frozen models that forbid unknown keys. docs/graphs.md explains them."""

from __future__ import annotations

__all__ = [
    "KINDS",
    "AnyPhase",
    "EmbedSpec",
    "ExpandSpec",
    "MapSpec",
    "PairSpec",
    "PhaseSpec",
    "ReduceSpec",
    "SelectSpec",
    "StepPhase",
    "StepSpec",
]

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from igent.config.policy import CriticPolicy
from igent.config.words import Name, Policy, Resource, Strict, Word


class StepSpec(Strict):
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


class PhaseSpec(Strict):
    """One conversation for each record. Several `steps` share the conversation; a phase of one step names its keys
    directly."""

    kind: Literal["converse"] = "converse"
    name: Name
    needs: list[str] = Field(default_factory=list)
    """Earlier phases whose outputs this one reads."""
    start: Literal["settled", "streamed", "predicted"] = "settled"
    """When it starts: once the phase before it is settled; as soon as that one's valid draft has streamed in, before
    the critic; or with it, on what the workload predicts (streamed where it predicts nothing). No result depends on
    it."""
    batch: int = Field(default=1, ge=1, le=200)
    """In a graph: how many items one call is about, at most."""
    where: dict[str, Any] = Field(default_factory=dict)
    """In a graph: as in MapSpec."""
    steps: list[StepSpec] = Field(min_length=1)

    @model_validator(mode="before")
    @classmethod
    def _one_step(cls, data: Any) -> Any:
        if not isinstance(data, dict) or "steps" in data:
            return data
        own = {"kind", "name", "needs", "start", "batch", "where"}
        return {k: v for k, v in data.items() if k in own} | {
            "steps": [{k: v for k, v in data.items() if k not in own}]
        }


class _Flow(Strict):
    """What all phases that are no conversations have in common."""

    name: Name
    needs: list[str] = Field(default_factory=list)
    """The phases whose items it takes; where there is none, it takes the records of the input."""
    output: Name | None = None
    """Stem of the files that its items are written to, as JSON; None: they are not written."""
    tables: bool = False
    """Whether they are written as CSV and XLSX as well."""


class MapSpec(_Flow):
    """A step in Python: one item to one."""

    kind: Literal["map"]
    step: str
    where: dict[str, Any] = Field(default_factory=dict)
    """Of the records of the input, only those whose fields have these values; a list names several."""
    uses: Resource = "cpu"


class ExpandSpec(_Flow):
    """A step in Python: one item to many."""

    kind: Literal["expand"]
    step: str
    where: dict[str, Any] = Field(default_factory=dict)
    """As in MapSpec."""
    uses: Resource = "cpu"


class EmbedSpec(_Flow):
    """Embeddings of one text of each item."""

    kind: Literal["embed"]
    field: str
    """The member of the data that holds the text."""
    model: Word = "local"
    """local: the small model that comes with igent; else one of the endpoint's."""
    batch: int = Field(default=100, ge=1, le=2048)
    """Texts a call, at most."""
    uses: Resource = "embedding"


class PairSpec(_Flow):
    """For each item of the first phase that it needs, the nearest of the second."""

    kind: Literal["pair"]
    k: int = Field(default=5, ge=1, le=1000)
    """At most so many."""
    threshold: float = Field(default=0.0, ge=-1, le=1)
    """The least similarity of a pair."""
    within: float | None = Field(default=None, ge=0, le=2)
    """Only those whose similarity is at most so much below that of the nearest; None: all."""
    similarity: Literal["cosine", "hybrid"] = "hybrid"
    """cosine: of the two embeddings, from -1 to 1; hybrid: raised by what the two texts share word for word, from 0 to
    1, 1 - (1 - cosine) · (1 - √wording)."""
    compatible: str | None = None
    """The workload's rule that says which records may be a pair at all; None: all may."""
    uses: Resource = "cpu"


class SelectSpec(_Flow):
    """A step in Python: all that came of one item, to one."""

    kind: Literal["select"]
    step: str
    of: str
    """The expand or pair phase whose items are gathered again."""
    uses: Resource = "cpu"


class ReduceSpec(_Flow):
    """A step in Python: whole streams to some items."""

    kind: Literal["reduce"]
    step: str
    uses: Resource = "cpu"


def _kind(value: Any) -> str:
    kind = value.get("kind", "converse") if isinstance(value, dict) else getattr(value, "kind", "converse")
    return kind if isinstance(kind, str) else repr(kind)  # which is none, and is told of as such


AnyPhase = Annotated[
    Annotated[PhaseSpec, Tag("converse")]
    | Annotated[MapSpec, Tag("map")]
    | Annotated[ExpandSpec, Tag("expand")]
    | Annotated[EmbedSpec, Tag("embed")]
    | Annotated[PairSpec, Tag("pair")]
    | Annotated[SelectSpec, Tag("select")]
    | Annotated[ReduceSpec, Tag("reduce")],
    Discriminator(_kind),
]

StepPhase = MapSpec | ExpandSpec | SelectSpec | ReduceSpec
"""The phases that run a step of the workload."""

KINDS: Mapping[str, type[Strict]] = {
    "converse": PhaseSpec,
    "map": MapSpec,
    "expand": ExpandSpec,
    "embed": EmbedSpec,
    "pair": PairSpec,
    "select": SelectSpec,
    "reduce": ReduceSpec,
}
"""What a phase's `kind` may be."""
