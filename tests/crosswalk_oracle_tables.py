"""What crosswalk_oracle.py asks of quotes, tables, the sample for a person, the statistics, and the truth."""

from __future__ import annotations

__all__ = ["check_sample", "check_statistics", "check_tables", "check_truth", "is_quoted", "texts_of"]

import csv
import io
import json
import re
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from python_calamine import CalamineWorkbook

Row = Mapping[str, Any]

TABLES = ("crosswalk_bpd", "crosswalk_aa", "crosswalk_confirmed", "variances", "red_team")
SAMPLES = {"high_impact": 10, "edge_case": 5, "no_match": 10, "high_confidence": 10}
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff]")
_FORMULA = re.compile(r"[\t\r\n]|[\s\u200b-\u200f\u202a-\u202e\u2060\ufeff]*[=+\-@＝＋－＠]")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e-?\d+)?")


def is_quoted(quote: str, texts: Sequence[str]) -> bool:
    """Whether one of the texts holds the quote, from word to word; spaces and capitals do not count."""
    wanted = " ".join(quote.casefold().split()).strip(" .,;:'\"-()[]")
    pattern = rf"(?<!\w){re.escape(wanted)}(?!\w)"
    return bool(wanted) and any(re.search(pattern, " ".join(text.casefold().split())) for text in texts)


def texts_of(provision: Row) -> list[str]:
    """Every text of a provision or election that may be quoted."""
    texts = [provision.get(name) for name in ("section_title", "provision_text", "field_label")]
    for option in provision.get("options") or ():
        texts += [option.get("label"), option.get("option_text"), *(option.get("fill_ins") or ())]
    return [text for text in texts if text]


def check_sample(run: Path, confirmed: Sequence[Row], elections: Sequence[Row]) -> Iterator[str]:
    """The red-team sheet: rows of the crosswalks, of the right kinds and numbers, and nothing judged."""
    sheet = json.loads((run / "red_team.json").read_text("utf-8"))
    rows = {(r["part"], r["source_id"]): r for r in (*confirmed, *elections) if r["row"] == "source"}
    fits = {
        "high_impact": lambda row: row["impact_level"] == "high",
        "no_match": lambda row: row["match_type"] == "no_match",
        "high_confidence": lambda row: row["is_match"] and row["confidence_score"] >= 0.90,
    }
    drawn = [(row["part"], row["source_id"]) for row in sheet]
    if len(set(drawn)) != len(drawn):
        yield "red_team: a row is drawn twice"
    for row, key in zip(sheet, drawn, strict=True):
        if any(row[column] != "" for column in ("verdict", "judge", "notes")):
            yield f"red_team: {key} is judged already"
        if key not in rows or any(row[f] != rows[key][f] for f in ("target_id", "match_type", "status")):
            yield f"red_team: {key} is no row of a crosswalk"
        elif row["sample"] in fits and not fits[row["sample"]](rows[key]):
            yield f"red_team: {key} is no {row['sample']}"
    sizes = Counter(row["sample"] for row in sheet)
    for kind, most in SAMPLES.items():
        others = {key for row, key in zip(sheet, drawn, strict=True) if row["sample"] != kind}
        able = [key for key, row in rows.items() if kind in fits and fits[kind](row) and key not in others]
        if sizes[kind] > most or (kind in fits and sizes[kind] < min(most, len(able))):
            yield f"red_team: {sizes[kind]} of {kind}, of {len(able)} that there are"
    if sizes.keys() - SAMPLES.keys():
        yield f"red_team: samples {sorted(sizes)}"


def check_statistics(
    run: Path, documents: Mapping[str, Mapping[str, Row]], confirmed: Sequence[Row], elections: Sequence[Row]
) -> Iterator[str]:
    """statistics.json counts what the rows are."""
    said = json.loads((run / "statistics.json").read_text("utf-8"))[0]
    for name, provisions in documents.items():
        if said["documents"][name]["substantive"] != len(provisions) or said["documents"][name]["lost"]:
            yield f"statistics: {name} has {said['documents'][name]}, not {len(provisions)}"
    for part, rows in (("bpd", confirmed), ("aa", elections)):
        sources = [row for row in rows if row["row"] == "source"]
        want = {
            "sources": len(sources),
            "rows": len(sources),
            "matches": sum(row["is_match"] for row in sources),
            "new_in_target": len(rows) - len(sources),
            "needs_review": sum(row["needs_review"] for row in sources),
            **{f"by_{key}": dict(Counter(row[field] for row in sources)) for key, field in _BY.items()},
        }
        for key, value in want.items():
            if said[part][key] != value:
                yield f"statistics: {part} {key} is {said[part][key]}, not {value}"
        for key, field in (("similarity", "embedding_similarity"), ("confidence", "confidence_score")):
            unknown = sum(row[field] is None for row in sources)
            if said[part][key]["unknown"] != unknown or sum(said[part][key]["bins"]) != len(sources) - unknown:
                yield f"statistics: {part} {key} is {said[part][key]}"


