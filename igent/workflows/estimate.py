"""What a run would send, cost and take, without sending anything: the figures behind `igent run --dry-run`.

The records are walked in input order, as admission would let them in: each is shown the capacity as it will be, its
questions are the ones that would be asked, its answers the ones that the workload expects (size.py says what is guessed
where it expects none). Twice for each record: with no draft refused, and with every draft refused once.
"""

from __future__ import annotations

__all__ = ["estimate"]

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from igent.capacity.ledger import Ledger
from igent.clock import SYSTEM_CLOCK, Clock
from igent.config.settings import Settings
from igent.models.pace import Pace
from igent.outcome import Outcome
from igent.records.selection import select
from igent.reporting.forecast import Forecast
from igent.types import Case, Record
from igent.workflows.checks import check_prices
from igent.workflows.constellation import Constellation
from igent.workflows.executors.local import LocalExecutor
from igent.workflows.folder import RunFolder
from igent.workflows.identity import identity_of
from igent.workflows.inputs import find_scenario, read_scenario
from igent.workflows.model import NO_MODEL, build_client, build_endpoint
from igent.workflows.phase import Phase
from igent.workflows.reckoning import Found, add_record, asked_of, forecast
from igent.workflows.record import RecordWorker
from igent.workflows.size import Sizer
from igent.workflows.wiring import build_phases, build_tools
from igent.workload import Dataset

USUAL_PACE = "gpt-4o"
"""The pace of an endpoint of which nothing is known: that of single calls of gpt-4o, as published."""


@dataclass(frozen=True, slots=True)
class _Before:
    """What the run folder has: the outcomes of earlier sessions, how many records they went to, and the run's date."""

    outcomes: Mapping[str, Outcome]
    reach: int
    today: date


async def estimate(constellation: Constellation, settings: Settings, clock: Clock = SYSTEM_CLOCK) -> Forecast:
    """The forecast of the run that the same constellation and settings would make.

    Sends nothing, makes no run folder and needs no key. A `mock_latency` is the pace that is reckoned with; None: the
    mock answers at once, an endpoint at USUAL_PACE.

    Raises what the run would raise before its first call: ConfigError, DataError, RunFolderError.
    """
    spec, workload = constellation.spec, constellation.workload
    scenario = find_scenario(constellation.places, workload, settings.data, settings.scenario or spec.scenario)
    phases = build_phases(constellation, settings)
    check_prices(constellation, settings)
    if settings.mock or settings.base_url is not None:  # what cannot be asked (no such address, no mock) is refused
        await build_client(settings, build_endpoint(settings, spec.run), workload, clock).close()
    pace = Pace.parse(settings.mock_latency or ("ttft=0,itl=0" if settings.mock else USUAL_PACE))
    dataset = await read_scenario(workload, scenario)
    out = settings.out or Path("runs") / f"{constellation.name}-{scenario.name}"
    before = _before(out, settings, identity_of(constellation, settings, scenario), clock)
    if spec.is_graph:
        from igent.workflows.graph.estimate import walk_graph  # noqa: PLC0415  # what it takes, conversations do not need

        found = await walk_graph(constellation, settings, phases, dataset, before.outcomes, before.today, pace, clock)
    else:
        found = _walk(constellation, settings, phases, dataset, before, pace)
    return forecast(constellation, settings, scenario.name, out, found, USUAL_PACE)


def _before(out: Path, settings: Settings, identity: dict[str, object], clock: Clock) -> _Before:
    """What an unfinished run has in the folder. Like the run, it refuses a folder of another run, or of somebody's."""
    nothing = _Before({}, 0, clock.today())
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return nothing
    if settings.fresh and (out / "journal.jsonl").exists():
        return nothing
    folder = RunFolder.open(out)
    try:
        folder.check(identity)
        today = date.fromisoformat(folder.run["today"]) if folder.run else clock.today()
        return _Before(folder.outcomes, folder.reach, today)
    finally:
        folder.lock.release()


def _walk(
    constellation: Constellation,
    settings: Settings,
    phases: Sequence[Phase],
    dataset: Dataset,
    before: _Before,
    pace: Pace,
) -> Found:
    workload, ledger, found = constellation.workload, Ledger(dataset.capacity), Found()
    tools = build_tools(NO_MODEL, constellation, settings, SYSTEM_CLOCK)
    worker = RecordWorker(phases, tools, workload, ledger, LocalExecutor(), SYSTEM_CLOCK)
    sizer = Sizer(workload, asked_of(constellation))
    early = (settings.speculate or constellation.spec.run.speculate) != "off"
    for outcome in before.outcomes.values():
        if outcome.status == "done" and outcome.takes:
            ledger.load_commit(outcome.record_id, outcome.takes)
    for record in _chosen(dataset, settings.max_items, before):
        if record.id in before.outcomes:
            found.settled += 1
            _replay(ledger, before.outcomes[record.id])
            continue
        case = Case(record, dataset.reference, ledger.view(), before.today)
        unit = worker.predict(case)
        if unit is not None:
            ledger.hold(record.id, unit)
        if record.problem is not None:
            found.refused += 1
            continue
        add_record(found, phases, sizer, case, settings.seed, pace, early=early)
    return found


def _replay(ledger: Ledger, outcome: Outcome) -> None:
    if outcome.takes:
        ledger.hold(outcome.record_id, outcome.takes)


def _chosen(dataset: Dataset, max_items: int | None, before: _Before) -> Sequence[Record]:
    """As the run chooses: the first `max_items` records, and those that an earlier session has gone to."""
    chosen = select(dataset.records, max_items)
    return dataset.records[: before.reach] if before.reach > len(chosen) else chosen
