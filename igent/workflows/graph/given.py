"""What a step gives is looked at before it counts: it must be what the journal can keep and give again, exactly."""

from __future__ import annotations

__all__ = ["as_data", "as_item", "as_lost"]

import math
from collections.abc import Mapping
from typing import Any

import orjson

from igent.errors import InternalError
from igent.flow import Item, Lost
from igent.types import JsonObject

_AS_THEY_ARE = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_SUBCLASS
_DEEPEST = 200


def as_data(phase: str, data: Any) -> JsonObject:
    """A copy of the data, which the step cannot change afterwards, with lists for tuples. Raises InternalError for what
    is no JSON object: it would be another one when it is read from the journal."""
    if not isinstance(data, Mapping):
        raise InternalError(f"the step of phase {phase} gave a {type(data).__name__} for data: give a dict")
    try:
        copy = orjson.loads(orjson.dumps(data, option=_AS_THEY_ARE))
    except (TypeError, ValueError):
        copy = None
    if copy != data:  # tuples, very long integers, lone surrogates, or no JSON
        copy = _copied(data, "data", phase, 0)
    return copy  # type: ignore[no-any-return]  # as JSON is


def as_item(phase: str, item: Any) -> Item:
    """The item with a copy of its data. Raises InternalError for what is none."""
    if not isinstance(item, Item):
        raise InternalError(f"the step of phase {phase} gave a {type(item).__name__}: give an Item")
    return Item(_as_text(phase, item.id, "the id of an item"), as_data(phase, item.data))


def as_lost(phase: str, lost: Lost) -> Lost:
    """The loss, in this phase, with a copy of its data. Raises InternalError where it is not as Lost says."""
    id_, reason = (
        _as_text(phase, text, f"{what} of a Lost") for text, what in ((lost.id, "id"), (lost.reason, "reason"))
    )
    return Lost(id_, phase, reason, as_data(phase, lost.data))


def _as_text(phase: str, text: Any, what: str) -> str:
    if not isinstance(text, str):
        raise InternalError(f"the step of phase {phase} gave a {type(text).__name__} for {what}: give a str")
    return text


def _copied(value: Any, where: str, phase: str, depth: int) -> Any:
    if value is None or isinstance(value, str | bool | int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    if depth < _DEEPEST and isinstance(value, list | tuple):
        return [_copied(one, f"{where}[{place}]", phase, depth + 1) for place, one in enumerate(value)]
    if depth < _DEEPEST and isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {key: _copied(one, f"{where}.{key}", phase, depth + 1) for key, one in value.items()}
    what = f"a {type(value).__name__} ({value!r:.60})" if depth < _DEEPEST else "more than 200 levels"
    raise InternalError(f"the step of phase {phase} gave {what} at {where}: JSON has no form for it")
