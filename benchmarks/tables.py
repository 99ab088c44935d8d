"""Figures over repeated runs, and Markdown of them: what was found, and whether it is what it should be."""

from __future__ import annotations

__all__ = ["Results", "Run", "Section", "Verdict", "command_line", "machine", "mid", "share", "show", "table"]

import argparse
import json
import math
import os
import platform
import statistics
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

Run = dict[str, Any]
Results = Mapping[str, list[Run]]
"""The runs of each contestant, by name."""


class Verdict(NamedTuple):
    """A measure, what it is compared with, the figure, what it may be at most, and how both are written."""

    measure: str
    against: str
    value: float
    most: float
    form: str = "{:.2f} ×"

    def row(self) -> list[str]:
        """As a line of a table."""
        met = "yes" if self.value <= self.most else "**no**"
        return [self.measure, self.against, self.form.format(self.value), f"≤ {self.form.format(self.most)}", met]


@dataclass(frozen=True)
class Section:
    """One table of a benchmark: how it is played, a line of it for each contestant, and what is judged."""

    title: str
    play: Callable[[], Results]
    head: Sequence[str]
    line: Callable[[str, list[Run]], list[str]]
    judge: Callable[[Results], Iterable[Verdict]]


def command_line(description: str, sections: str) -> argparse.ArgumentParser:
    """The options that every benchmark has."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=f"of {sections}; default: all")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", type=Path, help="also write all results there")
    return parser


def show(sections: Mapping[str, Section], args: argparse.Namespace, *, judged: bool = True) -> None:
    """Play the chosen sections and print their tables. Ends the process with 1 where the oracle finds problems."""
    if unknown := set(args.sections) - sections.keys():
        raise SystemExit(f"no such section: {', '.join(unknown)}; there are {', '.join(sections)}")
    print(machine(), end="\n\n")
    kept: dict[str, Results] = {}
    for name in args.sections or sections:
        section = sections[name]
        results = kept[name] = section.play()
        lines = [section.line(who, runs) for who, runs in results.items() if runs]
        print(f"### {section.title}\n\n{table(section.head, lines)}\n")
        if judged:
            head = ("measure", "against", "found", "target", "met")
            print(table(head, [verdict.row() for verdict in section.judge(results)]), end="\n\n", flush=True)
        if args.json:
            args.json.write_text(json.dumps(kept), encoding="utf-8")
    every = [run for results in kept.values() for runs in results.values() for run in runs]
    if any(run.get("oracle", "right") != "right" for run in every):
        sys.exit("the oracle found problems")


def mid(runs: Sequence[Run], value: Callable[[Run], float]) -> float:
    """The median of a figure over the runs; of two middle ones the mean."""
    return statistics.median(value(run) for run in runs)


def share(values: Sequence[float], part: float) -> float:
    """The value that this part (0 to 1) of the values does not exceed, by the nearest rank; 0.0 of none."""
    ranked = sorted(values)
    return ranked[max(0, math.ceil(len(ranked) * part) - 1)] if ranked else 0.0


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows))


def machine() -> str:
    """Where and with what this was measured, in a line."""
    packages = " ".join(f"{name} {metadata.version(name)}" for name in ("openai", "autogen-agentchat", "aiohttp"))
    loop = "with uvloop" if find_spec("uvloop") else "without uvloop"
    cores = f"{os.cpu_count()} cores for client and server together"
    today = datetime.now(UTC).date().isoformat()
    return f"{today}, {cores}, {platform.system()}, Python {platform.python_version()} {loop}, {packages}."
