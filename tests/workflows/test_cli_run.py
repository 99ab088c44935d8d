"""The options of `igent run` and `igent retry`, and what is said when a limit ends a run."""

from __future__ import annotations

import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from e2e_support import DATA

from igent import ConfigError, LimitError, run_workflow
from igent.config.settings import Settings
from igent.errors import Problem
from igent.workflows import api, cli_run
from igent.workflows.cli import main
from igent.workflows.execute import Ended

LIMITS = ["--max-cost", "2.50", "--max-calls", "7", "--speculate", "off", "--hedge", "--concurrency", "auto"]


class _Caught(BaseException):
    """Ends a command where its workflow is made."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "IGENT_BASE_URL", "IGENT_API_KEY", "IGENT_MODEL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def caught(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs a command up to its workflow, and gives the settings that this would have had."""

    def workflow(_: Any, settings: Settings, **__: Any) -> None:
        raise _Caught(settings)

    def run(command: Any, arguments: list[str]) -> Settings:
        with pytest.raises(_Caught) as found:
            command.main(arguments, standalone_mode=False)
        return found.value.settings

    monkeypatch.setattr(cli_run, "Workflow", workflow)
    monkeypatch.setattr(api, "Workflow", workflow)
    return run


def chosen(settings: Settings) -> tuple[Any, ...]:
    return (settings.max_cost, settings.max_calls, settings.speculate, settings.hedge, settings.concurrency)


def test_run_takes_limits_and_ways_to_be_fast(caught):
    settings = caught(cli_run.run, ["p1m1m2c", "--mock", *LIMITS])
    assert chosen(settings) == (Decimal("2.50"), 7, "off", True, "auto")
    settings = caught(cli_run.run, ["p1m1m2c", "--mock", "--no-hedge", "--concurrency", "12"])
    assert chosen(settings) == (None, None, None, False, 12)
    assert chosen(caught(cli_run.run, ["p1m1m2c", "--mock"])) == (None, None, None, None, None)


def test_retry_takes_them_too(caught, monkeypatch):
    monkeypatch.setattr(cli_run, "invocation_of", lambda _: {"constellation": "p1m1m2c", "mock": True, "max_calls": 3})
    assert chosen(caught(cli_run.retry, ["run"])) == (None, 3, None, None, None)
    assert chosen(caught(cli_run.retry, ["run", *LIMITS])) == (Decimal("2.50"), 7, "off", True, "auto")


async def test_the_python_interface_takes_them_too(caught):
    with pytest.raises(_Caught) as found:
        await run_workflow(
            "p1m1m2c", data=DATA, mock=True, max_cost="2.50", max_calls=7, speculate="off", hedge=True,
            concurrency="auto",
        )  # fmt: skip
    assert chosen(found.value.settings) == (Decimal("2.50"), 7, "off", True, "auto")


async def test_a_pace_without_a_mock_is_refused():
    said = "--mock-latency gpt-4o: paces the mock, which is not asked .add --mock"
    with pytest.raises(ConfigError, match=said):
        cli_run.run.main(["p1m1m2c", "--mock-latency", "gpt-4o"], standalone_mode=False)
    with pytest.raises(ConfigError, match=said):
        await run_workflow("p1m1m2c", mock_latency="gpt-4o", base_url="http://127.0.0.1:9/v1")


def test_a_cost_is_not_limited_where_it_cannot_be_known():
    with pytest.raises(ConfigError, match=r"the price of gpt-4o is not known .bound the run by --max-calls"):
        cli_run.run.main(["p1m1m2c", "--base-url", "http://127.0.0.1:9/v1", "--max-cost", "1"], standalone_mode=False)


CALLS = Problem("", "the limit of 7 calls is reached", "--max-calls: raise it, and run the same command again")


@pytest.mark.parametrize(
    ("typed", "problem", "next_"),
    [
        (["--max-calls", "7", "--fresh", "--max-cost", "1.25"], CALLS, "--max-cost 1.25 --max-calls 14"),
        (["--max-calls=7", "--seed", "3"], CALLS, "--seed 3 --max-calls 14"),
        (["--max-cost", "1.25"], Problem("", "no room", "--max-cost: raise it"), "--max-cost 2.50"),
        (["--max-cost", "1", "--max-calls", "7"], Problem("", "enough"), "--max-cost 2 --max-calls 14"),
    ],
)
def test_after_a_limit_the_next_command_has_a_higher_one(monkeypatch, capsys, typed, problem, next_):
    def limited(workflow: Any, **_: Any) -> Ended:
        workflow.folder.mkdir(parents=True)
        (workflow.folder / "journal.jsonl").touch()
        return Ended(None, LimitError(problem), None)

    monkeypatch.setattr(cli_run, "execute", limited)
    arguments = ["run", "p1m1m2c", "--mock", "--data", str(DATA), "--out", "my run", *typed]
    monkeypatch.setattr(sys, "argv", ["igent", *arguments])
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 6
    out, err = capsys.readouterr()
    assert out == ""
    command = f"igent run p1m1m2c --mock --data {DATA} --out 'my run' {next_}\n"
    said, _, error = err.partition("such as: ")
    assert said == "igent: what is finished is kept; go on with a higher limit, "
    assert error.startswith(command)
    assert str(problem) in error
