"""The words of a conversation: what it is handed, what it is to find, and how that ended."""

from __future__ import annotations

__all__ = [
    "Accepts",
    "Checks",
    "Elements",
    "ElementsMaker",
    "OnDraft",
    "Settle",
    "Step",
    "StepResult",
    "Tools",
]

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from igent.agents.build import Participant
from igent.agents.turn import ClientMaker
from igent.clock import Clock
from igent.config.policy import CriticPolicy
from igent.errors import InternalError
from igent.outcome import StepReport
from igent.types import Case, JsonObject, StopCondition, StopFactory, Verdict, Violation

Accepts = Callable[[Any], bool]
Settle = Callable[["Step", Verdict], Case | None]
"""Takes the unit of an acceptable answer. None: taken. A case: the unit is gone, this is the case as it is now."""
OnDraft = Callable[["Step", Verdict], None]
"""Is shown a draft that passes the checks, when a critic is about to be asked about it."""
Part = Callable[[JsonObject], JsonObject]


class Checks(Protocol):
    """What a step's answers are checked with; see validation/checker.py."""

    def accepts(self, value: Any) -> bool:
        """Whether the value has the shape of an answer."""
        ...

    def verify(self, value: Any, case: Case) -> Verdict:
        """Schema and rules."""
        ...


class Texts(Protocol):
    """How messages are written; see prompting/messages.py."""

    def matcher_question(self, blocks: Mapping[str, Any]) -> str: ...
    def critic_question(self, blocks: Mapping[str, Any], draft: Any, violations: Sequence[Violation]) -> str: ...
    def feedback(self, blocks: Mapping[str, Any], violations: Sequence[Violation], critic: str | None) -> str: ...
    def batch_question(
        self, records: Sequence[tuple[int, Mapping[str, Any], Sequence[Violation], Any]], round_: int
    ) -> str: ...


class Elements(StopCondition, Protocol):
    """The answers about several records in what a model says; see parsing/elements.py."""

    @property
    def found(self) -> Mapping[int, JsonObject]:
        """What has come, by number."""
        ...

    @property
    def doubled(self) -> Collection[int]:
        """The numbers that came more than once."""
        ...

    @property
    def problem(self) -> str:
        """What is wrong with the text, in words for a model; "" when nothing is."""
        ...


ElementsMaker = Callable[[Collection[int], Callable[[int, JsonObject], None]], Elements]
"""Makes the stop condition of a call about the records with these numbers; the callable is told each answer as soon as
it is complete."""


def _no_elements(_asked: Collection[int], _check: Callable[[int, JsonObject], None]) -> Elements:
    raise InternalError("these tools are for conversations about one record: they have no `elements`")


@dataclass(frozen=True, slots=True)
class Tools:
    """What conversations are handed when they are wired.

    `client` makes model clients; `stop` makes the stop condition for answers that a predicate accepts; `read` finds the
    answer in a whole text: (JSON value or None, what is wrong or ""); `blocks` gives the prompt's data; `turn_seconds`
    bounds one turn of an agent; `elements` makes the stop conditions of batches.
    """

    client: ClientMaker
    stop: Callable[[Accepts], StopFactory]
    read: Callable[[str, Accepts], tuple[Any, str]]
    blocks: Callable[[Case, str], Mapping[str, Any]]
    texts: Texts
    clock: Clock
    seed: int
    turn_seconds: float = 600.0
    elements: ElementsMaker = _no_elements


@dataclass(frozen=True, slots=True)
class Step:
    """One answer to be found, ready to run: see StepSpec for the meaning.

    `rule` is the name of the rule agent, which `decide` answers for: the answer, or None where the rules do not decide.
    `also` makes the further outputs out of an accepted answer: output name -> (schema, how).
    """

    phase: str
    output: str
    schema: str
    matcher: Participant
    critic: Participant | None
    policy: CriticPolicy
    max_rounds: int
    reserves: str | None
    checks: Checks
    rule: str = ""
    decide: Callable[[Case], JsonObject | None] = lambda _: None
    also: Mapping[str, tuple[str, Part]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StepResult:
    """How one step ended. `cause` is "" when the answer was accepted, else as in Outcome; `reason` says it in words.

    `value` is the last draft as it was read, before the checks put it in form; None when there was none to read.
    """

    step: Step
    verdict: Verdict
    report: StepReport
    cause: str = ""
    reason: str = ""
    critic_seconds: float = 0.0
    capacity_seconds: float = 0.0
    value: Any = None
