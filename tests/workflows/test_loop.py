"""The loop of the command line: the same promises as on asyncio's own."""

import sys

import pytest

from igent.errors import DeadlineError
from igent.models.endpoint import Endpoint
from igent.models.http import OpenAIModel
from igent.models.pace import Pace
from igent.models.server import MockServer
from igent.parsing.answer import AnswerStop
from igent.types import CallContext, ChatMessage, ChatRequest
from igent.workflows import loop
from igent.workflows.loop import run_loop


class Answers:
    def record_id(self, messages):
        return "R1"

    def answer(self, messages, random, errors):
        return 'Here it is: {"a": 1} and that is all that there is to say.'


def request():
    return ChatRequest("m1", (ChatMessage("user", "R1?"),), CallContext("R1", "s", "a"))


async def calls(**endpoint):
    async with MockServer(Answers(), pace=Pace(0.001, 0.02)) as server:
        model = OpenAIModel(Endpoint(base_url=server.base_url, **endpoint))
        try:
            whole = await model.complete(request())
            cut = await model.complete(request(), lambda: AnswerStop(lambda _: True))
        finally:
            await model.close()
        return whole, cut, server.stats()


def test_the_client_and_the_server_work_on_it():
    whole, cut, stats = run_loop(calls())
    assert whole.finish == "stop"
    assert (cut.finish, cut.text) == ("cut", 'Here it is: {"a": 1}')
    assert stats["requests"] == 2


def test_errors_pass_through_it():
    with pytest.raises(DeadlineError, match="between_tokens"):
        run_loop(calls(between_tokens=0.001))


@pytest.mark.skipif(sys.platform == "win32", reason="uvloop is not made for Windows")
def test_it_is_uvloop_where_that_is_installed():
    assert loop._new_loop.__module__ == "uvloop"
