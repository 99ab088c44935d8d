"""The rules of sbus.md for a match, by the names that constellations list; messages are for a model to act on."""

from __future__ import annotations

__all__ = ["NO_MATCH_SHAPE", "confirm_refusal", "match_rules", "refusal_reason"]

from collections.abc import Iterator, Sequence
from typing import Any

from igent.types import Case, Violation
from igent.workload import Rule
from igent.workloads.sbus.model import Request, Supplier
from igent.workloads.sbus.numbers import plain
from igent.workloads.sbus.predict import NO_STOCK, eligible, less_used, request_of, serving, winner
from igent.workloads.sbus.schema import Decision

NO_MATCH_SHAPE = '[{"registration_id": "…", "message": "NO MATCH FOUND"}]'


def _ids(suppliers: Sequence[Supplier]) -> str:
    return ", ".join(s.id for s in suppliers)


def _lacks(supplier: Supplier, request: Request) -> list[str]:
    return [kind for kind in request.kinds if not supplier.of(kind)]


def _instead(case: Case, request: Request) -> str:
    """What to look at when a supplier is not possible."""
    fit = eligible(case.reference, request, case.view)
    if fit:
        return f"possible are: {_ids(fit)}"
    return f"no supplier is possible, so answer {NO_MATCH_SHAPE}"


def _use(supplier: Supplier, case: Case) -> str:
    stock = case.view[supplier.id]
    return f"Used/Capacity {stock.used}/{stock.capacity}"


def registration(answer: Decision, case: Case) -> Iterator[Violation]:
    """The answer is about this registration: its id, campaign and ZIP code."""
    request = request_of(case)
    campaign = request.campaign or case.reference.campaign_id
    wanted = {
        "registration_id": (request.id or case.record.id, "RegistrationNumber"),
        "campaign_name": (campaign, "CampaignName" if request.campaign else "CampaignID"),
        "zip_code": (request.zip, "Contact_Zip"),
    }
    for field, (right, exported) in wanted.items():
        said = getattr(answer, field)
        if said != right:
            yield Violation("registration", field, f"is {said!r}, but the {exported} is {right!r}: copy it")


def served_area(answer: Decision, case: Case) -> Iterator[Violation]:
    """Rule 1: the supplier is in the offers and serves the ZIP code."""
    request = request_of(case)
    if answer.supplier_id not in {s.id for s in serving(case.reference, request)}:
        known = case.reference.supplier(answer.supplier_id)
        what = f"does not serve ZIP {request.zip}" if known else "is no SupplierID of the OFFERS"
        yield Violation("served_area", "supplier_id", f"{answer.supplier_id} {what}; {_instead(case, request)}")


def free_capacity(answer: Decision, case: Case) -> Iterator[Violation]:
    """Rule 2: the supplier has Used < Capacity."""
    supplier = case.reference.supplier(answer.supplier_id)
    stock = case.view.get(answer.supplier_id, NO_STOCK)
    if supplier and not stock.free:
        what = f"{supplier.id} is full (Used {stock.used} of Capacity {stock.capacity})"
        yield Violation("free_capacity", "supplier_id", f"{what}; {_instead(case, request_of(case))}")


def offers_product(answer: Decision, case: Case) -> Iterator[Violation]:
    """Rule 3: the supplier offers every product type that the registration asks for."""
    supplier, request = case.reference.supplier(answer.supplier_id), request_of(case)
    missing = _lacks(supplier, request) if supplier else []
    if missing:
        what = f"{answer.supplier_id} does not offer {' or '.join(missing)}, and {request.product_type} is asked"
        yield Violation("offers_product", "supplier_id", f"{what}; {_instead(case, request)}")


