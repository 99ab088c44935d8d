"""Which records of the input a phase of a graph takes: those that its `where` fits."""

from __future__ import annotations

__all__ = ["check_taken", "taken_by"]

from collections.abc import Sequence

from igent.config.phases import AnyPhase, ExpandSpec, MapSpec, PhaseSpec
from igent.errors import ConfigError, Problem
from igent.types import Record

_MOST_PROBLEMS = 20


def taken_by(phase: AnyPhase, records: Sequence[Record]) -> list[Record]:
    """The records that a phase takes; none where it needs other phases."""
    if phase.needs:
        return []
    where = phase.where if isinstance(phase, MapSpec | ExpandSpec | PhaseSpec) else {}
    return [
        record
        for record in records
        if all(
            record.data.get(key) in wanted if isinstance(wanted, list) else record.data.get(key) == wanted
            for key, wanted in where.items()
        )
    ]


def check_taken(phases: Sequence[AnyPhase], records: Sequence[Record]) -> None:
    """Raise ConfigError for records that no phase takes: they would be lost without a word."""
    taken = {record.id for phase in phases for record in taken_by(phase, records)}
    left = [record for record in records if record.id not in taken]
    if left:
        what = "is taken by no phase: no `where` fits it"
        raise ConfigError(
            *(Problem(one.source, f"record {one.id!r} {what}", _has(one)) for one in left[:_MOST_PROBLEMS])
        )


def _has(record: Record) -> str:
    """What a `where` could say of it."""
    fields = (f"{key}: {str(value)[:40]}" for key, value in list(record.data.items())[:8])
    return f"it has {', '.join(fields)}"
