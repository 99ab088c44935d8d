"""What a prompt shows of a pair: its two sides, each with what decides and nothing else."""

from __future__ import annotations

__all__ = ["mapping_blocks", "variance_blocks"]

from collections.abc import Mapping
from typing import Any

from igent.types import Case, JsonObject

_PROVISION = ("id", "section_number", "section_title", "provision_type", "provision_text")
_ELECTION = ("field_label", "kind", "status")
_OPTION = ("option_id", "label", "option_text", "is_selected", "fill_ins")


def mapping_blocks(case: Case) -> dict[str, JsonObject]:
    """SOURCE and TARGET; the similarity of the embeddings is left out, which says nothing about the meaning."""
    return {"SOURCE": _shown(case.record.data["source"]), "TARGET": _shown(case.record.data["target"])}


def variance_blocks(case: Case) -> dict[str, JsonObject]:
    """SOURCE_INSTANCE and TARGET_INSTANCE: the texts with the elected values in them."""
    blocks = {}
    for side in ("source", "target"):
        data = case.record.data[side]
        blocks[f"{side.upper()}_INSTANCE"] = _shown(data) | (
            {"unresolved": data["unresolved"]} if data.get("unresolved") else {}
        )
    return blocks


def _shown(provision: Mapping[str, Any]) -> JsonObject:
    shown = {field: provision.get(field) for field in _PROVISION}
    if "options" in provision:
        shown |= {field: provision.get(field) for field in _ELECTION}
        shown["options"] = [{field: option.get(field) for field in _OPTION} for option in provision["options"] or ()]
    return shown
