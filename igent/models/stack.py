"""The one place where the layers between an agent and its endpoint are put together."""

from __future__ import annotations

__all__ = ["build_stack"]

from collections.abc import Callable
from random import Random

from igent.clock import Clock
from igent.models.endpoint import Endpoint
from igent.models.recall import Find, Keep, Recall
from igent.models.retry import OnRetry, Retry
from igent.types import Model

_Layer = Callable[[Model], Model]


def build_stack(
    client: Model,
    *,
    endpoint: Endpoint,
    clock: Clock,
    random: Random,
    find: Find | None = None,
    keep: Keep | None = None,
    on_retry: OnRetry | None = None,
) -> Model:
    """The Model that the agents of a run share: recall → retry → client.

    `client` is the innermost one (OpenAIModel, MockModel). `endpoint` bounds the retries, `random` spreads them.
    Without `find` and `keep` nothing is recalled. The layers are listed outermost first, as a call passes them.
    """
    layers: list[_Layer] = []
    if find is not None and keep is not None:
        layers.append(lambda model: Recall(model, find, keep))
    layers.append(
        lambda model: Retry(model, clock, random, endpoint.max_attempts, endpoint.max_retry_seconds, on_retry=on_retry)
    )
    stack = client
    for layer in reversed(layers):
        stack = layer(stack)
    return stack
