"""Calls of two sizes through igent's model stack, without any workload: twice --n of them, so many at once.

    python benchmarks/mixed_calls.py --base-url URL --data DIR --scenario NAME [--mean 333]

Half of them are small: alone they would use up the requests a minute first. The other half is so large that --mean
tokens is what a call takes on average, answer included: at 333, both of 600 requests and 200,000 tokens a minute bind.
Nothing is configured; `done` counts pairs of calls that were answered.
"""

from __future__ import annotations

__all__ = ["main"]

import json
from random import Random

from measure import Row, load_case, measured, options, report

from igent.clock import SYSTEM_CLOCK
from igent.models.endpoint import Endpoint
from igent.models.http import OpenAIModel
from igent.models.mock import Mocker
from igent.models.stack import build_stack
from igent.models.tokens import BYTES_PER_TOKEN
from igent.types import CallContext, ChatMessage, ChatRequest
from igent.workflows.loop import run_loop
from igent.workflows.plugins import load_workload


def request(row: Row, padding: int) -> ChatRequest:
    """A chat that shows a registration and no offers, after so many tokens of nothing."""
    number = {"RegistrationNumber": row["RegistrationNumber"]}
    text = f"{'.' * (padding * BYTES_PER_TOKEN)}\n\n## REGISTRATION\n```json\n{json.dumps(number)}\n```"
    return ChatRequest("mock", (ChatMessage("user", text),), CallContext(row["RegistrationNumber"], "calls", "agent"))


def tokens_of(asked: ChatRequest) -> int:
    """What the server counts for it, the whole answer included."""
    answers = load_workload("sbus").mock
    assert answers is not None
    answer = Mocker(answers).answer(asked.messages, asked.options)
    assert answer is not None
    return answer.usage.input_tokens + answer.usage.output_tokens


async def main() -> None:
    """Ask, until all have been answered."""
    parser = options("Calls of two sizes.")
    parser.add_argument("--mean", type=float, default=333.0, help="tokens a call, answer included")
    args = parser.parse_args()
    rows = load_case(args.data, args.scenario).registrations[: args.n]
    small = sum(tokens_of(request(row, 0)) for row in rows) / len(rows)
    padding = max(0, round(2 * (args.mean - small)))
    endpoint = Endpoint(base_url=args.base_url)
    stack = build_stack(OpenAIModel(endpoint), endpoint=endpoint, clock=SYSTEM_CLOCK, random=Random(0))
    sizes = Random(0)

    async def register(row: Row) -> Row:
        for size in sizes.sample([0, padding], 2):
            await stack.complete(request(row, size))
        return row

    result = await measured(args, rows, register)
    await stack.close()
    report(result)


if __name__ == "__main__":
    run_loop(main())
