"""The job of `p1m1m2c` with pydantic-ai: an agent a role, each turn a streamed run.

python -m peers.with_pydantic_ai --base-url URL --data DIR --scenario NAME
"""

from __future__ import annotations

__all__ = ["main"]

import asyncio
from collections.abc import Sequence

from dialogue import MODELS, Dialogue, Message
from measure import flag, load_case, measured, options, report
from pydantic_ai import Agent
from pydantic_ai.messages import ModelMessage, ModelRequest, ModelResponse, TextPart, UserPromptPart
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider


def history(messages: Sequence[Message]) -> list[ModelMessage]:
    """What was said before."""
    return [
        ModelRequest([UserPromptPart(m["content"])]) if m["role"] == "user" else ModelResponse([TextPart(m["content"])])
        for m in messages
    ]


async def main() -> None:
    """Warm up, then measure."""
    parser = options("pydantic-ai on the same job.")
    flag(parser, "sliced", "prompts hold only what is needed")
    args = parser.parse_args()
    case = load_case(args.data, args.scenario)
    dialogue = Dialogue(case, sliced=args.sliced)
    provider = OpenAIProvider(base_url=args.base_url, api_key="none")
    agents = {
        name: Agent(OpenAIChatModel(model, provider=provider), instructions=dialogue.prompts[name])
        for name, model in MODELS.items()
    }

    async def ask(agent: str, messages: Sequence[Message]) -> str:
        last = messages[-1]["content"]
        text = ""
        async with agents[agent].run_stream(last, message_history=history(messages[:-1])) as run:
            async for piece in run.stream_text(delta=True, debounce_by=None):
                text += piece
        return text

    report(await measured(args, case.registrations, lambda row: dialogue.register(row, ask)))


if __name__ == "__main__":
    asyncio.run(main())
