"""Runs constellations over the same data, one after the other, and puts their figures side by side."""

from __future__ import annotations

__all__ = ["Compared", "Plan", "compare", "plan", "write"]

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

from igent.clock import SYSTEM_CLOCK
from igent.config.settings import Settings
from igent.errors import ConfigError, IgentError, Problem, RunFolderError
from igent.files import replace_file
from igent.reporting.chart import chart
from igent.reporting.comparison import Comparison, Figures, Row, figures_of, markdown
from igent.reporting.facts import versions
from igent.reporting.report import Report
from igent.workflows.accuracy import accuracy, run_date
from igent.workflows.checks import check_pace, check_prices
from igent.workflows.constellation import Constellation, load_constellation
from igent.workflows.execute import Ended, ProgressWatch, execute
from igent.workflows.inputs import ScenarioFiles, find_scenario, read_scenario
from igent.workflows.run import Workflow
from igent.workflows.wiring import build_phases
from igent.workload import Dataset


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be compared: the constellations, the settings that all share, the scenario, the folder that their run
    folders go into, and how often each is run."""

    constellations: Sequence[Constellation]
    settings: Settings
    scenario: ScenarioFiles
    folder: Path
    repeats: int


@dataclass(frozen=True, slots=True)
class Compared:
    """How it ended: the comparison of what was finished, the error that ended it or None, and the exit code."""

    comparison: Comparison
    error: IgentError | None
    code: int


def plan(references: Sequence[str], settings: Settings, repeats: int = 1) -> Plan:
    """Load and check everything before the first run. `settings.out` is the folder, None: runs/compare-<scenario>.

    A model for one agent ("AGENT=NAME") goes to the constellations that have it. Raises ConfigError: what is wrong with
    any of them, or that they do not go over the same data.
    """
    check_pace(settings)
    constellations = _load(references, settings.model)
    names = [constellation.name for constellation in constellations]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigError(Problem("", f"{', '.join(twice)}: named twice", "each has a run folder of its name"))
    scenario = _scenario(constellations, settings)
    for constellation in constellations:
        build_phases(constellation, settings)
        check_prices(constellation, settings)
    folder = settings.out or Path("runs") / f"compare-{scenario.name}"
    if (folder / "journal.jsonl").exists():
        raise ConfigError(Problem(str(folder), "is the folder of a run", "choose another one with --out"))
    return Plan(constellations, settings, scenario, folder, repeats)


def compare(plan: Plan, *, say: Callable[[str], None], quiet: bool = False) -> Compared:
    """Run them in turns, each run in a folder of its own under the plan's; what stood there is set aside.

    Repeat k is run with the seed k - 1 above the settings', for all constellations the same. `say` is told which run
    begins; `quiet` shows no progress. Ctrl-C, or an error, ends it with what was finished; a run that was not finished
    counts for nothing, and its folder stays.
    """
    runs: dict[str, dict[str, Figures]] = {constellation.name: {} for constellation in plan.constellations}
    code, error = 0, None
    try:
        dataset = asyncio.run(read_scenario(plan.constellations[0].workload, plan.scenario))
        turns = [(repeat, one) for repeat in range(1, plan.repeats + 1) for one in plan.constellations]
        for number, (repeat, constellation) in enumerate(turns, 1):
            workflow = _workflow(plan, constellation, repeat, quiet=quiet)
            say(f"run {number} of {len(turns)}: {constellation.name}, in {workflow.folder}")
            ended = execute(workflow)
            if ended.report is not None and not ended.report.summary.counts.not_run:
                runs[constellation.name][workflow.folder.name] = _figures(plan, constellation, dataset, ended.report)
            code, error = _end_of(ended)
            if code not in (0, 1):
                break
    except KeyboardInterrupt:  # between two runs nobody else waits for it
        code = 130
    except IgentError as caught:
        code, error = caught.exit_code, caught
    comparison = _comparison(plan, runs)
    if not code and any(figures.failed for row in comparison.rows for figures in row.runs.values()):
        code = 1
    return Compared(comparison, error, code)


def write(comparison: Comparison, folder: Path) -> None:
    """comparison.json, comparison.md and comparison.svg. Raises RunFolderError when one cannot be written."""
    files = {
        "comparison.json": orjson.dumps(comparison.to_json(), option=orjson.OPT_INDENT_2) + b"\n",
        "comparison.md": markdown(comparison, "comparison.svg").encode("utf-8", "replace"),
        "comparison.svg": chart(comparison).encode("utf-8", "replace"),
    }
    for name, content in files.items():
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            replace_file(folder / name, [content])
        except OSError as error:
            raise RunFolderError(Problem(str(folder / name), f"cannot be written: {error.strerror}")) from error


def _load(references: Sequence[str], models: Sequence[str]) -> list[Constellation]:
    loaded: list[Constellation] = []
    problems: list[Problem] = []
    for reference in references:
        try:
            loaded.append(load_constellation(reference))
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(*problems)
    agents = {agent for constellation in loaded for agent in constellation.models}
    return [constellation.with_models(_own(models, constellation, agents)) for constellation in loaded]


def _own(models: Sequence[str], constellation: Constellation, agents: set[str]) -> list[str]:
    """The choices that concern this constellation; one for an agent that nobody has stays, to be refused."""

    def concerns(choice: str) -> bool:
        agent, equals, _ = choice.partition("=")
        return not equals or agent in constellation.models or agent not in agents

    return [choice for choice in models if concerns(choice)]


def _scenario(constellations: Sequence[Constellation], settings: Settings) -> ScenarioFiles:
    names = {settings.scenario or constellation.spec.scenario for constellation in constellations}
    if len(names) > 1:
        what = f"the constellations name different scenarios: {', '.join(sorted(names))}"
        raise ConfigError(Problem("", what, "choose one: --scenario NAME"))
    found = [find_scenario(one.places, one.workload, settings.data, name) for one in constellations for name in names]
    if any(scenario != found[0] for scenario in found) or len({one.spec.workload for one in constellations}) > 1:
        raise ConfigError(Problem("", "the constellations go over different data", "give all the same: --data DIR"))
    return found[0]


def _workflow(plan: Plan, constellation: Constellation, repeat: int, *, quiet: bool) -> Workflow:
    name = f"{constellation.name}-{repeat}" if plan.repeats > 1 else constellation.name
    settings = plan.settings.model_copy(
        update={
            "out": plan.folder / name,
            "fresh": True,
            "scenario": plan.scenario.name,
            "seed": plan.settings.seed + repeat - 1,
            "model": tuple(f"{agent}={model}" for agent, model in constellation.models.items()),
        }
    )
    return Workflow(constellation, settings, watch=ProgressWatch(SYSTEM_CLOCK, quiet=quiet))


def _figures(plan: Plan, constellation: Constellation, dataset: Dataset, report: Report) -> Figures:
    today = run_date(report.folder, SYSTEM_CLOCK.today())
    right = accuracy(constellation, dataset, report.outcomes, today)
    # What is priced for a mock is what the models that it stands for would cost.
    base_url = None if plan.settings.mock else plan.settings.base_url
    return figures_of(report.summary, report.outcomes, right, constellation.models, base_url)


def _end_of(ended: Ended) -> tuple[int, IgentError | None]:
    if ended.error is not None:
        return ended.error.exit_code, ended.error
    return ended.signal_code or 0, None


def _comparison(plan: Plan, runs: Mapping[str, Mapping[str, Figures]]) -> Comparison:
    settings, known = plan.settings, plan.constellations
    rows = [Row.of(one.name, one.spec.description, runs[one.name]) for one in known if runs[one.name]]
    counts = [sum((f.done, f.no_match, f.failed)) for row in rows for f in row.runs.values()]
    return Comparison(
        scenario=plan.scenario.name,
        records=counts[0] if counts else 0,
        repeats=plan.repeats,
        mock=settings.mock,
        pace=settings.mock_latency,
        models=sorted({model for one in known for model in one.models.values()}),
        versions=versions(),
        rows=rows,
        missing=[one.name for one in known if not runs[one.name]],
    )
