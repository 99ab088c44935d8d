"""The workload `crosswalk` as the engine sees it: `WORKLOAD` implements the protocols Workload and Flows."""

from __future__ import annotations

__all__ = ["WORKLOAD", "Crosswalk"]

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from igent.errors import ConfigError
from igent.flow import Compatible, StepDeclaration
from igent.types import CapacityView, Case, JsonObject, Violation
from igent.workload import Dataset, Document, InputFile, MockAnswers, Rule
from igent.workloads.crosswalk.compatible import COMPATIBLE
from igent.workloads.crosswalk.context import mapping_blocks, variance_blocks
from igent.workloads.crosswalk.mock import MOCK
from igent.workloads.crosswalk.read import INPUTS, open_dataset
from igent.workloads.crosswalk.rules import RULES
from igent.workloads.crosswalk.schema import MappingAnswer, VarianceAnswer
from igent.workloads.crosswalk.steps import STEPS, TAKES

_BLOCKS: Mapping[str, Callable[[Case], Mapping[str, Any]]] = {"mapping": mapping_blocks, "variance": variance_blocks}


class Crosswalk:
    """Provisions of one plan's documents to those of another's; see the protocols for what each member means."""

    name: str = "crosswalk"
    inputs: Sequence[InputFile] = INPUTS
    schemas: Mapping[str, type[BaseModel]] = {"mapping": MappingAnswer, "variance": VarianceAnswer}
    rules: Mapping[str, Rule] = RULES
    steps: Mapping[str, StepDeclaration] = STEPS
    compatible: Mapping[str, Compatible] = COMPATIBLE
    takes: Mapping[str, str] = TAKES

    def __init__(self) -> None:
        self.mock: MockAnswers | None = MOCK

    def open(self, documents: Mapping[str, Document]) -> Dataset:
        """See Workload.open: one record for each document."""
        return open_dataset(documents)

    def blocks(self, case: Case, schema: str) -> Mapping[str, Any]:
        """See Workload.blocks. Raises ConfigError for a schema that this workload does not have."""
        if schema not in _BLOCKS:
            raise ConfigError(f"crosswalk has no schema {schema!r}: it has {', '.join(_BLOCKS)}")
        return _BLOCKS[schema](case)

    def predict(self, case: Case) -> str | None:
        """See Workload.predict: a provision takes no unit of anything."""
        return None

    def unit(self, value: JsonObject, field: str) -> str | None:
        """See Workload.unit."""
        return None

    def refusal(self, schema: str) -> type[BaseModel] | None:
        """See Workload.refusal: "no match" is an answer like others here, with reasons."""
        return None

    def confirm_refusal(self, case: Case) -> Iterable[Violation]:
        """See Workload.confirm_refusal."""
        return ()

    def refusal_reason(self, case: Case) -> str:
        """See Workload.refusal_reason."""
        return ""

    def capacity_document(self, view: CapacityView) -> Any:
        """See Workload.capacity_document."""
        return {}


WORKLOAD = Crosswalk()
