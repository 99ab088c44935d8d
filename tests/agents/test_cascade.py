"""Cheaper models are asked before an agent's own: a draft of theirs counts when it is valid and sure enough."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest
from batching import CHEAP, MATCHER, Said, Scripted, Talk, array, cases, pick, step, talk, tools
from hypothesis import given, settings
from hypothesis import strategies as st

from igent.agents.build import Cascade, Participant
from igent.agents.conversation import Conversation
from igent.agents.step import Step, StepResult
from igent.config.policy import CriticPolicy
from igent.config.settings import Settings
from igent.errors import AuthError, ConfigError, IncompleteError
from igent.fence import without_fence
from igent.outcome import CheaperUse
from igent.types import Case, ChatRequest, Completion, StopFactory, Usage, Verdict
from igent.workflows.checks import check_prices
from igent.workflows.constellation import load_constellation

CRITIC = Participant("critic", "critic", "judge", "You judge.", "c2")


def draft(price: Any = 5, **more: Any) -> str:
    return json.dumps({"of": "R1", "price": price, **more})


async def converse(model: Any, settle: Any = lambda step, verdict: None, **changes: Any) -> StepResult:
    return await Conversation(tools(model), "R1").run(step(CHEAP, **changes), cases(1)[0], settle)


def asked(model: Scripted) -> list[str]:
    return [request.model for request in model.asked]


@pytest.mark.parametrize(
    ("value", "trusted"),
    [
        ({"sure": 0.8}, True), ({"sure": 1}, True), ([{"sure": 0.9}], True),
        ({"sure": 0.79}, False), ({"sure": 95}, False), ({"sure": "0.9"}, False), ({"sure": True}, False),
        ({"sure": None}, False), ({}, False), ([], False), ("sure", False), (None, False),
    ],
)  # fmt: skip
def test_what_is_sure_enough(value, trusted):
    assert Cascade(("a",), "sure", 0.8).trusts(value) is trusted


async def test_a_sure_and_valid_draft_of_the_first_cheaper_model_ends_it():
    model = Scripted(tiny=[draft(sure=0.9)])
    result = await converse(model)
    assert asked(model) == ["tiny"]
    report = result.report
    assert (result.cause, result.verdict.value["price"]) == ("", 5)
    assert (report.agent, report.model, report.rounds, report.calls, report.invalid_drafts) == (
        "matcher", "tiny", 1, 1, 0
    )  # fmt: skip
    (use,) = report.cascade
    assert use == CheaperUse("tiny", 1, 101, 50, use.seconds, accepted=True)
    assert report.usage == Usage(101, 50)
    assert (report.own_drafts, report.own_seconds) == (0, 0.0)


# One of them does not say how sure it is: what the schema would put in does not count.
@pytest.mark.parametrize("first", [draft(sure=0.5), draft(-1, sure=1.0), draft(), "I do not know.", draft(sure="1")])
async def test_else_the_next_one_is_asked_the_same_and_the_own_model_last(first):
    model = Scripted(draft(7, sure=0.1), tiny=[first], small=[first])
    result = await converse(model)
    assert asked(model) == ["tiny", "small", "strong"]
    assert len(set(map(without_fence, model.questions))) == 1
    assert all(len(request.messages) == 2 for request in model.asked), "nobody sees another's draft"
    report = result.report
    assert (result.verdict.value["price"], report.model, report.rounds, report.calls) == (7, "strong", 1, 3)
    assert [(use.model, use.accepted) for use in report.cascade] == [("tiny", False), ("small", False)]
    assert report.usage == Usage(303, 150)
    assert (report.own_drafts, report.invalid_drafts) == (1, 0)


async def test_feedback_goes_to_the_own_model_only():
    model = Scripted(draft(-1), draft(3), tiny=[draft(sure=0.0)], small=[draft(sure=0.0)])
    result = await converse(model)
    assert asked(model) == ["tiny", "small", "strong", "strong"]
    assert (result.report.rounds, result.report.own_drafts) == (2, 2)


async def test_a_cheaper_model_that_fails_is_passed_over_and_counted():
    error = IncompleteError("gone")
    error.wasted, error.retries = Usage(9, 1), 2
    model = Scripted(tiny=[error], small=[draft(sure=1)])
    report = (await converse(model)).report
    assert (report.model, report.calls, report.retries, report.wasted) == ("small", 2, 2, Usage(9, 1))
    assert [(use.calls, use.accepted) for use in report.cascade] == [(1, False), (1, True)]
    with pytest.raises(AuthError):
        await converse(Scripted(tiny=[AuthError("no such model")]))


async def test_the_critic_judges_by_its_policy_and_what_it_rejects_goes_on():
    judged = [json.dumps({"verdict": word, "feedback": "hm"}) for word in ("rejected", "approved")]
    lines = {"tiny": [draft(1, sure=1)], "small": [draft(2, sure=1)]}
    model = Scripted(judge=judged, **lines)
    result = await converse(model, critic=CRITIC, policy=CriticPolicy("always"))
    assert asked(model) == ["tiny", "judge", "small", "judge"]
    report = result.report
    assert (result.verdict.value["price"], report.critic, report.critic_calls) == (2, "approved", 2)
    assert (report.critic_input_tokens, report.usage.input_tokens) == (202, 404)
    unsure = Scripted(draft(3), tiny=[draft(1, sure=0)], small=[draft(2, sure=0)], judge=[judged[1]])
    await converse(unsure, critic=CRITIC, policy=CriticPolicy("always"))
    assert asked(unsure) == ["tiny", "small", "strong", "judge"], "what is not sure is not judged"


async def test_a_unit_that_is_gone_goes_on_to_the_next_model_with_the_case_as_it_is():
    fresh = replace(cases(1)[0], earlier={"now": {"taken": 1}})
    taken: list[Any] = []

    def settle(step: Step, verdict: Verdict) -> Case | None:
        taken.append((verdict.value or {})["price"])
        return fresh if len(taken) == 1 else None

    model = Scripted(tiny=[draft(1, sure=1)], small=[draft(2, sure=1)])
    result = await converse(model, settle)
    assert taken == [1, 2]
    assert result.report.model == "small"


async def test_the_rules_decide_before_any_model():
    model = Scripted()
    result = await converse(model, rule="ruler", decide=lambda case: {"of": "R1", "price": 4})
    assert (asked(model), result.report.agent, result.report.cascade) == ([], "ruler", ())


async def test_without_a_cascade_nothing_is_told_of_one():
    report = (await Conversation(tools(Scripted(draft())), "R1").run(step(), cases(1)[0], lambda *_: None)).report
    assert (report.cascade, report.own_drafts, report.own_seconds) == ((), 0, 0.0)


async def test_in_a_batch_what_is_sure_is_settled_and_the_rest_goes_on():
    model = Scripted(
        array(pick(3, 3, sure=0)),
        tiny=[array(pick(1, 1, sure=1), pick(2, 1, sure=0.2), pick(3, -1, sure=1), pick(9, sure=1))],
        small=[array(pick(2, 2, sure=0.8), pick(3, 2))],
    )
    done = await talk(model, 3, matcher=CHEAP)
    assert [request.context.record_id for request in model.asked] == ["R1+2", "R2+1", "R3"]
    assert [done.results[n].verdict.value["price"] for n in range(3)] == [1, 2, 3]
    reports = [done.results[n].report for n in range(3)]
    assert [report.model for report in reports] == ["tiny", "small", "strong"]
    assert [report.rounds for report in reports] == [1, 1, 1]
    assert [[use.accepted for use in report.cascade] for report in reports] == [[True], [False, True], [False, False]]
    assert done.sums(("calls", "own_drafts", "invalid_drafts")) == {"calls": 3, "own_drafts": 1, "invalid_drafts": 0}
    assert sum(use.calls for report in reports for use in report.cascade) == 2
    assert done.usage == Usage(303, 150)
    assert sum(use.input_tokens for report in reports for use in report.cascade) == 202
    assert not any("LAST ANSWER" in question or "VIOLATIONS" in question for question in model.questions)


async def test_in_a_batch_a_cheaper_model_that_breaks_keeps_what_had_come():
    error = IncompleteError("broke")
    model = Scripted(
        tiny=[Said(array(pick(1, sure=1), pick(2, sure=1))[:-9], error=error)], small=[array(pick(2, sure=1))]
    )
    done = await talk(model, 2, matcher=CHEAP)
    assert [done.results[n].report.model for n in range(2)] == ["tiny", "small"]
    assert done.sums(("calls",)) == {"calls": 2}
    gone = Scripted(array(pick(1), pick(2)), tiny=[IncompleteError("x")], small=[IncompleteError("x")])
    assert (await talk(gone, 2, matcher=CHEAP)).causes == ["", ""]


@given(st.lists(st.tuples(st.sampled_from([0, 1, -1]), st.sampled_from([0.1, 0.9])), min_size=9, max_size=9))
@settings(max_examples=40, deadline=None)
def test_every_record_of_a_batch_is_settled_once_and_every_call_counted_once(said):
    def answer(start: int) -> str:
        kinds = enumerate(said[start : start + 3], 1)
        return array(*(pick(n, 5 * kind, sure=sure) for n, (kind, sure) in kinds if kind))

    model = Scripted(*[answer(6)] * 3, tiny=[answer(0)], small=[answer(3)])
    done: Talk = asyncio.run(talk(model, 3, matcher=CHEAP))
    assert sorted(done.results) == [0, 1, 2]
    assert done.sums(("calls",))["calls"] == len(model.asked)
    assert done.usage == Usage(101 * len(model.asked), 50 * len(model.asked))
    for place, result in done.results.items():
        assert result.cause or result.verdict.value["of"] == f"R{place + 1}"


async def test_seconds_of_the_own_model_are_measured_only_where_it_was_asked():
    class Kept(Scripted):
        async def complete(self, request: ChatRequest, stop: StopFactory | None = None) -> Completion:
            return replace(await super().complete(request, stop), recalled=True)

    lines = {"tiny": [draft(sure=0)], "small": [draft(sure=0)]}
    assert (await converse(Kept(draft(), **lines))).report.own_drafts == 0


def test_a_constellation_knows_its_cheaper_models():
    constellation = load_constellation("crosswalk_cascade")
    specs = {name: agent.cascade for name, agent in constellation.spec.agents.items() if agent.cascade}
    assert specs
    (name, spec), *_ = specs.items()
    step = next(step for _, step in constellation.spec.steps() if name in step.agents)
    who = constellation.participant(name, step)
    assert who.cascade == Cascade(tuple(spec.models), spec.confidence, spec.threshold)
    assert [cheap.model for cheap in who.cheaper()] == spec.models
    assert who.model == constellation.models[name]
    assert {*constellation.models.values(), *spec.models} == set(constellation.all_models())
    assert MATCHER.cascade is None
    assert list(MATCHER.cheaper()) == []


def test_a_limit_of_cost_needs_the_prices_of_the_cheaper_models_too():
    constellation = load_constellation("crosswalk_cascade").with_models(["gpt-4o"])
    agents = {
        name: agent.model_copy(update={"cascade": agent.cascade.model_copy(update={"models": ["no-such-model"]})})
        if agent.cascade
        else agent
        for name, agent in constellation.spec.agents.items()
    }
    odd = replace(constellation, spec=constellation.spec.model_copy(update={"agents": agents}))
    limited = Settings(max_cost=1)
    with pytest.raises(ConfigError, match="price of no-such-model is not known"):
        check_prices(odd, limited)
