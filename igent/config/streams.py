"""The types of what flows through a graph: whether each phase takes what those that it needs give."""

from __future__ import annotations

__all__ = ["check_streams"]

from collections.abc import Iterator, Sequence

from igent.config.load import Source
from igent.config.offers import WorkloadNames
from igent.config.phases import (
    AnyPhase,
    EmbedSpec,
    ExpandSpec,
    MapSpec,
    PairSpec,
    PhaseSpec,
    ReduceSpec,
    SelectSpec,
    StepPhase,
)
from igent.config.shape import At
from igent.errors import Problem

_INPUT, _PAIR = "record", "pair"
_ONE_TO_ONE = (MapSpec, EmbedSpec, PhaseSpec)
_OPENS = (ExpandSpec, PairSpec)
_MOST_NAMED = 8


def check_streams(source: Source, workload: WorkloadNames, order: Sequence[str]) -> Iterator[Problem]:
    """What does not fit. `order` are the phases that are in no circle, each behind those that it needs; nothing is said
    where a type is not known, as of a step that does not exist."""
    return _Streams(source, workload, order).problems()


class _Streams:
    def __init__(self, source: Source, workload: WorkloadNames, order: Sequence[str]) -> None:
        self._source, self._workload = source, workload
        self._phases = {phase.name: phase for phase in reversed(source.spec.phases)}
        self._acyclic = frozenset(order)
        self._gives: dict[str, str | None] = {}
        for name in order:
            self._gives[name] = self._given_by(self._phases[name])
        self._givers: dict[str, list[str]] = {}
        for name, given in self._gives.items():
            if given is not None:
                self._givers.setdefault(given, []).append(name)

    def problems(self) -> Iterator[Problem]:
        for p, phase in enumerate(self._source.spec.phases):
            if isinstance(phase, EmbedSpec):
                yield from self._alike(p, phase)
            elif isinstance(phase, PairSpec):
                yield from self._embedded(p, phase)
            elif isinstance(phase, ReduceSpec):
                yield from self._in_order(p, phase)
            else:
                yield from self._taken(p, phase)
            if isinstance(phase, SelectSpec):
                yield from self._gathers(p, phase)

    def _given_by(self, phase: AnyPhase) -> str | None:
        if isinstance(phase, PhaseSpec):
            return phase.steps[-1].schema_name
        if isinstance(phase, PairSpec):
            return _PAIR
        if isinstance(phase, StepPhase):
            step = self._workload.steps.get(phase.step)
            return step.gives if step else None
        types = [given for need in phase.needs if (given := self._gives.get(need))]
        return types[0] if types else None

    def _taken(self, p: int, phase: AnyPhase) -> Iterator[Problem]:
        """Everything that comes in is of the one type that the phase takes."""
        for taken, taker in self._takes(phase):
            for i, need in enumerate(phase.needs):
                yield from self._fits(("phases", p, "needs", i), phase.name, need, (taken, taker))
            if not phase.needs and taken != _INPUT and not isinstance(phase, SelectSpec):
                what = f"phase {phase.name!r} needs no other, so it takes the input's {_INPUT!r}, but {taker} takes"
                at = ("phases", p, "name")
                yield Problem(self._source.where(*at), f"{what} {taken!r}", self._remedy(taken, phase.name))

    def _takes(self, phase: AnyPhase) -> list[tuple[str, str]]:
        """The types that a conversation or a step takes, and what it is of it that does."""
        if isinstance(phase, PhaseSpec):
            told = {step.schema_name: self._workload.takes.get(step.schema_name) for step in phase.steps}
            return [(taken, f"its schema {schema!r}") for schema, taken in told.items() if taken is not None]
        step = self._workload.steps.get(phase.step) if isinstance(phase, StepPhase) else None
        if step is None or step.kind != phase.kind:
            return []
        return [(taken, f"its step {getattr(phase, 'step', '')!r}") for taken in step.takes]

    def _fits(self, at: At, name: str, need: str, taken: tuple[str, str]) -> Iterator[Problem]:
        wanted, taker = taken
        given = self._gives.get(need)
        if given is not None and given != wanted:
            what = f"phase {need!r} gives {given!r}, but phase {name!r} takes {wanted!r}: {taker} does"
            yield Problem(self._source.where(*at), what, self._remedy(wanted, name))

    def _alike(self, p: int, phase: EmbedSpec) -> Iterator[Problem]:
        """An embed phase may need several, but of one type."""
        first = next(((need, given) for need in phase.needs if (given := self._gives.get(need))), None)
        for i, need in enumerate(phase.needs):
            given = self._gives.get(need)
            if first and given is not None and given != first[1]:
                what = f"phase {need!r} gives {given!r} and phase {first[0]!r} gives {first[1]!r}"
                remedy = f"an embed phase takes one type; {self._remedy(first[1], phase.name)}"
                yield Problem(self._source.where("phases", p, "needs", i), what, remedy)

    def _embedded(self, p: int, phase: PairSpec) -> Iterator[Problem]:
        """A pair phase needs two that embed, by the same model."""
        models: dict[str, str] = {}
        for i, need in enumerate(phase.needs):
            other, at = self._phases.get(need), ("phases", p, "needs", i)
            if isinstance(other, EmbedSpec):
                models[need] = other.model
                first = next(iter(models))
                if other.model != models[first]:
                    what = f"phase {need!r} embeds by model {other.model!r}, but phase {first!r} by {models[first]!r}"
                    yield Problem(self._source.where(*at), what, "only embeddings of one model can be compared")
            elif other is not None:
                embed = [name for name, one in self._phases.items() if isinstance(one, EmbedSpec)]
                found = f"phases that embed: {', '.join(sorted(embed))}" if embed else "put one of kind embed between"
                what = f"phase {need!r} is of kind {other.kind}, but phase {phase.name!r} pairs what was embedded"
                yield Problem(self._source.where(*at), what, found)

    def _in_order(self, p: int, phase: ReduceSpec) -> Iterator[Problem]:
        """A reduce phase needs one phase for each stream that its step takes."""
        takes = self._takes(phase)
        if takes and phase.needs and len(takes) != len(phase.needs):
            what = f"phase {phase.name!r} needs {len(phase.needs)} phases, but {takes[0][1]} takes {len(takes)} streams"
            remedy = f"in this order: {', '.join(taken for taken, _ in takes)}"
            yield Problem(self._source.where("phases", p, "needs"), what, remedy)
            return
        for i, (need, taken) in enumerate(zip(phase.needs, takes, strict=False)):
            yield from self._fits(("phases", p, "needs", i), phase.name, need, taken)

    def _gathers(self, p: int, phase: SelectSpec) -> Iterator[Problem]:
        """Between what a select phase gathers and itself, each item stays one item."""
        at = ("phases", p, "of")
        opened = self._phases.get(phase.of)
        opening = [name for name, other in self._phases.items() if isinstance(other, _OPENS)]
        if opened is None:
            yield self._source.problem(
                at, f"phase {phase.name!r} gathers {phase.of!r}, which is no phase", phase.of, opening
            )
        elif not isinstance(opened, _OPENS):
            what = (
                f"phase {phase.name!r} gathers what came of one item, but phase {phase.of!r} is of kind {opened.kind}"
            )
            remedy = f"of: {' or '.join(sorted(opening))}" if opening else "`of` names a phase of kind expand or pair"
            yield Problem(self._source.where(*at), what, remedy)
        elif len(phase.needs) == 1 and phase.name in self._acyclic:
            yield from self._reaches(p, phase)

    def _reaches(self, p: int, phase: SelectSpec) -> Iterator[Problem]:
        name = phase.needs[0]
        while name != phase.of:
            between = self._phases.get(name)
            if between is None:
                return  # told of where it is needed
            one_to_one = isinstance(between, _ONE_TO_ONE)
            if not one_to_one or len(between.needs) != 1:
                many = {0: "takes the records of the input"}.get(len(between.needs), "needs several")
                found = many if one_to_one else f"is of kind {between.kind}"
                what = f"phase {phase.name!r} cannot gather what came of {phase.of!r}: on the way back, phase {name!r}"
                remedy = "only map, embed and converse phases, each with one need, may lie between"
                yield Problem(self._source.where("phases", p, "of"), f"{what} {found}", remedy)
                return
            name = between.needs[0]

    def _remedy(self, wanted: str, name: str) -> str:
        """Who gives this type."""
        if wanted == _INPUT:
            return f"{_INPUT!r} is what the input gives: leave `needs` out"
        phases = [repr(other) for other in self._givers.get(wanted, ()) if other != name]
        if phases:
            shown = [*sorted(phases)[:_MOST_NAMED], *["…"] * (len(phases) > _MOST_NAMED)]
            return f"{wanted!r} is given by phase{'s' * (len(phases) > 1)} {', '.join(shown)}"
        steps = sorted(repr(step) for step, found in self._workload.steps.items() if found.gives == wanted)
        if steps:
            return f"{wanted!r} is given by step{'s' * (len(steps) > 1)} {', '.join(steps)}, which no phase runs"
        return f"no phase and no step gives {wanted!r}"
