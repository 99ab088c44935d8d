"""A small workload with steps, for graphs: recipes of two books, and which dish of one is the same as one of the other.

Only its names and types matter here; no step is run. `GRAPH` is a constellation on it with every kind of phase.
"""

from __future__ import annotations

__all__ = ["GRAPH", "NO_PHASES", "PROMPT", "TALKS", "WORKLOAD"]

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel

from igent.flow import ExpandStep, MapStep, ReduceStep, SelectStep
from igent.workload import Dataset

PROMPT = "Compare. {{ schema }}"

GRAPH = """\
name: recipes
workload: flows_kit:WORKLOAD
scenario: s
model: big
agents:
  judge:
    role: matcher
    prompt: judge.md
    cascade: {models: [small], confidence: sure, threshold: 0.8}
phases:
  - name: left
    kind: expand
    step: dishes
    where: {book: [a, c]}
    uses: vision
  - {name: right, kind: expand, step: dishes, where: {book: b}}
  - {name: left_plain, kind: map, step: plain, needs: [left]}
  - {name: right_plain, kind: map, step: plain, needs: [right]}
  - {name: left_near, kind: embed, field: words, needs: [left_plain]}
  - {name: right_near, kind: embed, field: words, needs: [right_plain]}
  - name: near
    kind: pair
    needs: [left_near, right_near]
    k: 3
    threshold: 0.7
    compatible: same_course
  - name: same
    needs: [near]
    agents: [judge]
    output: verdicts
    schema: verdict
    rules: [quotes]
    batch: 20
  - {name: best, kind: select, step: best, needs: [same], of: near}
  - name: book
    kind: reduce
    step: book
    needs: [best, right_plain]
    output: crosswalk
    tables: true
run:
  concurrency: 8
  resources: {cpu: 2}
"""
"""Line 11 is `- name: left`."""

TALKS = """\
name: talks
workload: flows_kit:WORKLOAD
scenario: s
model: big
agents:
  judge: {role: matcher, prompt: judge.md}
  critic: {role: critic, prompt: judge.md}
phases:
  - name: first
    agents: [judge, critic]
    output: summaries
    schema: summary
  - name: second
    needs: [first]
    agents: [judge]
    output: verdicts
    schema: verdict
"""
"""A chain of conversations on the same workload."""

NO_PHASES = GRAPH[: GRAPH.index("agents:")]


class Summary(BaseModel):
    """What a dish is."""

    text: str
    sure: float


class Numbered(BaseModel):
    """A verdict with a number of its own."""

    number: int
    same: bool
    sure: float


class Verdict(BaseModel):
    """Whether two dishes are the same."""

    same: bool
    sure: float


async def _nothing(*_: Any) -> Any:
    raise NotImplementedError


class Recipes:
    """See this module's docstring."""

    name = "recipes"
    inputs = ()
    schemas: Mapping[str, type[BaseModel]] = {"verdict": Verdict, "summary": Summary, "numbered": Numbered}
    short: Mapping[str, type[BaseModel]] = {"summary": Summary}
    mock = None
    steps = {  # noqa: RUF012
        "dishes": ExpandStep(_nothing, "record", "dish"),  # type: ignore[arg-type]
        "plain": MapStep(_nothing, "dish", "plain_dish"),
        "spice": MapStep(_nothing, "dish", "spicy_dish"),
        "best": SelectStep(_nothing, "verdict", "mapping"),
        "book": ReduceStep(_nothing, ("mapping", "plain_dish"), "book"),
    }
    compatible = {"same_course": lambda a, b: True}  # noqa: RUF012
    takes = {"verdict": "pair", "summary": "dish"}  # noqa: RUF012
    rules: Mapping[str, Any] = {"quotes": lambda answer, case: ()}

    def expand(self, value: Any, case: Any, schema: str) -> Any:
        """See Shortens.expand."""
        return value

    def open(self, documents: Any) -> Dataset:
        """See Workload.open."""
        return Dataset((), None)

    def blocks(self, case: Any, schema: str) -> Mapping[str, Any]:
        """See Workload.blocks."""
        return {}

    def predict(self, case: Any) -> None:
        """See Workload.predict."""

    def unit(self, value: Any, field: str) -> None:
        """See Workload.unit."""

    def refusal(self, schema: str) -> None:
        """See Workload.refusal."""

    def confirm_refusal(self, case: Any) -> Iterable[Any]:
        """See Workload.confirm_refusal."""
        return ()

    def refusal_reason(self, case: Any) -> str:
        """See Workload.refusal_reason."""
        return ""

    def capacity_document(self, view: Any) -> Any:
        """See Workload.capacity_document."""


WORKLOAD = Recipes()
