"""Reading a chat back: the JSON blocks that the prompt shows, as a model would see them."""

from __future__ import annotations

__all__ = ["Question", "read_question"]

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from igent.types import Case, ChatMessage, JsonObject, Record, Stock
from igent.workload import Document
from igent.workloads.blocks import read_blocks
from igent.workloads.sbus.model import Incentive, Reference, Supplier
from igent.workloads.sbus.numbers import whole
from igent.workloads.sbus.offers import read_supplier
from igent.workloads.sbus.problems import Problems
from igent.workloads.sbus.read import incentive

# In line with the text "```json" is only spoken of; an answer that was stopped at its closing fence has none.
_FENCED = re.compile(r"^```json[ \t]*\n(.*?)(?:^```|\Z)", re.MULTILINE | re.DOTALL)
_ANSWERS = {"registration_id", "supplier_id", "lines"}  # an answer has one of them, whatever its form


@dataclass(frozen=True, slots=True)
class Question:
    """What an agent is asked: the blocks by heading, the round (from 1), whether it is a critic's question, and whether
    its role prompt asks for a short answer."""

    blocks: Mapping[str, Any]
    round: int
    critic: bool
    short: bool = False

    @property
    def registration(self) -> JsonObject:
        """The record; empty when there is none."""
        found = self.blocks.get("REGISTRATION")
        return found if isinstance(found, dict) else {}

    @property
    def match(self) -> JsonObject | None:
        """The accepted match; None when none is shown."""
        found = self.blocks.get("MATCH")
        return found if isinstance(found, dict) else None

    @property
    def priced(self) -> bool:
        """Whether a purchase order is asked for, for a match that is shown or for one still to be found."""
        return self.match is not None or "INCENTIVES" in self.blocks

    def case(self) -> Case:
        """The case that the blocks tell of: what the rules say of it is what a model can know."""
        problems = Problems(Document("the prompt", None))
        offers = self.blocks.get("OFFERS")
        offers = offers if isinstance(offers, dict) else {}
        reference = Reference(
            str(offers.get("CampaignID", "")),
            tuple(_suppliers(problems, offers.get("SupplierOffers"))),
            tuple(_incentives(problems, self.blocks.get("INCENTIVES"))),
        )
        number = str(self.registration.get("RegistrationNumber", "")).strip()
        record = Record(number, 0, self.registration, "the prompt")
        return Case(record, reference, _view(self.blocks.get("CAPACITY")), date.min)


def _suppliers(problems: Problems, bids: Any) -> list[Supplier]:
    found = (problems.fields(None, "", bid) for bid in (bids if isinstance(bids, list) else []))
    return [read_supplier(fields) for fields in found if fields is not None]


def _incentives(problems: Problems, entries: Any) -> list[Incentive]:
    found = (problems.fields(None, "", entry) for entry in (entries if isinstance(entries, list) else []))
    return [incentive(fields) for fields in found if fields is not None]


def _view(capacity: Any) -> dict[str, Stock]:
    if not isinstance(capacity, dict):
        return {}
    return {
        name: Stock(whole(entry.get("Capacity")) or 0, whole(entry.get("Used")) or 0)
        for name, entry in capacity.items()
        if isinstance(entry, dict)
    }


def _objects(text: str) -> Iterator[JsonObject]:
    """The JSON objects in fenced blocks, an array of one counting as what is in it."""
    for body in _FENCED.findall(text):
        try:
            value = json.loads(body)
        except ValueError:
            continue
        value = value[0] if isinstance(value, list) and len(value) == 1 else value
        if isinstance(value, dict):
            yield value


def _draft_in(text: str) -> JsonObject | None:
    """The answer in a message that is another agent's; None when it is not one."""
    return next((value for value in _objects(text) if not _ANSWERS.isdisjoint(value)), None)


@lru_cache(maxsize=64)  # a run has a handful of role prompts and asks many times
def _asks_short(role: str) -> bool:
    """Whether the form in the role prompt, an example or a JSON schema, is one without the fields that are known."""
    forms = [value.get("properties", value) for value in _objects(role)]
    answers = [form for form in forms if not _ANSWERS.isdisjoint(form)]
    return bool(answers) and "registration_id" not in answers[-1]


def read_question(messages: Sequence[ChatMessage]) -> Question | None:
    """What the chat asks now; None when no message shows a registration.

    A critic is asked when the last user message shows a draft with its violations; or, in a plain AutoGen team, when it
    is another agent's answer to the question before it: the draft then comes without violations. Else the last user
    message with a registration, and without a draft, is the question; it may be feedback (VIOLATIONS), and each answer
    since the question that was none was a round.
    """
    asked = [(place, read_blocks(m.content)) for place, m in enumerate(messages) if m.role == "user"]
    if not asked:
        return None
    if {"DRAFT", "VIOLATIONS"} <= asked[-1][1].keys():
        record: dict[str, Any] = next((b for _, b in reversed(asked) if "REGISTRATION" in b), {})
        return Question({**record, **asked[-1][1]}, 1, critic=True)
    shown = [(place, blocks) for place, blocks in asked if "REGISTRATION" in blocks and "DRAFT" not in blocks]
    if not shown:
        return None
    fresh = [place for place, blocks in shown if "VIOLATIONS" not in blocks]
    since = messages[fresh[-1] if fresh else 0 :]
    teammate = _draft_in(messages[-1].content) if messages[-1].role == "user" and shown[-1][0] < asked[-1][0] else None
    if teammate is not None:
        return Question({**shown[-1][1], "DRAFT": teammate}, 1, critic=True)
    round_ = 1 + sum(m.role == "assistant" for m in since)
    role = "\n".join(m.content for m in messages if m.role == "system")
    return Question(shown[-1][1], round_, critic=False, short=_asks_short(role))
