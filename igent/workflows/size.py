"""How long messages and answers will be, in tokens, before anything is asked: the figures of a dry run.

What is known is used: the real role prompts, the real questions, the answers that the workload expects. The rest is
guessed as the constants here say.
"""

from __future__ import annotations

__all__ = ["Sizer", "SoFar", "StepSize", "short_of"]

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from pydantic import BaseModel

from igent.agents.step import Step
from igent.models.tokens import BYTES_PER_TOKEN, count_messages, count_text
from igent.prompting import messages
from igent.types import Case, ChatMessage, JsonObject, Violation
from igent.workload import Expects, Workload

# A model says a sentence and opens a fence before its JSON; nothing after the JSON is waited for.
_BEFORE_JSON = 12
# A field whose value nobody expects: its name, and a number or a few words; a list of objects has two.
_VALUE = 6
_ITEMS = 2
_DEEPEST = 5
# Words for people are short in a short answer: about 15 of them.
_SHORT_PROSE = 80
# What a critic and the checks say of a draft, as the shipped prompts ask for it.
_OPINION = json.dumps({"verdict": "rejected", "feedback": "Field x is wrong: it must be y by the rule. " * 2}, indent=2)
_VIOLATION = Violation("rule_name", "field_name", "is 'one value', but the data say 'another value': copy it")


@dataclass(frozen=True, slots=True)
class StepSize:
    """One step of one record. In tokens: the `question` with all that goes with it, the `answer`; what a `feedback`
    adds (without a critic's opinion, and with it); the question to a critic on a good draft and on a bad one; an
    `opinion`. `ruled`: the rules answer, no matcher is asked. `known`: the workload expects the answer, so a phase that
    begins with the one before it can."""

    step: Step
    question: int
    answer: int
    feedback: tuple[int, int]
    judging: tuple[int, int]
    opinion: int
    ruled: bool
    known: bool


@dataclass(frozen=True, slots=True)
class SoFar:
    """A record on its way: its case, and, once an answer was one that nobody expects (`unseen` more than 0), how many
    tokens later questions are taken to have: as many as the one that asked for it, with the answer in it."""

    case: Case
    unseen: int = 0


