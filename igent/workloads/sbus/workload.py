"""The workload `sbus` as the engine sees it: `WORKLOAD` implements igent.workload.Workload."""

from __future__ import annotations

__all__ = ["RULES", "WORKLOAD", "Sbus"]

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from igent.errors import ConfigError
from igent.types import CapacityView, Case, JsonObject, Violation
from igent.workload import Dataset, Document, InputFile, MockAnswers, Rule
from igent.workloads.sbus.complete import complete
from igent.workloads.sbus.context import match_blocks, order_blocks
from igent.workloads.sbus.expect import expect
from igent.workloads.sbus.mock import SbusMock
from igent.workloads.sbus.order_rules import order_rules
from igent.workloads.sbus.predict import predict
from igent.workloads.sbus.read import INPUTS, open_dataset
from igent.workloads.sbus.rules import confirm_refusal, match_rules, refusal_reason
from igent.workloads.sbus.schema import PROSE, Match, NoMatch, PurchaseOrder
from igent.workloads.sbus.short import SHORT, expand

RULES: dict[str, Rule] = {**match_rules(), **order_rules()}
_BLOCKS = {"match": match_blocks, "purchase_order": order_blocks}


class Sbus:
    """Registrations to supplier offers; see the protocol for what each member means."""

    name: str = "sbus"
    inputs: Sequence[InputFile] = INPUTS
    schemas: Mapping[str, type[BaseModel]] = {"match": Match, "purchase_order": PurchaseOrder}
    rules: Mapping[str, Rule] = RULES
    short: Mapping[str, type[BaseModel]] = SHORT
    prose: frozenset[str] = PROSE

    def __init__(self) -> None:
        self.mock: MockAnswers | None = SbusMock()

    def open(self, documents: Mapping[str, Document]) -> Dataset:
        """See Workload.open."""
        return open_dataset(documents)

    def blocks(self, case: Case, schema: str) -> Mapping[str, Any]:
        """See Workload.blocks. Raises ConfigError for a schema that this workload does not have."""
        if schema not in _BLOCKS:
            raise ConfigError(f"sbus has no schema {schema!r}: it has {', '.join(_BLOCKS)}")
        return _BLOCKS[schema](case)

    def complete(self, answer: Any, case: Case) -> Any:
        """See Completes.complete: missing subsidies of a certain worth, a missing reasoning, null or 0 instalments."""
        return complete(answer, case)

    def expect(self, case: Case, schema: str) -> JsonObject | None:
        """See Expects.expect: None for an order with an incentive whose worth is left to judgement."""
        return expect(case, schema)

    def expand(self, value: JsonObject, case: Case, schema: str) -> JsonObject:
        """See Shortens.expand."""
        return expand(value, case, schema)

    def predict(self, case: Case) -> str | None:
        """See Workload.predict: rule 4 of sbus.md."""
        return predict(case)

    def unit(self, value: JsonObject, field: str) -> str | None:
        """See Workload.unit."""
        found = value.get(field)
        return found if isinstance(found, str) else None

    def refusal(self, schema: str) -> type[BaseModel] | None:
        """See Workload.refusal: also an order may be refused, where it is asked for without a match."""
        return NoMatch if schema in self.schemas else None

    def confirm_refusal(self, case: Case) -> Iterable[Violation]:
        """See Workload.confirm_refusal."""
        return confirm_refusal(case)

    def refusal_reason(self, case: Case) -> str:
        """See Workload.refusal_reason."""
        return refusal_reason(case)

    def capacity_document(self, view: CapacityView) -> Any:
        """See Workload.capacity_document."""
        return {supplier: {"SupplierID": supplier, **stock.to_json()} for supplier, stock in view.items()}


WORKLOAD = Sbus()