def lowest_use(answer: Decision, case: Case) -> Iterator[Violation]:
    """Rule 4: among the suppliers that pass 1 to 3, the lowest Used / Capacity; a tie goes to the first."""
    request = request_of(case)
    fit = eligible(case.reference, request, case.view)
    best = winner(fit, case.view)
    chosen = next((s for s in fit if s.id == answer.supplier_id), None)
    if best is None or chosen is None or chosen is best:
        return
    also = f"also serves {request.zip} with {request.product_type}"
    if less_used(case.view[best.id], case.view[chosen.id]):
        why = f"{chosen.id} has {_use(chosen, case)}; {best.id} has only {_use(best, case)} and {also}"
    else:
        why = (
            f"{chosen.id} and {best.id} are tied at the same Used/Capacity; {best.id} comes first in OFFERS and {also}"
        )
    yield Violation("lowest_use", "supplier_id", why)


def quantities(answer: Decision, case: Case) -> Iterator[Violation]:
    """What is matched is what was asked: panels, batteries, product type, payment type."""
    request = request_of(case)
    wanted = {
        "num_panels": (request.panels, "Proposal_OptimalAmountOfPanels, else Product_AmountOfPanels, else 0"),
        "num_batteries": (request.batteries, "Proposal_OptimalAmountOfBatteries"),
        "product_type": (request.product_type, "Solar when panels are asked, Battery when batteries are"),
        "payment_type": (request.payment, '"Cash" unless the registration says Loan'),
    }
    for field, (right, source) in wanted.items():
        said = getattr(answer, field)
        if said != right:
            yield Violation("quantities", field, f"is {said!r}, must be {right!r} ({source})")


def product(answer: Decision, case: Case) -> Iterator[Violation]:
    """The panel is one of the chosen supplier's, with its capacity; both are null when no panels are asked."""
    supplier, request = case.reference.supplier(answer.supplier_id), request_of(case)
    if not request.panels:
        for field in ("panel_name", "panel_capacity"):
            if getattr(answer, field) is not None:
                yield Violation("product", field, "must be null: the registration asks for no panels")
        return
    panels = supplier.of("Solar") if supplier else []
    if supplier is None or not panels:
        return
    chosen = next((p for p in panels if p.name == answer.panel_name), None)
    if chosen is None:
        names = ", ".join(repr(p.name) for p in panels)
        what = f"is {answer.panel_name!r}; {supplier.id} offers the Solar ProductName {names}"
        yield Violation("product", "panel_name", what)
    elif chosen.capacity != answer.panel_capacity:
        right = "null" if chosen.capacity is None else plain(chosen.capacity)
        said = "null" if answer.panel_capacity is None else plain(answer.panel_capacity)
        what = f"is {said}; the ProductCapacity of {chosen.name!r} is {right}"
        yield Violation("product", "panel_capacity", what)


def confirm_refusal(case: Case) -> Iterator[Violation]:
    """Why NO MATCH FOUND would be wrong: somebody has been matched, or somebody fits."""
    matched = case.earlier.get("match")
    if matched is not None:
        what = f"NO MATCH FOUND is wrong: {matched.get('supplier_id')} has been matched; write the order"
        yield Violation("no_match", "", what)
        return
    request = request_of(case)
    fit = eligible(case.reference, request, case.view)
    if fit:
        able = "; ".join(f"{s.id} has {_use(s, case)}" for s in fit)
        what = f"NO MATCH FOUND is wrong: these serve {request.zip}, have units free and offer {request.product_type}"
        yield Violation("no_match", "", f"{what}: {able}")


def refusal_reason(case: Case) -> str:
    """Why nobody fits, in a sentence for people: rule 1, 2 or 3, whichever left nobody over."""
    request = request_of(case)
    near = serving(case.reference, request)
    if not near:
        return f"No supplier serves ZIP {request.zip}."
    able = [s for s in near if not _lacks(s, request)]
    full = [s for s in able if not case.view.get(s.id, NO_STOCK).free]
    if not able:
        return f"No supplier that serves ZIP {request.zip} offers {request.product_type} ({_ids(near)})."
    others = "" if len(able) == len(near) else f" and offer {request.product_type}"
    return f"All suppliers that serve ZIP {request.zip}{others} are full ({_ids(full)})."


def match_rules() -> dict[str, Rule]:
    """The rules by name."""
    rules: list[Any] = [registration, served_area, free_capacity, offers_product, lowest_use, quantities, product]
    return {rule.__name__: rule for rule in rules}
