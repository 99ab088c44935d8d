"""The crosswalk at full size: 425 x 507 provisions and 521 x 235 elections, at the pace of a real model.

    python benchmarks/crosswalk.py [--pace gpt-4o] [--concurrency 32] [--paced first again] [--only NAME …]
        [--scale 1.0] [--json FILE]

About eight minutes by default, six and a half of them the first run, so that the CI leaves it out; `--scale 0.1` makes
a tenth of the provisions. Each run is one of `igent run` in a process of its own with somebody looking on, over HTTP on
`igent mock-server` in another:

- first: the shipped constellation, with an empty cache;
- again: the same in a new folder, with the cache of the first;
- batch: `crosswalk_batch`, ten pairs a call, with an empty cache;
- any types: the first without its rule of compatible types;
- pdf: the first from PDFs; pdf again: with the cache of that;
- cascade: `crosswalk_cascade`.

Those that are not `--paced` have a server without latency: their seconds are igent's and the server's own.

LLM seconds are from the start of the first verification to the end of the last, those of the instances included; a
call's seconds are those of its unit, from when it has a place. The server's pace is what the tokens of the answers take
at the profile's mean. Peak memory is the resident set that the system saw. Dollars are what the tokens cost at OpenAI.
Wrong rows: see crosswalk_rows.py. Prints Markdown; ends with 1 when a unit has no outcome.
"""

from __future__ import annotations

__all__ = ["main"]

import argparse
import json
import math
import sys
import tempfile
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

from contest import server, stats
from crosswalk_rows import changed_files, wrong_rows
from measure import peak_megabytes
from memory import timed
from tables import Run, Verdict, machine, table

from igent.config.settings import load_settings
from igent.models.pace import Pace
from igent.models.prose import tokens_in
from igent.outcome import Outcome
from igent.reporting.figures import total_cost
from igent.workflows.constellation import load_constellation
from igent.workflows.loop import run_loop
from igent.workflows.run import Workflow
from igent.workflows.watch import RunState

ROOT = Path(__file__).resolve().parents[1]
SIZES = {"bpd": (425, 507), "aa": (521, 235)}
RUNS = {
    "first": ("crosswalk", "first"),
    "again": ("crosswalk", "first"),
    "batch": ("crosswalk_batch", "batch"),
    "any types": ("any_types.yaml", "any"),
    "pdf": ("crosswalk", "pdf"),
    "pdf again": ("crosswalk", "pdf"),
    "cascade": ("crosswalk_cascade", "cascade"),
}
"""Constellation and cache of each run."""
PACED = ("first", "again")
_RULE = "    compatible: types\n"
Calls = list[tuple[str, float, float]]
"""Phase, start and end of units that asked a model."""


class Onlooker:
    """Watches a run: when each conversation took place, and what its tokens cost."""

    def __init__(self, models: dict[str, str]) -> None:
        self._models = models
        self.calls: Calls = []
        self.dollars = Decimal(0)

    def started(self, state: RunState) -> None: ...
    def in_flight(self, count: int) -> None: ...
    def tick(self) -> None: ...
    def finished(self) -> None: ...

    def settled(self, outcome: Outcome) -> None:
        now = time.monotonic()
        phase = outcome.record_id.partition("/")[0]
        if phase.startswith("verify"):
            self.calls.append((phase, now - outcome.total_seconds, now))
            self.dollars += total_cost(outcome.steps, self._models, None) or 0


async def _watched(args: argparse.Namespace) -> None:
    """The run, in this process."""
    settings = load_settings(
        base_url=args.base_url,
        api_key="none",
        data=args.data,
        scenario=args.scenario,
        concurrency=args.concurrency,
        out=args.out,
        cache_file=args.cache_file,
    )
    constellation = load_constellation(args.constellation)
    onlooker = Onlooker(dict(constellation.models))
    await Workflow(constellation, settings, watch=onlooker).run()
    seen = {"calls": onlooker.calls, "dollars": float(onlooker.dollars), "peak": peak_megabytes()}
    args.seen.write_text(json.dumps(seen), encoding="utf-8")


