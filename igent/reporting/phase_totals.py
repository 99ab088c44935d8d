"""The sums of a graph's phases, taken a unit at a time, and the figures that a summary shows of each."""

from __future__ import annotations

__all__ = ["PhasePlan", "PhaseTotals", "plans_of"]

from array import array
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from igent.config.constellation import Resources
from igent.config.phases import AnyPhase, EmbedSpec, PhaseSpec
from igent.outcome import Outcome, StepReport
from igent.reporting.critical_path import ENGINE, PathShare, critical_path
from igent.reporting.figures import Tokens, spread, total_cost
from igent.reporting.in_flight import Pieces, Taken, pieces_of
from igent.reporting.phase_figures import PhaseFigures
from igent.reporting.spans import NO_TRIGGER, SpanLog
from igent.types import NO_USAGE

_COUNTED = ("calls", "rounds", "invalid_drafts", "retries", "rate_limited", "recalled", "cached")


@dataclass(frozen=True, slots=True)
class PhasePlan:
    """What the constellation says of a phase: its `kind`, the `resource` it uses, how many pieces of work may be in
    flight there at once (`concurrency`; None: as many as conversations), and how many units one piece is about, at
    most (`batch`)."""

    kind: str = ""
    resource: str = ""
    concurrency: int | None = None
    batch: int = 1


_NO_PLAN = PhasePlan()


def plans_of(phases: Sequence[AnyPhase], resources: Resources) -> dict[str, PhasePlan]:
    """The plan of each phase, by name."""
    return {phase.name: _plan(phase, resources) for phase in phases}


def _plan(phase: AnyPhase, resources: Resources) -> PhasePlan:
    if isinstance(phase, PhaseSpec):
        return PhasePlan(phase.kind, "llm", None, phase.batch)
    places = None if phase.uses == "llm" else getattr(resources, phase.uses)
    return PhasePlan(phase.kind, phase.uses, places, phase.batch if isinstance(phase, EmbedSpec) else 1)


class _Sums:
    """The sums of one phase."""

    def __init__(self) -> None:
        self.statuses: Counter[str] = Counter()
        self.counts: Counter[str] = Counter()
        self.seconds = array("d")
        self.usage = NO_USAGE
        self.cost: Decimal | None = Decimal(0)

    def add(self, outcome: Outcome, cost: Decimal | None) -> None:
        self.statuses[outcome.status] += 1
        self.seconds.append(outcome.total_seconds)
        for step in outcome.steps:
            self.usage += step.usage
            for name in _COUNTED:
                self.counts[name] += getattr(step, name)
        if self.cost is not None and any(map(_is_billed, outcome.steps)):
            self.cost = None if cost is None else self.cost + cost


