"""How fast igent is, beside AutoGen teams, the plain `openai` SDK and, where they are installed, other frameworks.

    python benchmarks/speed.py [one gpt-4o fifty thousand] [--repeats 5] [--peers FOLDER] [--json FILE]

Everybody has the same records and the same mock server, which says 40 tokens before the JSON and 60 after;
contestants run in turns, each in a process of its own, and figures are medians over the repeats. Prints Markdown.

- one: one registration at a time, 0.6 s to the first token and 0.02 s a token.
- gpt-4o: the same at the pace of that profile, where every call is different.
- fifty: 100 registrations, 50 at once: wall time against the critical path (critical_path.py), and CPU.
- thousand: 1,000 registrations, all at once; references are given up after 170 s, and run once.

AutoGen is shown all offers in every prompt, as the original was; "sliced" is the kinder variant, with igent's slice.
igent, and what sends igent's calls, run on igent's event loop, as its command line does; the others on asyncio's own.
FOLDER is the peers' virtual environment; it is made where there is none (peers/requirements.txt).
"""

from __future__ import annotations

__all__ = ["main"]

import argparse
import math
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from contest import Contestant, Job, igent, in_turns, scaled, server
from critical_path import schedule
from peers import installed
from tables import Results, Run, Section, Verdict, command_line, mid, share, show

FIRST, EACH = 0.6, 0.02
PACE = f"ttft={FIRST},itl={EACH}"
PATIENCE = 170.0
INVALID, ALWAYS = "igent, critic `invalid`", "igent, critic `always`"
PLAIN = "igent, `p1m1m2c`"
STREAM, WHOLE = "AutoGen teams, streaming", "AutoGen teams, not streaming"
RAW = "raw `openai` SDK, igent's calls"
BARE = "bare connections, igent's calls"


@dataclass(frozen=True)
class Block:
    """One setting: the server's pace, the job, who takes part, and what is judged of it."""

    title: str
    pace: str
    concurrency: int
    n: int
    contestants: list[Contestant]
    judge: Callable[[Results], Iterator[Verdict]]
    timeout: float = 1_800.0


def autogen(*, once: bool = False) -> list[Contestant]:
    """The references, as the original wired them."""
    script = "autogen_reference.py"
    return [
        Contestant(STREAM, (script, "--stream", "--no-sliced"), repeats=int(once)),
        Contestant(WHOLE, (script, "--no-stream", "--no-sliced"), repeats=int(once)),
    ]


def kinder() -> list[Contestant]:
    """The references with prompts that hold only what is needed."""
    script = "autogen_reference.py"
    return [
        Contestant(f"{STREAM}, sliced", (script, "--stream"), repeats=1),
        Contestant(f"{WHOLE}, sliced", (script, "--no-stream"), repeats=1),
    ]


def peers(args: argparse.Namespace) -> list[Contestant]:
    """Other frameworks and the SDK alone, all with sliced prompts; frameworks only where they are installed."""
    found = [Contestant("raw `openai` SDK, the conversation", ("sdk_reference.py",), repeats=1)]
    if args.peers:
        python = installed(args.peers)
        scripts = {"LangGraph": "langgraph", "OpenAI Agents SDK": "agents_sdk", "pydantic-ai": "pydantic_ai"}
        found += [Contestant(name, ("-m", f"peers.with_{script}"), python, 1) for name, script in scripts.items()]
    return found


def per(runs: list[Run], key: str) -> float:
    """The median of a figure a registration."""
    return mid(runs, lambda run: run[key] / run["n"])


def better(results: Results) -> list[Run]:
    """The faster of the two AutoGen references."""
    return min((results[STREAM], results[WHOLE]), key=lambda runs: per(runs, "wall"))


def judge_one(results: Results) -> Iterator[Verdict]:
    """Time, calls and tokens a registration."""
    rival = better(results)
    for name, most in ((INVALID, 0.34), (ALWAYS, 0.48)):
        ratio = per(results[name], "wall") / per(rival, "wall")
        yield Verdict(f"{name}: seconds a registration", "the better AutoGen", ratio, most)
    ours = results[INVALID]
    yield Verdict("calls a registration", "3", mid(ours, lambda run: run["requests"]), 2.05, "{:.2f}")
    for key, label, most in (("tokens_sent", "output", 0.6), ("prompt_tokens", "input", 0.25)):
        ratio = mid(ours, lambda run, key=key: run[key]) / mid(rival, lambda run, key=key: run[key])
        yield Verdict(f"{label} tokens a registration", "AutoGen", ratio, most)


def judge_profile(results: Results) -> Iterator[Verdict]:
    """Seconds of single registrations."""
    seconds = [second for run in results[INVALID] for second in run["seconds"]]
    yield Verdict("gpt-4o, median", "-", share(seconds, 0.5), 5.0, "{:.2f} s")
    yield Verdict("gpt-4o, p95", "-", share(seconds, 0.95), 7.0, "{:.2f} s")


def beyond(run: Run, concurrency: int) -> float:
    """Wall time as a multiple of the ideal schedule of the same calls."""
    ideal = schedule(run["chains"], concurrency, FIRST, EACH)
    return run["wall"] / ideal if ideal else math.inf


