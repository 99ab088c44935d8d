"""Every benchmark of docs/benchmarks.md, one after the other, as one Markdown text.

    python benchmarks/all.py [--repeats 5] [--peers FOLDER] [--out FILE]

Needs `pip install -e '.[bench]'`. FOLDER is the virtual environment of the other frameworks, made where there is none
(peers/requirements.txt); without it they are left out. Takes hours; the sections that each script's docstring names can
be had alone. Goes on when a script fails, or finds a wrong result, and ends with 1 then.
"""

from __future__ import annotations

__all__ = ["main"]

import argparse
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def commands(args: argparse.Namespace) -> list[list[str]]:
    """The scripts with their options, in the order of the text."""
    repeats = ["--repeats", str(args.repeats)]
    peers = ["--peers", str(args.peers)] if args.peers else []
    return [
        ["speed.py", *repeats, *peers],
        ["limits.py", *repeats],
        ["call_cpu.py"],
        ["memory.py"],
        ["load.py"],
        ["writing.py"],
        ["json_corpus.py"],
        ["crosswalk.py"],
        ["pair_recall.py"],
    ]


def main() -> None:
    """Run them, and write what they print."""
    parser = argparse.ArgumentParser(description="All benchmarks, as Markdown.")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--peers", type=Path, help="virtual environment of the other frameworks; made if need be")
    parser.add_argument("--out", type=Path, help="the file; default: stdout")
    args = parser.parse_args()
    parts, failed = [], []
    for script, *given in commands(args):
        command = [sys.executable, str(HERE / script), *given]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
        parts.append(f"## `python benchmarks/{' '.join([script, *given])}`\n\n{done.stdout.strip()}\n")
        failed += [script] if done.returncode else []
        if args.out:
            args.out.write_text("\n".join(parts), encoding="utf-8")
    if not args.out:
        print("\n".join(parts))
    if failed:
        sys.exit(f"with problems: {', '.join(failed)}")


if __name__ == "__main__":
    main()
