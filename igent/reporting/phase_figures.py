"""What a summary says of each phase of a graph."""

from __future__ import annotations

__all__ = ["PhaseFigures"]

from dataclasses import asdict, dataclass
from decimal import Decimal

from igent.reporting.figures import Spread, Tokens
from igent.types import JsonObject


@dataclass(frozen=True, slots=True)
class PhaseFigures:
    """The figures of one phase, those of earlier runs on the folder included unless it is said otherwise.

    `units` is the sum of `done`, `no_match`, `failed` and `skipped`: those that could not be worked on, because what
    they need had failed. `items` were given on, in this run. `items_per_second` are units that ended, from the first
    start to the last end of this run; None where that has no length. `busy_seconds` of all pieces of work of this run,
    `seconds` of a unit. `calls` of models, of which `recalled` were answered from the journal; `cost` in US dollars,
    None when it is not known (with the mock it has no price). `concurrency` is how many places the phase's `resource`
    has (all phases that use it share them), None where nobody said; `most_in_flight` and `mean_in_flight` (None where
    nothing was) pieces of work of this phase in this run: a conversation, a batch, a step in Python. `errors` are
    attempts that failed: calls that were tried again (`retries`), and failed units. `cache_hits` are calls, embeddings
    and documents that the cache had. `drafts` are answers of models, `invalid_drafts` those that the rules refused.

    On the critical path are `critical_seconds` of this phase, the part `critical_share` of the wall time; `waiting` of
    them for a place of its resource.
    """

    kind: str
    resource: str
    batch: int
    units: int
    done: int
    no_match: int
    failed: int
    skipped: int
    items: int
    items_per_second: float | None
    busy_seconds: float
    seconds: Spread
    calls: int
    recalled: int
    tokens: Tokens
    cost: Decimal | None
    concurrency: int | None
    most_in_flight: int
    mean_in_flight: float | None
    errors: int
    retries: int
    rate_limited: int
    cache_hits: int
    drafts: int
    invalid_drafts: int
    critical_seconds: float
    critical_share: float
    waiting: float

    def to_json(self) -> JsonObject:
        """As in summary.json."""
        return asdict(self) | {"cost": None if self.cost is None else round(float(self.cost), 6)}