def judge_fifty(results: Results) -> Iterator[Verdict]:
    """Wall time and CPU at concurrency 50."""
    ours = results[INVALID]
    yield Verdict("100 at 50 at once, wall", "the critical path", mid(ours, lambda run: beyond(run, 50)), 1.10)
    for name, most in ((STREAM, 0.10), (WHOLE, 1.0), (RAW, 0.25)):
        yield Verdict("CPU a registration", name, per(ours, "cpu") / per(results[name], "cpu"), most)


def judge_thousand(results: Results) -> Iterator[Verdict]:
    """Wall time and memory when all are in flight."""
    for name in (INVALID, PLAIN):
        ours = results[name]
        longest = mid(ours, lambda run: beyond(run, run["n"]))
        yield Verdict(f"{name}: wall, all at once", "the longest chain of calls", longest, 1.25)
        yield Verdict(f"{name}: peak resident size", "-", mid(ours, lambda run: run["peak"]), 150.0, "{:.0f} MB")


def blocks(args: argparse.Namespace) -> dict[str, Block]:
    """All settings by name."""
    fast = args.constellation
    invalid = igent(INVALID, fast, "critic=invalid")
    pair = [invalid, igent(ALWAYS, fast, "critic=always")]
    raw = Contestant(RAW, ("sdk_reference.py", "--igent", fast))
    bare = Contestant(BARE, ("raw_reference.py", "--igent", fast))
    one = [*pair, *autogen(), *kinder(), *peers(args)]
    profile = [*pair, *autogen(once=True)]
    many = [*pair, *autogen(), raw, bare, *kinder(), *peers(args)]
    flood = [invalid, igent(PLAIN, "p1m1m2c"), bare, *autogen(once=True), *peers(args)]
    return {
        "one": Block("One at a time", PACE, 1, args.n1, one, judge_one),
        "gpt-4o": Block("One at a time, profile gpt-4o", "gpt-4o", 1, args.n_profile, profile, judge_profile),
        "fifty": Block("Fifty at once", PACE, 50, args.n, many, judge_fifty),
        "thousand": Block("All at once", PACE, args.n_flood, args.n_flood, flood, judge_thousand, PATIENCE),
    }


def play(block: Block, args: argparse.Namespace) -> Results:
    """All contestants in turns, on a server of their own."""
    options = ["--mock-latency", block.pace]
    options += ["--before", str(args.before), "--after", str(args.after)] if args.before or args.after else []
    with tempfile.TemporaryDirectory() as place, server(*options) as url:
        data, scenario = scaled(Path(place), max(100, block.n))
        job = Job(data, scenario, block.n, block.concurrency, timeout=block.timeout)
        chosen = [c for c in block.contestants if args.only.lower() in c.name.lower()]
        return in_turns(chosen, job, url, args.repeats)


def figures(name: str, runs: list[Run]) -> list[str]:
    """One line of a block's table."""
    each = [second for run in runs for second in run["seconds"]]
    orders = f"{mid(runs, lambda run: run['done']):g} of {runs[0]['n']}"
    cells = [name, str(len(runs)), orders, f"{share(each, 0.5):.2f}", f"{share(each, 0.95):.2f}"]
    whole = all(run["done"] == run["n"] for run in runs)
    cells += [f"{per(runs, 'wall'):.3f}", f"{per(runs, 'cpu') * 1000:.1f}"] if whole else ["-", "-"]
    cells.append(f"{mid(runs, lambda run: run['peak']):.0f}")
    counted = (("requests", "{:.2f}"), ("tokens_sent", "{:.0f}"), ("prompt_tokens", "{:.0f}"))
    cells += [form.format(mid(runs, lambda run, key=key: run.get(key, 0.0))) for key, form in counted]
    return [*cells, ", ".join(sorted({run["oracle"] for run in runs if "oracle" in run})) or "-"]


HEAD = (
    "contestant", "runs", "orders", "s a registration p50", "p95", "wall s / N", "CPU ms / N", "peak MB", "calls / N",
    "output tokens / N", "input tokens / N", "oracle",
)  # fmt: skip


def options() -> argparse.Namespace:
    """The command line."""
    parser = command_line("igent's speed, beside others.", "one, gpt-4o, fifty, thousand")
    parser.add_argument("--constellation", default="p1m1m2c_fast")
    parser.add_argument("--only", default="", help="only contestants with this in their name; nothing is judged")
    parser.add_argument("--peers", type=Path, help="virtual environment of the other frameworks; made if need be")
    parser.add_argument("--n1", type=int, default=5, help="registrations of the section one")
    parser.add_argument("--n-profile", type=int, default=20, help="of gpt-4o")
    parser.add_argument("--n", type=int, default=100, help="of fifty")
    parser.add_argument("--n-flood", type=int, default=1_000, help="of thousand")
    parser.add_argument("--before", type=int, default=40, help="tokens before the JSON")
    parser.add_argument("--after", type=int, default=60, help="tokens after it")
    return parser.parse_args()


def main() -> None:
    """Play the chosen sections and print their tables."""
    args = options()
    sections = {
        name: Section(block.title, partial(play, block, args), HEAD, figures, block.judge)
        for name, block in blocks(args).items()
    }
    show(sections, args, judged=not args.only)


if __name__ == "__main__":
    main()
