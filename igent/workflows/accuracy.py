"""How many records of a run came out right, by what the workload expects and not by what the constellation checks."""

from __future__ import annotations

__all__ = ["accuracy", "run_date"]

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, Protocol

from pydantic import BaseModel, ValidationError

from igent.capacity.ledger import Ledger
from igent.outcome import Outcome
from igent.types import Case, JsonObject
from igent.workflows.constellation import Constellation
from igent.workflows.folder import RunFolder
from igent.workload import Dataset, Expects, Workload


def accuracy(constellation: Constellation, dataset: Dataset, outcomes: Iterable[Outcome], today: date) -> float | None:
    """The share (0 to 1) of records that came out right; None where the workload expects nothing, or there are none.

    The records are replayed in input order, each shown the capacity that those before it left. An output is right when
    it agrees with what is expected in every field but words for people, lists in any order; where the rules do not
    decide it, when every rule of the workload that can look at it finds nothing wrong. "Nobody fits" is right where
    that is expected, and a failed record never is. Records whose input cannot be used do not count.
    """
    workload = constellation.workload
    if not isinstance(workload, Expects):
        return None
    judge = _Judge(workload, _outputs(constellation))
    ledger, known = Ledger(dataset.capacity), {outcome.record_id: outcome for outcome in outcomes}
    right = judged = 0
    for record in dataset.records:
        outcome = known.get(record.id)
        if outcome is None:
            continue
        if record.problem is None:
            judged += 1
            right += judge.right(Case(record, dataset.reference, ledger.view(), today), outcome)
        if outcome.takes:
            ledger.hold(record.id, outcome.takes)
    return right / judged if judged else None


def run_date(folder: Path, otherwise: date) -> date:
    """The date that the run in this folder was made for."""
    opened = RunFolder.open(folder)
    try:
        return date.fromisoformat(opened.run["today"]) if opened.run else otherwise
    finally:
        opened.lock.release()


def _outputs(constellation: Constellation) -> list[tuple[str, str]]:
    """The name and schema of each output, in order; what is taken out of an answer comes before the answer itself."""
    found: list[tuple[str, str]] = []
    for _, step in constellation.spec.steps():
        found += [*step.also.items(), (step.output, step.schema_name)]
    return found


class _Expecting(Workload, Expects, Protocol):
    """A workload that expects answers."""


class _Judge:
    def __init__(self, workload: _Expecting, outputs: Sequence[tuple[str, str]]) -> None:
        self._workload, self._outputs = workload, outputs

    def right(self, case: Case, outcome: Outcome) -> bool:
        """Whether the record ended as expected."""
        if outcome.status == "failed":
            return False
        for output, schema in self._outputs:
            want = self._workload.expect(case, schema)
            if want is not None and self._refuses(want, schema):
                return outcome.status == "no_match"
            got = outcome.outputs.get(output)
            if outcome.status == "no_match":
                got = want  # it is a later answer's turn to be that nobody fits
            elif got is None or not self._agrees(got, want, schema, case):
                return False
            if got is not None:
                case = replace(case, earlier={**case.earlier, schema: got})
        return outcome.status == "done"

    def _refuses(self, want: JsonObject, schema: str) -> bool:
        refusal = self._workload.refusal(schema)
        return refusal is not None and _shaped(refusal, want) is not None

    def _agrees(self, got: JsonObject, want: JsonObject | None, schema: str, case: Case) -> bool:
        model = self._workload.schemas[schema]
        said = _shaped(model, got)
        if want is None or said is None:
            return said is not None and not self._broken(said, case)
        meant = _shaped(model, want)
        return meant is not None and self._decided(said) == self._decided(meant)

    def _broken(self, answer: BaseModel, case: Case) -> bool:
        """Whether the answer breaks any rule of the workload. A rule for another schema misses its fields: it has
        nothing to say."""
        for rule in self._workload.rules.values():
            try:
                if any(True for _ in rule(answer, case)):
                    return True
            except AttributeError:
                continue
        return False

    def _decided(self, answer: BaseModel) -> Any:
        return _without(answer.model_dump(mode="json", by_alias=True), self._workload.prose)


def _shaped(model: type[BaseModel], value: JsonObject) -> BaseModel | None:
    try:
        return model.model_validate(value)
    except ValidationError:
        return None


def _without(value: Any, prose: frozenset[str]) -> Any:
    """The value without words for people, its lists in an order of their own."""
    if isinstance(value, dict):
        return {key: _without(item, prose) for key, item in value.items() if key not in prose}
    return sorted((_without(item, prose) for item in value), key=repr) if isinstance(value, list) else value
