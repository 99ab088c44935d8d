"""Builds what answers: the endpoint's client, or the mock; and the AutoGen clients of the agents on top."""

from __future__ import annotations

__all__ = ["NO_MODEL", "build_client", "build_endpoint", "chat_client_maker"]

import logging
from collections.abc import Callable

from autogen_core.models import ChatCompletionClient

from igent.agents.build import Participant
from igent.agents.turn import Calling, ClientMaker, GivenUp
from igent.clock import Clock
from igent.config.constellation import RunSpec
from igent.config.settings import Settings
from igent.errors import AuthError, ConfigError, InternalError
from igent.models.chat import ChatClient
from igent.models.endpoint import Endpoint
from igent.models.http import OpenAIModel
from igent.models.mock import MockModel
from igent.models.pace import Pace
from igent.models.toll import Toll
from igent.types import CallContext, ChatRequest, Completion, Model, StopFactory
from igent.workload import Workload

log = logging.getLogger("igent.endpoint")

_WITHHELD = "it was not given for that host; set IGENT_API_KEY to a key for it, or allow it with --allow-host"


class _NoModel:
    async def complete(self, request: ChatRequest, stop: StopFactory | None = None) -> Completion:
        raise InternalError(f"agent {request.context.agent!r} was to be made, not to be asked")

    async def close(self) -> None: ...


NO_MODEL: Model = _NoModel()
"""For agents that are made only to see whether they can be."""


def chat_client_maker(model: Model) -> ClientMaker:
    """Makes each agent's AutoGen model client on this model."""

    def make(
        participant: Participant,
        context: CallContext,
        stop: StopFactory | None,
        on_completion: Callable[[Completion], None],
        given_up: GivenUp,
        calling: Calling,
    ) -> ChatCompletionClient:
        toll = Toll(model, given_up, calling)
        return ChatClient(toll, participant.model, participant.options, context, stop=stop, on_completion=on_completion)

    return make


def build_endpoint(settings: Settings, run: RunSpec, *, needs_key: bool = True) -> Endpoint:
    """The endpoint of a run, with its bounds. Raises AuthError when there is no key for the provider's own, unless
    none is needed.
    """
    if needs_key and not settings.mock and settings.key() is None and settings.base_url is None:
        raise AuthError(
            "no API key: set OPENAI_API_KEY, name another endpoint with --base-url, or try it without a model: --mock"
        )
    if (host := settings.withheld_from()) and not settings.mock:
        log.warning("OPENAI_API_KEY is not sent to %s: %s", host, _WITHHELD)
    deadlines = run.deadlines
    return Endpoint(
        base_url=settings.base_url,
        api_key=settings.key(),
        stream=run.stream,
        connect=deadlines.connect,
        first_token=deadlines.first_token,
        between_tokens=deadlines.between_tokens,
        total=deadlines.total,
        max_attempts=run.max_attempts,
        max_retry_seconds=run.max_retry_seconds,
    )


def build_client(settings: Settings, endpoint: Endpoint, workload: Workload, clock: Clock) -> Model:
    """The innermost model: the mock, or the endpoint's client. Raises ConfigError: no mock answers, a bad latency."""
    if not settings.mock:
        return OpenAIModel(endpoint, clock)
    if workload.mock is None:
        raise ConfigError(
            f"workload {workload.name!r} has no mock answers: give an endpoint with --base-url instead of --mock"
        )
    pace = Pace.parse(settings.mock_latency) if settings.mock_latency else None
    return MockModel(workload.mock, seed=settings.seed, errors=settings.mock_errors, pace=pace, clock=clock)
