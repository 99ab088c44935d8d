"""Agents as AutoGen chat agents: AssistantAgent, or anything that an import path in the constellation names."""

from __future__ import annotations

__all__ = ["Maker", "Participant", "resolve_type"]

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from typing import Any, Literal

from autogen_agentchat.agents import AssistantAgent
from autogen_agentchat.base import ChatAgent
from autogen_core.models import ChatCompletionClient

from igent.errors import ConfigError

Maker = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Participant:
    """One agent of a constellation, ready to be made anew for each conversation.

    `system` is its rendered role prompt, `checksum` that prompt's checksum, `options` the endpoint's parameters for its
    calls. `maker` makes the AutoGen agent; `arguments` are its further keyword arguments.
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
