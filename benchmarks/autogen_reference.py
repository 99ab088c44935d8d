"""The job of `p1m1m2c` as a plain AutoGen program: a RoundRobinGroupChat a phase, matcher and critic, then a matcher.

    python benchmarks/autogen_reference.py --base-url URL --data DIR --scenario NAME [--no-stream] [--no-sliced]

It is the measure that igent is compared with, so it is written as AutoGen's own documentation would have it: teams,
text terminations, the stock OpenAI client shared by all. It keeps capacity in memory and checks nothing.
"""

from __future__ import annotations

__all__ = ["Reference", "main"]

import asyncio
import json
import logging
import re
from itertools import islice
from pathlib import Path
from time import perf_counter
from typing import Any

from autogen_agentchat.agents import AssistantAgent
from autogen_agentchat.base import TaskResult, TerminationCondition
from autogen_agentchat.conditions import MaxMessageTermination, TextMentionTermination
from autogen_agentchat.teams import RoundRobinGroupChat
from autogen_core.models import ModelInfo
from autogen_ext.models.openai import OpenAIChatCompletionClient
from measure import Case, Result, arguments, cpu_seconds, load_case, report, row_slice

PROMPTS = Path(__file__).parents[1] / "prompts" / "sbus"
MAX_ROUNDS = 3
ENDINGS = {
    "matcher1": "",
    "critic": "\nWhen the draft may go out, answer with the one word APPROVE; else say what to correct.",
    "matcher2": "\nAfter the JSON write TERMINATE on a line of its own.",
}


def role_prompt(agent: str) -> str:
    """The prompt that igent ships for this agent, with the word that ends an AutoGen team."""
    text = (PROMPTS / f"{agent}.md").read_text("utf-8") if (PROMPTS / f"{agent}.md").exists() else f"You are {agent}."
    return re.sub(r"```json\n\{\{ schema \}\}\n```", "(the fields above)", text) + ENDINGS[agent]


def blocks(**values: Any) -> str:
    """The user message: each value as a JSON block under its heading."""
    return "\n\n".join(f"## {name}\n```json\n{json.dumps(value, indent=2)}\n```" for name, value in values.items())


def answer_of(result: TaskResult, agent: str) -> dict[str, Any]:
    """The last JSON block that the agent wrote."""
    texts = [m.to_text() for m in result.messages if m.source == agent]
    value = json.loads(re.findall(r"```json\n(.*?)\n```", texts[-1], re.S)[-1])
    return value[0] if isinstance(value, list) else value


class Reference:
    """Three model clients, the capacity, and one team a phase of each registration."""

    def __init__(self, case: Case, base_url: str, stream: bool, sliced: bool) -> None:
        self.case, self.stream, self.sliced = case, stream, sliced
        self.stock = {key: {"Capacity": s["Capacity"], "Used": s["Used"]} for key, s in case.capacity.items()}
        self.prompts = {agent: role_prompt(agent) for agent in ENDINGS}
        info = ModelInfo(
            vision=False, function_calling=True, json_output=True, family="unknown", structured_output=True
        )
        models = {"matcher1": "m1", "critic": "critic", "matcher2": "m2"}
        self.clients = {
            agent: OpenAIChatCompletionClient(model=model, base_url=base_url, api_key="none", model_info=info)
            for agent, model in models.items()
        }

    def agent(self, name: str) -> AssistantAgent:
        """A new agent, as each registration's team needs."""
        return AssistantAgent(
            name, self.clients[name], system_message=self.prompts[name], model_client_stream=self.stream
        )

    async def talk(self, agents: list[str], task: str, end: TerminationCondition) -> TaskResult:
        """One team, one conversation."""
        team = RoundRobinGroupChat([self.agent(name) for name in agents], termination_condition=end)
        return await team.run(task=task)

    def offers(self, row: dict[str, Any], supplier: str | None = None) -> dict[str, Any]:
        """What the prompt shows of the offers."""
        return row_slice(self.case.offers, row, supplier) if self.sliced else self.case.offers

    async def register(self, row: dict[str, Any]) -> dict[str, Any] | None:
        """Both phases of one registration; None when nobody fits."""
        task = blocks(OFFERS=self.offers(row), REGISTRATION=row, CAPACITY=self.stock)
        end = TextMentionTermination("APPROVE", sources=["critic"]) | MaxMessageTermination(1 + 2 * MAX_ROUNDS)
        match = answer_of(await self.talk(["matcher1", "critic"], task, end), "matcher1")
        if "message" in match:
            return None
        self.stock[str(match["supplier_id"])]["Used"] += 1
        offers = self.offers(row, match["supplier_id"])
        task = blocks(OFFERS=offers, INCENTIVES=self.case.incentives, REGISTRATION=row, MATCH=match)
        last = TextMentionTermination("TERMINATE", sources=["matcher2"]) | MaxMessageTermination(2)
        return answer_of(await self.talk(["matcher2"], task, last), "matcher2")

    async def close(self) -> None:
        """Close the connections."""
        for client in self.clients.values():
            await client.close()


async def run(reference: Reference, rows: list[dict[str, Any]], concurrency: int) -> tuple[list[float], int]:
    """Work on all rows, so many at once: the seconds of each, and how many purchase orders came out."""
    gate, seconds, orders = asyncio.Semaphore(concurrency), list[float](), 0

    async def one(row: dict[str, Any]) -> None:
        nonlocal orders
        async with gate:
            start = perf_counter()
            order = await reference.register(row)
            orders += order is not None
            seconds.append(perf_counter() - start)

    async with asyncio.TaskGroup() as group:
        for row in rows:
            group.create_task(one(row))
    return seconds, orders


async def main() -> None:
    """Warm up, then measure."""
    logging.getLogger("autogen_core").setLevel(logging.ERROR)
    args = arguments(
        "Plain AutoGen on the baseline's job.", stream="stream the answers", sliced="prompts hold only what is needed"
    )
    case = load_case(args.data, args.scenario)
    reference = Reference(case, args.base_url, args.stream, args.sliced)
    rows = iter(case.registrations)
    await run(reference, list(islice(case.registrations, args.warm)), 1)
    start, cpu = perf_counter(), cpu_seconds()
    seconds, orders = await run(reference, list(islice(rows, args.n)), args.concurrency)
    wall, used = perf_counter() - start, cpu_seconds() - cpu
    await reference.close()
    report(Result(args.name, args.concurrency, len(seconds), orders, wall, used, seconds))


if __name__ == "__main__":
    asyncio.run(main())
