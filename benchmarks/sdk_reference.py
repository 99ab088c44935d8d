"""The stock `openai` SDK, streaming, without any framework: what reading the events alone costs.

    python benchmarks/sdk_reference.py --base-url URL --data DIR --scenario NAME [--igent CONSTELLATION]

Plain, it has the conversation of the other references. With --igent it sends exactly the requests that igent sends for
these records under that constellation, all calls of a record at once, and reads each answer to its end.
"""

from __future__ import annotations

__all__ = ["main"]

import argparse
import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from dialogue import MODELS, Dialogue, Message
from measure import Register, Row, flag, load_case, measured, options, report
from openai import AsyncOpenAI

if TYPE_CHECKING:  # the peers' environment has the SDK, but no igent
    from igent.types import ChatRequest


async def spoken(client: AsyncOpenAI, model: str, messages: Sequence[Any], **options: Any) -> str:
    """One streamed call, read to its end."""
    stream = await client.chat.completions.create(model=model, messages=list(messages), stream=True, **options)
    pieces = [chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices]
    return "".join(pieces)


def in_conversation(client: AsyncOpenAI, dialogue: Dialogue) -> Register:
    """Matcher, critic, matcher; one call after the other."""

    async def ask(agent: str, messages: Sequence[Message]) -> str:
        system = {"role": "system", "content": dialogue.prompts[agent]}
        return await spoken(client, MODELS[agent], [system, *messages])

    return lambda row: dialogue.register(row, ask)


def as_igent_asks(client: AsyncOpenAI, requests: dict[str, list[ChatRequest]]) -> Register:
    """The calls of a record, all at once."""

    async def register(row: Row) -> Row:
        async with asyncio.TaskGroup() as group:
            for request in requests[row["RegistrationNumber"]]:
                messages = [{"role": m.role, "content": m.content} for m in request.messages]
                group.create_task(spoken(client, request.model, messages, **request.options))
        return row

    return register


async def compete(args: argparse.Namespace) -> None:
    """Warm up, then measure."""
    case = load_case(args.data, args.scenario)
    async with AsyncOpenAI(base_url=args.base_url, api_key="none") as client:
        if args.igent:
            from recorded import requests_of  # noqa: PLC0415 -- see above

            register = as_igent_asks(client, await requests_of(args.igent, args))
        else:
            register = in_conversation(client, Dialogue(case, sliced=args.sliced))
        report(await measured(args, case.registrations, register))


def main() -> None:
    """On igent's event loop where it does igent's work, else on the usual one."""
    parser = options("The openai SDK on the same job.")
    parser.add_argument("--igent", metavar="CONSTELLATION")
    flag(parser, "sliced", "prompts hold only what is needed")
    args = parser.parse_args()
    if args.igent:
        from igent.workflows.loop import run_loop  # noqa: PLC0415 -- see above

        run_loop(compete(args))
    else:
        asyncio.run(compete(args))


if __name__ == "__main__":
    main()
