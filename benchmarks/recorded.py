"""What igent asks for the records of a job, for references that send the same: the mock answers, in this process."""

from __future__ import annotations

__all__ = ["Requests", "requests_of"]

import argparse
from collections import defaultdict
from pathlib import Path
from tempfile import TemporaryDirectory

from igent import run_workflow
from igent.models.mock import MockModel
from igent.types import ChatRequest, Completion, StopFactory
from igent.workflows.plugins import load_workload

Requests = dict[str, list[ChatRequest]]
"""By record id, in the order in which they were asked."""


class _Recorder(MockModel):
    def __init__(self) -> None:
        answers = load_workload("sbus").mock
        assert answers is not None
        super().__init__(answers)
        self.found: Requests = defaultdict(list)

    async def complete(self, request: ChatRequest, stop: StopFactory | None = None) -> Completion:
        self.found[request.context.record_id].append(request)
        return await super().complete(request, stop)


async def requests_of(constellation: str, args: argparse.Namespace) -> Requests:
    """All requests of a run over the contestant's records."""
    recorder = _Recorder()
    with TemporaryDirectory() as folder:
        await run_workflow(
            constellation,
            data=args.data,
            scenario=args.scenario,
            max_items=max(args.n, args.warm),
            out=Path(folder) / "run",
            client=recorder,
            conversations=False,
        )
    return recorder.found
