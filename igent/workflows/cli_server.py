"""`igent mock-server`: the mock's answers over OpenAI-compatible HTTP."""

from __future__ import annotations

__all__ = ["mock_server"]

import asyncio
from contextlib import suppress

import click

from igent.errors import ConfigError
from igent.models.faults import Faults
from igent.models.pace import Pace
from igent.models.quota import Quota
from igent.models.server import MockServer
from igent.workflows.plugins import load_workload, shipped_workloads
from igent.workload import MockAnswers


@click.command(name="mock-server")
@click.option("--host", default="127.0.0.1", show_default=True, help="It asks for no key: keep it local.")
@click.option("--port", type=click.IntRange(0, 65535), default=8765, show_default=True, help="0 takes a free one.")
@click.option("--workload", "workloads", multiple=True, help="Whose answers; repeatable. [default: all that ship]")
@click.option(
    "--mock-latency",
    "pace",
    metavar="PROFILE",
    help="gpt-4o, or ttft=0.6,itl=0.02 (seconds); with slow=0.02,slow-by=10, that share of calls is so much slower.",
)
@click.option("--mock-errors", "errors", type=click.FloatRange(0, 1), default=0.0, help="Share of wrong first answers.")
@click.option("--before", type=click.IntRange(0), metavar="N", help="Tokens before the JSON. [default: a sentence]")
@click.option("--after", type=click.IntRange(0), metavar="N", help="Tokens after the JSON. [default: a sentence]")
@click.option(
    "--quota",
    metavar="LIMITS",
    help="requests=600,tokens=200000 (a minute); over it 429. Also window=bucket|fixed|sliding,burst=60 (seconds).",
)
@click.option("--max-in-flight", type=click.IntRange(1), metavar="N", help="More calls at once: 429. [default: any]")
@click.option(
    "--faults",
    default="",
    metavar="RATES",
    help="429=0.1,500=0.05,cut=0.03,stall=…,garbage=…,retry-after=1,for=20 (seconds); phases follow after a ';'.",
)
@click.option("--seed", type=int, default=0, show_default=True)
def mock_server(
    host: str,
    port: int,
    workloads: tuple[str, ...],
    pace: str | None,
    errors: float,
    before: int | None,
    after: int | None,
    quota: str | None,
    max_in_flight: int | None,
    faults: str,
    seed: int,
) -> None:
    """Serve the mock over HTTP, until Ctrl-C.

    At http://HOST:PORT/v1, OpenAI-compatible; its counters are at /stats.
    """
    server = MockServer(
        _answers(workloads or tuple(shipped_workloads())),
        seed,
        errors,
        Pace.parse(pace) if pace else None,
        Faults.parse(faults),
        host=host,
        port=port,
        before=before,
        after=after,
        quota=Quota.parse(quota) if quota else None,
        max_in_flight=max_in_flight,
    )
    with suppress(KeyboardInterrupt):
        asyncio.run(_serve(server))


def _answers(workloads: tuple[str, ...]) -> list[MockAnswers]:
    answers = [workload.mock for workload in map(load_workload, workloads) if workload.mock is not None]
    if not answers:
        raise ConfigError(f"no mock answers in {', '.join(workloads)}")
    return answers


async def _serve(server: MockServer) -> None:
    async with server:
        click.echo(server.base_url)  # stdout, so that a script that took port 0 can read it
        click.echo("igent: mock server; use it with --base-url; Ctrl-C ends it", err=True)
        await server.serve_forever()
