"""The steps `crosswalk` and `crosswalk_aa`: one row for every source provision, and one for every new target provision.

Headings are not matched and have no row; the statistics count them.
"""

from __future__ import annotations

__all__ = ["crosswalk", "crosswalk_aa", "is_substantive"]

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from igent.flow import Item, Lost, StepContext, Stream
from igent.types import JsonObject
from igent.workloads.crosswalk.compatible import same_types
from igent.workloads.crosswalk.review import lost_reasons, reviewed
from igent.workloads.crosswalk.select import no_entry


def is_substantive(provision: Mapping[str, Any]) -> bool:
    """Whether a provision is matched at all: it is no heading."""
    return provision.get("provision_classification") != "heading"


async def crosswalk(streams: Sequence[Stream], context: StepContext) -> list[Item]:
    """The crosswalk of the basic plan documents; see _crosswalk."""
    return _crosswalk("bpd", streams)


async def crosswalk_aa(streams: Sequence[Stream], context: StepContext) -> list[Item]:
    """The crosswalk of the adoption agreements; see _crosswalk."""
    return _crosswalk("aa", streams)


def _crosswalk(part: str, streams: Sequence[Stream]) -> list[Item]:
    """Rows from the source's provisions, the entries, the target's provisions, and those that were embedded.

    A source provision without an entry was lost on the way: its row says so and abstains. A `no_match` is always
    flagged for a person, with what was looked at: every target provision of a compatible type, or the nearest, so that
    the partner may be among the others. Raises ValueError when the counts do not add up.
    """
    source, entries, target, embedded = streams
    provisions = [item.data for item in source.items if is_substantive(item.data)]
    targets = {str(item.data["id"]): item.data for item in target.items if is_substantive(item.data)}
    missing = _missing(target, targets, embedded)
    known = {item.id: item.data for item in entries.items}
    _check_entries(known, provisions, targets)
    shared = Counter(str(entry["target_id"]) for entry in known.values() if entry["is_match"])
    lost = lost_reasons([*source.lost, *entries.lost])
    rows = []
    for provision in provisions:
        entry = known.get(str(provision["id"])) or _lost_entry(provision, lost)
        doubts = [*_doubts(entry, shared, missing), *_unseen(provision, entry, targets)]
        rows.append(_source_row(part, provision, entry, targets, doubts))
    own = [str(provision["id"]) for provision in provisions]
    gone = _named_apart(source.lost, own)
    rows += [_unread_row(part, id_, one) for id_, one in gone.items()]
    unread = "a part of the source could not be read: its match may be among those" if source.lost else ""
    unread = unread or ("" if provisions else "nothing of the source was read")
    rows += _new_rows(part, targets, rows, lost_reasons([*target.lost, *embedded.lost]), unread)
    _check_counts(rows, [*own, *gone], targets)
    return [Item(str(row["source_id"] or f"new_in_target:{row['target_id']}"), row) for row in rows]


def _missing(target: Stream, targets: Mapping[str, Any], embedded: Stream) -> str:
    """What of the target nothing could be matched with; "" when all of it was there."""
    there = {str(item.data["id"]) for item in embedded.items}
    unread, unmade = len(target.lost), sum(1 for id_ in targets if id_ not in there)
    if not unread and not unmade:
        return ""
    parts = f"{unread + unmade} part{'s' if unread + unmade > 1 else ''}"
    return f"{parts} of the target could not be read or embedded: a partner may be among them"


def _doubts(entry: Mapping[str, Any], shared: Counter[str], missing: str) -> list[str]:
    doubts = list(entry["review_reasons"])
    others = shared[str(entry["target_id"])] - 1 if entry["is_match"] else 0
    if others:
        doubts.append(f"{entry['target_id']} is the match of {others} other{'s' if others > 1 else ''} as well")
    if missing and not entry["is_match"]:
        doubts.append(missing)
    return doubts


def _unseen(provision: Mapping[str, Any], entry: Mapping[str, Any], targets: Mapping[str, Any]) -> list[str]:
    """What a `no_match` without doubts rests on: a person has to confirm it."""
    if entry["match_type"] != "no_match" or entry["review_reasons"]:
        return []
    able = {id_ for id_, target in targets.items() if same_types(provision, target)}
    seen = able & {str(candidate["target_id"]) for candidate in entry["candidates"]}
    if seen == able:
        return [f"all {len(able)} target provisions of its type were looked at and refused: confirm that there is none"]
    return [f"only the nearest {len(seen)} of {len(able)} target provisions of its type were looked at"]


def _lost_entry(provision: Mapping[str, Any], lost: Mapping[str, str]) -> JsonObject:
    why = lost.get(str(provision["id"]), "lost on the way, and nobody said why")
    entry = no_entry() | {"source_id": provision["id"], "abstain_reason": why, "reasoning": f"It was {why}."}
    return reviewed(entry | {"candidates": []}, [why])


