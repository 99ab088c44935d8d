"""What a workload offers to constellations, by name: all that their checks know of it."""

from __future__ import annotations

__all__ = ["StepNames", "WorkloadNames"]

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class StepNames:
    """A step in Python: its `kind` (map, expand, select or reduce), the type of each stream that it `takes` (one, but
    for reduce), and the type that it `gives`."""

    kind: str
    takes: tuple[str, ...]
    gives: str


@dataclass(frozen=True, slots=True)
class WorkloadNames:
    """What a workload offers to constellations, by name."""

    schemas: Mapping[str, Collection[str]]
    """Schema name to its field names."""
    rules: Collection[str]
    short: Collection[str] = ()
    """The schemas that have a short form."""
    expects: bool = False
    """Whether it knows answers itself, as a rule agent needs."""
    steps: Mapping[str, StepNames] = field(default_factory=dict)
    """By the name that a phase's `step` gives; none where the workload has conversations only."""
    compatible: Collection[str] = ()
    """Its rules for which two records may be a pair."""
    takes: Mapping[str, str] = field(default_factory=dict)
    """Schema name to the type of item that a conversation with this answer is about, as far as it tells."""
