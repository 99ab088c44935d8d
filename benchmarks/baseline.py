"""The baseline benchmark: igent's `p1m1m2c` against plain AutoGen teams, same job, same server, in turns in one run.

    python benchmarks/baseline.py [--only autogen] [--server igent|foreign] [--repeats N] [--json FILE]

Each contestant runs in a process of its own (so its CPU is its own), the server in another. Prints Markdown.
"""

from __future__ import annotations

__all__ = ["main"]

import argparse
import contextlib
import json
import os
import platform
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
HERE = Path(__file__).parent
CONTESTANTS = {
    "igent, critic when invalid": ("igent_contestant.py", "--critic", "invalid"),
    "igent, critic always": ("igent_contestant.py", "--critic", "always"),
    "AutoGen teams, streaming": ("autogen_reference.py", "--stream"),
    "AutoGen teams, not streaming": ("autogen_reference.py", "--no-stream"),
}
Results = dict[tuple[str, int], list[dict[str, Any]]]


@contextlib.contextmanager
def server(kind: str, ttft: float, itl: float) -> Iterator[str]:
    """The mock server in a process of its own; its base URL."""
    if kind == "foreign":
        command = [str(ROOT / "tests" / "foreign_server.py"), "--port", "0", "--print-url"]
        command += ["--ttft", str(ttft), "--itl", str(itl)]
    else:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        command = ["-m", "igent", "mock-server", "--port", str(port), "--mock-latency", f"ttft={ttft},itl={itl}"]
    process = subprocess.Popen([sys.executable, *command], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        if kind == "foreign":
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        else:
            _wait_for(port, process)
            yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        process.communicate(timeout=20)


def _wait_for(port: int, process: subprocess.Popen[str]) -> None:
    for _ in range(200):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        if process.poll() is not None:
            break
        time.sleep(0.1)
    raise SystemExit("the mock server did not start")


def stats(url: str) -> dict[str, int]:
    """The server's counters: `calls` and tokens `sent`, under either server's names; empty where it does not answer."""
    with (
        contextlib.suppress(OSError, ValueError),
        urllib.request.urlopen(url.replace("/v1", "/stats"), timeout=10) as got,
    ):
        found = json.load(got)
        return {"calls": found.get("requests", found.get("calls")), "sent": found.get("tokens_sent", found.get("sent"))}
    return {}


def compete(name: str, url: str, args: argparse.Namespace, concurrency: int) -> dict[str, Any]:
    """One contestant, once: its result, with the calls and tokens that the server counted in between."""
    script, *own = CONTESTANTS[name]
    n = args.n1 if concurrency == 1 else args.n
    command = [sys.executable, str(HERE / script), "--base-url", url, "--data", args.data, "--scenario", args.scenario]
    command += ["--concurrency", str(concurrency), "--n", str(n), "--warm", str(args.warm), "--name", name, *own]
    if script.startswith("autogen") and not args.sliced:
        command.append("--no-sliced")
    before = stats(url)
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, timeout=1800, check=False)
    if done.returncode:
        raise SystemExit(f"{name} ended with {done.returncode}")
    result = json.loads(done.stdout.strip().splitlines()[-1])
    after = stats(url)
    counted = n + args.warm
    result |= {k: (after[k] - before.get(k, 0)) / counted for k in ("calls", "sent") if k in after}
    print(f"{name}, {concurrency} at once: {result['wall']:.1f} s, CPU {result['cpu']:.2f} s", file=sys.stderr)
    return result


