"""One turn: an agent is sent messages and answers; every call it makes is noted."""

from __future__ import annotations

__all__ = ["Calling", "ClientMaker", "GivenUp", "Said", "Speaker"]

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from autogen_agentchat.agents import AssistantAgent
from autogen_agentchat.base import ChatAgent, Response
from autogen_agentchat.messages import BaseChatMessage, TextMessage
from autogen_core import CancellationToken
from autogen_core.models import ChatCompletionClient

from igent.agents.build import Participant
from igent.clock import Clock
from igent.errors import DeadlineError, InternalError, Problem
from igent.types import CallContext, Completion, StopFactory, Usage

GivenUp = Callable[[Usage], None]
"""Is told what a call had cost, by estimate, when it was given up in the middle."""
Calling = Callable[[bool], None]
"""Is told when a call begins (True) and when it has ended (False)."""
ClientMaker = Callable[
    [Participant, CallContext, StopFactory | None, Callable[[Completion], None], GivenUp, Calling],
    ChatCompletionClient,
]
"""Makes the model client of one agent in one conversation, and tells the last three arguments of its calls."""


@dataclass(frozen=True, slots=True)
class Said:
    """What an agent answered in one turn: its `text`, the `calls` that it made, and the wall `seconds` it took.

    `usage` sums the calls; for an agent that makes no calls through igent's client, it is what the agent reports.
    """

    text: str
    calls: tuple[Completion, ...]
    usage: Usage
    seconds: float


class _TurnLimit:
    """The time of one turn. Apart from the Speaker, which the client would otherwise hold: they would hold each other,
    and all that was said, until the collector comes."""

    __slots__ = ("left", "scope")

    def __init__(self) -> None:
        self.scope: asyncio.Timeout | None = None
        self.left: float | None = None

    def calling(self, begins: bool) -> None:
        """Stop the clock of the turn while a call is under way."""
        scope, now = self.scope, asyncio.get_running_loop().time()
        if scope is None or scope.expired():
            return
        if begins:
            due = scope.when()
            if due is not None:
                self.left = due - now
                scope.reschedule(None)
        elif self.left is not None:
            scope.reschedule(now + self.left)
            self.left = None


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
        given_up: GivenUp,
    ) -> None:
        self.participant = participant
        self._seconds = seconds
        self._place = f"record {context.record_id}, {context.step}, {context.agent}"
        self._clock = clock
        self._calls: list[Completion] = []
        self._limit = _TurnLimit()
        made = client(participant, context, stop, self._calls.append, given_up, self._limit.calling)
        self._agent: ChatAgent = participant.make(made)

    async def say(self, messages: Sequence[TextMessage]) -> Said:
        """Send the messages and await the answer. Errors of the model client pass through AutoGen unchanged.

        Raises DeadlineError when the turn takes longer than it may: an agent of somebody's own may hang. The time of
        its calls does not count: they have deadlines of their own, and may wait long for their turn.
        """
        self._calls.clear()
        started = self._clock.now()
        scope = self._limit.scope = asyncio.timeout(self._seconds)
        try:
            async with scope:
                # A fresh token for each turn: AutoGen's token keeps a callback for every call it was linked to.
                token = CancellationToken()
                if type(self._agent).on_messages is AssistantAgent.on_messages:
                    response = await self._respond(messages, token)
                else:
                    response = await self._agent.on_messages(messages, token)
        except TimeoutError as error:
            if not scope.expired():
                raise
            what = f"the deadline `turn` of {self._seconds:g} s passed"
            raise DeadlineError(
                Problem(self._place, what, "does the agent hang? run: {deadlines: {turn: …}}")
            ) from error
        finally:
            self._limit.scope = self._limit.left = None
        message = response.chat_message
        calls = tuple(self._calls)
        usage = sum((call.usage for call in calls), Usage()) if calls else _reported(message)
        return Said(message.to_text(), calls, usage, self._clock.now() - started)

    async def _respond(self, messages: Sequence[TextMessage], token: CancellationToken) -> Response:
        """What `on_messages` of AutoGen's own agent gives, but its stream is read to the end: AutoGen leaves it before
        that, and the event loop then has to close each in a task of its own."""
        response: Response | None = None
        async for item in self._agent.on_messages_stream(messages, token):
            if isinstance(item, Response):
                response = item
        if response is None:
            raise InternalError(Problem(self._place, "the agent ended its turn without a response"))
        return response


def _reported(message: BaseChatMessage) -> Usage:
    usage = message.models_usage
    return Usage(usage.prompt_tokens, usage.completion_tokens) if usage else Usage(estimated=True)
