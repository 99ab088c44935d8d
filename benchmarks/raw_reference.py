"""igent's requests on bare connections, the answers read and thrown away: what the server itself takes.

    python benchmarks/raw_reference.py --base-url URL --data DIR --scenario NAME --igent CONSTELLATION

A connection a call, all calls of a record at once. No client can be faster on this machine.
"""

from __future__ import annotations

__all__ = ["main"]

import asyncio
import json
from urllib.parse import urlsplit

from measure import Row, load_case, measured, options, report
from recorded import requests_of

from igent.types import ChatRequest
from igent.workflows.loop import run_loop

_LARGEST_READ = 1 << 16


def post(request: ChatRequest, host: str) -> bytes:
    """The request as it goes over the wire."""
    messages = [{"role": message.role, "content": message.content} for message in request.messages]
    body = json.dumps({"model": request.model, "messages": messages, "stream": True, **request.options}).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
    return f"{head}Connection: close\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


async def main() -> None:
    """Warm up, then measure."""
    parser = options("Bare connections.")
    parser.add_argument("--igent", metavar="CONSTELLATION", required=True)
    args = parser.parse_args()
    case, requests = load_case(args.data, args.scenario), await requests_of(args.igent, args)
    address = urlsplit(args.base_url)

    async def send(raw: bytes) -> None:
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        writer.write(raw)
        received = await reader.readline()
        if b" 200 " not in received:
            raise SystemExit(f"the server answered {received!r}")
        while await reader.read(_LARGEST_READ):
            pass
        writer.close()

    async def register(row: Row) -> Row:
        async with asyncio.TaskGroup() as group:
            for request in requests[row["RegistrationNumber"]]:
                group.create_task(send(post(request, address.netloc)))
        return row

    report(await measured(args, case.registrations, register))


if __name__ == "__main__":
    run_loop(main())
