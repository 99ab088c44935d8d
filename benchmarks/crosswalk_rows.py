"""What came out of a crosswalk of generated plans, against their truth.json."""

from __future__ import annotations

__all__ = ["changed_files", "wrong_rows"]

import json
from pathlib import Path
from typing import Any

_TOLD = ("target_id", "match_type", "variance_type", "impact_level")
_FILES = {"bpd": "crosswalk_confirmed", "aa": "crosswalk_aa"}
_RESULTS = ("crosswalk_bpd.json", "crosswalk_aa.json", "crosswalk_confirmed.csv", "variances.json", "red_team.json")


def wrong_rows(folder: Path, data: Path) -> tuple[int, int]:
    """How many source provisions have another row than the truth, or none, and how many target provisions are wrongly
    new, or wrongly not; and how many right rows of provisions without a partner leave it open whether there is one:
    they say that only the nearest were looked at."""
    truth = json.loads((data / "truth.json").read_bytes())
    wrong = unsure = 0
    for part, name in _FILES.items():
        rows = json.loads((folder / f"{name}.json").read_bytes())
        found = {row["source_id"]: row for row in rows if row["row"] == "source"}
        for id_, true in truth[part].items():
            row = found.get(id_)
            wrong += not _is_right(row, true)
            unsure += row is not None and _is_open(row, true)
        new = {row["target_id"] for row in rows if row["row"] == "new_in_target"}
        wrong += len(new ^ set(truth["new_in_target"][part]))
    return wrong, unsure


def _is_right(row: dict[str, Any] | None, true: dict[str, Any]) -> bool:
    if row is None or any(row[field] != true[field] for field in _TOLD):
        return False
    return row["status"] == true["status"] or _is_open(row, true)


def _is_open(row: dict[str, Any], true: dict[str, Any]) -> bool:
    return row["match_type"] == true["match_type"] == "no_match" and row["status"] == "pending"


def changed_files(folder: Path, other: Path) -> list[str]:
    """The result files that are not byte for byte the same in both run folders; none where there is no other."""
    return [name for name in _RESULTS if other.exists() and (folder / name).read_bytes() != (other / name).read_bytes()]