_BY = {
    "status": "status", "match_type": "match_type", "type": "source_type", "impact": "impact_level",
    "variance": "variance_type",
}  # fmt: skip


def check_truth(name: str, rows: Sequence[Row], truth: Mapping[str, Row], new: Sequence[str]) -> Iterator[str]:
    """The rows are what is true; `new` are the ids that only the target has."""
    by_id = {row["source_id"]: row for row in rows if row["row"] == "source"}
    for id_, want in truth.items():
        row = by_id[id_]
        fields = ("target_id", "match_type", "variance_type", "impact_level", *(("status",) if row["is_match"] else ()))
        for field in fields:
            if row[field] != want[field]:
                yield f"{name}: {id_} has {field} {row[field]!r}, in truth {want[field]!r}"
    if {row["target_id"] for row in rows if row["row"] == "new_in_target"} != set(new):
        yield f"{name}: not what is new in truth"


def check_tables(run: Path) -> Iterator[str]:
    """CSV and XLSX hold the rows of the JSON; nothing in them is run."""
    for name in TABLES:
        rows = json.loads((run / f"{name}.json").read_text("utf-8"))
        text = (run / f"{name}.csv").read_bytes().decode("utf-8")
        if _CONTROL.search(text):
            yield f"{name}.csv: has control characters"
        book = CalamineWorkbook.from_path(str(run / f"{name}.xlsx")).get_sheet_by_index(0).to_python()
        with zipfile.ZipFile(run / f"{name}.xlsx") as parts:
            for part in parts.namelist():
                if part.startswith("xl/worksheets/") and re.search(rb"<f[ >]|<hyperlink", parts.read(part)):
                    yield f"{name}.xlsx: has formulas or links"
        table = list(csv.reader(io.StringIO(text, newline="")))
        for kind, grid in (("csv", table), ("xlsx", book)):
            yield from _same(f"{name}.{kind}", rows, grid)
        for line in table:
            for cell in line:
                if _FORMULA.match(cell) and not _NUMBER.fullmatch(cell):
                    yield f"{name}.csv: {cell[:60]!r} would be run"


def _same(name: str, rows: Sequence[Row], grid: Sequence[Sequence[Any]]) -> Iterator[str]:
    if not rows:
        return
    head, *lines = grid
    if len(lines) != len(rows) or list(head) != list(rows[0]):
        yield f"{name}: {len(lines)} lines of {len(head)} columns, {len(rows)} rows in the JSON"
        return
    for number, (row, line) in enumerate(zip(rows, lines, strict=True), 1):
        for key, cell in zip(head, line, strict=True):
            if not _is_cell(row[key], cell):
                yield f"{name}: line {number}, {key}: {cell!r:.100} for {row[key]!r:.100}"


def _is_cell(value: Any, cell: Any) -> bool:
    if value is None:
        return cell == ""
    if isinstance(value, bool):
        return cell in (value, str(value).upper())
    if isinstance(value, int | float):
        return cell != "" and float(cell) == value
    if isinstance(value, str):
        return _plain(cell) in (_plain(value), f"'{_plain(value)}")
    if cell in ("", "; ".join(map(str, value))):
        return bool(cell) == bool(value)
    try:
        return bool(json.loads(str(cell).removeprefix("'")) == value)
    except ValueError:  # a list of texts that is joined, and cleaned
        return isinstance(value, list) and _plain("; ".join(map(str, value))) == _plain(cell).removeprefix("'")


def _plain(text: Any) -> str:
    """Without what no table keeps: control characters, kinds of line ends, halves of surrogate pairs."""
    kept = _CONTROL.sub("", re.sub(r"\r\n?", "\n", str(text)))
    return kept.encode("utf-8", "backslashreplace").decode("utf-8")
