"""The door for AutoGen: a ChatCompletionClient over any Model."""

from __future__ import annotations

__all__ = ["ChatClient"]

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from typing import Any, Literal, NoReturn

from autogen_core import CancellationToken, Component
from autogen_core.models import (
    AssistantMessage,
    ChatCompletionClient,
    CreateResult,
    FinishReasons,
    LLMMessage,
    ModelFamily,
    ModelInfo,
    RequestUsage,
    SystemMessage,
    UserMessage,
)
from autogen_core.tools import Tool, ToolSchema
from pydantic import BaseModel

from igent.errors import ConfigError, Problem, RequestError
from igent.models.failure import place_of
from igent.models.tokens import count_messages
from igent.types import CallContext, ChatMessage, ChatRequest, Completion, Finish, Model, StopFactory, Usage

_INFO = ModelInfo(
    vision=False,
    function_calling=False,
    json_output=True,
    family=ModelFamily.UNKNOWN,
    structured_output=True,
    multiple_system_messages=True,
)
# What remaining_tokens assumes; endpoints do not tell the size of their models' context.
_CONTEXT_TOKENS = 128_000
_FINISHES: dict[Finish, FinishReasons] = {
    "stop": "stop",
    "cut": "stop",
    "length": "length",
    "content_filter": "content_filter",
    "unknown": "unknown",
}


class _Config(BaseModel):
    """What describes a ChatClient in an AutoGen component file."""

    model: str
    options: dict[str, Any]


