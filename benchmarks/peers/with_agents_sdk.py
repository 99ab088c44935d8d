"""The job of `p1m1m2c` with the OpenAI Agents SDK: an agent a role, each turn a streamed run.

python -m peers.with_agents_sdk --base-url URL --data DIR --scenario NAME
"""

from __future__ import annotations

__all__ = ["main"]

import asyncio
from collections.abc import Sequence

from agents import Agent, OpenAIChatCompletionsModel, Runner, set_tracing_disabled
from dialogue import MODELS, Dialogue, Message
from measure import flag, load_case, measured, options, report
from openai import AsyncOpenAI


async def main() -> None:
    """Warm up, then measure."""
    parser = options("The OpenAI Agents SDK on the same job.")
    flag(parser, "sliced", "prompts hold only what is needed")
    args = parser.parse_args()
    set_tracing_disabled(True)
    case = load_case(args.data, args.scenario)
    dialogue = Dialogue(case, sliced=args.sliced)
    async with AsyncOpenAI(base_url=args.base_url, api_key="none") as client:
        agents = {
            name: Agent(name, instructions=dialogue.prompts[name], model=OpenAIChatCompletionsModel(model, client))
            for name, model in MODELS.items()
        }

        async def ask(agent: str, messages: Sequence[Message]) -> str:
            run = Runner.run_streamed(agents[agent], list(messages))
            async for _ in run.stream_events():
                pass
            return str(run.final_output)

        report(await measured(args, case.registrations, lambda row: dialogue.register(row, ask)))


if __name__ == "__main__":
    asyncio.run(main())