class Sizer:
    """Sizes the steps of records. `asked` is the model of what each step asks for, by output: its schema, or the short
    form."""

    def __init__(self, workload: Workload, asked: Mapping[str, type[BaseModel]]) -> None:
        self._workload, self._asked = workload, asked
        self._systems: dict[str, int] = {}
        self._drafts: dict[str, list[int]] = defaultdict(lambda: [0, 0])

    def conversation(self, steps: Sequence[Step], record: SoFar) -> tuple[list[StepSize], SoFar, bool]:
        """The sizes of one phase's steps, the record as it is afterwards, and whether it ends there because nobody
        fits."""
        sizes: list[StepSize] = []
        before = 0
        for step in steps:
            value, refused = self._expected(step, record)
            size = self._size(step, record, value, before)
            sizes.append(size)
            if refused:
                return sizes, record, True
            own = size.question - self._system(step.matcher.system) - before
            before += own + size.answer
            if value is None:
                record = replace(record, unseen=(record.unseen or own) + size.answer)
            else:
                parts = {schema: part(value) for schema, part in step.also.values()}
                earlier = {**record.case.earlier, step.schema: value, **parts}
                record = replace(record, case=replace(record.case, earlier=earlier))
        return sizes, record, False

    def batch(self, step: Step, cases: Sequence[Case]) -> tuple[StepSize | None, int]:
        """The size of one conversation of a step about all these cases, and how many of them nobody fits. None where
        the rules answer for all."""
        sizes, refused, asked = list[StepSize](), 0, list[Case]()
        for case in cases:
            (size,), _, ended = self.conversation([step], SoFar(case))
            refused += ended
            if not size.ruled:
                sizes.append(size)
                asked.append(case)
        if not sizes:
            return None, refused
        blocks = [(number, self._workload.blocks(case, step.schema)) for number, case in enumerate(asked, 1)]
        first, again = (
            messages.batch_question([(*one, wrong, None) for one in blocks]) for wrong in ((), (_VIOLATION,))
        )
        question = self._system(step.matcher.system) + _message(first)
        return replace(
            sizes[0],
            question=question,
            answer=_BEFORE_JSON + sum(size.answer - _BEFORE_JSON for size in sizes),
            feedback=(_message(again) - _message(first),) * 2,
            known=all(size.known for size in sizes),
        ), refused

    def _expected(self, step: Step, record: SoFar) -> tuple[JsonObject | None, bool]:
        """The answer that the checks accept, and whether it is that nobody fits."""
        if not isinstance(self._workload, Expects) or record.unseen:
            return None, False
        value = self._workload.expect(record.case, step.schema)
        verdict = step.checks.verify(value, record.case) if value is not None else None
        if verdict is None or not verdict.ok:
            return None, False
        return verdict.value, verdict.no_match

    def _size(self, step: Step, record: SoFar, value: JsonObject | None, before: int) -> StepSize:
        blocks = {} if record.unseen else self._workload.blocks(record.case, step.schema)
        answer = _BEFORE_JSON + self._answer(step, value)
        asked = self._system(step.matcher.system) + before + record.unseen
        return StepSize(
            step=step,
            question=asked + _message(messages.matcher_question(blocks)),
            answer=answer,
            feedback=self._feedback(blocks, record.unseen),
            judging=self._judging(step, blocks, value or "x" * BYTES_PER_TOKEN * answer, before + record.unseen),
            opinion=count_text(_OPINION) + _BEFORE_JSON,
            ruled=bool(step.rule) and value is not None,
            known=value is not None,
        )

    def _feedback(self, blocks: Mapping[str, Any], more: int) -> tuple[int, int]:
        alone, with_critic = (
            more + _message(messages.feedback(blocks, [_VIOLATION], opinion)) for opinion in (None, _OPINION)
        )
        return alone, with_critic

    def _judging(self, step: Step, blocks: Mapping[str, Any], draft: Any, more: int) -> tuple[int, int]:
        if step.critic is None:
            return 0, 0
        more += self._system(step.critic.system)
        good, bad = (more + _message(messages.critic_question(blocks, draft, found)) for found in ([], [_VIOLATION]))
        return good, bad

    def _answer(self, step: Step, value: JsonObject | None) -> int:
        """The tokens of the answer's JSON. One that nobody expects is as long as those so far that were expected."""
        number, total = known = self._drafts[step.output]
        if value is not None:
            size = count_text(self._draft(step, value))
            known[:] = number + 1, total + size
            return size
        return total // number if number else _guess(_schema_of(self._asked[step.output]))

    def _draft(self, step: Step, value: JsonObject) -> str:
        """The answer as a model writes it."""
        model = self._asked[step.output]
        if model is self._workload.schemas[step.schema]:
            return json.dumps(value, indent=2, ensure_ascii=False)
        prose = self._workload.prose if isinstance(self._workload, Expects) else frozenset()
        short = {k: v[:_SHORT_PROSE] if k in prose else v for k, v in short_of(value, model).items()}
        return json.dumps(short or value, ensure_ascii=False)

    def _system(self, text: str) -> int:
        found = self._systems.get(text)
        if found is None:
            found = self._systems[text] = count_messages([ChatMessage("system", text)])
        return found


def short_of(value: JsonObject, model: type[BaseModel]) -> JsonObject:
    """What of a full answer the model of a short one names, at any depth."""
    found: JsonObject = _named(value, _schema_of(model))
    return found


@lru_cache(maxsize=64)
def _schema_of(model: type[BaseModel]) -> JsonObject:
    """Its JSON schema without references, and without null where something else may stand."""
    schema = model.model_json_schema(by_alias=True)
    return _resolved(schema, schema.get("$defs", {}), 0)


def _resolved(schema: JsonObject, known: Mapping[str, JsonObject], depth: int) -> JsonObject:
    several = [s for s in (*schema.get("anyOf", ()), *schema.get("allOf", ())) if s.get("type") != "null"]
    schema = several[0] if several else schema
    if "$ref" in schema:
        schema = known.get(schema["$ref"].rpartition("/")[2], {})
    if depth > _DEEPEST:  # a model that holds itself has no end
        return {}
    found: JsonObject = {}
    if "properties" in schema:
        found["properties"] = {k: _resolved(s, known, depth + 1) for k, s in schema["properties"].items()}
    if "items" in schema:
        found["items"] = _resolved(schema["items"], known, depth + 1)
    return found


def _named(value: Any, schema: JsonObject) -> Any:
    if isinstance(value, list):
        return [_named(item, schema.get("items", {})) for item in value]
    if isinstance(value, dict) and "properties" in schema:
        return {k: _named(value[k], s) for k, s in schema["properties"].items() if k in value}
    return value


def _guess(schema: JsonObject) -> int:
    """The tokens of an answer of which only the form is known."""
    if "properties" in schema:
        return sum(count_text(name) + _guess(s) for name, s in schema["properties"].items())
    return _ITEMS * _guess(schema["items"]) if "items" in schema else _VALUE


def _message(text: str) -> int:
    return count_messages([ChatMessage("user", text)])
