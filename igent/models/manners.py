"""What is learnt of the models behind an endpoint: what they refuse, and whether they end where they are told to."""

from __future__ import annotations

__all__ = ["Manners"]

import re
from collections import defaultdict

from igent.models.call import Refused
from igent.models.protocol import BOUNDS
from igent.types import ChatRequest

# What the protocol knows, and an endpoint may not; the answer is the same without it, only dearer to get.
_OPTIONAL = {name: re.compile(rb"\b" + name.encode() + rb"\b") for name in ("stop", "stream_options", *BOUNDS)}
# Calls until a model that went on behind its stop is given another chance: one of them may wait in vain for a moment.
_UNTIL_NEXT_CHANCE = 50


class Manners:
    """Of each model by name."""

    def __init__(self) -> None:
        self._refused: defaultdict[str, frozenset[str]] = defaultdict(frozenset)
        self._unheeded: dict[str, int] = {}

    def refused(self, model: str) -> frozenset[str]:
        """The parameters that the model is known to refuse."""
        return self._refused[model]

    def note_refusal(self, request: ChatRequest, refused: Refused, without: frozenset[str]) -> bool:
        """A request was refused: whether it is worth sending again, without a parameter that the refusal names."""
        if refused.status not in (400, 422):
            return False
        # A bound that the user set is never left out: only the one that igent added by itself.
        own = BOUNDS & request.options.keys()
        bound = () if own else ("max_completion_tokens" if "max_tokens" in without else "max_tokens",)
        sent = {"stream_options", *bound, *request.options} - without - own
        named = frozenset(name for name, word in _OPTIONAL.items() if name in sent and word.search(refused.body))
        self._refused[request.model] |= named
        return bool(named)

    def ends_by_itself(self, request: ChatRequest) -> bool:
        """Whether this request asks the model to end at a `stop`, and it may be trusted to."""
        if not request.options.get("stop"):
            return False
        calls = self._unheeded.get(request.model, 0)
        if calls:
            self._unheeded[request.model] = calls - 1
        return not calls

    def note_end(self, model: str, *, by_itself: bool) -> None:
        """How an answer of the model ended that it was asked to end at a `stop`."""
        self._unheeded[model] = 0 if by_itself else _UNTIL_NEXT_CHANCE
