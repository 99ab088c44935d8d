"""How well and how fast JSON is found in what models say: igent's decoder, json.loads and a naive raw_decode scan.

    python benchmarks/json_corpus.py [CORPUS]

CORPUS is the folder with the .jsonl files (default ../shared/data/json_corpus). Only cases that are about objects and
arrays count. "found": the first value is the expected one. "wrong": a value was reported although nothing may be.
"""

from __future__ import annotations

import base64
import json
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from igent.parsing.decoder import Decoder
from igent.parsing.events import Value

DEFAULT = Path(__file__).parents[1].parent / "shared" / "data" / "json_corpus"
FIND = ("strict_plain", "strict_embedded", "suite_accept")
REFUSE = ("incomplete_reject", "incomplete")
NAMES = (*FIND, *REFUSE, "multi", "disputed", "repair", "schema_coercion", "suite_reject", "suite_either")
WORST = ("[", '{"', '"', '["[",', "{}", '{"a":1x}')

Finder = Callable[[str], list[Any]]


class Case(NamedTuple):
    """One case of the corpus."""

    category: str
    text: str
    expected: Any


def load(folder: Path) -> list[Case]:
    """The cases about objects and arrays."""
    cases = []
    for file in sorted(folder.glob("*.jsonl")):
        for line in file.read_text("utf-8").splitlines():
            raw = json.loads(line)
            text = raw["input"] if "input" in raw else base64.b64decode(raw["input_b64"]).decode("utf-8", "replace")
            expected = raw.get("expected")
            scalar = raw["category"] == "suite_accept" and not isinstance(expected, dict | list)
            if "scalar_or_none" not in raw["tags"] and not scalar:
                cases.append(Case(raw["category"], text, expected))
    return cases


def decode(text: str, size: int = 0) -> list[Any]:
    """Igent's decoder, fed in pieces of `size` characters (0: all at once)."""
    decoder = Decoder()
    found: list[Any] = []
    for at in range(0, len(text), size or len(text) or 1):
        found += [e.value for e in decoder.feed(text[at : at + (size or len(text))]) if isinstance(e, Value)]
    return found


def loads(text: str) -> list[Any]:
    """json.loads of the whole text."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return []
    return [value] if isinstance(value, dict | list) else []


def scan(text: str) -> list[Any]:
    """What most extractors do: raw_decode from every bracket until one works."""
    decoder = json.JSONDecoder()
    for at, character in enumerate(text):
        if character in "{[":
            try:
                return [decoder.raw_decode(text, at)[0]]
            except (ValueError, RecursionError):
                continue
    return []


def timed(finder: Finder, text: str) -> tuple[list[Any], float]:
    """What is found in one text, and the CPU milliseconds that it took."""
    started = time.process_time()
    found = finder(text)
    return found, (time.process_time() - started) * 1000


def row(finder: Finder, cases: list[Case]) -> str:
    """Found or reported, and the slowest, of one category."""
    results = [(*timed(finder, case.text), case.expected) for case in cases]
    found = sum(values[:1] == [expected] for values, _, expected in results)
    reported = sum(bool(values) for values, _, _ in results)
    slowest = max(ms for _, ms, _ in results)
    if cases[0].category in FIND:
        return f"{found} found, {slowest:.1f} ms"
    return f"{reported} {'wrong' if cases[0].category in REFUSE else 'reported'}, {slowest:.1f} ms"


def print_table(cases: list[Case], finders: dict[str, Finder]) -> None:
    """The table by category."""
    print("| category | cases |", " | ".join(finders), "|")
    print("| --- | --- |", " | ".join("---" for _ in finders), "|")
    for name in NAMES:
        members = [case for case in cases if case.category == name]
        print(f"| {name} | {len(members)} |", " | ".join(row(finder, members) for finder in finders.values()), "|")


def print_speed(finders: dict[str, Finder]) -> None:
    """Time for an answer of 2 KB, best of 50, and for 100 KB of the worst texts, best of 3, in milliseconds."""
    item = {"registration_id": "R-1", "supplier_id": "S-12", "reason": "lowest use among the eligible", "score": 0.75}
    answer = "Here it is:\n```json\n" + json.dumps([item] * 16, indent=1) + "\n```"
    print(f"\n| text, CPU ms | {' | '.join(finders)} |")
    print("| --- |", " | ".join("---" for _ in finders), "|")
    texts = {f"an answer of {len(answer):,} characters": answer}
    texts |= {f"100 KB of `{unit}`": unit * (100_000 // len(unit)) for unit in WORST}
    for name, text in texts.items():
        cells = []
        for finder_name, finder in finders.items():
            # The naive scan is quadratic: a tenth of the worst text takes it long enough.
            short = text if text is answer or finder_name != "raw_decode scan" else text[:10_000]
            best = min(timed(finder, short)[1] for _ in range(50 if text is answer else 3))
            cells.append(f"{best:.2f}" + (" (10 KB)" if len(short) < len(text) else ""))
        print(f"| {name} |", " | ".join(cells), "|")


def main() -> int:
    """Print both tables."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT
    if not folder.is_dir():
        print(f"There is no corpus at {folder}; give its folder as the argument.", file=sys.stderr)
        return 2
    print_table(load(folder), {"igent": decode, "json.loads": loads, "raw_decode scan": scan})
    pieces: dict[str, Finder] = {f"igent, pieces of {size}": partial(decode, size=size) for size in (4, 1)}
    print_speed({"igent, at once": decode, **pieces, "json.loads": loads, "raw_decode scan": scan})
    return 0


if __name__ == "__main__":
    sys.exit(main())
