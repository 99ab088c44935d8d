"""A part of the shipped pair of plans that is closed in itself, for runs in a fraction of a second."""

from __future__ import annotations

__all__ = ["DATA", "add_scenario", "read", "small_pair"]

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

DATA = Path(__file__).parents[1] / "data" / "crosswalk"
_SOURCES = {
    "bpd": ("1.01", "1.02", "1.04", "1.05", "2.01", "2.02", "2.05", "3.05", "5.04"),
    "aa": ("1.01", "1.02", "1.04", "2.01", "2.02"),
}
_ALSO = {"bpd": ("1.01", "1.04", "1.06"), "aa": ()}
"""Targets that nobody matches."""


def read(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))


def add_scenario(folder: Path, name: str = "small", files: Mapping[str, str] | None = None) -> None:
    """A scenario of the four documents; `files` are names of others than "source_bpd.json" and so on."""
    keys = ("source_bpd", "target_bpd", "source_aa", "target_aa")
    lines = [f"name: {name}", *(f"{key}: {(files or {}).get(key, f'{key}.json')}" for key in keys)]
    (folder / "scenarios").mkdir(exist_ok=True)
    (folder / "scenarios" / f"{name}.yaml").write_text("\n".join(lines) + "\n", "utf-8")


def small_pair(folder: Path) -> Path:
    """A data folder with its scenario "small", its documents as JSON, and its truth.json."""
    truth, small = read(DATA / "truth.json"), dict[str, Any](new_in_target={})
    folder.mkdir(parents=True)
    for part, numbers in _SOURCES.items():
        sources = [f"source-{part}-{number}" for number in numbers]
        targets = [target for id_ in sources if (target := truth[part][id_]["target_id"])]
        also = [f"target-{part}-{number}" for number in _ALSO[part]]
        for side, ids in (("source", sources), ("target", [*targets, *also])):
            rows = [row for row in read(DATA / f"{side}_{part}.json") if row["id"] in ids]
            (folder / f"{side}_{part}.json").write_text(json.dumps(rows), "utf-8")
        small[part] = {id_: truth[part][id_] for id_ in sources}
        small["new_in_target"][part] = [id_ for id_ in also if id_ not in targets]
    (folder / "truth.json").write_text(json.dumps(small), "utf-8")
    add_scenario(folder)
    return folder
