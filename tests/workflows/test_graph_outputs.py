"""What `Report.outputs` gives of a graph's run."""

from __future__ import annotations

import asyncio
import json

from graph_kit import CONSTELLATION, make_folder

from igent import run_workflow
from igent.reporting.report import load_report

NAMED_ALIKE = (
    CONSTELLATION.replace("name: rows", "name: table")
    .replace("name: judged", "name: verdicts")
    .replace("needs: [judged]", "needs: [verdicts]")
)


def test_outputs_are_those_of_the_file_in_input_order_whatever_the_phases_are_called(tmp_path):
    path = make_folder(tmp_path / "here", constellation=NAMED_ALIKE)
    out = tmp_path / "out"
    report = asyncio.run(run_workflow(str(path), data=path.parents[1] / "data", out=out, mock=True, concurrency=2))
    for name in ("table", "verdicts", "choices"):
        written = json.loads((out / f"{name}.json").read_text())
        assert len(written) > 1
        assert report.outputs(name) == load_report(out).outputs(name) == written
    assert report.outputs("pairs") == report.outputs("left") == []
