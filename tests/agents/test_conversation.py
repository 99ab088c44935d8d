"""The turn-taking of one conversation, with models that say what the test tells them to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from autogen_agentchat.agents import AssistantAgent
from autogen_agentchat.base import Response
from autogen_agentchat.messages import TextMessage
from pydantic import BaseModel, ConfigDict

from igent.agents.build import Participant
from igent.agents.conversation import Conversation
from igent.agents.step import Step, StepResult, Tools
from igent.agents.team import make_team
from igent.clock import SYSTEM_CLOCK
from igent.config.policy import CriticPolicy
from igent.errors import AuthError, RequestError
from igent.models.chat import ChatClient
from igent.models.toll import Toll
from igent.parsing.answer import AnswerStop, read_answer
from igent.prompting import messages
from igent.types import (
    CallContext,
    Case,
    ChatRequest,
    Completion,
    Record,
    Stock,
    StopFactory,
    Usage,
    Verdict,
    Violation,
)
from igent.validation.checker import Checker
from igent.workflows.constellation import load_constellation


class Pick(BaseModel):
    model_config = ConfigDict(extra="forbid")
    supplier: str
    price: int


class Nobody(BaseModel):
    model_config = ConfigDict(extra="forbid")
    message: str


class Price(BaseModel):
    model_config = ConfigDict(extra="forbid")
    total: int


def positive(answer: Any, case: Case) -> Sequence[Violation]:
    value = getattr(answer, "price", None) or getattr(answer, "total", None) or 0
    return () if value > 0 else (Violation("positive", "price", f"{value} is not more than 0"),)


class Scripted:
    """A Model that gives each agent its lines, in order, and keeps what it was asked."""

    def __init__(self, **lines: list[Any]) -> None:
        self.lines, self.asked = lines, list[ChatRequest]()

    async def complete(self, request: ChatRequest, stop: StopFactory | None = None) -> Completion:
        self.asked.append(request)
        line = self.lines[request.context.agent].pop(0)
        if isinstance(line, Exception):
            raise line
        text, finish = line if isinstance(line, tuple) else (line, "stop")
        condition = stop() if stop else None
        value = None
        if condition is not None and finish == "stop" and condition.feed(text):
            text, finish, value = text[: condition.end], "cut", condition.value
        return Completion(text, Usage(10, 5), finish, request.model, value=value)

    async def close(self) -> None: ...

    def of(self, agent: str) -> list[ChatRequest]:
        return [request for request in self.asked if request.context.agent == agent]


def pick(supplier: str = "S1", price: Any = 5) -> str:
    return "My answer:\n```json\n" + json.dumps({"supplier": supplier, "price": price}) + "\n```\nThat is all."


def verdict(word: str, feedback: str = "") -> str:
    return "```json\n" + json.dumps({"verdict": word, "feedback": feedback}) + "\n```"


MATCHER = Participant("matcher", "matcher", "m", "You match.", "c1")
CRITIC = Participant("critic", "critic", "c", "You judge.", "c2")
CASE = Case(Record("R1", 0, {"id": "R1"}, "f.json:1"), None, {"S1": Stock(2, 0), "S2": Stock(2, 0)}, date(2025, 1, 1))
ANSWERS: dict[str, type[BaseModel]] = {"pick": Pick, "price": Price}


def step(**changes: Any) -> Step:
    schema = changes.get("schema", "pick")
    checks = Checker(ANSWERS[schema], {"positive": positive}, Nobody if schema == "pick" else None, lambda case: ())
    made = Step("match", "matches", schema, MATCHER, CRITIC, CriticPolicy("invalid"), 3, "supplier", checks)
    return replace(made, **changes)


def tools(model: Any) -> Tools:
    def client(
        participant: Any, context: CallContext, stop: Any, on_completion: Any, given_up: Any, calling: Any
    ) -> ChatClient:
        toll = Toll(model, given_up, calling)
        return ChatClient(toll, participant.model, {}, context, stop=stop, on_completion=on_completion)

    def read(text: str, accepts: Callable[[Any], bool]) -> tuple[Any, str]:
        answer = read_answer(text, accepts)
        return answer.value, answer.problem

    def blocks(case: Case, schema: str) -> dict[str, Any]:
        stock = {unit: stock.to_json() for unit, stock in case.view.items()}
        return {"RECORD": dict(case.record.data), "CAPACITY": stock, **case.earlier}

    return Tools(client, lambda accepts: lambda: AnswerStop(accepts), read, blocks, messages, SYSTEM_CLOCK, 0)


def always_free(step: Step, verdict: Verdict) -> Case | None:
    return None


async def talk(model: Scripted, settle: Any = always_free, **changes: Any) -> StepResult:
    return await Conversation(tools(model), "R1").run(step(**changes), CASE, settle)


def roles(request: ChatRequest) -> list[str]:
    return [message.role for message in request.messages]


async def test_a_valid_draft_is_accepted_at_once_and_the_critic_not_asked():
    model = Scripted(matcher=[pick()], critic=[])
    result = await talk(model)
    assert (result.cause, result.verdict.value) == ("", {"supplier": "S1", "price": 5})
    assert (result.report.rounds, result.report.critic, result.report.critic_calls) == (1, "skipped", 0)
    assert roles(model.asked[0]) == ["system", "user"]
    assert model.asked[0].messages[0].content == "You match."
    assert '"UsedPct":0.0' in model.asked[0].messages[1].content


async def test_what_was_wrong_reaches_the_matcher_with_the_whole_history():
    model = Scripted(matcher=[pick(price=-1), pick()], critic=[verdict("rejected", "look at the price column")])
    result = await talk(model)
    assert result.cause == ""
    second = model.of("matcher")[1]
    assert roles(second) == ["system", "user", "assistant", "user"]
    assert second.messages[0].content == "You match."
    assert second.messages[1] == model.asked[0].messages[1]
    assert '"price": -1' in second.messages[2].content
    feedback = second.messages[3].content
    assert "-1 is not more than 0" in feedback
    assert "look at the price column" in feedback
    assert "## CAPACITY" in feedback
    question = model.of("critic")[0]
    assert roles(question) == ["system", "user"]
    assert '## DRAFT\n```json\n{"supplier":"S1","price":-1}\n```' in question.messages[1].content
    assert "-1 is not more than 0" in question.messages[1].content
    assert (result.report.rounds, result.report.calls, result.report.critic_calls) == (2, 3, 1)
    assert (result.report.critic, result.report.invalid_drafts) == ("rejected", 1)
    assert result.report.usage == Usage(30, 15)


@pytest.mark.parametrize(
    ("policy", "critics"), [("invalid", 1), ("always", 2), ("never", 0), ("sample:0", 1), ("sample:1", 2)]
)
async def test_critic_policies(policy, critics):
    lines = [verdict("rejected", "no"), verdict("approved")][:critics]
    model = Scripted(matcher=[pick(price=0), pick()], critic=lines)
    result = await talk(model, policy=CriticPolicy.parse(policy))
    assert result.cause == ""
    assert result.report.rounds == 2
    assert len(model.of("critic")) == critics
    assert model.lines["critic"] == []


async def test_a_critic_may_not_approve_an_invalid_draft():
    model = Scripted(matcher=[pick(price=0)] * 2, critic=[verdict("approved")] * 2)
    result = await talk(model, max_rounds=2)
    assert (result.cause, result.report.critic) == ("rules", "approved")


async def test_a_critic_may_reject_a_valid_draft():
    model = Scripted(
        matcher=[pick("S2"), pick("S1")], critic=[verdict("rejected", "S1 is cheaper"), verdict("approved")]
    )
    result = await talk(model, policy=CriticPolicy("always"))
    assert result.verdict.value == {"supplier": "S1", "price": 5}
    assert "the critic rejects the draft: S1 is cheaper" in model.of("matcher")[1].messages[-1].content


@pytest.mark.parametrize(
    "said",
    [
        "hm",
        '{"verdict": "approved", "feedback": "all fi',
        ('```json\n{"verdict": "approved", "feedback": "all fi', "length"),
        ('{"verdict": "approved", "feedback": "fine"}', "length"),
        ("APPROVED", "content_filter"),
        '{"verdict": "perhaps", "feedback": "APPROVED, I think"}',
        "It cannot be approved.",
    ],
)
async def test_a_verdict_that_cannot_be_read_never_approves(said):
    model = Scripted(matcher=[pick()] * 2, critic=[said] * 2)
    result = await talk(model, policy=CriticPolicy("always"), max_rounds=2)
    assert result.cause == "critic"
    assert "no readable verdict" in result.reason


@pytest.mark.parametrize("said", ["APPROVED", '[{"approved": true}]', verdict("Approved") + "\nNothing to add."])
async def test_other_ways_to_approve(said):
    result = await talk(Scripted(matcher=[pick()], critic=[said]), policy=CriticPolicy("always"))
    assert (result.cause, result.report.critic) == ("", "approved")


async def test_what_fails_after_the_last_round_has_failed_with_its_violations():
    model = Scripted(matcher=[pick(price=-1), pick(price=-2), pick(price=-3), pick()], critic=[verdict("rejected")] * 3)
    result = await talk(model)
    assert result.cause == "rules"
    assert [str(v) for v in result.verdict.violations] == ["price: -3 is not more than 0"]
    assert result.reason == "no valid answer in 3 rounds; the last one: price: -3 is not more than 0"
    assert len(model.of("matcher")) == result.report.invalid_drafts == 3


@pytest.mark.parametrize(
    ("said", "cause", "reason"),
    [
        ("I do not know.", "json", "JSON"),
        ('{"supplier": "S1"}', "schema", "price: is missing"),
        (pick(price="much"), "schema", "price: "),
        ('{"supplier": "S1", "price": 5', "json", ""),
        ((pick(), "length"), "json", "cut off by the token limit"),
        ((pick(), "content_filter"), "json", "content filter"),
    ],
)
async def test_answers_that_are_none(said, cause, reason):
    result = await talk(Scripted(matcher=[said], critic=[]), max_rounds=1, critic=None)
    assert (result.cause, result.report.critic) == (cause, "none")
    assert reason in result.reason
    assert result.verdict.value is None


async def test_an_agent_that_rewords_does_not_hide_that_the_answer_was_cut_off():
    class Rewording(AssistantAgent):
        async def on_messages(self, messages: Any, cancellation_token: Any) -> Response:
            response = await super().on_messages(messages, cancellation_token)
            text = response.chat_message.to_text().replace("My answer", "Our answer")
            return Response(chat_message=TextMessage(content=text, source=self.name))

    rewording = replace(MATCHER, maker=Rewording)
    result = await talk(Scripted(matcher=[(pick(), "length")]), max_rounds=1, critic=None, matcher=rewording)
    assert result.cause == "json"
    result = await talk(Scripted(matcher=[pick()]), max_rounds=1, critic=None, matcher=rewording)
    assert result.verdict.value == {"supplier": "S1", "price": 5}


async def test_an_example_before_the_answer_is_not_the_answer():
    said = f'As [1] says, {{"like": "this"}}. {pick("S2")}'
    result = await talk(Scripted(matcher=[said]), critic=None)
    assert result.verdict.value == {"supplier": "S2", "price": 5}


async def test_a_unit_that_is_gone_is_asked_for_again_with_the_capacity_as_it_is():
    model = Scripted(matcher=[pick("S1"), pick("S2")], critic=[])
    fresh = replace(CASE, view={"S1": Stock(2, 2), "S2": Stock(2, 1)})
    asked: list[str] = []

    def settle(step: Step, verdict: Verdict) -> Case | None:
        asked.append((verdict.value or {})["supplier"])
        return fresh if asked[-1] == "S1" else None

    result = await talk(model, settle)
    assert asked == ["S1", "S2"]
    assert (result.cause, result.report.rounds, result.report.invalid_drafts) == ("", 2, 0)
    feedback = model.of("matcher")[1].messages[-1].content
    assert "S1 has no unit to take; choose with the capacity shown below" in feedback
    assert '"S1":{"Capacity":2,"Used":2' in feedback


async def test_a_unit_that_stays_gone_fails_for_capacity():
    model = Scripted(matcher=[pick("S1")] * 3)
    result = await talk(model, lambda step, verdict: CASE)
    assert (result.cause, result.report.rounds) == ("capacity", 3)


async def test_a_refusal_is_an_answer_where_it_is_right():
    result = await talk(Scripted(matcher=['[{"message": "NO MATCH FOUND"}]']))
    assert (result.cause, result.verdict.no_match) == ("", True)
    against = Checker(Pick, {}, Nobody, lambda case: [Violation("refusal", "", "S1 fits")])
    model = Scripted(matcher=['[{"message": "NO MATCH FOUND"}]', pick()], critic=[verdict("rejected")])
    result = await talk(model, checks=against)
    assert (result.verdict.no_match, result.report.rounds) == (False, 2)
    assert "S1 fits" in model.of("matcher")[1].messages[-1].content


async def test_a_providers_error_ends_the_step_and_a_fatal_one_the_run():
    result = await talk(Scripted(matcher=[pick(price=0), RequestError("too long")], critic=[verdict("rejected")]))
    assert (result.cause, result.reason, result.report.rounds) == ("provider", "too long", 1)
    with pytest.raises(AuthError):
        await talk(Scripted(matcher=[AuthError("no key")]))


async def test_several_steps_of_one_conversation_share_what_was_said():
    model = Scripted(matcher=[pick(price=0), pick()], critic=[verdict("rejected")], pricer=['{"total": 9}'])
    pricer = Participant("pricer", "matcher", "p", "You price.", "c3")
    conversation = Conversation(tools(model), "R1")
    first = await conversation.run(step(), CASE, always_free)
    case = replace(CASE, earlier={"pick": first.verdict.value or {}})
    second = await conversation.run(
        step(output="prices", schema="price", matcher=pricer, critic=None, reserves=None), case, always_free
    )
    assert second.verdict.value == {"total": 9}
    request = model.of("pricer")[0]
    assert request.messages[0].content == "You price."
    texts = [message.content for message in request.messages[1:]]
    assert any('"price": 5' in text for text in texts), "it is told what was agreed"
    assert not any('"price": 0' in text for text in texts), "and spared what was not"
    assert '## pick\n```json\n{"supplier":"S1","price":5}' in texts[-1]
    assert request.context == CallContext("R1", "prices", "pricer")
    kinds = [(line["step"], line["agent"], line["kind"]) for line in conversation.audit]
    assert kinds == [
        ("matches", "matcher", "sent"), ("matches", "matcher", "received"), ("matches", "matcher", "checked"),
        ("matches", "critic", "sent"), ("matches", "critic", "received"),
        ("matches", "matcher", "sent"), ("matches", "matcher", "received"), ("matches", "matcher", "checked"),
        ("prices", "pricer", "sent"), ("prices", "pricer", "received"), ("prices", "pricer", "checked"),
    ]  # fmt: skip


async def test_conversations_of_two_records_know_nothing_of_each_other():
    model = Scripted(matcher=[pick(price=0), pick(), pick()], critic=[verdict("rejected")])
    await talk(model)
    await talk(model)
    assert roles(model.of("matcher")[2]) == ["system", "user"]


def _client(model: Any) -> Callable[[Participant], ChatClient]:
    return lambda participant: ChatClient(model, participant.model, {}, CallContext("R1", "team", participant.name))


async def test_the_team_is_a_real_one_and_runs():
    model = Scripted(matcher=[pick()], critic=["APPROVED"], matcher_2=["done"])
    team = make_team([MATCHER, CRITIC, MATCHER], _client(model))
    result = await team.run(task="Match R1.")
    assert [m.source for m in result.messages] == ["user", "matcher", "critic", "matcher_2"]
    assert "Match R1." in model.of("critic")[0].messages[1].content


@pytest.mark.parametrize("name", ["p1m1m2c", "p1m1_p2m2", "p1m1c1_p2m2c2", "p1m1c1m2c2"])
async def test_every_shipped_constellation_makes_a_team(name):
    constellation = load_constellation(name)
    lines = {participant.name: [f"I am {participant.name}"] for _, participant in constellation.participants()}
    model = Scripted(**lines)
    result = await constellation.to_team(_client(model)).run(task="Hello.")
    assert [m.source for m in result.messages[1:]] == [p.name for _, p in constellation.participants()]
    assert [request.model for request in model.asked] == ["gpt-4o"] * len(lines)


def test_a_team_for_the_environments_endpoint_needs_a_key(monkeypatch):
    for name in ("OPENAI_API_KEY", "IGENT_API_KEY", "OPENAI_BASE_URL", "IGENT_BASE_URL", "IGENT_MOCK"):
        monkeypatch.delenv(name, raising=False)
    constellation = load_constellation("p1m1m2c")
    with pytest.raises(AuthError):
        constellation.to_team()
    monkeypatch.setenv("OPENAI_API_KEY", "sk-not-used-0123456789")
    assert constellation.to_team() is not None


async def test_where_the_rules_decide_no_model_is_asked():
    model = Scripted(matcher=[], critic=[])
    result = await talk(model, rule="rules", decide=lambda case: {"supplier": "S2", "price": 9})
    assert (result.cause, result.verdict.value) == ("", {"supplier": "S2", "price": 9})
    report = result.report
    assert (report.agent, report.model, report.calls, report.rounds) == ("rules", "", 0, 1)
    assert report.prompt_checksum == ""
    assert model.asked == []


@pytest.mark.parametrize("decided", [None, {"supplier": "S1", "price": -1}])
async def test_the_matcher_is_asked_where_they_do_not_or_are_refused(decided):
    model = Scripted(matcher=[pick()], critic=[])
    result = await talk(model, rule="rules", decide=lambda case: decided, policy=CriticPolicy("never"))
    assert (result.cause, result.report.agent, result.report.model) == ("", "matcher", "m")
    assert len(model.asked) == 1
    assert roles(model.asked[0]) == ["system", "user"]


async def test_a_critic_who_always_speaks_is_asked_about_what_the_rules_say_too():
    model = Scripted(matcher=[pick("S1")], critic=[verdict("rejected", "no"), verdict("approved")])
    changes = {"rule": "rules", "decide": lambda case: {"supplier": "S2", "price": 9}}
    result = await talk(model, policy=CriticPolicy("always"), **changes)
    assert result.verdict.value == {"supplier": "S1", "price": 5}
    assert "the critic rejects the draft: no" in model.of("matcher")[0].messages[-1].content


async def test_a_valid_draft_is_shown_before_the_critic_speaks_and_no_other():
    model = Scripted(matcher=[pick(price=0), pick()], critic=[verdict("rejected", "no"), verdict("approved")])
    shown: list[tuple[Any, int]] = []
    conversation = Conversation(tools(model), "R1")
    changed = step(policy=CriticPolicy("always"))
    await conversation.run(changed, CASE, always_free, lambda _, v: shown.append((v.value, len(model.of("critic")))))
    assert shown == [({"supplier": "S1", "price": 5}, 1)]


class Patient(Scripted):
    """Answers after longer than a turn may take."""

    async def complete(self, request: ChatRequest, stop: StopFactory | None = None) -> Completion:
        waited = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_later(0.05, waited.set_result, None)
        await waited
        return await super().complete(request, stop)


async def test_the_time_of_its_calls_is_not_the_agents():
    model = Patient(matcher=[pick()], critic=[])
    made = replace(tools(model), turn_seconds=0.02)
    result = await Conversation(made, "R1").run(step(), CASE, always_free)
    assert (result.cause, result.verdict.value) == ("", {"supplier": "S1", "price": 5})
