"""kill -9 on a graph's run in every phase and while its files are written; gone on with, it ends as if never killed,
and no question is asked again whose answer was on the disk. IGENT_NIGHTLY=1 kills in every phase, several times."""

from __future__ import annotations

import sys
from collections.abc import Callable
from random import Random

import pytest
from e2e_support import Shell
from graph_kills import Tormented, crosswalk_server, whole_run
from run_kit import NIGHTLY

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="forks processes")

Whole = Callable[[str, str], tuple[dict[str, bytes], int]]
PHASES = {
    "extract": "source_aa",
    "fingerprint": "source_bpd_prints",
    "embed": "source_bpd_vectors",
    "pair": "pair_bpd",
    "verify": "verify_bpd",
    "select": "best_bpd",
    "reduce": "crosswalk_bpd",
    "reduce, the other part": "crosswalk_aa",
    "confirm": "confirm",
    "merge": "merge_source",
    "embed the instances": "source_instances",
    "verify the instances": "verify_instances",
    "variances": "variances",
    "red team": "red_team",
    "statistics": "statistics",
}

ORDER = [*PHASES.values()]
WHOLE = {"source_aa", *ORDER[ORDER.index("crosswalk_bpd") :]} - {"source_instances", "verify_instances"}
"""Those that work on everything at once."""
POINTS = {
    "a result half written": "during:write:.crosswalk_confirmed.json.tmp:1",
    "some results in place": "before:replace:statistics.json:1",
    "all but the summary in place": "before:replace:summary.json:1",
    "outcomes half written": "during:write:.outcomes.jsonl.tmp:1",
    "outcomes in place, nothing else": "after:replace:outcomes.jsonl:1",
    "a table half written": "during:write:.variances.csv.tmp:1",
    "a workbook half written": "during:write:.red_team.xlsx.tmp:1",
    "a workbook written, not synced": "before:sync:.crosswalk_bpd.xlsx.tmp:1",
    "a result written, not in place": "before:replace:red_team.json:1",
    "a result in place": "after:replace:variances.json:1",
    "everything in place": "after:replace:summary.json:1",
}
CONCURRENCY = 16
"""What the constellations say."""


@pytest.fixture(scope="module")
def whole(zygote, tmp_path_factory: pytest.TempPathFactory) -> Whole:
    """What undisturbed runs give, by constellation and scenario."""
    known: dict[tuple[str, str], tuple[dict[str, bytes], int]] = {}

    def get(constellation: str, scenario: str) -> tuple[dict[str, bytes], int]:
        if (constellation, scenario) not in known:
            shell = Shell(zygote, tmp_path_factory.mktemp("whole") / "here")
            known[constellation, scenario] = whole_run(shell, [constellation, "--scenario", scenario])
        return known[constellation, scenario]

    return get


def torment(shell: Shell, whole: Whole, points: list[str | float], *, batch: bool, cache: bool, pdf: bool) -> None:
    """Kill at each of these points, one after the other, finish, and check. A number is a time in seconds."""
    constellation, scenario = "crosswalk_batch" if batch else "crosswalk", "sample" if pdf else "sample_json"
    expected, needed = whole(constellation, scenario)
    arguments = [constellation, "--scenario", scenario, *([] if cache else ["--no-cache"])]
    with crosswalk_server() as server:
        run = Tormented(shell, server, arguments)
        for point in points:
            if isinstance(point, float):
                run.kill_after(point)
            elif ":" in point:
                run.kill_at(point)
            else:  # what is begun so early depends on how busy the machine is
                run.kill_in(next(phase for phase in ORDER[ORDER.index(point) :] if not run.begun(phase)))
        run.finish()
        again = run.check(expected, needed)
    for kill in run.kills:
        assert batch or kill.unkept <= CONCURRENCY, f"more than was in flight: {kill}"
    print(*arguments, f"again {again} of {needed}", *run.kills, sep="\n  ")


@pytest.mark.parametrize("cache", [False, True], ids=["no cache", "cache"])
@pytest.mark.parametrize("batch", [False, True], ids=["alone", "batch"])
def test_killed_five_times_in_a_row(shell: Shell, whole: Whole, batch: bool, cache: bool):
    five: list[str | float] = ["source_aa", "source_bpd_prints", "verify_bpd", "confirm", "verify_instances"]
    torment(shell, whole, five, batch=batch, cache=cache, pdf=False)


@pytest.mark.parametrize("phase", ["extract", "select", "red team", "statistics"])
def test_killed_in_a_phase(shell: Shell, whole: Whole, phase: str):
    torment(shell, whole, [PHASES[phase]], batch=False, cache=True, pdf=phase == "extract")


@pytest.mark.parametrize("point", [*POINTS.values()] if NIGHTLY else [*POINTS.values()][:3])
def test_killed_while_the_files_are_written(shell: Shell, whole: Whole, point: str):
    torment(shell, whole, [point], batch=False, cache=False, pdf=False)


nightly = pytest.mark.skipif(not NIGHTLY, reason="a few minutes")


@nightly
@pytest.mark.parametrize("nth", [1, 2, 7])
@pytest.mark.parametrize("cache", [False, True], ids=["no cache", "cache"])
@pytest.mark.parametrize("batch", [False, True], ids=["alone", "batch"])
@pytest.mark.parametrize("phase", PHASES.values(), ids=PHASES)
def test_killed_in_every_phase(shell: Shell, whole: Whole, phase: str, batch: bool, cache: bool, nth: int):
    """Of phases with one unit, so many times in a row: each time before it, then after it."""
    many = phase not in WHOLE
    points: list[str | float] = [f"settled:{phase}:{nth if many else 1}"]
    if not many:
        points += [f"before:replace:{name}:1" for name in ("outcomes.jsonl", "summary.json")][: nth // 2]
    torment(shell, whole, points, batch=batch, cache=cache, pdf=nth == 2)


@nightly
@pytest.mark.parametrize("seed", range(20))
def test_killed_at_random_times(shell: Shell, whole: Whole, seed: int):
    random = Random(f"graph kills {seed}")
    times: list[str | float] = [random.uniform(0.0, 0.15) for _ in range(5)]
    torment(shell, whole, times, batch=seed % 2 == 1, cache=seed % 4 > 1, pdf=False)
