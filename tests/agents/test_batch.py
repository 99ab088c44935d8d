"""A conversation about several records at once: whatever a model says, no record gets another's answer."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from autogen_agentchat.agents import AssistantAgent
from autogen_agentchat.base import Response
from autogen_agentchat.messages import TextMessage
from batching import MATCHER, Nobody, Pick, Said, Scripted, Talk, array, pick, step, talk
from hypothesis import given, settings
from hypothesis import strategies as st

from igent.errors import AuthError, DrainedError, IncompleteError, LimitError, RequestError
from igent.outcome import StepReport
from igent.prompting.messages import batch_question
from igent.types import CallContext, ChatRequest, Completion, StopFactory, Usage, Violation
from igent.validation.checker import Checker

COUNTED = ("calls", "cut", "retries", "hedged", "recalled")


def numbers(question: str) -> list[int]:
    """What a question asks about."""
    return [int(number) for number in re.findall(r"^# RECORD (\d+)$", question, re.MULTILINE)]


async def test_one_call_answers_all_and_is_cut_before_the_closing_bracket():
    model = Scripted(array(*(pick(n) for n in (3, 1, 2)))[:-1] + "\n, and that was all]")
    done = await talk(model, 3)
    assert [done.results[place].verdict.value["of"] for place in range(3)] == ["R1", "R2", "R3"]
    assert done.sums(COUNTED) == {"calls": 1, "cut": 1, "retries": 0, "hedged": 0, "recalled": 0}
    assert [done.results[place].report.calls for place in range(3)] == [1, 0, 0]
    assert done.usage == Usage(101, 50)
    assert [done.results[place].report.usage.input_tokens for place in range(3)] == [34, 34, 33]
    assert {result.report.rounds for result in done.results.values()} == {1}
    assert [(context.record_id, context.step) for context in (request.context for request in model.asked)] == [
        ("R1+2", "matches")
    ]
    assert done.learnt == {0: {"of": "R1", "price": 5}, 1: {"of": "R2", "price": 5}, 2: {"of": "R3", "price": 5}}


async def test_the_prompt_shows_what_is_the_same_once_and_each_record_by_its_number():
    model = Scripted(array(pick(1), pick(2)))
    await talk(model, 2)
    (question,) = model.questions
    assert question.count("## OFFERS\n```json\n") == 1
    assert question.index("## OFFERS") < question.index("# RECORD 1\n\n## RECORD") < question.index("# RECORD 2\n")
    assert re.search(r"one JSON array: exactly one for each of the records 1, 2, and nothing", question)
    opened = re.search(r"^<(data-[0-9a-f]{16})>$", question, re.MULTILINE)
    assert opened
    assert question.rindex(f"</{opened[1]}>") > question.index('{"id":"R2"}')
    model = Scripted(array(pick(1)))
    await talk(model, 1)
    assert model.questions[0].index("# RECORD 1") < model.questions[0].index("## OFFERS")


def test_records_that_are_the_same_are_shown_each():
    blocks = {"OFFERS": ["S1"], "RECORD": {"text": "the same"}}
    question = batch_question([(1, blocks, (), None), (2, dict(blocks), (), None)])
    assert (question.count("## OFFERS"), question.count("the same")) == (1, 2)
    other = {"OFFERS": [True], "RECORD": 1}
    assert batch_question([(1, other, (), None), (2, {**other, "OFFERS": [1]}, (), None)]).count("## OFFERS") == 2


async def test_each_element_is_checked_as_soon_as_it_is_closed():
    told: list[Any] = []

    class Slow:
        async def complete(self, request: ChatRequest, stop: StopFactory | None = None) -> Completion:
            condition = stop() if stop else None
            assert condition is not None
            for piece in ('[{"number": 2, "of": "R2", "price": 0', "}", ', {"number": 1, "of": "R1", "price": 1}'):
                ended = condition.feed(piece)
                told.append((ended, list(done.seen)))
            text = json.dumps([pick(2, 0), pick(1)])
            return Completion(text, Usage(1, 1), "stop", "m", value=None)

        async def close(self) -> None: ...

    done = Talk(Slow(), 2, step(max_rounds=1))
    await done.run()
    assert done.causes == ["", "rules"]
    assert told == [(False, []), (False, [(1, False)]), (True, [(1, False), (0, True)])]


@pytest.mark.parametrize(
    ("elements", "good", "said"),
    [
        ([pick(1), pick(3)], [1, 3], 'no object with "number": 2'),
        ([pick(1), pick(2), pick(2), pick(3)], [1, 3], 'more than one object with "number": 2'),
        ([pick(1), pick(2), pick(2, 6), pick(3)], [1, 3], 'more than one object with "number": 2'),
        ([pick(1), {**pick(2), "number": 7}, pick(3)], [1, 3], "numbers that were not asked for: 7"),
        ([pick(1), {"of": "R2", "price": 1}, pick(3)], [1, 3], "without a number of their own: 1"),
        ([pick(1), {**pick(2), "number": "two"}, pick(3)], [1, 3], "without a number"),
        ([pick(1), {**pick(2), "number": 2.5}, pick(3)], [1, 3], "without a number"),
        ([{**pick(1), "number": True}, pick(2), pick(3)], [2, 3], "without a number"),
        ([pick(1), pick(2, -1), pick(3)], [1, 3], "-1 is not more than 0"),
        ([pick(1), {"number": 2, "of": "R2"}, pick(3)], [1, 3], "is missing"),
        ([pick(1), 5, [pick(2)], None, pick(3)], [1, 3], 'no object with "number": 2'),
    ],
)
async def test_what_is_missing_or_wrong_is_asked_again_alone(elements, good, said):
    (left,) = {1, 2, 3} - set(good)
    # A model may well go on after the last number: with a double the answer is never complete, so all of it is read.
    model = Scripted(array(*elements), array(pick(left, 9)))
    done = await talk(model, 3)
    assert done.causes == [""] * 3
    assert [done.results[n - 1].verdict.value["price"] for n in good] == [5, 5]
    assert done.results[left - 1].verdict.value == {"of": f"R{left}", "price": 9, "sure": 1.0}
    first, second = model.questions
    assert numbers(first) == [1, 2, 3]
    assert numbers(second) == [left]
    assert second.startswith("Round 2")
    assert said in second.replace('\\"', '"')
    assert done.results[left - 1].report.rounds == 2
    assert done.results[left - 1].report.invalid_drafts == 1
    assert [role for request in model.asked for role in (m.role for m in request.messages)] == ["system", "user"] * 2


async def test_settled_as_soon_as_the_call_has_ended():
    def late(request: ChatRequest) -> str:
        assert sorted(done.results) == [0], "what the first call brought is settled before the second"
        return array(pick(2))

    done = Talk(Scripted(array(pick(1)), late), 2, step())
    await done.run()
    assert done.order == [("settled", 0), ("settled", 1)]


async def test_what_is_left_after_the_last_round_has_failed_each_for_its_own_reason():
    model = Scripted(array(pick(1), pick(2, 0)), array(pick(2, -2)), array(pick(2, -3), pick(9)))
    done = await talk(model, 3)
    assert done.causes == ["", "rules", "json"]
    assert done.results[1].reason == "no valid answer in 3 rounds; the last one: price: -3 is not more than 0"
    assert [str(v) for v in done.results[1].verdict.violations] == ["price: -3 is not more than 0"]
    assert 'no object with "number": 3' in done.results[2].reason
    assert done.sums(("calls", "rounds", "invalid_drafts")) == {"calls": 3, "rounds": 7, "invalid_drafts": 6}
    assert done.usage == Usage(303, 150)


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"answers": [pick(1), pick(2)]}),
        json.dumps({"note": "here", "results": [pick(2), pick(1)]}),
        json.dumps(pick(1)) + "\n" + json.dumps(pick(2)),
        "Sure.\n```json\n" + array(pick("1"), pick("2")) + "\n```\nThat is all.",
        '<think>[{"number": 1, "of": "R9", "price": 1}]</think>' + array(pick(1), pick(2)),
    ],
)
async def test_other_forms_of_the_same_answer(text):
    done = await talk(Scripted(text), 2)
    assert [done.results[place].verdict.value["of"] for place in range(2)] == ["R1", "R2"]


async def test_a_refusal_is_an_answer_where_it_is_right():
    done = await talk(Scripted(array({"number": 1, "message": "nobody"}, pick(2))), 2)
    assert [done.results[place].verdict.no_match for place in range(2)] == [True, False]
    against = Checker(Pick, {}, Nobody, lambda case: [Violation("refusal", "", "S1 fits")])
    model = Scripted(array({"number": 1, "message": "nobody"}, pick(2)), array(pick(1)))
    done = await talk(model, 2, checks=against)
    assert not done.results[0].verdict.no_match
    assert "S1 fits" in model.questions[1]


async def test_a_stream_that_breaks_keeps_what_had_come():
    error = IncompleteError("the connection broke")
    error.retries, error.wasted = 2, Usage(300, 40)
    model = Scripted(Said(array(pick(1), pick(2), pick(3))[:70], error=error), array(pick(2)), array(pick(3)))
    done = await talk(model, 3)
    assert done.causes == [""] * 3
    assert [numbers(question) for question in model.questions] == [[1, 2, 3], [2], [3]]
    assert done.sums(("calls", "retries")) == {"calls": 3, "retries": 2}
    assert sum((r.report.wasted for r in done.results.values()), Usage()) == Usage(300, 40)


async def test_what_two_attempts_say_of_one_record_counts_only_when_it_is_clear():
    class Retrying(Scripted):
        async def complete(self, request: ChatRequest, stop: StopFactory | None = None) -> Completion:
            if self.asked:
                return await super().complete(request, stop)
            self.asked.append(request)
            assert stop is not None
            stop().feed(array(pick(1, 1), pick(2, 1), pick(2, 2))[:-1])
            stop().feed(array(pick(1, 7))[:-1])
            raise IncompleteError("broke again")

    model = Retrying(array(pick(2, 9)), array(pick(3, 9)))
    done = await talk(model, 3)
    assert [done.results[place].verdict.value["price"] for place in range(3)] == [7, 9, 9]


@pytest.mark.parametrize("came", [0, 1])
async def test_a_call_of_which_nothing_came_fails_its_records(came):
    model = Scripted(array(*[pick(1)] * came), IncompleteError("gone"))
    if not came:
        model.lines["strong"] = [IncompleteError("gone")]
    done = await talk(model, 2)
    assert done.causes == ([""] if came else ["provider"]) + ["provider"]
    assert done.results[1].reason == "gone"
    assert done.sums(("calls",)) == {"calls": 1 + came}


async def test_a_request_that_is_refused_is_tried_in_halves():
    model = Scripted(RequestError("too long"), array(pick(1), pick(2)), RequestError("bad"), array(pick(3)))
    done = await talk(model, 3)
    assert [numbers(question) for question in model.questions] == [[1, 2, 3], [1, 2], [3]]
    assert done.causes == ["", "", "provider"]


@pytest.mark.parametrize("error", [AuthError("no key"), LimitError("spent"), DrainedError("ends")])
async def test_what_ends_the_run_passes_through_and_what_was_spent_is_told(error):
    done = Talk(Scripted(array(pick(1), pick(2, 0)), error), 3, step())
    with pytest.raises(type(error)):
        await done.run()
    assert sorted(done.results) == [0]
    rest = done.batch.unfinished()
    assert (rest.rounds, rest.calls, rest.step) == (2, 0, "matches")
    assert done.usage + rest.usage == Usage(101, 50)


async def test_a_cancelled_call_is_paid_for():
    class Hanging:
        async def complete(self, request: ChatRequest, stop: StopFactory | None = None) -> Completion:
            assert stop is not None
            stop().feed(array(pick(1), pick(2)))
            begun.set()
            await asyncio.Event().wait()
            raise AssertionError

        async def close(self) -> None: ...

    begun = asyncio.Event()
    done = Talk(Hanging(), 3, step())
    async with asyncio.TaskGroup() as group:
        task = group.create_task(done.run())
        await begun.wait()
        task.cancel()
    rest = done.batch.unfinished()
    assert done.results == {}
    assert rest.calls == 1
    assert rest.wasted.output_tokens > 5


@pytest.mark.parametrize(("finish", "said"), [("length", "token limit"), ("content_filter", "content filter")])
async def test_an_answer_that_is_cut_off_counts_as_far_as_it_came_and_the_rest_is_halved(finish, said):
    whole = array(*(pick(n) for n in range(1, 6)))
    model = Scripted(Said(whole[:50], finish), array(pick(2), pick(3)), array(pick(4), pick(5)))
    done = await talk(model, 5)
    assert done.causes == [""] * 5
    assert [numbers(question) for question in model.questions] == [[1, 2, 3, 4, 5], [2, 3], [4, 5]]
    assert said in model.questions[1]
    nothing = done.batch.unfinished()
    assert (nothing.calls, nothing.usage, nothing.rounds) == (0, Usage(), 0)


async def test_known_answers_are_checked_and_cost_nothing():
    model = Scripted(array(pick(2)))
    known = {0: {"of": "R1", "price": 3}, 1: {"of": "R2", "price": -3}}
    done = await talk(model, 2, known=known)
    assert numbers(model.questions[0]) == [2]
    assert done.order[0] == ("settled", 0)
    report = done.results[0].report
    assert (report.cached, report.calls, report.usage) == (1, 0, Usage())
    assert done.results[0].verdict.value["price"] == 3
    assert sorted(done.learnt) == [1]
    assert (await talk(Scripted(), 1, known={0: {"of": "R1", "price": 3}})).causes == [""]


async def test_the_rules_decide_before_anybody_is_asked():
    model = Scripted(array(pick(2)))
    decide = lambda case: {"of": "R1", "price": 4} if case.record.id == "R1" else None  # noqa: E731
    done = await talk(model, 2, rule="ruler", decide=decide)
    assert (done.results[0].report.agent, done.results[0].report.model) == ("ruler", "")
    assert numbers(model.questions[0]) == [2]


async def test_the_audit_has_a_line_for_each_call_and_each_check():
    done = await talk(Scripted(array(pick(1), pick(2, 0)), array(pick(2))), 2)
    lines = [(line["kind"], line["record_id"], line.get("records")) for line in done.batch.audit]
    assert lines == [
        ("sent", "R1+1", ["R1", "R2"]), ("received", "R1+1", ["R1", "R2"]),
        ("checked", "R1", None), ("checked", "R2", None),
        ("sent", "R2", ["R2"]), ("received", "R2", ["R2"]), ("checked", "R2", None),
    ]  # fmt: skip


async def test_an_agent_that_rewords_is_read_by_what_it_says():
    class Rewording(AssistantAgent):
        async def on_messages(self, messages: Any, cancellation_token: Any) -> Response:
            response = await super().on_messages(messages, cancellation_token)
            text = response.chat_message.to_text().replace('"price": 5', '"price": 6')
            return Response(chat_message=TextMessage(content=text, source=self.name))

    done = await talk(Scripted(array(pick(1), pick(2))), 2, matcher=replace(MATCHER, maker=Rewording))
    assert {done.results[place].verdict.value["price"] for place in range(2)} == {6}


async def test_an_answer_from_the_cache_is_not_paid_for():
    class Kept(Scripted):
        async def complete(self, request: ChatRequest, stop: StopFactory | None = None) -> Completion:
            return replace(await super().complete(request, stop), cached=True)

    done = await talk(Kept(array(pick(1), pick(2))), 2)
    assert done.usage == Usage()
    assert done.sums(("cached", "saved_input_tokens", "saved_output_tokens")) == {
        "cached": 1, "saved_input_tokens": 101, "saved_output_tokens": 50
    }  # fmt: skip


ELEMENT = st.one_of(
    st.builds(lambda n, p: {"number": n, "of": f"R{n}", "price": p}, st.integers(0, 6), st.integers(-1, 5)),
    st.builds(lambda n: {"number": n, "of": f"R{n}", "lines": [{"number": 1}]}, st.integers(1, 4)),
    st.just({"of": "R1", "price": 1}),
    st.sampled_from([1, None, "x", [], [{"number": 1, "of": "R1", "price": 1}], {}]),
)
TEXT = st.builds(
    lambda elements, form, end, prose: prose + form(elements)[: end or None],
    st.lists(ELEMENT, max_size=6),
    st.sampled_from(
        [
            json.dumps,
            lambda e: json.dumps({"answers": e}),
            lambda e: json.dumps({"old": e, "answers": e}),
            lambda e: "\n".join(map(json.dumps, e)),
            lambda e: json.dumps({"lines": e, "number": 1, "of": "R1", "price": 1}),
        ]
    ),
    st.sampled_from([0, 0, -1, -9]),
    st.sampled_from(["", "So: ", '[1] {"number": 2, ', "<think>[{</think>"]),
)


@given(st.lists(TEXT, min_size=3, max_size=12), st.integers(1, 4), st.integers(1, 40), st.integers(0, 3))
@settings(max_examples=150, deadline=None)
def test_no_record_ever_gets_anothers_answer(texts: Sequence[str], count: int, size: int, broken: int) -> None:
    lines: list[Any] = [Said(text, size=size) for text in texts]
    lines[0].error = IncompleteError("broke") if broken == 1 else None
    lines[0].finish = "length" if broken == 2 else "stop"
    lines += [Said("", size=size)] * 20
    model = Scripted(*lines)
    done = asyncio.run(talk(model, count))
    assert sorted(done.results) == list(range(count))
    for place, result in done.results.items():
        if result.cause == "":
            assert result.verdict.value["of"] == f"R{place + 1}"
            assert result.verdict.value["price"] > 0
        else:
            assert result.reason
    reports: list[StepReport] = [result.report for result in done.results.values()]
    assert sum(report.calls for report in reports) == len(model.asked)
    ended = sum(line["kind"] == "received" for line in done.batch.audit)
    assert done.usage == Usage(101 * ended, 50 * ended)


def test_the_context_of_a_call_about_one_record_is_that_record():
    model = Scripted(array(pick(1)))
    asyncio.run(talk(model, 1))
    assert model.asked[0].context == CallContext("R1", "matches", "matcher")
