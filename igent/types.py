"""The words that the rooms share. All are frozen; none knows a file, a network or a framework.

The way of one record, in these words:
    Record -> Case -> ChatRequest -> Completion -> Verdict -> (reservation) -> Outcome
"""

from __future__ import annotations

__all__ = [
    "NO_USAGE",
    "CallContext",
    "CapacityView",
    "Case",
    "ChatMessage",
    "ChatRequest",
    "Completion",
    "Finish",
    "JsonObject",
    "Model",
    "Record",
    "Role",
    "Stock",
    "StopCondition",
    "StopFactory",
    "Usage",
    "Verdict",
    "Violation",
]  # fmt: skip

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal, Protocol

JsonObject = dict[str, Any]
Role = Literal["system", "user", "assistant"]
# "stop": the model said so. "cut": igent closed the stream at the JSON. "length": the token limit.
Finish = Literal["stop", "cut", "length", "content_filter", "unknown"]


@dataclass(frozen=True, slots=True)
class Record:
    """One input record.

    `id` is unique in a run; `index` is its place in the input, from 0; `data` holds the exported fields as they
    are in the file; `source` is "file:line". A record that cannot be worked on carries its `problem` (where, what and
    the remedy); it ends as an Outcome `failed` and is never sent to a model.
    """

    id: str
    index: int
    data: Mapping[str, Any]
    source: str
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Stock:
    """How much one supplier can serve, and how much of that is taken, in units (registrations)."""

    capacity: int
    used: int

    @property
    def free(self) -> int:
        """Units left; never negative."""
        return max(0, self.capacity - self.used)

    @property
    def used_pct(self) -> float:
        """Used / Capacity, rounded to 2 places, for people and prompts; 1.0 where the capacity is 0."""
        return round(self.used / self.capacity, 2) if self.capacity else 1.0

    def to_json(self) -> JsonObject:
        """The shape that prompts and capacity.json show."""
        return {"Capacity": self.capacity, "Used": self.used, "UsedPct": self.used_pct}


CapacityView = Mapping[str, Stock]


@dataclass(frozen=True, slots=True)
class Case:
    """All that one step of one record is decided on.

    `reference` is the workload's own read-only data (offers, incentives …); `view` the capacity as it will be when
    this record is decided; `earlier` the accepted outputs of earlier steps by schema name; `today` the run's date.
    """

    record: Record
    reference: Any
    view: CapacityView
    today: date
    earlier: Mapping[str, JsonObject] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Violation:
    """One reason why a draft is not accepted: the `rule` (or "json", "schema", "critic", "capacity"), the `field`
    concerned ("" for the whole), and a `message` that a model can act on."""

    rule: str
    field: str
    message: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}" if self.field else self.message


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of checking one draft: accepted when there are no violations.

    `value` is the answer as a JSON-ready object, normalised by the schema; None when there is no usable value.
    `no_match` is true when the answer is the workload's "nobody fits" answer.
    """

    violations: tuple[Violation, ...]
    value: JsonObject | None = None
    no_match: bool = False

    @property
    def ok(self) -> bool:
        """Whether the draft is accepted."""
        return not self.violations


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one or more calls; `estimated` when any part of it was counted by igent, not by the endpoint."""

    input_tokens: int = 0
    output_tokens: int = 0
    estimated: bool = False

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.estimated or other.estimated,
        )

    def to_json(self) -> JsonObject:
        """The shape in outcomes.jsonl."""
        return {"input_tokens": self.input_tokens, "output_tokens": self.output_tokens, "estimated": self.estimated}


NO_USAGE = Usage()


@dataclass(frozen=True, slots=True)
class CallContext:
    """Whose call this is: the record, the step (its output's name) and the agent; for the journal, logs and errors.
    One about several `records` goes by the name of the first."""

    record_id: str
    step: str
    agent: str
    records: int = 1


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One message of a chat, as the endpoint sees it; `images` are PNG files, shown after the text."""

    role: Role
    content: str
    images: tuple[bytes, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One call of a model. `options` are the endpoint's own parameters (temperature, max_tokens …)."""

    model: str
    messages: tuple[ChatMessage, ...]
    context: CallContext
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def round(self) -> int:
        """Which round of the conversation this is, from 1: the answers that the model has given before, plus one."""
        return 1 + sum(1 for m in self.messages if m.role == "assistant")


@dataclass(frozen=True, slots=True)
class Completion:
    """One answer of a model.

    `text` is everything received up to the stop; `first_token_seconds` and `seconds` are measured from the call;
    `retries` counts attempts beyond the first; `recalled` marks an answer taken from the journal, `cached` one from the
    cache (no call was made);
    `value` is the parsed JSON that ended the call, if one did; `model` is the name the endpoint gave. `wasted` are the
    tokens of attempts for this answer that brought nothing (failed, or outrun by a second call); `hedged` counts those
    second calls.
    """

    text: str
    usage: Usage
    finish: Finish
    model: str
    first_token_seconds: float = 0.0
    seconds: float = 0.0
    retries: int = 0
    rate_limited: int = 0
    recalled: bool = False
    value: Any = None
    wasted: Usage = NO_USAGE
    hedged: int = 0
    cached: bool = False


class StopCondition(Protocol):
    """Watches one answer as it streams in and says when it is complete. Made anew for each attempt."""

    def feed(self, text: str) -> bool:
        """Take the next piece of text; True when the answer is complete and the call may end."""
        ...

    @property
    def value(self) -> Any:
        """The JSON value that completed the answer; None before that."""
        ...

    @property
    def end(self) -> int:
        """How many characters of the text belong to the answer, up to the end of the value; 0 before that."""
        ...

    @property
    def seen(self) -> int:
        """How many characters it was fed: what a call that is given up has cost."""
        ...


StopFactory = Callable[[], StopCondition]


class Model(Protocol):
    """The one seam between igent and anything that answers: an endpoint, the mock, or a layer around another Model."""

    async def complete(self, request: ChatRequest, stop: StopFactory | None = None) -> Completion:
        """Answer the request; end early when the stop condition says so.

        Raises ProviderError (see errors.py). Cancelling it closes the connection of the call.
        """
        ...

    async def close(self) -> None:
        """Release what it holds (connections); it is not used afterwards."""
        ...
