"""Which records may be a pair at all."""

from __future__ import annotations

__all__ = ["COMPATIBLE", "same_instance", "same_types"]

from collections.abc import Mapping
from typing import Any

from igent.flow import Compatible

_ALIKE = (
    frozenset({"eligibility_rule", "participation_rule"}),
    frozenset({"contribution_formula", "allocation_formula"}),
)
_GROUP = {kind: group for group in _ALIKE for kind in group}


def same_types(source: Mapping[str, Any], target: Mapping[str, Any]) -> bool:
    """Whether two provisions, or two elections, are of types that can mean the same: equal ones, eligibility and
    participation, contribution and allocation. One without a type is of type "other"."""
    left, right = source.get("provision_type") or "other", target.get("provision_type") or "other"
    return left == right or (left in _GROUP and _GROUP[left] is _GROUP.get(right))


def same_instance(source: Mapping[str, Any], target: Mapping[str, Any]) -> bool:
    """Whether two instance texts are the two sides of one match."""
    return source.get("instance") is not None and source.get("instance") == target.get("instance")


COMPATIBLE: Mapping[str, Compatible] = {"types": same_types, "instance": same_instance}
"""By the names that a pair phase's `compatible` gives."""
