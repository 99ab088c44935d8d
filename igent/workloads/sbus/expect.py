"""The answers that the rules give, in the form of accepted ones: what phases start early on, and rule agents say."""

from __future__ import annotations

__all__ = ["expect"]

from igent.types import Case, JsonObject
from igent.workloads.sbus.predict import certain_order, expected_match, request_of
from igent.workloads.sbus.schema import Match, NoMatch, PurchaseOrder


def expect(case: Case, schema: str) -> JsonObject | None:
    """See Expects.expect: a match, or its refusal, is always decided; an order where every incentive that holds is of a
    certain worth."""
    if schema == "match":
        match = expected_match(case)
        return _dump(Match.model_validate(match)) if match else _refused(case)
    if schema != "purchase_order":
        return None
    if "match" not in case.earlier and expected_match(case) is None:
        return _refused(case)
    order = certain_order(case)
    return _dump(PurchaseOrder.model_validate(order)) if order else None


def _refused(case: Case) -> JsonObject:
    number = request_of(case).id or case.record.id
    return _dump(NoMatch(registration_id=number, message="NO MATCH FOUND"))


def _dump(answer: Match | PurchaseOrder | NoMatch) -> JsonObject:
    return answer.model_dump(mode="json", by_alias=True)
