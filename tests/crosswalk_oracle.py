"""A judge of finished run folders of the workload crosswalk, written from its rules and its documents alone: it uses
nothing of igent.

    python tests/crosswalk_oracle.py RUN data/crosswalk --truth
"""

from __future__ import annotations

__all__ = ["MATCHES", "Documents", "check_crosswalk", "read_documents"]

import argparse
import json
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crosswalk_oracle_tables import check_sample, check_statistics, check_tables, check_truth, is_quoted, texts_of

Row = Mapping[str, Any]

MATCHES = ("exact", "compatible", "conditional")
ALIKE = ({"eligibility_rule", "participation_rule"}, {"contribution_formula", "allocation_formula"})
ACCEPTED, MARGIN, BLOCKED, PENDING = 0.70, 0.15, 0.40, 0.15
MOST_WORDS, MOST_CANDIDATES = 12, 5
REFERENCE = re.compile(r"\bAA Q (\d+\.\d+)|\bSection (\d+\.\d+) of the Adoption Agreement")


@dataclass(frozen=True)
class Documents:
    """The substantive provisions and elections by id, in their order; `part` and `side` as in "source_bpd"."""

    by_name: Mapping[str, Mapping[str, Row]]

    def of(self, part: str, side: str) -> Mapping[str, Row]:
        return self.by_name[f"{side}_{part}"]


def _read(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))


def read_documents(folder: Path) -> Documents:
    """The four documents of a scenario, as JSON."""
    names = [f"{side}_{part}" for part in ("bpd", "aa") for side in ("source", "target")]
    read = {name: _read(folder / f"{name}.json") for name in names}
    return Documents({
        name: {row["id"]: row for row in rows if row.get("provision_classification") != "heading"}
        for name, rows in read.items()
    })  # fmt: skip


def same_types(source: Row, target: Row) -> bool:
    one, other = source.get("provision_type"), target.get("provision_type")
    return one == other or any({one, other} <= group for group in ALIKE)


def _sources(rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if row["row"] == "source"]


def _counts(name: str, rows: Sequence[Row], sources: Mapping[str, Row], targets: Mapping[str, Row]) -> Iterator[str]:
    """One row for each source provision; each target provision matched or new, and never both."""
    got = Counter(row["source_id"] for row in _sources(rows))
    for id_ in sources.keys() | got.keys():
        if got[id_] != (id_ in sources):
            yield f"{name}: {id_} has {got[id_]} rows"
    matched = {row["target_id"] for row in _sources(rows) if row["is_match"]}
    new = [row["target_id"] for row in rows if row["row"] == "new_in_target"]
    if len(new) + len(_sources(rows)) != len(rows):
        yield f"{name}: there are rows of no kind"
    for id_ in sorted(targets.keys() ^ (matched | set(new)), key=str):
        yield f"{name}: {id_} is {'neither matched nor new' if id_ in targets else 'no target provision'}"
    for id_ in sorted(set(new) & matched):
        yield f"{name}: {id_} is new, and matched"
    if len(new) != len(set(new)):
        yield f"{name}: a target provision is new twice"


def _shape(name: str, row: Row, part: str, documents: Documents) -> Iterator[str]:
    """What any row must be, whatever was found."""
    where = f"{name}: {row['source_id'] or row['target_id']}"
    for side in ("source", "target"):
        provision = documents.of(part, side).get(row[f"{side}_id"], {})
        for column, field in (("section", "section_number"), ("title", "section_title"), ("text", "provision_text"),
                              ("type", "provision_type")):  # fmt: skip
            if row[f"{side}_{column}"] != provision.get(field):
                yield f"{where}: {side}_{column} is not that of the document"
    if bool(row["review_reasons"]) != row["needs_review"]:
        yield f"{where}: needs_review is {row['needs_review']}, its reasons are {row['review_reasons']}"
    low = row["confidence_score"] is not None and row["confidence_score"] < ACCEPTED
    weighty = row["impact_level"] in ("medium", "high") or row["variance_type"] in ("design", "regulatory")
    if (low or weighty) and not row["needs_review"]:
        yield f"{where}: it needs a review"
    if row["match_type"] == "abstain" and not row["abstain_reason"].strip():
        yield f"{where}: abstains without a reason"
    if row["is_match"] != (row["match_type"] in MATCHES) or row["is_match"] != (
        row["row"] == "source" and row["target_id"] is not None
    ):
        yield f"{where}: is_match {row['is_match']}, match_type {row['match_type']}, target {row['target_id']}"
    if row["row"] == "source" and not row["is_match"] and row["match_type"] not in ("no_match", "abstain"):
        yield f"{where}: no match of type {row['match_type']}"


