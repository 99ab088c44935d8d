"""Schema check and business rules: what a model answered in, a verdict out. Deterministic, microseconds."""

from __future__ import annotations

__all__ = ["Checker"]

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from igent.types import Case, JsonObject, Verdict, Violation
from igent.workload import Rule

MAX_SHOWN = 80  # characters of a wrong value that a message quotes


class Checker:
    """Checks answers of one step.

    `schema` is what an answer must be; `refusal` the "nobody fits" answer that may stand in its place (None: none may),
    valid only where `confirm_refusal` finds nothing against it, whatever rules the constellation names. `rules` run, in
    order, on answers that pass the schema, after `complete` has put in what is certain (None: nothing is put in).

    `parts` are schemas that an answer must pass as well, for what else is taken out of it.

    With a `short` form, that is what a model is asked for: an answer must be of that form (with further fields, or
    without), and `expand` makes the full one of it before the schema and the rules look at all of it.
    """

    def __init__(
        self,
        schema: type[BaseModel],
        rules: Mapping[str, Rule],
        refusal: type[BaseModel] | None = None,
        confirm_refusal: Callable[[Case], Iterable[Violation]] | None = None,
        complete: Callable[[Any, Case], Any] | None = None,
        short: type[BaseModel] | None = None,
        expand: Callable[[JsonObject, Case], JsonObject] | None = None,
        parts: Sequence[type[BaseModel]] = (),
    ) -> None:
        self._schema, self._rules, self._refusal = schema, rules, refusal
        self._confirm_refusal, self._complete = confirm_refusal, complete
        self._parts = parts
        self._asked, self._expand = short or schema, expand if short else None

    def accepts(self, value: Any) -> bool:
        """Whether a JSON value has the shape of an answer: one object, or an array of one; the rules are not asked."""
        return isinstance(self._shape(_unwrap(value), self._asked), BaseModel)

    def verify(self, value: Any, case: Case) -> Verdict:
        """The verdict on a JSON value. Errors that a rule raises pass through."""
        value = _unwrap(value)
        shaped = self._shape(value, self._asked)
        if self._expand and isinstance(shaped, self._asked):
            shaped = self._shape(self._expand(value, case), self._schema)
        if not isinstance(shaped, BaseModel):
            return Verdict(shaped)
        if self._refusal is not None and isinstance(shaped, self._refusal):
            against = tuple(self._confirm_refusal(case)) if self._confirm_refusal else ()
            return Verdict(against, _dump(shaped), no_match=True)
        answer = self._complete(shaped, case) if self._complete else shaped
        value = _dump(answer)
        found = [v for rule in self._rules.values() for v in rule(answer, case)]
        return Verdict((*found, *(v for part in self._parts for v in _violations(part, value))), value)

    def _shape(self, value: Any, schema: type[BaseModel]) -> BaseModel | tuple[Violation, ...]:
        if not isinstance(value, dict):
            kind = f"an array of {len(value)}" if isinstance(value, list) else f"a {type(value).__name__}"
            return (Violation("schema", "", f"the answer must be one JSON object (or an array of one), not {kind}"),)
        if self._refusal is not None:
            try:
                return self._refusal.model_validate(value)
            except ValidationError:
                pass  # not a refusal: the schema's own messages are the ones that help
        try:
            return schema.model_validate(value)
        except ValidationError as error:
            return _listed(error)


def _violations(schema: type[BaseModel], value: JsonObject) -> tuple[Violation, ...]:
    try:
        schema.model_validate(value)
    except ValidationError as error:
        return _listed(error)
    return ()


def _listed(error: ValidationError) -> tuple[Violation, ...]:
    return tuple(_violation(item) for item in error.errors(include_url=False))


def _dump(answer: BaseModel) -> JsonObject:
    return answer.model_dump(mode="json", by_alias=True)


def _unwrap(value: Any) -> Any:
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _violation(item: Any) -> Violation:
    field = ".".join(str(part) for part in item["loc"])
    if item["type"] == "missing":
        return Violation("schema", field, "is missing")
    shown = repr(item["input"])
    if len(shown) > MAX_SHOWN:
        shown = f"{shown[:MAX_SHOWN]}…"
    message = str(item["msg"]).removeprefix("Value error, ")
    return Violation("schema", field, f"{message[:1].lower()}{message[1:]}, not {shown}")
