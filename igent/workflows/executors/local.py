"""Where conversations run. One interface, one method; this is the one that awaits them in this process."""

from __future__ import annotations

__all__ = ["Executor", "LocalExecutor", "Talk"]

from dataclasses import dataclass
from typing import Protocol

from igent.agents.conversation import Conversation
from igent.agents.step import OnDraft, Settle, Step, StepResult
from igent.types import Case


@dataclass(frozen=True, slots=True)
class Talk:
    """One step to be talked through: in which conversation, about which case, settled by what; `on_draft` is shown the
    drafts that a critic is asked about although they pass the checks."""

    conversation: Conversation
    step: Step
    case: Case
    settle: Settle
    on_draft: OnDraft | None = None


class Executor(Protocol):
    """Runs conversations; the driver keeps ledger, journal and writer."""

    async def talk(self, talk: Talk) -> StepResult:
        """Run one step of one record's conversation to its end."""
        ...


class LocalExecutor:
    """Awaits the conversation in this process: the work is waiting for a network."""

    async def talk(self, talk: Talk) -> StepResult:
        """See Executor.talk."""
        return await talk.conversation.run(talk.step, talk.case, talk.settle, talk.on_draft)