def play(name: str, args: argparse.Namespace, url: str, place: Path) -> Run:
    """One run, with what the server counted meanwhile, and what came out."""
    constellation, cache = RUNS[name]
    out, seen = place / name, place / f"{name}.seen"
    chosen = place / constellation if constellation.endswith(".yaml") else constellation
    scenario = "generated_pdf" if name.startswith("pdf") else "generated"
    command = [__file__, "--child", "--constellation", chosen, "--base-url", url, "--data", place / "data"]
    command += ["--scenario", scenario, "--concurrency", str(args.concurrency), "--out", out, "--seen", seen]
    command += ["--cache-file", place / f"{cache}.db"]
    before = stats(url)
    run = timed(command)
    if run["code"] not in (0, 1) or not seen.exists():
        raise SystemExit(f"{name}: the run ended with {run['code']}")
    summary = json.loads((out / "summary.json").read_bytes())
    run |= json.loads(seen.read_bytes())
    cached = (summary["savings"] or {}).get("cache")
    run["counts"], run["cached"] = summary["counts"], cached["answers"] if cached else 0
    run["sent"] = stats(url)["requests"] - before["requests"]
    run["tokens"] = summary["tokens"]
    run["wrong"], run["open"] = wrong_rows(out, place / "data")
    run["changed"] = changed_files(out, place / "first")
    run["ideal"] = ideal_seconds(out, args.pace)
    print(f"{name}: {run['wall']:.1f} s, {run['sent']} calls, {run['peak']:.0f} MB", file=sys.stderr, flush=True)
    return run


def ideal_seconds(folder: Path, pace: str) -> float:
    """The mean seconds of a call at this pace, by the tokens of the answers in the journal; 0.0 without any."""
    spoken = []
    for line in (folder / "journal.jsonl").read_text("utf-8").splitlines():
        entry = json.loads(line)["entry"] if '"answer"' in line else {}
        if entry.get("kind") == "answer":
            spoken.append(len(tokens_in(entry["completion"]["text"])))
    if not spoken:
        return 0.0
    told = Pace.parse(pace)
    first, each = (
        median * math.exp(sigma**2 / 2) for median, sigma in ((told.ttft, told.ttft_sigma), (told.itl, told.itl_sigma))
    )
    return first + each * (sum(spoken) / len(spoken) - 1)


def span(calls: Calls, *phases: str) -> tuple[float, float]:
    """From the first start to the last end, in those phases, or in all."""
    some = [(start, end) for phase, start, end in calls if not phases or phase in phases]
    return min(start for start, _ in some), max(end for _, end in some)


def length(calls: Calls) -> float:
    """The LLM seconds of a run."""
    start, end = span(calls)
    return end - start


def alone(calls: Calls) -> float:
    """The part (0 to 1) of the shorter one of the two parts' verifications beside which the other did not run."""
    first, second = (span(calls, f"verify_{part}") for part in ("bpd", "aa"))
    beside = max(0.0, min(first[1], second[1]) - max(first[0], second[0]))
    return 1 - beside / min(end - start for start, end in (first, second))


def mean(calls: Calls) -> float:
    """Seconds a call."""
    return sum(end - start for _, start, end in calls) / len(calls)


def verdicts(runs: dict[str, Run], args: argparse.Namespace) -> list[Verdict]:
    """What is asked of the runs that were made."""
    first = runs.get("first")
    found = []
    if first:
        calls = first["calls"]
        ideal = len(calls) * mean(calls) / args.concurrency
        found += [
            Verdict("LLM seconds", "calls x seconds a call / concurrency", length(calls) / ideal, 1.15),
            Verdict("seconds a call", "the server's pace", mean(calls) / first["ideal"], 1.10),
            Verdict("verifying one part while the other stands still", "the shorter part's", alone(calls), 0.25),
        ]
    if first and "any types" in runs:
        found.append(Verdict("calls", "without the type rule", first["sent"] / runs["any types"]["sent"], 0.70))
    if first and "again" in runs:
        again = runs["again"]
        found += [
            Verdict("second run: calls", "-", again["sent"], 0, "{:.0f}"),
            Verdict("second run: seconds, all", "the first run's", again["wall"] / first["wall"], 0.05, "{:.3f} ×"),
            Verdict("second run: results that differ", "the first run's", len(again["changed"]), 0, "{:.0f}"),
        ]
    if first and "batch" in runs:
        found.append(Verdict("ten a call: calls", "one a call", runs["batch"]["sent"] / first["sent"], 0.15))
    peak = max(run["peak"] for run in runs.values())
    return [*found, Verdict("peak memory, of all runs the highest", "-", peak, 500.0, "{:.0f} MB")]