def _answer(where: str, row: Row, sides: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """What an accepted answer must be: of a match, or a variance."""
    if row["variance_type"] == "regulatory" and not row["regulatory_notes"].strip():
        yield f"{where}: regulatory without notes"
    if row["option_compatibility"] == "incompatible" and row["impact_level"] not in ("medium", "high"):
        yield f"{where}: incompatible options with impact {row['impact_level']}"
    quoted = set()
    for quote in row["evidence"]:
        found = [s for s in sides if quote.get("side") in (None, s) and is_quoted(quote["quote"], sides[s])]
        quoted.update(found)
        if not found or len(quote["quote"].split()) > MOST_WORDS:
            yield f"{where}: {quote} is no quote"
    if quoted != set(sides) and not row["abstain_reason"]:
        yield f"{where}: its quotes are from {quoted or 'nowhere'}"


def _match(name: str, row: Row, documents: Documents, part: str) -> Iterator[str]:
    where = f"{name}: {row['source_id']}"
    source, target = documents.of(part, "source")[row["source_id"]], documents.of(part, "target").get(row["target_id"])
    if target is None:
        return  # told by the counts
    if not same_types(source, target):
        yield f"{where}: types that cannot mean the same"
    if row["match_type"] == "exact" and (row["impact_level"], row["variance_type"]) != ("none", "none"):
        yield f"{where}: exact with impact {row['impact_level']} and variance {row['variance_type']}"
    yield from _answer(where, row, {"source": texts_of(source), "target": texts_of(target)})


def _selection(name: str, row: Row, answers: Sequence[Row]) -> Iterator[str]:
    """The best answer is taken where it is sure and stands out, and only there; `answers` are about its source."""
    where = f"{name}: {row['source_id']}"
    found = [a for a in answers if a["match_type"] in MATCHES and a["confidence_score"] >= ACCEPTED]
    found.sort(key=lambda answer: -float(answer["confidence_score"]))
    clear = len(found) == 1 or (
        len(found) > 1 and round(found[0]["confidence_score"] - found[1]["confidence_score"], 9) >= MARGIN
    )
    want = found[0] if clear else {}
    if row["is_match"] != clear or row["target_id"] != want.get("target_id"):
        yield f"{where}: target {row['target_id']}, by the answers it is {want.get('target_id')}"
    for field in ("match_type", "variance_type", "impact_level", "confidence_score", "evidence") if clear else ():
        if row[field] != want[field]:
            yield f"{where}: {field} is {row[field]}, but was answered {want[field]}"
    if found and not clear and not row["needs_review"]:
        yield f"{where}: two are as good, and nobody is told"
    candidates = Counter(c["match_type"] for c in row["candidates"])
    if candidates != Counter(a["match_type"] for a in answers) or len(row["candidates"]) > MOST_CANDIDATES:
        yield f"{where}: its candidates are not those that were answered: {candidates}"


def _confirmation(row: Row, before: Row, documents: Documents, mapped: set[str]) -> Iterator[str]:
    """The status by the elections that both texts refer to."""
    where = f"crosswalk_confirmed: {row['source_id'] or row['target_id']}"
    same = {key: value for key, value in before.items() if key not in _CONFIRMED}
    if any(row[key] != value for key, value in same.items()):
        yield f"{where}: is another row than that of crosswalk_bpd"
    if not row["is_match"]:
        return
    known, unknown = _referred(row, documents)
    less = 0.0
    if not known and unknown:
        want, less = "pending", PENDING
    elif known <= mapped and not unknown:
        want = "confirmed"
    elif known & mapped:
        want = "conditional"
    else:
        want, less = "blocked", BLOCKED
    if row["status"] != want:
        yield f"{where}: is {row['status']}, by its elections {want}"
    if abs(row["confidence_score"] - max(0.0, before["confidence_score"] - less)) > 1e-6:
        yield f"{where}: confidence {row['confidence_score']}, from {before['confidence_score']} as {want}"
    if want != "confirmed" and not row["needs_review"]:
        yield f"{where}: {want}, and nobody is told"


def _referred(row: Row, documents: Documents) -> tuple[set[str], bool]:
    """The elections that the two texts refer to, and whether a reference leads to none."""
    known, unknown = set[str](), False
    for side in ("source", "target"):
        numbers = {e["section_number"]: id_ for id_, e in documents.of("aa", side).items()}
        for found in REFERENCE.finditer(row[f"{side}_text"]):
            id_ = numbers.get(found[1] or found[2])
            unknown = unknown or id_ is None
            known |= {id_} if id_ else set()
    return known, unknown


_CONFIRMED = ("status", "confidence_score", "needs_review", "review_reasons", "model_confidence", "elections")


def _failures(run: Path, rows: Mapping[str, Sequence[Row]]) -> Iterator[str]:
    """What failed is told, with its reason, at the rows that it leaves in doubt, and never a match."""
    outcomes = [json.loads(line) for line in (run / "outcomes.jsonl").read_text("utf-8").splitlines()]
    failed = [o for o in outcomes if o["status"] == "failed"]
    counts = _read(run / "summary.json")["counts"]
    if counts["failed"] != len(failed):
        yield f"summary.json: {counts['failed']} failed, outcomes.jsonl has {len(failed)}"
    for outcome in failed:
        phase, _, id_ = outcome["record_id"].partition("/")
        source, _, target = id_.partition("~")
        if not outcome["reason"]:
            yield f"{outcome['record_id']}: failed without a reason"
        if phase == "verify_instances":
            row = next((r for r in rows["variances"] if r["source_id"] in (source, outcome["record_id"])), None)
            if row is None or row["variance_type"] or not any(outcome["reason"] in r for r in row["review_reasons"]):
                yield f"{outcome['record_id']}: failed, and its variance does not say so"
        if phase not in ("verify_bpd", "verify_aa"):
            continue
        row = next((r for r in rows[phase[7:]] if r["source_id"] == source), None)
        if row is None or (row["is_match"] and row["target_id"] == target):
            yield f"{outcome['record_id']}: failed, and is a match"
        elif not any(target in reason and outcome["reason"] in reason for reason in row["review_reasons"]):
            yield f"{outcome['record_id']}: failed, and its row does not say so"


def _variances(run: Path, confirmed: Sequence[Row]) -> Iterator[str]:
    want = {row["source_id"] for row in confirmed
            if row["is_match"] and row["status"] in ("confirmed", "conditional")
            and (row["elections"]["mapped"] or row["elections"]["unmapped"])}  # fmt: skip
    rows = _read(run / "variances.json")
    if Counter(row["source_id"] for row in rows) != Counter(want):
        yield f"variances: of {len(rows)} matches, not of {len(want)}"
    for row in rows:
        where = f"variances: {row['source_id']}"
        if row["variance_type"] is None:
            if not row["needs_review"]:
                yield f"{where}: nothing is known, and nobody is told"
            continue
        if row["variance_type"] == "none" and row["impact_level"] != "none":
            yield f"{where}: no variance with impact {row['impact_level']}"
        titles = {side: [row[f"{side}_instance"]] for side in ("source", "target")}
        yield from _answer(where, row, titles)


def check_crosswalk(run: Path, data: Path, *, truth: bool = False) -> list[str]:
    """Every way in which a run folder contradicts its documents and the rules; empty when it is right. `data` holds the
    documents as JSON. With `truth`, also every difference from data/truth.json."""
    documents = read_documents(data)
    rows = {"bpd": _read(run / "crosswalk_bpd.json"), "aa": _read(run / "crosswalk_aa.json")}
    confirmed = _read(run / "crosswalk_confirmed.json")
    problems: list[str] = []
    for name, part, given in (("crosswalk_bpd", "bpd", rows["bpd"]), ("crosswalk_aa", "aa", rows["aa"]),
                              ("crosswalk_confirmed", "bpd", confirmed)):  # fmt: skip
        sources, targets = documents.of(part, "source"), documents.of(part, "target")
        problems += _counts(name, given, sources, targets)
        for row in given:
            problems += _shape(name, row, part, documents)
            if row["is_match"] and row["source_id"] in sources:
                problems += _match(name, row, documents, part)
    for part, given in rows.items():
        answers = _read(run / f"{part}_mappings.json")
        for row in _sources(given):
            about = [answer for answer in answers if answer["source_id"] == row["source_id"]]
            problems += _selection(f"crosswalk_{part}", row, about)
    mapped = {row[f"{side}_id"] for row in rows["aa"] for side in ("source", "target") if row["is_match"]}
    for row, before in zip(confirmed, rows["bpd"], strict=False):  # if there are more of one, the counts tell
        problems += _confirmation(row, before, documents, mapped)
    problems += [
        *_failures(run, {**rows, "variances": _read(run / "variances.json")}),
        *_variances(run, confirmed),
        *check_sample(run, confirmed, rows["aa"]),
    ]
    problems += [*check_statistics(run, documents.by_name, confirmed, rows["aa"]), *check_tables(run)]
    if truth:
        known = _read(data / "truth.json")
        for name, part, given in (("crosswalk_confirmed", "bpd", confirmed), ("crosswalk_aa", "aa", rows["aa"])):
            problems += check_truth(name, given, known[part], known["new_in_target"][part])
    return problems


def main(argv: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description="Judge a run folder by the rules of the workload crosswalk.")
    parser.add_argument("run", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("--truth", action="store_true")
    found = check_crosswalk(**vars(parser.parse_args(argv)))
    print("\n".join(found) if found else "no problem found")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
