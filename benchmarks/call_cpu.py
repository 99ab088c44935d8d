"""What a call costs the client: igent's, raw sockets, and the `openai` SDK, on the same requests and the same server.

    python benchmarks/call_cpu.py [instant paced] [--repeats 5] [--n 400] [--json FILE]

Each contestant has a process of its own; they run in turns, and figures are medians. Prints Markdown.

- instant: the server has no latency, one call at a time: all events of an answer come at once.
- paced: 0.6 s to the first token and 0.02 s a token, 50 calls at once: every token comes by itself.
"""

from __future__ import annotations

__all__ = ["main"]

import argparse
from collections.abc import Iterator
from functools import partial

from contest import ROOT, Contestant, Job, in_turns, server
from tables import Results, Run, Section, Verdict, command_line, mid, show

IGENT, IGENT_PLAIN = "igent, uvloop", "igent, asyncio's loop"
RAW, RAW_PLAIN = "raw sockets, uvloop", "raw sockets, asyncio's loop"
EVENTS, RESPONSE = "`openai` SDK, event stream", "`openai` SDK, raw response"
WAYS = {
    IGENT: ("igent", "uvloop"),
    IGENT_PLAIN: ("igent", "asyncio"),
    RAW: ("raw", "uvloop"),
    RAW_PLAIN: ("raw", "asyncio"),
    RESPONSE: ("raw-response", "asyncio"),
    EVENTS: ("events", "asyncio"),
}
HEAD = ("client", "runs", "CPU ms a call", "of raw sockets, same loop", "of the SDK's event stream", "peak MB")


def contestants() -> list[Contestant]:
    """All ways to make a call."""
    return [Contestant(name, ("call_contestant.py", "--as", way, "--loop", loop)) for name, (way, loop) in WAYS.items()]


def play(pace: str, concurrency: int, warm: int, n: int, repeats: int) -> Results:
    """Everybody in turns, on one server."""
    options = ("--mock-latency", pace) if pace else ()
    with server(*options) as url:
        data = ROOT / "data" / "sbus"
        return in_turns(contestants(), Job(data, "overlap_only", n, concurrency, warm), url, repeats)


def cost(runs: list[Run]) -> float:
    """CPU milliseconds a call."""
    return mid(runs, lambda run: run["cpu"] / run["n"] * 1000)


def line(results: Results, name: str, runs: list[Run]) -> list[str]:
    """A client's line."""
    raw = results[RAW if WAYS[name][1] == "uvloop" else RAW_PLAIN]
    cells = [name, str(len(runs)), f"{cost(runs):.2f}", f"{cost(runs) / cost(raw):.2f} ×"]
    return [*cells, f"{cost(runs) / cost(results[EVENTS]):.2f} ×", f"{mid(runs, lambda run: run['peak']):.0f}"]


def judge(results: Results) -> Iterator[Verdict]:
    """igent against raw sockets and the SDK."""
    for ours, raw in ((IGENT, RAW), (IGENT_PLAIN, RAW_PLAIN)):
        yield Verdict(f"{ours}: CPU a call", raw, cost(results[ours]) / cost(results[raw]), 2.5)
    yield Verdict(f"{IGENT}: CPU a call", EVENTS, cost(results[IGENT]) / cost(results[EVENTS]), 0.25)


class Played:
    """Plays once, and remembers it: a line of the table needs the other contestants too."""

    def __init__(self, pace: str, concurrency: int, warm: int, n: int, repeats: int) -> None:
        self._play = partial(play, pace, concurrency, warm, n, repeats)
        self._results: Results = {}

    def results(self) -> Results:
        """Of all contestants."""
        self._results = self._play()
        return self._results

    def line(self, name: str, runs: list[Run]) -> list[str]:
        """See `line`."""
        return line(self._results, name, runs)


def options() -> argparse.Namespace:
    """The command line."""
    parser = command_line("What a call costs the client.", "instant, paced")
    parser.add_argument("--n", type=int, default=400, help="calls")
    return parser.parse_args()


def main() -> None:
    """Play the chosen sections and print their tables."""
    args = options()
    instant = Played("", 1, 20, args.n, args.repeats)
    paced = Played("ttft=0.6,itl=0.02", 50, 1, args.n, args.repeats)
    show(
        {
            "instant": Section("No latency, one at a time", instant.results, HEAD, instant.line, judge),
            "paced": Section("0.6 s, then 50 tokens a second; 50 at once", paced.results, HEAD, paced.line, judge),
        },
        args,
    )


if __name__ == "__main__":
    main()