class ChatClient(ChatCompletionClient, Component[_Config]):
    """An AutoGen ChatCompletionClient for one agent in one conversation, over a Model that all share.

    A call ends early, inside `create`, when the `stop` condition is content: the agent's message, context and usage
    stay whole. `model_name`, `options` and `context` go into each ChatRequest. `on_completion` is handed each
    Completion; `last` is the latest. It holds nothing that must be closed, and costs microseconds to make.
    """

    component_type = "model"
    component_config_schema = _Config
    component_provider_override = "igent.models.chat.ChatClient"

    def __init__(
        self,
        model: Model,
        model_name: str,
        options: Mapping[str, Any],
        context: CallContext,
        stop: StopFactory | None = None,
        *,
        on_completion: Callable[[Completion], None] | None = None,
    ) -> None:
        self._model = model
        self._model_name = model_name
        self._options = options
        self._context = context
        self._stop = stop
        self._on_completion = on_completion
        self._total = Usage()
        self.last: Completion | None = None

    async def create(
        self,
        messages: Sequence[LLMMessage],
        *,
        tools: Sequence[Tool | ToolSchema] = (),
        tool_choice: Tool | Literal["auto", "required", "none"] = "auto",
        json_output: bool | type[BaseModel] | None = None,
        extra_create_args: Mapping[str, Any] | None = None,
        cancellation_token: CancellationToken | None = None,
    ) -> CreateResult:
        """Ask the model once. `usage` is the endpoint's, or estimated (see Completion); `cached` means recalled.

        Raises RequestError for messages with images, tools or tool results, else what Model.complete raises.
        `tool_choice` has no effect, for there are no tools.
        """
        if tools:
            self._refuse("tools")
        options = {**self._options, **(extra_create_args or {}), **_response_format(json_output)}
        request = ChatRequest(self._model_name, self._convert(messages), self._context, options)
        completion = await self._complete(request, cancellation_token)
        self.last = completion
        self._total += completion.usage
        if self._on_completion:
            self._on_completion(completion)
        return CreateResult(
            finish_reason=_FINISHES[completion.finish],
            content=completion.text,
            usage=RequestUsage(completion.usage.input_tokens, completion.usage.output_tokens),
            cached=completion.recalled,
        )

    async def _complete(self, request: ChatRequest, token: CancellationToken | None) -> Completion:
        """One callback a call on the token: it keeps what it is given for as long as it lives."""
        if token is None:
            return await self._model.complete(request, self._stop)
        if token.is_cancelled():
            raise asyncio.CancelledError
        scope = asyncio.timeout(None)
        link = _Link(scope)
        token.add_callback(link.cancel)
        try:
            async with scope:
                return await self._model.complete(request, self._stop)
        except TimeoutError as error:
            if scope.expired():
                raise asyncio.CancelledError from error
            raise
        finally:
            link.scope = None

    def create_stream(
        self,
        messages: Sequence[LLMMessage],
        *,
        tools: Sequence[Tool | ToolSchema] = (),
        tool_choice: Tool | Literal["auto", "required", "none"] = "auto",
        json_output: bool | type[BaseModel] | None = None,
        extra_create_args: Mapping[str, Any] | None = None,
        cancellation_token: CancellationToken | None = None,
    ) -> AsyncGenerator[str | CreateResult, None]:
        """As `create`, in AutoGen's streaming shape: the whole text as one chunk, then the result.

        The endpoint is streamed from in both. AutoGen pays more for a chunk than the client does, and a generator left
        half-read would leave its connection open.
        """
        return self._one_chunk(
            messages,
            tools=tools,
            tool_choice=tool_choice,
            json_output=json_output,
            extra_create_args=extra_create_args,
            cancellation_token=cancellation_token,
        )

    async def _one_chunk(
        self, messages: Sequence[LLMMessage], **arguments: Any
    ) -> AsyncGenerator[str | CreateResult, None]:
        result = await self.create(messages, **arguments)
        yield str(result.content)
        yield result

    def _convert(self, messages: Sequence[LLMMessage]) -> tuple[ChatMessage, ...]:
        return tuple(self._message(message) for message in messages)

    def _message(self, message: LLMMessage) -> ChatMessage:
        content = message.content
        if isinstance(message, UserMessage) and isinstance(content, list):
            texts = [part for part in content if isinstance(part, str)]
            if len(texts) < len(content):
                self._refuse("images")
            content = "\n".join(texts)
        if not isinstance(content, str):
            self._refuse("tool calls and their results")
        if isinstance(message, SystemMessage):
            return ChatMessage("system", content)
        return ChatMessage("assistant" if isinstance(message, AssistantMessage) else "user", content)

    def _refuse(self, what: str) -> NoReturn:
        remedy = "give the agent text only, and no tools"
        raise RequestError(Problem(place_of(self._context), f"igent's chat client sends no {what}", remedy))

    async def close(self) -> None:
        """Does nothing: the Model is shared, and closed by whoever made it."""

    def actual_usage(self) -> RequestUsage:
        """The tokens of all calls so far; the same as total_usage, for nothing is free."""
        return self.total_usage()

    def total_usage(self) -> RequestUsage:
        """The tokens of all calls so far, estimates and recalled answers included."""
        return RequestUsage(self._total.input_tokens, self._total.output_tokens)

    def count_tokens(self, messages: Sequence[LLMMessage], *, tools: Sequence[Tool | ToolSchema] = ()) -> int:
        """An estimate: UTF-8 bytes / 4, and 4 a message. `tools` have no effect."""
        return count_messages(self._convert(messages))

    def remaining_tokens(self, messages: Sequence[LLMMessage], *, tools: Sequence[Tool | ToolSchema] = ()) -> int:
        """What a context of 128,000 tokens would have left; an estimate, for endpoints do not tell its size."""
        return _CONTEXT_TOKENS - self.count_tokens(messages)

    @property
    def capabilities(self) -> ModelInfo:
        """The same as model_info, under AutoGen's old name."""
        return _INFO

    @property
    def model_info(self) -> ModelInfo:
        """Text and JSON; no images, no tools."""
        return _INFO

    def _to_config(self) -> _Config:
        return _Config(model=self._model_name, options=dict(self._options))

    @classmethod
    def _from_config(cls, config: _Config) -> ChatClient:
        raise ConfigError(
            Problem("", "a ChatClient cannot be made from a component file", "its connections are the run's: use igent")
        )


class _Link:
    """What a cancellation token holds of a call: nothing, once the call is over."""

    def __init__(self, scope: asyncio.Timeout) -> None:
        self.scope: asyncio.Timeout | None = scope

    def cancel(self) -> None:
        if self.scope is not None and self.scope.when() is None:
            self.scope.reschedule(0.0)


def _response_format(json_output: bool | type[BaseModel] | None) -> dict[str, Any]:
    if not json_output:
        return {}
    if json_output is True:
        return {"response_format": {"type": "json_object"}}
    schema = {"name": json_output.__name__, "schema": json_output.model_json_schema()}
    return {"response_format": {"type": "json_schema", "json_schema": schema}}
