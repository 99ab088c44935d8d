"""What the workload offers to phases that are no conversations: its steps, pair rules, and the types that flow."""

from __future__ import annotations

__all__ = ["STEPS", "TAKES", "substantive"]

from collections.abc import AsyncIterator, Mapping

from igent.flow import ExpandStep, Item, Lost, ReduceStep, SelectStep, StepContext, StepDeclaration
from igent.workloads.crosswalk.confirm import confirm
from igent.workloads.crosswalk.extract import extract
from igent.workloads.crosswalk.fingerprint import fingerprint
from igent.workloads.crosswalk.instances import merge_source, merge_target, variances
from igent.workloads.crosswalk.rows import crosswalk, crosswalk_aa, is_substantive
from igent.workloads.crosswalk.sample import red_team
from igent.workloads.crosswalk.select import best
from igent.workloads.crosswalk.statistics import statistics


async def substantive(item: Item, context: StepContext) -> AsyncIterator[Item | Lost]:
    """The item with its `fingerprint`; nothing for a heading, which is not matched; Lost where there is no text."""
    if not is_substantive(item.data):
        return
    text = fingerprint(item.data)
    if text:
        yield Item(item.id, {**item.data, "fingerprint": text})
    else:
        what = f"{item.data.get('document', '')}: {item.id} has no text to compare: give it a provision_text"
        yield Lost(item.id, "", what, item.data)


_EVERYTHING = ("provision", "provision", "election", "election", "row", "row", "variance_row")
STEPS: Mapping[str, StepDeclaration] = {
    "extract_bpd": ExpandStep(extract, "record", "provision"),
    "extract_aa": ExpandStep(extract, "record", "election"),
    "fingerprint_bpd": ExpandStep(substantive, "provision", "provision"),
    "fingerprint_aa": ExpandStep(substantive, "election", "election"),
    "best": SelectStep(best, "mapping", "entry"),
    "crosswalk": ReduceStep(crosswalk, ("provision", "entry", "provision", "provision"), "row"),
    "crosswalk_aa": ReduceStep(crosswalk_aa, ("election", "entry", "election", "election"), "row"),
    "confirm": ReduceStep(confirm, ("row", "row", "election", "election"), "row"),
    "merge_source": ReduceStep(merge_source, ("row", "election"), "instance"),
    "merge_target": ReduceStep(merge_target, ("row", "election"), "instance"),
    "variances": ReduceStep(variances, ("instance", "instance", "variance"), "variance_row"),
    "red_team": ReduceStep(red_team, ("row", "row"), "red_team_row"),
    "statistics": ReduceStep(statistics, _EVERYTHING, "statistics"),
}
"""By the name that a phase's `step` gives."""

TAKES: Mapping[str, str] = {"mapping": "pair", "variance": "pair"}
"""Schema name -> what a conversation with this answer is about."""
