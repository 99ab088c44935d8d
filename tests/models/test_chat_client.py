import asyncio
from random import Random

import pytest
from autogen_agentchat.agents import AssistantAgent
from autogen_agentchat.messages import TextMessage
from autogen_core import CancellationToken, FunctionCall, Image
from autogen_core.models import (
    AssistantMessage,
    ChatCompletionClient,
    CreateResult,
    FunctionExecutionResult,
    FunctionExecutionResultMessage,
    SystemMessage,
    UserMessage,
)
from models_support import CONTEXT, Answers, StopAtObject, request
from PIL.Image import new as new_image
from pydantic import BaseModel

from igent.clock import SYSTEM_CLOCK
from igent.errors import ConfigError, RequestError, ServerError
from igent.models.chat import ChatClient
from igent.models.endpoint import Endpoint
from igent.models.http import OpenAIModel
from igent.models.mock import MockModel
from igent.models.pace import Pace
from igent.models.server import MockServer
from igent.models.stack import build_stack
from igent.types import ChatMessage, Completion, Usage

MESSAGES = [
    SystemMessage(content="You match."),
    UserMessage(content="R1?", source="user"),
    AssistantMessage(content="Hm.", source="matcher"),
    UserMessage(content=["R1", "again"], source="critic"),
]


class Echo:
    """A Model that remembers the request; `wait` holds the answer back until it is set."""

    def __init__(self, completion=None, wait=None):
        self.completion = completion or Completion("ok", Usage(5, 2, True), "cut", "m1-x", value={"a": 1})
        self.wait = wait
        self.begun = asyncio.Event()
        self.cancelled = False

    async def complete(self, request, stop=None):
        self.request, self.stop = request, stop
        self.begun.set()
        try:
            if self.wait:
                await self.wait.wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        if isinstance(self.completion, Exception):
            raise self.completion
        return self.completion

    async def close(self):
        raise AssertionError("the model is not the chat client's to close")


def client(model, **options):
    return ChatClient(model, "m1", {"temperature": 0.1}, CONTEXT, **options)


async def test_a_call_and_its_result():
    model, seen = Echo(), []
    chat = client(model, stop=StopAtObject, on_completion=seen.append)
    result = await chat.create(MESSAGES, extra_create_args={"max_tokens": 9})
    assert isinstance(chat, ChatCompletionClient)
    assert (result.content, result.finish_reason, result.cached) == ("ok", "stop", False)
    assert (result.usage.prompt_tokens, result.usage.completion_tokens) == (5, 2)
    assert model.request.messages == (
        ChatMessage("system", "You match."),
        ChatMessage("user", "R1?"),
        ChatMessage("assistant", "Hm."),
        ChatMessage("user", "R1\nagain"),
    )
    assert (model.request.model, model.request.context) == ("m1", CONTEXT)
    assert model.request.options == {"temperature": 0.1, "max_tokens": 9}
    assert model.stop is StopAtObject
    assert seen == [model.completion] == [chat.last]
    await chat.create(MESSAGES)
    assert chat.total_usage() == chat.actual_usage()
    assert (chat.total_usage().prompt_tokens, chat.total_usage().completion_tokens) == (10, 4)
    await chat.close()


@pytest.mark.parametrize(
    ("finish", "reason"),
    [("stop", "stop"), ("length", "length"), ("content_filter", "content_filter"), ("unknown", "unknown")],
)
async def test_finish_reasons(finish, reason):
    model = Echo(Completion("x", Usage(1, 1), finish, "m", recalled=True))
    result = await client(model).create(MESSAGES)
    assert (result.finish_reason, result.cached) == (reason, True)


async def test_stream_is_one_chunk_and_the_result():
    chunks = [chunk async for chunk in client(Echo()).create_stream(MESSAGES)]
    assert chunks[0] == "ok"
    assert isinstance(chunks[1], CreateResult)
    assert len(chunks) == 2