def line(name: str, run: Run) -> list[str]:
    """One run's line."""
    calls, tokens = run["calls"], run["tokens"]
    told = (f"{length(calls):.1f}", f"{mean(calls):.2f}") if name == "first" else ("", "")
    cells = [name, f"{run['sent']:,}", f"{run['cached']:,}", f"{run['wall']:.1f}", *told, f"{run['cpu']:.1f}"]
    cells += [f"{run['peak']:.0f}", f"{tokens['input']:,}", f"{tokens['output']:,}", f"{run['dollars']:.2f}"]
    return [*cells, str(run["wrong"]), str(run["open"])]


HEAD = (
    "run", "calls sent", "from the cache", "wall s", "LLM s", "s a call", "CPU s", "peak MB", "input tokens",
    "output tokens", "$ at OpenAI", "wrong rows", "not certain",
)  # fmt: skip


def prepare(place: Path, args: argparse.Namespace) -> None:
    """The generated plans, and the constellation without the type rule."""
    sizes = {part: "x".join(str(max(1, int(size * args.scale))) for size in both) for part, both in SIZES.items()}
    pdf = ["--pdf"] if any(name.startswith("pdf") for name in args.only) else []
    options = [word for part, size in sizes.items() for word in (f"--{part}", size)]
    made = timed(["-m", "igent.workloads.crosswalk.generate", place / "data", *options, *pdf])
    if made["code"]:
        raise SystemExit(f"the plans could not be generated: exit {made['code']}")
    text = (ROOT / "constellations" / "crosswalk.yaml").read_text("utf-8")
    if text.count(_RULE) != len(SIZES):
        raise SystemExit(f"constellations/crosswalk.yaml has not {len(SIZES)} lines {_RULE.strip()!r}")
    (place / "any_types.yaml").write_text(text.replace(_RULE, ""), encoding="utf-8")


def options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="The crosswalk at full size.")
    parser.add_argument("--pace", default="gpt-4o", help="of the server, as --mock-latency has it")
    parser.add_argument("--concurrency", type=int, default=32)
    parser.add_argument("--paced", nargs="+", default=list(PACED), choices=list(RUNS), help="runs at that pace")
    parser.add_argument("--scale", type=float, default=1.0, help="this share of the provisions")
    parser.add_argument("--only", nargs="+", default=list(RUNS), choices=list(RUNS), help="only these runs")
    parser.add_argument("--json", type=Path, help="also write the figures there")
    for name, kind in {"constellation": str, "base-url": str, "scenario": str}.items():
        parser.add_argument(f"--{name}", type=kind, help=argparse.SUPPRESS)
    for name in ("data", "out", "seen", "cache-file"):
        parser.add_argument(f"--{name}", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    """Make the runs and print them; or, as the child, one run."""
    args = options()
    if args.child:
        run_loop(_watched(args))
        return
    runs: dict[str, Run] = {}
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        prepare(place, args)
        for paced in (True, False):
            latency: list[Any] = ["--mock-latency", args.pace] if paced else []
            with server("--workload", "crosswalk", *latency) as url:
                for chosen in RUNS:
                    if chosen in args.only and (chosen in args.paced) == paced:
                        runs[chosen] = play(chosen, args, url, place)
    if args.json:
        args.json.write_text(json.dumps(runs), encoding="utf-8")
    print(f"{machine()}\n\nServer at {args.pace} for {', '.join(args.paced)}; {args.concurrency} calls at once\n")
    print(table(HEAD, (line(name, run) for name, run in runs.items())), end="\n\n")
    head = ("measure", "against", "found", "target", "met")
    print(table(head, [verdict.row() for verdict in verdicts(runs, args)]))
    if any(run["counts"]["failed"] or run["counts"]["not_run"] for run in runs.values()):
        sys.exit("with records that have no answer")


if __name__ == "__main__":
    main()
