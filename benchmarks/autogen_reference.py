"""The job of `p1m1m2c` as a plain AutoGen program: a RoundRobinGroupChat a phase, matcher and critic, then a matcher.

    python benchmarks/autogen_reference.py --base-url URL --data DIR --scenario NAME [--no-stream] [--no-sliced]

It is the measure that igent is compared with, so it is written as AutoGen's own documentation would have it: teams,
text terminations, the stock OpenAI client shared by all.
"""

from __future__ import annotations

__all__ = ["Reference", "main"]

import asyncio
import logging

from autogen_agentchat.agents import AssistantAgent
from autogen_agentchat.base import TerminationCondition
from autogen_agentchat.conditions import MaxMessageTermination, TextMentionTermination
from autogen_agentchat.teams import RoundRobinGroupChat
from autogen_core.models import ModelInfo
from autogen_ext.models.openai import OpenAIChatCompletionClient
from dialogue import MAX_ROUNDS, MODELS, Dialogue
from measure import Row, flag, load_case, measured, options, report


class Reference:
    """Three model clients, and one team a phase of each registration."""

    def __init__(self, dialogue: Dialogue, base_url: str, *, stream: bool) -> None:
        self.dialogue, self.stream = dialogue, stream
        info = ModelInfo(
            vision=False, function_calling=True, json_output=True, family="unknown", structured_output=True
        )
        self.clients = {
            agent: OpenAIChatCompletionClient(model=model, base_url=base_url, api_key="none", model_info=info)
            for agent, model in MODELS.items()
        }

    def agent(self, name: str) -> AssistantAgent:
        """A new agent, as each registration's team needs."""
        prompt = self.dialogue.prompts[name]
        return AssistantAgent(name, self.clients[name], system_message=prompt, model_client_stream=self.stream)

    async def talk(self, agents: list[str], task: str, end: TerminationCondition) -> str:
        """One team, one conversation: the last text of its first agent."""
        team = RoundRobinGroupChat([self.agent(name) for name in agents], termination_condition=end)
        result = await team.run(task=task)
        return [message.to_text() for message in result.messages if message.source == agents[0]][-1]

    async def register(self, row: Row) -> Row | None:
        """Both phases of one registration."""
        end = TextMentionTermination("APPROVE", sources=["critic"]) | MaxMessageTermination(1 + 2 * MAX_ROUNDS)
        match = self.dialogue.take(await self.talk(["matcher1", "critic"], self.dialogue.match_task(row), end))
        if match is None:
            return None
        last = TextMentionTermination("TERMINATE", sources=["matcher2"]) | MaxMessageTermination(2)
        return self.dialogue.answer(await self.talk(["matcher2"], self.dialogue.order_task(row, match), last))

    async def close(self) -> None:
        """Close the connections."""
        for client in self.clients.values():
            await client.close()


async def main() -> None:
    """Warm up, then measure."""
    logging.getLogger("autogen_core").setLevel(logging.ERROR)
    parser = options("Plain AutoGen on the same job.")
    flag(parser, "stream", "stream the answers")
    flag(parser, "sliced", "prompts hold only what is needed")
    args = parser.parse_args()
    case = load_case(args.data, args.scenario)
    reference = Reference(Dialogue(case, sliced=args.sliced), args.base_url, stream=args.stream)
    result = await measured(args, case.registrations, reference.register)
    await reference.close()
    report(result)


if __name__ == "__main__":
    asyncio.run(main())