def row_of(name: str, concurrency: int, runs: list[dict[str, Any]], base: list[dict[str, Any]] | None) -> str:
    """One line of the table; medians over the repeats."""

    def mid(values: list[float]) -> float:
        return statistics.median(values)

    each = [s for r in runs for s in r["seconds"]]
    wall, cpu = mid([r["wall"] / r["n"] for r in runs]), mid([r["cpu"] / r["n"] for r in runs])
    faster = leaner = "–"
    if base:
        faster = f"{mid([r['wall'] / r['n'] for r in base]) / wall:.2f}"
        leaner = f"{mid([r['cpu'] / r['n'] for r in base]) / cpu:.1f}"
    p95 = sorted(each)[max(0, -(-len(each) * 95 // 100) - 1)]
    calls, sent = (mid([r.get(key, 0) for r in runs]) for key in ("calls", "sent"))
    cells = [name, str(concurrency), str(runs[0]["n"]), str(runs[0]["done"]), f"{mid(each):.2f}", f"{p95:.2f}"]
    cells += [f"{wall:.3f}", f"{cpu * 1000:.1f}", f"{calls:.2f}", f"{sent:.0f}", faster, leaner]
    return f"| {' | '.join(cells)} |"


def table(results: Results, baseline: str) -> str:
    """The Markdown table; ratios against the baseline at the same concurrency (above 1: better than it)."""
    head = (
        "contestant", "at once", "N", "orders", "s a registration p50", "p95", "wall s / N", "CPU ms / N", "calls / N",
        "tokens sent / N", "times faster", "times less CPU",
    )  # fmt: skip
    lines = [f"| {' | '.join(head)} |", "|" + " --- |" * len(head)]
    for (name, concurrency), runs in sorted(results.items(), key=lambda item: item[0][1]):
        base = None if name == baseline else results.get((baseline, concurrency))
        lines.append(row_of(name, concurrency, runs, base))
    return "\n".join(lines)


def _data(args: argparse.Namespace, place: str) -> None:
    """The shipped scenario, or a generated one where there is none."""
    if args.data is None and (ROOT / "data" / "sbus" / "scenarios" / "overlap_only.yaml").exists():
        args.data, args.scenario = str(ROOT / "data" / "sbus"), args.scenario or "overlap_only"
    elif args.data is None:
        sys.path.insert(0, str(ROOT / "tests"))
        from foreign_data import make_dataset  # noqa: PLC0415 -- only this path needs it

        args.data, args.scenario = place, make_dataset(Path(place), 3, args.n, tight=0.0, unserved=0.0)


def options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="igent against plain AutoGen teams.")
    parser.add_argument("--server", choices=["foreign", "igent"], default="igent")
    parser.add_argument("--only", default="", help="only contestants with this in their name")
    parser.add_argument("--data")
    parser.add_argument("--scenario")
    parser.add_argument("--concurrency", type=int, nargs="+", default=[1, 50])
    parser.add_argument("--n1", type=int, default=6, help="registrations at concurrency 1")
    parser.add_argument("--n", type=int, default=100, help="registrations at higher concurrency")
    parser.add_argument("--warm", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--ttft", type=float, default=0.6)
    parser.add_argument("--itl", type=float, default=0.02)
    parser.add_argument("--sliced", action=argparse.BooleanOptionalAction, default=True, help="AutoGen's prompts too")
    parser.add_argument("--json", type=Path, help="also write all results there")
    return parser.parse_args()


def main() -> None:
    """Run everybody in turns and print the table."""
    args = options()
    names = [name for name in CONTESTANTS if args.only.lower() in name.lower()]
    results: Results = {}
    with tempfile.TemporaryDirectory() as place, server(args.server, args.ttft, args.itl) as url:
        _data(args, place)
        for _ in range(args.repeats):
            for concurrency in args.concurrency:
                for name in names:
                    results.setdefault((name, concurrency), []).append(compete(name, url, args, concurrency))
    print(
        f"Python {platform.python_version()}, {os.cpu_count()} cores for client and server, {args.server} server, "
        f"first token after {args.ttft} s, {args.itl} s a token, {args.repeats} repeats (medians)\n"
    )
    print(table(results, "AutoGen teams, streaming"))
    if args.json:
        args.json.write_text(json.dumps([r for runs in results.values() for r in runs], indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
