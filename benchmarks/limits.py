"""What igent does when the server says no, or is slow: quotas, storms of errors, stragglers, a cap on calls in flight.

    python benchmarks/limits.py [quota tokens storm stragglers adaptive] [--repeats 5] [--json FILE]

Every run has a mock server of its own (0.3 s to the first token, 0.01 s a token) in a process of its own; variants run
in turns, figures are medians over the repeats, and the oracle judges every run folder. Prints Markdown.

- quota: 600 requests and 200,000 tokens a minute, which nobody tells igent but the replies' headers. 1,500 calls of two
  sizes go through its model stack, such that both limits bind.
- tokens: the same for the 1,500 calls of a whole run, where the tokens bind; takes 6 minutes a run.
- storm: 1,000 records; calm, with 3 % of errors all the time, and with 30 % 429 for 20 s, then only 503 for 10 s.
- stragglers: 2 % of the calls take 10 times as long; with and without hedging.
- adaptive: the server refuses more than 60 calls at once; `--concurrency auto` against fixed numbers.
"""

from __future__ import annotations

__all__ = ["main"]

import argparse
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from contest import Contestant, Job, compete, igent, scaled, server
from tables import Results, Run, Section, Verdict, command_line, mid, share, show

PACE = "ttft=0.3,itl=0.01"
QUOTA = "requests=600,tokens=200000"
CAP = 60
STEADY = "429=0.01,500=0.01,cut=0.01,retry-after=1"
STORM = "429=0.3,retry-after=1,for=20;503=1,for=10"


@dataclass(frozen=True)
class Variant:
    """One contestant on one kind of server."""

    contestant: Contestant
    server: tuple[str, ...] = ()
    concurrency: int = 50


@dataclass(frozen=True)
class Block:
    """Variants of one question: how many records each has, and what is judged."""

    title: str
    n: int
    variants: list[Variant]
    judge: Callable[[Results], Iterator[Verdict]]


def fast(name: str, *settings: str) -> Contestant:
    """igent's fastest constellation, all its agents on one model, for limits hold for a model."""
    contestant = igent(name, "p1m1m2c_fast", *settings)
    return replace(contestant, command=(*contestant.command, "--one-model"))


def counted(run: Run, key: str) -> float:
    """What the server counted; its runs have servers of their own."""
    return float(run["stats"]["after"][key])


def used(run: Run) -> float:
    """The share of the quota that was used: of the limit that was used most."""
    return max(run["stats"]["after"]["quota"].values())


def sent(run: Run) -> float:
    """Calls sent for each that was needed; two a record."""
    return counted(run, "requests") / (2 * run["n"])


def judge_quota(results: Results) -> Iterator[Verdict]:
    """How much of the quota was used, and what was refused."""
    for name, runs in results.items():
        yield Verdict(f"{name}: quota left unused", "the quota", 1 - mid(runs, used), 0.05, "{:.1%}")
        refused = mid(runs, lambda run: counted(run, "refused") / counted(run, "requests"))
        yield Verdict(f"{name}: answered 429", "all calls", refused, 0.01, "{:.2%}")


def judge_storm(results: Results) -> Iterator[Verdict]:
    """Whether all finish, with how many calls, and nobody comes too early."""
    for (name, runs), most in zip(results.items(), (1.10, 1.10, 1.30), strict=True):
        yield Verdict(f"{name}: calls sent / needed", "-", mid(runs, sent), most, "{:.3f}")
        lost = max(run["n"] - run["done"] for run in runs)
        yield Verdict(f"{name}: records not finished", "-", lost, 0, "{:.0f}")
        early = max(counted(run, "early") for run in runs)
        yield Verdict(f"{name}: sent before Retry-After", "-", early, 0, "{:.0f}")


def judge_stragglers(results: Results) -> Iterator[Verdict]:
    """The slowest registrations, and what hedging costs."""
    off, on = results.values()
    p99 = [mid(runs, lambda run: share(run["seconds"], 0.99)) for runs in (off, on)]
    yield Verdict("p99 of a registration", "hedge off", p99[1] / p99[0], 0.5)
    yield Verdict("extra calls", "calls needed", mid(on, sent) - 1, 0.05, "{:.1%}")


