"""Agents as AutoGen chat agents: AssistantAgent, or anything that an import path in the constellation names."""

from __future__ import annotations

__all__ = ["Cascade", "Maker", "Participant", "resolve_type"]

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import import_module
from typing import Any, Literal

from autogen_agentchat.agents import AssistantAgent
from autogen_agentchat.base import ChatAgent
from autogen_core.models import ChatCompletionClient

from igent.errors import ConfigError

Maker = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Cascade:
    """The cheaper `models` that are asked before an agent's own, in order. A draft of one is trusted where the member
    `confidence` of the answer, as the model gave it, is a number from `threshold` to 1."""

    models: tuple[str, ...]
    confidence: str
    threshold: float

    def trusts(self, value: Any) -> bool:
        """Whether the answer (an object, or an array of one) says that it is sure enough; one that does not say it in a
        number from 0 to 1 is not."""
        value = value[0] if isinstance(value, list) and len(value) == 1 else value
        sure = value.get(self.confidence) if isinstance(value, dict) else None
        return isinstance(sure, int | float) and not isinstance(sure, bool) and self.threshold <= sure <= 1


@dataclass(frozen=True, slots=True)
class Participant:
    """One agent of a constellation, ready to be made anew for each conversation.

    `system` is its rendered role prompt, `checksum` that prompt's checksum, `options` the endpoint's parameters for its
    calls. `maker` makes the AutoGen agent; `arguments` are its further keyword arguments. `cascade` are the cheaper
    models that are asked before `model`; None: there are none.
    """

    name: str
    role: Literal["matcher", "critic"]
    model: str
    system: str
    checksum: str
    options: Mapping[str, Any] = field(default_factory=dict)
    maker: Maker = AssistantAgent
    arguments: Mapping[str, Any] = field(default_factory=dict)
    description: str = ""
    cascade: Cascade | None = None

    def cheaper(self) -> Iterator[Participant]:
        """The same agent on each of the cheaper models, in the order in which they are asked."""
        for model in self.cascade.models if self.cascade else ():
            yield replace(self, model=model, cascade=None)

    def make(self, client: ChatCompletionClient) -> ChatAgent:
        """The AutoGen agent on this client. Raises ConfigError when the maker refuses, or makes something else."""
        given: dict[str, Any] = {
            "name": self.name,
            "model_client": client,
            "system_message": self.system,
            "description": self.description or f"{self.role} {self.name}",
        }
        given = {key: value for key, value in given.items() if _takes(self.maker, key)} | dict(self.arguments)
        try:
            agent = self.maker(**given)
        except (TypeError, ValueError) as error:
            raise ConfigError(f"agent {self.name!r}: {error}") from error
        if not isinstance(agent, ChatAgent):
            raise ConfigError(f"agent {self.name!r}: its type made a {type(agent).__name__}, no AutoGen chat agent")
        return agent


def resolve_type(path: str | None) -> Maker:
    """The maker behind an import path "package.module:Name"; None is AssistantAgent. Raises ConfigError."""
    if path is None:
        return AssistantAgent
    module_name, colon, attribute = path.partition(":")
    if not colon or not attribute:
        raise ConfigError(f"type {path!r} is no import path: write package.module:Name")
    try:
        maker = getattr(import_module(module_name), attribute)
    except (ImportError, SyntaxError, ValueError, NameError, TypeError) as error:
        raise ConfigError(f"type {path!r} cannot be imported: {error}") from error
    except AttributeError as error:
        raise ConfigError(f"type {path!r}: module {module_name!r} has no {attribute!r}") from error
    if not callable(maker):
        raise ConfigError(f"type {path!r} is not callable")
    return maker  # type: ignore[no-any-return]  # whatever it makes is checked in Participant.make


@cache  # one agent is made for each conversation, and a signature takes longer to read than all else in making it
def _takes(maker: Maker, name: str) -> bool:
    parameters = inspect.signature(maker).parameters
    return name in parameters or any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters.values())
