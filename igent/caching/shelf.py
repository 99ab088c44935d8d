"""Answers on their way into the cache: they wait until the record that they were for has ended well."""

from __future__ import annotations

__all__ = ["AnswerShelf"]

from collections.abc import Callable
from dataclasses import dataclass, field

from igent.caching.answers import answer_from_bytes, answer_to_bytes
from igent.caching.cache import Cache
from igent.types import ChatRequest, Completion

_MOST_BYTES = 1 << 26
_MOST_OF_ONE = 1 << 24
_ENTRY_BYTES = 200


@dataclass(slots=True)
class _Held:
    """Of one record: the answers it was given, and the keys that were looked up for it."""

    answers: dict[bytes, bytes] = field(default_factory=dict)
    size: int = 0
    asked: set[bytes] = field(default_factory=set)
    found: set[bytes] = field(default_factory=set)


class AnswerShelf:
    """Finds answers in the cache and keeps those of records that end well. `key_of` names a request (see answer_key);
    where it raises TypeError, nothing is looked up or kept.

    A record that asks the same question again wants another answer: it is given one from the cache once. Of one record
    at most 16 MiB wait, of all 64 MiB; what is more is not kept.
    """

    def __init__(self, cache: Cache, key_of: Callable[[ChatRequest], bytes]) -> None:
        self._cache, self._key_of = cache, key_of
        self._held: dict[str, _Held] = {}
        self._size = 0

    async def find(self, request: ChatRequest) -> Completion | None:
        """The answer that was kept for this question, marked `cached`; None when there is none, and when the record has
        asked it before."""
        key = self._key(request)
        if key is None or self._cache.off:
            return None
        held = self._held.setdefault(request.context.record_id, _Held())
        if key in held.asked:
            return None
        held.asked.add(key)
        data = await self._cache.get("answer", key)
        answer = answer_from_bytes(data) if data is not None else None
        if answer is not None:
            held.found.add(key)
        return answer

    def keep(self, request: ChatRequest, answer: Completion) -> None:
        """Hold a new answer until its record has ended; of two to the same question, the later one."""
        key = self._key(request)
        data = answer_to_bytes(answer) if key is not None and not self._cache.off else None
        if key is not None and data is not None:
            self.put(request.context.record_id, key, data)

    def put(self, record_id: str, key: bytes, value: bytes) -> None:
        """Hold a value for a record; see `keep`."""
        held = self._held.setdefault(record_id, _Held())
        size = len(value) + _ENTRY_BYTES
        if held.size + size <= _MOST_OF_ONE and self._size + size <= _MOST_BYTES:
            held.answers[key] = value
            held.size += size
            self._size += size

    def commit(self, record_id: str) -> None:
        """The record ended well: what it was answered goes into the cache."""
        for key, value in self._taken(record_id).answers.items():
            self._cache.put_soon("answer", key, value)

    def drop(self, record_id: str, *, forget: bool = True) -> None:
        """The record failed: what it was answered is not kept. With `forget`, what it was given from the cache is taken
        out there, too: whoever tries it again asks the model, not the cache."""
        found = self._taken(record_id).found
        for key in found if forget else ():
            self._cache.forget_soon("answer", key)

    def _taken(self, record_id: str) -> _Held:
        held = self._held.pop(record_id, None) or _Held()
        self._size -= held.size
        return held

    def _key(self, request: ChatRequest) -> bytes | None:
        try:
            return self._key_of(request)
        except TypeError:
            return None