@pytest.mark.parametrize(
    ("message", "what"),
    [
        (UserMessage(content=["see", Image(new_image("RGB", (1, 1)))], source="u"), "images"),
        (AssistantMessage(content=[FunctionCall(id="1", arguments="{}", name="f")], source="a"), "tool calls"),
        (
            FunctionExecutionResultMessage(content=[FunctionExecutionResult(content="x", name="f", call_id="1")]),
            "tool calls",
        ),
    ],
)
async def test_what_cannot_be_sent_is_refused(message, what):
    with pytest.raises(RequestError, match=f"record R1, matches, matcher: .*{what}"):
        await client(Echo()).create([message])


async def test_tools_are_refused():
    with pytest.raises(RequestError, match="tools"):
        await client(Echo()).create(MESSAGES, tools=[{"name": "f"}])


async def test_json_output():
    class Answer(BaseModel):
        a: int

    model = Echo()
    await client(model).create(MESSAGES, json_output=True)
    assert model.request.options["response_format"] == {"type": "json_object"}
    await client(model).create(MESSAGES, json_output=Answer)
    assert model.request.options["response_format"]["json_schema"]["name"] == "Answer"
    await client(model).create(MESSAGES, json_output=False)
    assert "response_format" not in model.request.options


async def test_a_cancelled_token_stops_the_call():
    model, token = Echo(wait=asyncio.Event()), CancellationToken()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(client(model).create(MESSAGES, cancellation_token=token))
        await model.begun.wait()
        token.cancel()
    assert task.cancelled()
    assert model.cancelled
    with pytest.raises(asyncio.CancelledError):
        await client(model).create(MESSAGES, cancellation_token=token)


async def test_a_token_cancelled_later_disturbs_nobody_and_holds_nothing():
    model, token = Echo(), CancellationToken()
    for _ in range(3):
        await client(model).create(MESSAGES, cancellation_token=token)
    token.cancel()
    await asyncio.sleep(0)
    assert asyncio.current_task().cancelling() == 0
    assert len(token._callbacks) == 3
    assert all(callback.__self__.scope is None for callback in token._callbacks)


@pytest.mark.parametrize("error", [ServerError("500"), TimeoutError("inner")])
async def test_errors_pass_through(error):
    with pytest.raises(type(error)):
        await client(Echo(error)).create(MESSAGES, cancellation_token=CancellationToken())


def test_what_autogen_asks_of_a_client():
    chat = client(Echo())
    assert chat.model_info["function_calling"] is False
    assert chat.capabilities == chat.model_info
    assert chat.count_tokens(MESSAGES) == 3 + 1 + 1 + 2 + 16
    assert chat.remaining_tokens(MESSAGES) == 128_000 - 23
    component = chat.dump_component()
    assert component.component_type == "model"
    assert component.config == {"model": "m1", "options": {"temperature": 0.1}}
    with pytest.raises(ConfigError):
        ChatClient.load_component(component)


async def converse(model, stop):
    """Two rounds of a real AutoGen agent; its answers, its context, and the client's total."""
    chat = client(model, stop=stop)
    agent = AssistantAgent("matcher", chat, system_message="You match.")
    texts = []
    for text in ("This is R1.", "R1 again, please."):
        response = await agent.on_messages([TextMessage(content=text, source="user")], CancellationToken())
        message = response.chat_message
        assert message.models_usage.completion_tokens > 0
        texts.append(message.content)
    context = await agent.model_context.get_messages()
    assert [message.content for message in context] == ["This is R1.", texts[0], "R1 again, please.", texts[1]]
    return texts, chat.total_usage(), chat.last


@pytest.mark.parametrize("stop", [None, StopAtObject])
async def test_an_autogen_agent_says_the_same_in_process_and_over_http(stop):
    local = await converse(MockModel(Answers(), seed=3), stop)
    pace = Pace(0.001, 0.001) if stop else None
    async with MockServer(Answers(), seed=3, pace=pace) as server:
        endpoint = Endpoint(base_url=server.base_url)
        stack = build_stack(OpenAIModel(endpoint), endpoint=endpoint, clock=SYSTEM_CLOCK, random=Random(0))
        remote = await converse(stack, stop)
        await stack.close()
    assert remote[:2] == local[:2]
    assert remote[2].finish == ("cut" if stop else "stop")
    assert remote[2].usage.estimated is bool(stop)
    assert remote[2].value == local[2].value
    assert request().messages[0].content == "You match."