def _source_row(
    part: str, provision: Mapping[str, Any], entry: Mapping[str, Any], targets: Mapping[str, Any], doubts: list[str]
) -> JsonObject:
    target = targets[str(entry["target_id"])] if entry["is_match"] else {}
    head = {"part": part, "row": "source"} | _side("source", provision) | _side("target", target)
    row = reviewed({**head, **entry}, doubts)
    if doubts and not entry["is_match"]:  # not found, but not for certain either
        row["status"] = "pending"
    return row


def _named_apart(lost: Iterable[Lost], taken: Iterable[str]) -> dict[str, Lost]:
    """What was lost by a name of its own: an entry that has the id of another one is lost for that very reason."""
    names, found = set(taken), dict[str, Lost]()
    for one in lost:
        name, number = one.id, 1
        while name in names:
            number += 1
            name = f"{one.id} ({number})"
        names.add(name)
        found[name] = one
    return found


def _unread_row(part: str, id_: str, lost: Lost) -> JsonObject:
    """A part of the source that could not be read: a page, a document, or an entry that is none."""
    entry = no_entry() | {"source_id": id_, "abstain_reason": lost.reason, "reasoning": "It could not be read."}
    head = {"part": part, "row": "source"} | _side("source", {**lost.data, "id": id_}) | _side("target", {})
    return reviewed({**head, **entry, "candidates": []}, [lost.reason])


def _side(side: str, provision: Mapping[str, Any]) -> JsonObject:
    return {
        f"{side}_id": provision.get("id"),
        f"{side}_section": provision.get("section_number"),
        f"{side}_title": provision.get("section_title"),
        f"{side}_type": provision.get("provision_type"),
        f"{side}_text": provision.get("provision_text"),
    }


def _new_rows(
    part: str, targets: Mapping[str, Any], rows: Iterable[Mapping[str, Any]], lost: Mapping[str, str], unread: str
) -> list[JsonObject]:
    """The targets that nobody matched; flagged where somebody was not sure about one, it was lost, or something of the
    source is `unread`."""
    matched, wanted = set(), dict[str, list[str]]()
    for row in rows:
        if row["is_match"]:
            matched.add(str(row["target_id"]))
        elif row["needs_review"]:
            for candidate in row["candidates"]:
                if candidate["match_type"] != "no_match":
                    wanted.setdefault(str(candidate["target_id"]), []).append(str(row["source_id"]))
    new = []
    for id_, target in targets.items():
        if id_ in matched:
            continue
        doubts = [*([lost[id_]] if id_ in lost else []), *([unread] if unread else [])]
        doubts += [f"it may be the match of {source}, which is undecided" for source in wanted.get(id_, ())]
        head = {"part": part, "row": "new_in_target"} | _side("source", {}) | _side("target", target)
        entry = no_entry() | {"match_type": None, "status": "pending" if doubts else "confirmed"}
        del entry["source_id"], entry["target_id"]
        new.append(reviewed({**head, **entry, "candidates": []}, doubts))
    return new


def _check_entries(
    entries: Mapping[str, Mapping[str, Any]], provisions: Sequence[Mapping[str, Any]], targets: Mapping[str, Any]
) -> None:
    """Raises ValueError for an entry of no source provision, or one matched with no target provision."""
    strangers = entries.keys() - {str(provision["id"]) for provision in provisions}
    if strangers:
        raise ValueError(f"entries of no source provision: {', '.join(sorted(strangers))}")
    for id_, entry in entries.items():
        if entry["is_match"] and str(entry["target_id"]) not in targets:
            raise ValueError(f"{id_} is matched with {entry['target_id']!r}, which is no target provision")


def _check_counts(rows: Sequence[Mapping[str, Any]], expected: Sequence[str], targets: Mapping[str, Any]) -> None:
    """Sources = matched + no_match + abstain, one row each of the `expected` ids; targets = matched + new. Raises
    ValueError."""
    sources = [str(row["source_id"]) for row in rows if row["row"] == "source"]
    if sources != list(expected) or len(set(sources)) != len(sources):
        raise ValueError(f"{len(expected)} source provisions have {len(sources)} rows: each must have exactly one")
    matched = {str(row["target_id"]) for row in rows if row["row"] == "source" and row["is_match"]}
    new = [str(row["target_id"]) for row in rows if row["row"] == "new_in_target"]
    if len(matched) + len(new) != len(targets) or matched.union(new) != set(targets):
        raise ValueError(f"{len(targets)} target provisions are not {len(matched)} matched and {len(new)} new ones")
