"""Outcomes and answers as journal entries and back, exactly.

An outcome's entry: {"kind": "outcome", every field of igent.outcome.Outcome}. An answer's entry: {"kind": "answer",
"key", "record_id", "step", "agent", "round", "model", "completion": {every field of igent.types.Completion but
`recalled`, `cached` and `value`}}.
"""

from __future__ import annotations

__all__ = ["answer_from_entry", "answer_to_entry", "outcome_from_entry", "outcome_to_entry", "request_key"]

import re
from collections.abc import Callable, Mapping
from dataclasses import fields
from hashlib import sha256
from typing import Any, TypeVar
from urllib.parse import quote

from igent.errors import RunFolderError
from igent.fence import without_fence
from igent.outcome import CheaperUse, Outcome, PhaseTiming, StepReport
from igent.types import ChatRequest, Completion, JsonObject, Usage, Violation

_T = TypeVar("_T")
_NAMES: Mapping[type, tuple[str, ...]] = {
    kind: tuple(field.name for field in fields(kind))
    for kind in (CheaperUse, Completion, Outcome, PhaseTiming, StepReport, Usage, Violation)
}
_KEYS = {kind: frozenset(names) for kind, names in _NAMES.items()}
_UNQUOTED = re.compile(r"[A-Za-z0-9_.~:-]*")
_STATUSES = frozenset({"done", "no_match", "failed"})


def outcome_to_entry(outcome: Outcome) -> JsonObject:
    """The journal's entry of an outcome; shares the outputs' objects with it."""
    return {
        "kind": "outcome",
        **_plain(outcome),
        "steps": [_step(step) for step in outcome.steps],
        "outputs": dict(outcome.outputs),
        "violations": [_plain(violation) for violation in outcome.violations],
        "timings": {phase: _plain(timing) for phase, timing in outcome.timings.items()},
    }


def outcome_from_entry(entry: JsonObject) -> Outcome:
    """The outcome that `outcome_to_entry` wrote; fields that this version does not know are left out.

    Raises RunFolderError naming the record when the entry is not of that shape.
    """

    def make() -> Outcome:
        if entry["status"] not in _STATUSES:
            raise ValueError(f"unknown status {entry['status']!r}")
        return _make(
            Outcome,
            entry,
            steps=tuple(_make(StepReport, step, **_usage(step), **_cascade(step)) for step in entry["steps"]),
            violations=tuple(_make(Violation, violation) for violation in entry["violations"]),
            timings={phase: _make(PhaseTiming, timing) for phase, timing in entry["timings"].items()},
        )

    return _read("outcome", entry, make)


def request_key(request: ChatRequest) -> str:
    """What an answer is filed under: record/step/agent/round/model/checksum of the messages.

    The checksum is the first 16 hex digits of the SHA-256 over role and content of each message, with their lengths,
    and its images; a changed prompt, record or earlier answer gives another key, another fence around the same data
    does not. The parts are percent-quoted, so that no two calls meet.
    """
    digest = sha256()
    for message in request.messages:
        for text in (message.role, without_fence(message.content)):
            data = text.encode("utf-8", "surrogatepass")
            digest.update(b"%d:" % len(data))
            digest.update(data)
        for image in message.images:
            digest.update(b"image:" + sha256(image).digest())
    call = request.context
    parts = (call.record_id, call.step, call.agent, str(request.round), request.model, digest.hexdigest()[:16])
    return "/".join(map(_quoted, parts))


def answer_to_entry(request: ChatRequest, completion: Completion) -> JsonObject:
    """The journal's entry of one paid answer."""
    answer = _with_usage(completion)
    del answer["recalled"], answer["value"], answer["cached"]  # the value is in the text, and is read from it again
    return {
        "kind": "answer",
        "key": request_key(request),
        "record_id": request.context.record_id,
        "step": request.context.step,
        "agent": request.context.agent,
        "round": request.round,
        "model": request.model,
        "completion": answer,
    }


def answer_from_entry(entry: JsonObject) -> tuple[str, Completion]:
    """The `request_key` of the call, and its answer as it was given then, marked `recalled`.

    Raises RunFolderError naming the record when the entry is not of that shape.
    """

    def make() -> tuple[str, Completion]:
        answer = entry["completion"]
        key = entry["key"]
        if not isinstance(key, str) or not isinstance(answer["text"], str):
            raise TypeError("key and text are not both strings")
        return key, _make(Completion, answer, **_usage(answer), recalled=True)

    return _read("answer", entry, make)


def _plain(value: Any) -> JsonObject:
    return {name: getattr(value, name) for name in _NAMES[type(value)]}


def _with_usage(value: StepReport | Completion) -> JsonObject:
    return {**_plain(value), "usage": _plain(value.usage), "wasted": _plain(value.wasted)}


def _step(step: StepReport) -> JsonObject:
    return {**_with_usage(step), "cascade": [_plain(use) for use in step.cascade]}


def _cascade(content: Mapping[str, Any]) -> dict[str, tuple[CheaperUse, ...]]:
    """The cheaper models of a step; an older journal has none."""
    return {"cascade": tuple(_make(CheaperUse, use) for use in content.get("cascade", ()))}


def _usage(content: Mapping[str, Any]) -> dict[str, Usage]:
    """The usages of a step or an answer; an older journal has no `wasted`."""
    return {name: _make(Usage, content[name]) for name in ("usage", "wasted") if name == "usage" or name in content}


def _quoted(part: str) -> str:
    # Nearly all ids and names need no quoting, and every call of a model makes two keys.
    return part if _UNQUOTED.fullmatch(part) else quote(part, safe=":", errors="surrogatepass")


def _make(kind: type[_T], content: Mapping[str, Any], **replaced: Any) -> _T:
    if content.keys() == _KEYS[kind]:
        return kind(**{**content, **replaced})
    known = {name: content[name] for name in _NAMES[kind] if name in content}
    return kind(**{**known, **replaced})


def _read(kind: str, entry: JsonObject, make: Callable[[], _T]) -> _T:
    try:
        return make()
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        record = entry.get("record_id", "?")
        raise RunFolderError(
            f"the journal's {kind} of record {record} has another shape than this igent writes ({error!r}): resume "
            "with the igent that started the run, or start over with --fresh"
        ) from error