class PhaseTotals:
    """The figures of the units that were added, in any order. Of each unit it keeps 8 bytes, and 32 of its span.

    `plans` are the phases in their order; one that is not among them has no kind and no resource. `models` (agent ->
    model) and `base_url` say by which prices the tokens are reckoned, see total_cost; models None: not at all (the mock
    has no price).
    """

    def __init__(
        self,
        plans: Mapping[str, PhasePlan] | None = None,
        models: Mapping[str, str] | None = None,
        base_url: str | None = None,
    ) -> None:
        self._plans = dict(plans or {})
        self._models, self._base_url = models, base_url
        self._sums: dict[str, _Sums] = {phase: _Sums() for phase in self._plans}
        self.spans = SpanLog()

    def add(self, phase: str, outcome: Outcome) -> None:
        """Take the outcome of one more unit."""
        models = self._models
        cost = None if models is None else total_cost(outcome.steps, models, self._base_url)
        self._of(phase).add(outcome, cost)

    def add_span(self, phase: str, ready: float, started: float, ended: float, trigger: int = NO_TRIGGER) -> int:
        """Take the span of one more unit; its index, for what it triggers. One of no length is of a unit that an
        earlier session settled."""
        return self.spans.add(phase, ready, started, ended, trigger)

    def begin_span(self, phase: str, ready: float, started: float, trigger: int = NO_TRIGGER) -> int:
        """As `add_span`, for a unit that gives on the way what others begin with; to be followed by `end_span`."""
        return self.spans.begin(phase, ready, started, trigger)

    def end_span(self, index: int, ended: float) -> None:
        """The unit whose span was begun has ended."""
        self.spans.end(index, ended)

    def skipped(self, phase: str) -> None:
        """A unit could not be worked on, because what it needs had failed."""
        self._of(phase).counts["skipped"] += 1

    def found(self, phase: str, many: int) -> None:
        """So many things the cache had that are no calls: embeddings, documents that were read before."""
        self._of(phase).counts["found"] += many

    def items_out(self, phase: str, many: int = 1) -> None:
        """So many items were given on."""
        self._of(phase).counts["items"] += many

    def figures(self, wall_seconds: float, concurrency: int) -> tuple[dict[str, PhaseFigures], float]:
        """The figures of each phase, and the share of the run's `wall_seconds` that is no phase's on the critical path.
        `concurrency` is that of conversations."""
        plans = {phase: self._plans.get(phase, _NO_PLAN) for phase in self._sums}
        began, ended = self.spans.bounds()
        pieces = pieces_of(self.spans, ended, {phase: plan.batch for phase, plan in plans.items()})
        path = critical_path(self.spans, began, ended, _taken(plans, pieces, concurrency))
        path[ENGINE].seconds += max(0.0, wall_seconds - (ended - began))  # before the first unit, and after the last
        whole = sum(share.seconds for share in path.values())
        figures = {
            phase: _figures(
                plans[phase], sums, pieces.get(phase, Pieces()), path.get(phase, PathShare()), whole, concurrency
            )
            for phase, sums in self._sums.items()
        }
        return figures, _part(path[ENGINE].seconds, whole)

    def _of(self, phase: str) -> _Sums:
        if phase not in self._sums:
            self._sums[phase] = _Sums()
        return self._sums[phase]


def _taken(plans: Mapping[str, PhasePlan], pieces: Mapping[str, Pieces], concurrency: int) -> dict[str, Taken]:
    """When the places of each phase's resource were all taken; one for each resource, that its phases share."""
    users: dict[str, list[str]] = defaultdict(list)
    for phase, plan in plans.items():
        if plan.resource and phase in pieces:
            users[plan.resource].append(phase)
    taken: dict[str, Taken] = {}
    for phases in users.values():
        shared = Taken([pieces[phase] for phase in phases], plans[phases[0]].concurrency or concurrency)
        taken |= dict.fromkeys(phases, shared)
    return taken


def _figures(
    plan: PhasePlan, sums: _Sums, pieces: Pieces, share: PathShare, whole: float, concurrency: int
) -> PhaseFigures:
    statuses, counts, flight = sums.statuses, sums.counts, pieces.in_flight()
    usage = sums.usage
    return PhaseFigures(
        kind=plan.kind,
        resource=plan.resource,
        batch=plan.batch,
        units=statuses.total() + counts["skipped"],
        done=statuses["done"],
        no_match=statuses["no_match"],
        failed=statuses["failed"],
        skipped=counts["skipped"],
        items=counts["items"],
        items_per_second=round(pieces.units / flight.seconds, 3) if flight.seconds > 0 else None,
        busy_seconds=round(flight.busy, 6),
        seconds=spread(sums.seconds),
        calls=counts["calls"],
        recalled=counts["recalled"],
        tokens=Tokens(usage.input_tokens, usage.output_tokens, usage.estimated),
        cost=sums.cost,
        concurrency=plan.concurrency or (concurrency if plan.resource == "llm" else None),
        most_in_flight=flight.peak,
        mean_in_flight=None if flight.mean is None else round(flight.mean, 3),
        errors=counts["retries"] + statuses["failed"],
        retries=counts["retries"],
        rate_limited=counts["rate_limited"],
        cache_hits=counts["cached"] + counts["found"],
        drafts=counts["rounds"],
        invalid_drafts=counts["invalid_drafts"],
        critical_seconds=round(share.seconds, 6),
        critical_share=_part(share.seconds, whole),
        waiting=round(share.waiting, 6),
    )


def _part(part: float, whole: float) -> float:
    return round(part / whole, 4) if whole > 0 else 0.0


def _is_billed(step: StepReport) -> bool:
    tokens = (step.usage.input_tokens, step.usage.output_tokens, step.wasted.input_tokens, step.wasted.output_tokens)
    return any(tokens)
