"""Answers about single items of batches in the cache: an item is in another batch the next time, its answer is not."""

from __future__ import annotations

__all__ = ["CachedElements"]

from contextlib import suppress

import orjson

from igent.agents.step import Step, Tools
from igent.caching.cache import Cache
from igent.caching.keys import answer_key
from igent.caching.shelf import AnswerShelf
from igent.types import CallContext, Case, ChatMessage, ChatRequest, JsonObject


class CachedElements:
    """A KeptAnswers (see kinds/batching.py). Each is filed under what the model would be asked about the item alone."""

    def __init__(self, cache: Cache, shelf: AnswerShelf, endpoint: str, tools: Tools) -> None:
        self._cache, self._shelf, self._endpoint, self._tools = cache, shelf, endpoint, tools

    async def find(self, step: Step, case: Case) -> JsonObject | None:
        """See KeptAnswers."""
        data = await self._cache.get("answer", self._key(step, case))
        try:
            value = orjson.loads(data) if data is not None else None
        except ValueError:
            return None
        return value if isinstance(value, dict) else None

    def keep(self, step: Step, case: Case, answer: JsonObject) -> None:
        """See KeptAnswers."""
        with suppress(TypeError):  # a number beyond 64 bits in what the model said: it is asked again another time
            self._shelf.put(case.record.id, self._key(step, case), orjson.dumps(answer))

    def _key(self, step: Step, case: Case) -> bytes:
        agent = step.matcher
        question = self._tools.texts.matcher_question(self._tools.blocks(case, step.schema))
        messages = (ChatMessage("system", agent.system), ChatMessage("user", question))
        context = CallContext(case.record.id, step.output, agent.name)
        return answer_key(
            f"one of a batch; {agent.cascade}; {self._endpoint}",
            ChatRequest(agent.model, messages, context, agent.options),
        )
