"""One turn: an agent is sent messages and answers; every call it makes is noted."""

from __future__ import annotations

__all__ = ["ClientMaker", "Said", "Speaker"]

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from autogen_agentchat.base import ChatAgent
from autogen_agentchat.messages import BaseChatMessage, TextMessage
from autogen_core import CancellationToken
from autogen_core.models import ChatCompletionClient

from igent.agents.build import Participant
from igent.clock import Clock
from igent.errors import DeadlineError, Problem
from igent.types import CallContext, Completion, StopFactory, Usage

ClientMaker = Callable[
    [Participant, CallContext, StopFactory | None, Callable[[Completion], None]], ChatCompletionClient
]
"""Makes the model client of one agent in one conversation. Each call's Completion is handed to the last argument."""


@dataclass(frozen=True, slots=True)
class Said:
    """What an agent answered in one turn: its `text`, the `calls` that it made, and the wall `seconds` it took.

    `usage` sums the calls; for an agent that makes no calls through igent's client, it is what the agent reports.
    """

    text: str
    calls: tuple[Completion, ...]
    usage: Usage
    seconds: float


class Speaker:
    """A participant in one conversation. The AutoGen agent keeps its own context from turn to turn."""

    def __init__(
        self,
        participant: Participant,
        client: ClientMaker,
        context: CallContext,
        stop: StopFactory | None,
        clock: Clock,
        seconds: float,
    ) -> None:
        self.participant = participant
        self._seconds = seconds
        self._place = f"record {context.record_id}, {context.step}, {context.agent}"
        self._clock = clock
        self._calls: list[Completion] = []
        self._agent: ChatAgent = participant.make(client(participant, context, stop, self._calls.append))

    async def say(self, messages: Sequence[TextMessage]) -> Said:
        """Send the messages and await the answer. Errors of the model client pass through AutoGen unchanged.

        Raises DeadlineError when the turn takes longer than it may: an agent of somebody's own may hang.
        """
        self._calls.clear()
        started = self._clock.now()
        scope = asyncio.timeout(self._seconds)
        try:
            async with scope:
                # A fresh token for each turn: AutoGen's token keeps a callback for every call it was linked to.
                response = await self._agent.on_messages(messages, CancellationToken())
        except TimeoutError as error:
            if not scope.expired():
                raise
            what = f"the deadline `turn` of {self._seconds:g} s passed"
            raise DeadlineError(
                Problem(self._place, what, "does the agent hang? run: {deadlines: {turn: …}}")
            ) from error
        message = response.chat_message
        calls = tuple(self._calls)
        usage = sum((call.usage for call in calls), Usage()) if calls else _reported(message)
        return Said(message.to_text(), calls, usage, self._clock.now() - started)


def _reported(message: BaseChatMessage) -> Usage:
    usage = message.models_usage
    return Usage(usage.prompt_tokens, usage.completion_tokens) if usage else Usage(estimated=True)