def judge_adaptive(results: Results) -> Iterator[Verdict]:
    """Found out or known beforehand."""
    known, auto, *_ = results.values()
    wall = mid(auto, lambda run: run["wall"]) / mid(known, lambda run: run["wall"])
    yield Verdict("wall time, found out", "the right number from the start", wall, 1.25)


def blocks(args: argparse.Namespace) -> dict[str, Block]:
    """All questions by name."""
    limited = ("--quota", QUOTA)
    capped = ("--max-in-flight", str(CAP))
    pace = f"{PACE},slow=0.02,slow-by=10"
    return {
        "quota": Block(
            "The quota",
            args.calls // 2,
            [Variant(Contestant("mixed calls", ("mixed_calls.py",)), limited, 200)],
            judge_quota,
        ),
        "tokens": Block(
            "The quota, a whole run", args.calls // 2, [Variant(fast("a whole run"), limited, 200)], judge_quota
        ),
        "storm": Block(
            "The storm",
            args.records,
            [
                Variant(fast("calm")),
                Variant(fast("3 % errors"), ("--faults", STEADY)),
                Variant(fast("storm"), ("--faults", STORM)),
            ],
            judge_storm,
        ),
        "stragglers": Block(
            "Stragglers",
            args.records,
            [
                Variant(fast("hedge off", "hedge=false"), ("--mock-latency", pace)),
                Variant(fast("hedge on", "hedge=true"), ("--mock-latency", pace)),
            ],
            judge_stragglers,
        ),
        "adaptive": Block(
            "A cap on calls in flight",
            args.records,
            [
                Variant(fast("30 at once"), capped, CAP // 2),
                Variant(fast("auto", "concurrency=auto"), capped),
                Variant(fast("100 at once"), capped, 100),
            ],
            judge_adaptive,
        ),
    }


def play(block: Block, repeats: int) -> Results:
    """All variants in turns, each on a server of its own."""
    runs: dict[str, list[Run]] = {variant.contestant.name: [] for variant in block.variants}
    with tempfile.TemporaryDirectory() as place:
        job = Job(*scaled(Path(place), block.n), block.n, warm=0)
        for turn in range(repeats):
            for variant in block.variants:
                pace = () if "--mock-latency" in variant.server else ("--mock-latency", PACE)
                with server(*pace, "--seed", str(turn), *variant.server) as url:
                    mine = replace(job, concurrency=variant.concurrency)
                    runs[variant.contestant.name].append(compete(variant.contestant, mine, url))
    return runs


def figures(name: str, runs: list[Run]) -> list[str]:
    """One line of a block's table."""
    seconds = [second for run in runs for second in run["seconds"]]
    cells = [name, str(len(runs)), f"{mid(runs, lambda run: run['done']):g} of {runs[0]['n']}"]
    cells += [f"{mid(runs, lambda run: run['wall']):.1f}", f"{share(seconds, 0.5):.2f}", f"{share(seconds, 0.99):.2f}"]
    counts = ("requests", "refused", "crowded", "early", "peak_in_flight")
    cells += [f"{mid(runs, lambda run, key=key: counted(run, key)):.0f}" for key in counts]
    quota = runs[0]["stats"]["after"].get("quota", {})
    cells.append(f"{mid(runs, used):.1%}" if quota else "-")
    cells.append(", ".join(sorted({run["oracle"] for run in runs if "oracle" in run})) or "-")
    return cells


HEAD = (
    "variant", "runs", "done", "wall s", "s a registration p50", "p99", "requests", "over quota", "over the cap",
    "too early", "most in flight", "quota used", "oracle",
)  # fmt: skip


def options() -> argparse.Namespace:
    """The command line."""
    parser = command_line("igent under limits and faults.", "quota, tokens, storm, stragglers, adaptive")
    parser.add_argument("--calls", type=int, default=1_500, help="of quota and tokens")
    parser.add_argument("--records", type=int, default=1_000, help="of the others")
    return parser.parse_args()


def main() -> None:
    """Play the chosen sections and print their tables."""
    args = options()
    sections = {
        name: Section(block.title, partial(play, block, args.repeats), HEAD, figures, block.judge)
        for name, block in blocks(args).items()
    }
    show(sections, args)


if __name__ == "__main__":
    main()
