"""How a record ended, and what is known of the way there: the words of the journal and of every report; all frozen."""

from __future__ import annotations

__all__ = ["CheaperUse", "Outcome", "OutcomeStatus", "PhaseTiming", "StepReport"]

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from igent.types import NO_USAGE, JsonObject, Usage, Violation

OutcomeStatus = Literal["done", "no_match", "failed"]


@dataclass(frozen=True, slots=True)
class PhaseTiming:
    """Where the seconds of one phase of one record went. `total` is wall time, waiting for the ledger, critic, models
    and disk included; `conversation` the whole conversation, of which `critic` is a part."""

    total: float = 0.0
    conversation: float = 0.0
    critic: float = 0.0
    capacity: float = 0.0
    write: float = 0.0


@dataclass(frozen=True, slots=True)
class CheaperUse:
    """What one cheaper model of a cascade did in a step: its calls, their tokens and seconds, and whether its draft was
    accepted, so that no dearer model was asked."""

    model: str
    calls: int
    input_tokens: int
    output_tokens: int
    seconds: float
    accepted: bool


@dataclass(frozen=True, slots=True)
class StepReport:
    """How one step of one record went; the audit trail of outcomes.jsonl.

    `critic`: "skipped" (policy), "approved", "rejected", or "none" (the step has no critic).
    `agent` and `model` are those of the accepted draft: a rule agent has no model ("").
    `speculation`: "hit" when the step was begun early and its answer stood, "miss" when it was begun early and had to
    be begun again, or for nothing, else "none". The critic's tokens are part of `usage`; they are told apart, with
    `critic_model` ("" when it is not told, or no critic spoke), because two models have two prices.
    `wasted` are tokens beside `usage` that brought nothing: of conversations begun on a wrong guess, of second calls
    that lost, of attempts that failed. `hedged` counts second calls sent beside a slow one. `cached` counts calls that
    were answered from the cache. `cascade` tells of the cheaper models that were asked first; their tokens and calls
    are part of `usage` and `calls`.
    `saved_input_tokens` and `saved_output_tokens` are those of the answers from the cache: nobody paid for them here,
    and they are no part of `usage`. In a step with a cascade, `own_drafts` counts the drafts that the agent's own
    model was asked for afresh, and `own_seconds` is the time that they took.
    """

    phase: str
    step: str
    agent: str
    model: str
    critic: Literal["skipped", "approved", "rejected", "none"]
    rounds: int
    usage: Usage
    prompt_checksum: str
    speculation: Literal["hit", "miss", "none"] = "none"
    calls: int = 0
    critic_calls: int = 0
    cut: int = 0
    retries: int = 0
    rate_limited: int = 0
    recalled: int = 0
    invalid_drafts: int = 0
    critic_model: str = ""
    critic_checksum: str = ""
    critic_input_tokens: int = 0
    critic_output_tokens: int = 0
    wasted: Usage = NO_USAGE
    hedged: int = 0
    cached: int = 0
    cascade: tuple[CheaperUse, ...] = ()
    saved_input_tokens: int = 0
    saved_output_tokens: int = 0
    own_drafts: int = 0
    own_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """The one end of a record: `done`, `no_match` or `failed`, with the reason (empty when done).

    `outputs` maps each step's output name to its JSON object; `takes` is the supplier whose unit the record took;
    `violations` are those of the last draft when it failed; `cause` is a short word for grouping failures
    ("input", "rules", "schema", "json", "critic", "capacity", "provider", "internal"). In a graph each unit of work of
    a phase has one: `record_id` is then "phase/id", `index` its place in the journal, and `basis` a digest of all that
    the outcome rests on.
    """

    record_id: str
    index: int
    status: OutcomeStatus
    reason: str = ""
    cause: str = ""
    steps: tuple[StepReport, ...] = ()
    outputs: Mapping[str, JsonObject] = field(default_factory=dict)
    takes: str | None = None
    violations: tuple[Violation, ...] = ()
    timings: Mapping[str, PhaseTiming] = field(default_factory=dict)
    total_seconds: float = 0.0
    basis: str = ""
